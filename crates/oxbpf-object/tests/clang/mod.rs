//! Compiles fixtures while the tests run.

// Each test takes what it needs.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object as _, ObjectSection as _, SectionKind};

/// Runs the first of `names` that exists, with the arguments; its standard output.
pub(crate) fn run(names: &[&str], args: &[&str]) -> Option<Vec<u8>> {
    for name in names {
        let Ok(output) = Command::new(name).args(args).output() else {
            continue;
        };
        assert!(
            output.status.success(),
            "{name} {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        return Some(output.stdout);
    }
    println!("skipped: none of {} is installed", names.join(", "));
    None
}

/// Compiles a C or assembler file with clang 19 or newer; `None` (and a line that says so) where
/// there is none.
pub(crate) fn compile(source: &Path, args: &[&str]) -> Option<Vec<u8>> {
    let mut all = args.to_vec();
    all.extend(["-c", "-o", "-", source.to_str()?]);
    match std::env::var("CLANG") {
        Ok(clang) => run(&[&clang], &all),
        Err(_) => run(&["clang-19", "clang-20", "clang-21", "clang-22"], &all),
    }
}

/// Path of a file under `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// Name and bytes of every section that holds instructions.
pub(crate) fn code_sections(elf: &[u8]) -> Vec<(String, Vec<u8>)> {
    object::File::parse(elf)
        .unwrap()
        .sections()
        .filter(|s| s.kind() == SectionKind::Text && s.size() > 0)
        .map(|s| (s.name().unwrap().to_owned(), s.data().unwrap().to_vec()))
        .collect()
}

/// The object without its debug information for people.
pub(crate) fn strip_debug(elf: &[u8]) -> Vec<u8> {
    let path = std::env::temp_dir().join(format!("oxbpf-strip-{}-{:p}.o", std::process::id(), elf));
    std::fs::write(&path, elf).unwrap();
    let strips = [
        "llvm-strip-19",
        "llvm-strip-20",
        "llvm-strip-21",
        "llvm-strip-22",
    ];
    let stripped =
        run(&strips, &["-g", path.to_str().unwrap()]).map(|_| std::fs::read(&path).unwrap());
    std::fs::remove_file(&path).unwrap();
    stripped.unwrap_or_else(|| elf.to_vec())
}
