//! What we depend on and what we hand out: rules for dependencies, their oldest versions, and the same bytes each time.

use crate::cargo::{cargo, static_program_in};
use crate::install::PROGRAMS;
use crate::process::{Context, Result, cache, find_program, output, run, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of cargo-deny whose rules `deny.toml` speaks.
const CARGO_DENY: &str = "^0.20";

pub(crate) const DENY_USAGE: &str = "";

/// Holds the dependencies to `deny.toml`, with cargo-deny, which is built if it is not there.
pub(crate) fn deny(_args: &[String]) -> Result<()> {
    let tools = cache()?.join("tools");
    let ours = tools.join("bin/cargo-deny");
    let program = match find_program("cargo-deny") {
        Some(program) => program,
        None => {
            if !ours.exists() {
                let install = [
                    "install",
                    "cargo-deny",
                    "--locked",
                    "--version",
                    CARGO_DENY,
                    "--root",
                ];
                run(cargo().args(install).arg(&tools))?;
            }
            ours
        }
    };
    let check = |what: &[&str]| {
        run(Command::new(&program)
            .current_dir(workspace())
            .arg("check")
            .args(what))
    };
    check(&["bans", "licenses", "sources"])?;
    // The list of advisories is fetched, which is not possible everywhere: that is not the same as having found one.
    let fetched = run(Command::new(&program)
        .current_dir(workspace())
        .args(["fetch", "db"]));
    if let Err(error) = fetched {
        return Err(format!(
            "{UNREACHABLE} ({error}); licences, versions and sources are as deny.toml has them"
        )
        .into());
    }
    run(Command::new(&program)
        .current_dir(workspace())
        .args(["--offline", "check", "advisories"]))
    .map_err(|error| format!("a dependency has an advisory, or was yanked: {error}").into())
}

const UNREACHABLE: &str =
    "whether there are advisories is not known, since the list of them could not be fetched";

pub(crate) const MINIMAL_USAGE: &str = "";

/// Checks the libraries with the oldest versions of what they ask for, as `Cargo.toml` has them.
pub(crate) fn minimal_versions(_args: &[String]) -> Result<()> {
    let sources = copy_of_sources("minimal-versions")?;
    let mut update = cargo();
    // Choosing them is not stable yet.
    update.current_dir(&sources).env("RUSTC_BOOTSTRAP", "1");
    run(update.args(["update", "-Zdirect-minimal-versions"]))?;
    let mut check = cargo();
    check.current_dir(&sources).env(
        "CARGO_TARGET_DIR",
        workspace().join("target/minimal-versions/target"),
    );
    let packages = ["oxbpf-object", "oxbpf", "bpf2rs", "oxbpf-derive"];
    run(check
        .arg("check")
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .arg("--all-features"))
}

pub(crate) const REPRODUCIBLE_USAGE: &str = "[PROGRAM...]";

/// Builds what is handed out twice, in two places, and compares.
pub(crate) fn reproducible(args: &[String]) -> Result<()> {
    let places = ["reproducible/a", "reproducible/another/place"];
    let places = places.map(copy_of_sources);
    for program in PROGRAMS {
        if !args.is_empty() && !args.iter().any(|name| name == program.name) {
            continue;
        }
        let mut builds = Vec::new();
        for place in &places {
            let place = place.as_ref().map_err(|error| error.to_string())?;
            let built = static_program_in(place, program)?;
            builds.push(std::fs::read(&built).context(built.display())?);
        }
        match builds.as_slice() {
            [one, other] if one == other => {
                println!("{}: the same {} bytes", program.name, one.len())
            }
            _ => return Err(format!("{}: two builds differ", program.name).into()),
        }
    }
    Ok(())
}

/// Copies what belongs to the project to a directory under `target`.
fn copy_of_sources(name: &str) -> Result<PathBuf> {
    let place = workspace().join("target").join(name);
    let list = output(
        Command::new("git")
            .current_dir(workspace())
            .args(["ls-files", "-z"]),
    )?;
    for file in String::from_utf8_lossy(&list).split_terminator('\0') {
        let (from, to) = (workspace().join(file), place.join(file));
        std::fs::create_dir_all(to.parent().unwrap_or(Path::new("/"))).context(to.display())?;
        // Only what has changed, so that cargo builds no more than that.
        if std::fs::read(&from).ok() != std::fs::read(&to).ok() {
            std::fs::copy(&from, &to).context(file)?;
        }
    }
    Ok(place)
}
