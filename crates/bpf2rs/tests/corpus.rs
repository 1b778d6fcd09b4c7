//! Real objects, from Debian's packages and the kernel's tests: each gives a module that rustc takes
//! without a warning. `cargo xtask conformance` fetches them; without, there is nothing to do here.

mod common;

use std::{
    collections::HashSet,
    env,
    path::{Path, PathBuf},
};

use bpf2rs::{Builder, ErrorKind, Target};
use common::{Project, Run, cargo};

/// How many objects of the sample are tried by default: as many as take seconds.
const FEW: usize = 12;

/// How many objects make one crate: rustc takes memory for all of its modules.
const MANY: usize = 150;

/// Where the objects are.
fn cache() -> Option<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => Path::new(&env::var_os("HOME")?).join(".cache"),
    };
    Some(cache.join("oxbpf/objects"))
}

/// All objects below a directory of the cache, in an order that is always the same.
fn objects(directory: &str) -> Vec<PathBuf> {
    fn collect(directory: &Path, into: &mut Vec<PathBuf>) {
        for entry in directory.read_dir().into_iter().flatten().flatten() {
            let path = entry.path();
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if path.is_dir() && !is_hidden {
                collect(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "o") {
                into.push(path);
            }
        }
    }
    let mut objects = Vec::new();
    if let Some(cache) = cache() {
        collect(&cache.join(directory), &mut objects);
    }
    objects.sort();
    objects
}

/// Generates a module for each object, and has rustc look at all of them.
fn check(objects: &[PathBuf]) {
    let mut seen = HashSet::new();
    let wrong: Vec<_> = objects
        .chunks(MANY)
        .flat_map(|some| wrong(some, &mut seen))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} modules of {} objects", seen.len(), objects.len());
}

/// What is wrong with the modules of some objects, of those that were not seen before.
fn wrong(objects: &[PathBuf], seen: &mut HashSet<Vec<u8>>) -> Vec<String> {
    let project = Project::new();
    project.write(
        "Cargo.toml",
        "[package]\nname = \"corpus\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\noxbpf = \"0.1.0\"\n",
    );
    let mut root = String::from("#![deny(warnings)]\n");
    let mut failed = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        let name = format!("m{number}");
        let output = match Builder::new(object).name(&name).generate() {
            Ok(output) => output,
            // What cannot be loaded either: parts to be linked, objects without types that need them.
            Err(error) if error.kind() == ErrorKind::InvalidObject => continue,
            Err(error) => {
                failed.push(format!("{}: {error}", object.display()));
                continue;
            }
        };
        // Of the same object in two releases, one is enough; of one for other machines, rustc here
        // would see nothing.
        let native = if cfg!(target_endian = "big") {
            Target::Bpfeb
        } else {
            Target::Bpfel
        };
        let Some(bytes) = output.object(native) else {
            continue;
        };
        if !seen.insert(bytes.to_vec()) {
            continue;
        }
        output.write(&project.path().join("src")).unwrap();
        root.push_str(&format!("pub mod {name};\n"));
    }
    project.write("src/lib.rs", &root);
    let run = Run::of(&mut cargo(
        project.path(),
        &["check", "--message-format=short"],
    ));
    let said = run.err.lines().filter(|line| line.starts_with("src/"));
    failed.extend(said.map(|line| {
        let number = line
            .strip_prefix("src/m")
            .and_then(|rest| rest.split('.').next()?.parse::<usize>().ok());
        let object = number.and_then(|number| objects.get(number));
        format!(
            "{}: {line}",
            object.map_or(Path::new("?"), |path| path).display()
        )
    }));
    if failed.is_empty() && run.code != Some(0) {
        failed.push(run.err);
    }
    failed
}

#[test]
fn a_few_real_objects_give_modules_without_warnings() {
    let sample = objects("debian-sample");
    if sample.is_empty() {
        println!("SKIP a_few_real_objects_give_modules_without_warnings: none were fetched");
        return;
    }
    let step = sample.len().div_ceil(FEW);
    let few: Vec<_> = sample.into_iter().step_by(step).collect();
    check(&few);
}

#[test]
#[ignore = "minutes of rustc: for `make conformance`"]
fn all_real_objects_give_modules_without_warnings() {
    let all = ["debian", "selftests"].map(objects).concat();
    assert!(
        !all.is_empty(),
        "no objects: `cargo xtask conformance` fetches them"
    );
    check(&all);
}
