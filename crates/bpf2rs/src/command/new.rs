//! `new`: a project that builds and runs at once.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use heck::ToSnakeCase;

use crate::{
    codegen::names::is_keyword,
    error::{Error, ErrorKind, Result},
};

/// Make a project that builds and runs at once
///
/// It has a BPF program that sends an event for each program that is started, and prints the events:
/// `cd NAME && cargo run`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The directory to make; its last part is the name of the package
    path: PathBuf,

    /// A copy of oxbpf's sources to build with, instead of the published crates
    #[arg(long, value_name = "DIR")]
    oxbpf: Option<PathBuf>,
}

/// Where each file goes, and what is in it. `{name}`, `{module}`, `{version}` and `{patch}` are
/// filled in.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("template/Cargo.toml.in")),
    (".gitignore", "/target\n"),
    (
        ".cargo/config.toml",
        include_str!("template/config.toml.in"),
    ),
    ("build.rs", include_str!("template/build.rs.in")),
    ("src/main.rs", include_str!("template/main.rs.in")),
    ("src/bpf/{module}.bpf.c", include_str!("template/bpf.c.in")),
];

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = &arguments.path;
    let name = checked_name(root)?;
    let patch = match &arguments.oxbpf {
        Some(sources) => patch(sources)?,
        None => String::new(),
    };
    fs::create_dir(root).map_err(|e| Error::io("creating", root, e))?;
    let filled = |text: &str| {
        text.replace("{name}", &name)
            .replace("{module}", &name.to_snake_case())
            .replace("{version}", env!("CARGO_PKG_VERSION"))
            .replace("{patch}", &patch)
    };
    for (path, text) in FILES {
        let path = root.join(filled(path));
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(|e| Error::io("creating", directory, e))?;
        }
        fs::write(&path, filled(text)).map_err(|e| Error::io("writing", &path, e))?;
    }
    println!("cd {} && cargo run", root.display());
    Ok(ExitCode::SUCCESS)
}

/// The name of the package in a directory of this name.
fn checked_name(root: &Path) -> Result<String> {
    let name = root.file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_module = !is_keyword(&name.to_snake_case());
    if is_module && name.chars().all(fits) && name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Ok(name.to_owned());
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!("`{name}` cannot be the name of a package and its module"),
    )
    .with_remedy("use letters, digits, `-` and `_`, and no keyword"))
}

/// What has cargo use a copy of the sources.
fn patch(sources: &Path) -> Result<String> {
    let mut patch = String::from("\n[patch.crates-io]\n");
    for name in ["bpf2rs", "oxbpf", "oxbpf-derive", "oxbpf-object"] {
        let path = sources.join("crates").join(name);
        let path = path.canonicalize().map_err(|error| {
            Error::io("opening", &path, error)
                .with_remedy("`--oxbpf` takes the directory that holds oxbpf's `crates`")
        })?;
        // A string of TOML, as Rust writes one.
        patch.push_str(&format!(
            "{name} = {{ path = {:?} }}\n",
            path.display().to_string()
        ));
    }
    Ok(patch)
}
