//! `all`: every program that a `Cargo.toml` lists.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::Args;
use serde_json::{Map, Value};

use super::{fail, generate};
use crate::{
    Builder, Check,
    compile::absolute_paths,
    error::{Error, ErrorKind, Result},
};

/// Generate the modules of all programs that Cargo.toml lists
///
/// The packages of the workspace list them, for instance so:
///
/// [package.metadata.bpf2rs]
/// output-dir = "src/bpf"
/// cflags = ["-Wall"]
///
/// [package.metadata.bpf2rs.programs]
/// execsnoop = "src/bpf/execsnoop.bpf.c"
/// firewall = { sources = ["src/bpf/main.bpf.c", "src/bpf/rules.bpf.c"], types = ["verdict"] }
///
/// Settings are `output-dir`, `cflags`, `types`, `target`, `arch`, `vmlinux`, `minimal-vmlinux`,
/// `strip` and `embed`. Those of a program come after, or replace, those of all.
#[derive(Args, Debug, Default)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// Write nothing; say what differs from the files that are there, and fail if anything does
    #[arg(long)]
    check: bool,

    /// Generate though nothing has changed since the last time
    #[arg(long)]
    force: bool,

    /// Cargo.toml of the package or workspace
    #[arg(long, value_name = "FILE")]
    manifest_path: Option<PathBuf>,

    /// Only this package (repeatable)
    #[arg(long, short, value_name = "NAME")]
    package: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let metadata = metadata(arguments.manifest_path.as_deref())?;
    let programs = programs(&metadata, &arguments.package)?;
    if programs.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "no package lists programs in its `Cargo.toml`",
        )
        .with_remedy("`bpf2rs all --help` shows how, `bpf2rs NAME FILE.c` takes one"));
    }
    let mut all = Check::default();
    let mut failed = false;
    for (builder, module) in programs {
        let result = if arguments.check {
            check(&builder, &module).map(|check| {
                all.differences.extend(check.differences);
                all.notes.extend(check.notes);
            })
        } else {
            generate::write(builder, &module, None, arguments.force)
        };
        // The others may be right.
        if let Err(error) = result {
            fail(&error);
            failed = true;
        }
    }
    let code = generate::report(&all);
    Ok(if failed { ExitCode::FAILURE } else { code })
}

fn check(builder: &Builder, module: &Path) -> Result<Check> {
    let output = builder.generate()?;
    eprint!("{}", output.warnings());
    output.check(module.parent().unwrap_or(Path::new(".")))
}

/// What cargo knows of the packages.
fn metadata(manifest: Option<&Path>) -> Result<Value> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--no-deps", "--format-version=1"]);
    if let Some(manifest) = manifest {
        command.arg("--manifest-path").arg(manifest);
    }
    let failed = |why: String| {
        Error::new(
            ErrorKind::InvalidInput,
            format!("asking cargo for the packages failed: {why}"),
        )
    };
    let output = command.output().map_err(|e| failed(e.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(failed(said.trim().to_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| failed(e.to_string()))
}

/// All programs of the packages, and their modules.
fn programs(metadata: &Value, wanted: &[String]) -> Result<Vec<(Builder, PathBuf)>> {
    let mut programs = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(config) = package["metadata"].get("bpf2rs") else {
            continue;
        };
        if !wanted.is_empty() && !wanted.iter().any(|one| one == name) {
            continue;
        }
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let root = manifest.parent().unwrap_or(Path::new("."));
        let found = of_package(config, root);
        programs.extend(found.map_err(|Misfit(path, what)| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("`package.metadata.bpf2rs{path}` of package `{name}` {what}"),
            )
        })?);
    }
    Ok(programs)
}

/// Where a setting is that cannot be, and what is wrong with it.
struct Misfit(String, String);

fn misfit<T>(path: &str, what: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit(path.to_owned(), what.into()))
}

fn of_package(config: &Value, root: &Path) -> Result<Vec<(Builder, PathBuf)>, Misfit> {
    let Some(config) = config.as_object() else {
        return misfit("", "is no table");
    };
    let mut common = config.clone();
    let programs = common.remove("programs").unwrap_or_default();
    let Some(programs) = programs.as_object() else {
        return misfit(".programs", "is no table");
    };
    let of = |(name, program): (&String, &Value)| {
        let path = format!(".programs.{name}");
        let own = match program {
            Value::String(source) => {
                Map::from_iter([("sources".to_owned(), Value::from(vec![source.clone()]))])
            }
            Value::Object(own) => own.clone(),
            _ => return misfit(&path, "is neither a path nor a table"),
        };
        program_of(name, &path, &common, &own, root)
    };
    programs.iter().map(of).collect()
}

fn program_of(
    name: &str,
    path: &str,
    common: &Map<String, Value>,
    own: &Map<String, Value>,
    root: &Path,
) -> Result<(Builder, PathBuf), Misfit> {
    let sources = match own.get("sources") {
        Some(sources) => strings(sources, &format!("{path}.sources"))?,
        None => Vec::new(),
    };
    let mut sources = sources.iter().map(|source| root.join(source));
    let Some(first) = sources.next() else {
        return misfit(path, "has no `sources`");
    };
    let mut directory = first.parent().unwrap_or(root).to_path_buf();
    let mut builder = sources.fold(Builder::new(first).name(name), Builder::source);
    for (settings, path) in [(common, ""), (own, path)] {
        for (key, value) in settings {
            let path = format!("{path}.{key}");
            builder = match key.as_str() {
                "sources" if !std::ptr::eq(settings, common) => builder,
                "output-dir" => {
                    directory = root.join(string(value, &path)?);
                    builder
                }
                // Wherever the command is run.
                "cflags" => builder.cflags(absolute_paths(&words(value, &path)?, root)),
                "types" => strings(value, &path)?
                    .iter()
                    .fold(builder, Builder::generate_type),
                "target" => parsed(value, &path)?
                    .into_iter()
                    .fold(builder, Builder::target),
                "arch" => parsed(value, &path)?
                    .into_iter()
                    .fold(builder, Builder::arch),
                "vmlinux" => builder.vmlinux(root.join(string(value, &path)?)),
                "minimal-vmlinux" => builder.minimal_vmlinux(boolean(value, &path)?),
                "strip" => builder.strip(boolean(value, &path)?),
                "embed" => builder.embed(boolean(value, &path)?),
                _ => return misfit(&path, "is no setting that bpf2rs knows"),
            };
        }
    }
    Ok((builder, directory.join(format!("{name}.rs"))))
}

fn string<'a>(value: &'a Value, path: &str) -> Result<&'a str, Misfit> {
    match value.as_str() {
        Some(text) => Ok(text),
        None => misfit(path, "is no string"),
    }
}

fn boolean(value: &Value, path: &str) -> Result<bool, Misfit> {
    match value.as_bool() {
        Some(boolean) => Ok(boolean),
        None => misfit(path, "is neither true nor false"),
    }
}

/// A string, or several.
fn strings(value: &Value, path: &str) -> Result<Vec<String>, Misfit> {
    match value {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(all) => all
            .iter()
            .map(|one| string(one, path).map(str::to_owned))
            .collect(),
        _ => misfit(path, "is neither a string nor a list of strings"),
    }
}

fn words(value: &Value, path: &str) -> Result<Vec<OsString>, Misfit> {
    let words = strings(value, path)?;
    Ok(words.into_iter().map(OsString::from).collect())
}

fn parsed<T: std::str::FromStr<Err = Error>>(value: &Value, path: &str) -> Result<Vec<T>, Misfit> {
    let words = strings(value, path)?;
    words
        .iter()
        .map(|word| {
            word.parse()
                .or_else(|e: Error| misfit(path, format!("is wrong: {e}")))
        })
        .collect()
}
