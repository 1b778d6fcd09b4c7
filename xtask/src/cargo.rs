//! Cargo, called by a task that cargo called.

use crate::json::Json;
use crate::process::{Context, Result, search_path, workspace};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The cargo that runs us, at the root of the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(workspace());
    if let Ok(path) = std::env::join_paths(search_path()) {
        cargo.env("PATH", path);
    }
    cargo
}

/// Builds, and gives what cargo reports about it.
pub(crate) fn messages(build: &mut Command) -> Result<Vec<Json>> {
    build.arg("--message-format=json-render-diagnostics");
    let output = build
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo")?;
    if !output.status.success() {
        return Err("it does not build".into());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines()
        .filter(|line| line.starts_with('{'))
        .map(Json::parse)
        .collect()
}

/// A program that is handed out.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) package: &'static str,
    pub(crate) name: &'static str,
    /// Cargo's profile that it is built with.
    pub(crate) profile: &'static str,
}

impl Program {
    pub(crate) const DEMO: Program = Program {
        package: "exec-count",
        name: "exec-count",
        profile: "small",
    };
}

/// Builds a program for any machine of this kind: optimised, and with everything it needs inside.
pub(crate) fn static_program(program: &Program) -> Result<PathBuf> {
    static_program_in(&workspace(), program)
}

/// The same out of a copy of the sources. What comes out does not depend on where they lie.
pub(crate) fn static_program_in(sources: &Path, program: &Program) -> Result<PathBuf> {
    let version = crate::process::output(Command::new("rustc").arg("-vV"))?;
    let version = String::from_utf8_lossy(&version).into_owned();
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .ok_or("rustc names no host")?;
    let mut build = cargo();
    build.current_dir(sources);
    let Program {
        package,
        name,
        profile,
    } = program;
    // With a target of its own, procedural macros and build scripts stay dynamic, as they must.
    build.args(["build", "--profile", profile, "--locked"]);
    build.args(["--package", package, "--bin", name, "--target", host]);
    // Messages of panics name source files: by the same names wherever they lie.
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))
        .ok_or("neither CARGO_HOME nor HOME is set")?;
    let flags = [
        "-Ctarget-feature=+crt-static".to_owned(),
        format!("--remap-path-prefix={}=/cargo", cargo_home.display()),
        format!("--remap-path-prefix={}=/oxbpf", sources.display()),
    ];
    build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    build.env_remove("RUSTFLAGS").env_remove("CARGO_TARGET_DIR");
    let messages = messages(&mut build)?;
    let built = messages
        .iter()
        .rev()
        .find_map(|message| message.get("executable").str());
    built
        .map(PathBuf::from)
        .ok_or_else(|| format!("{package} has no program").into())
}
