//! The peer of `bench/` that is written in Go, built with Debian's own Go and cilium/ebpf.

use crate::debian;
use crate::process::{Context, Result, cache, run, workspace};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian has the newest of both.
const SUITE: &str = "sid";
const LIBRARIES: &[&str] = &[
    "golang-github-cilium-ebpf-dev",
    "golang-golang-x-exp-dev",
    "golang-golang-x-sys-dev",
];

/// Builds the program into `directory`.
pub(crate) fn cilium(directory: &Path) -> Result<()> {
    let root = unpacked()?;
    let go = root.join("usr/lib/go");
    let source = workspace().join("bench/peers/cilium/main.go");
    run(Command::new(go.join("bin/go"))
        .args(["build", "-o"])
        .arg(directory.join("peer-cilium"))
        .arg(source)
        .env("GOROOT", go)
        .env("GOPATH", root.join("usr/share/gocode"))
        .env("GOCACHE", root.join("cache"))
        .env("GO111MODULE", "off")
        .env("CGO_ENABLED", "0"))
}

/// The packages, unpacked over one another; the newest Go is `usr/lib/go`.
fn unpacked() -> Result<PathBuf> {
    let root = cache()?.join("peer-cilium");
    if root.join("complete").exists() {
        return Ok(root);
    }
    std::fs::create_dir_all(&root).context(root.display())?;
    let compilers = debian::packages(SUITE, |name| version_of_go(name).is_some())?;
    let newest = compilers
        .iter()
        .filter_map(|package| version_of_go(&package.name))
        .max()
        .ok_or("Debian has no Go")?;
    let go = format!("go-1.{newest}");
    let parts = ["go", "src"].map(|part| format!("golang-1.{newest}-{part}"));
    let packages = debian::packages(SUITE, |name| {
        LIBRARIES.contains(&name) || parts.iter().any(|part| part == name)
    })?;
    for package in packages {
        package.unpack(&root)?;
    }
    // Its library is in a directory beside it, linked by a package that we have no need of.
    let program = root.join("usr/lib").join(&go);
    for name in ["src", "pkg", "lib"] {
        let (link, target) = (
            program.join(name),
            root.join("usr/share").join(&go).join(name),
        );
        if !link.exists() && target.exists() {
            let _ = std::fs::remove_file(&link);
            symlink(target, &link).context(link.display())?;
        }
    }
    symlink(go, root.join("usr/lib/go")).context(root.display())?;
    std::fs::write(root.join("complete"), "").context(root.display())?;
    Ok(root)
}

/// The minor version of the Go which a package of this name is.
fn version_of_go(name: &str) -> Option<u32> {
    let version = name.strip_prefix("golang-1.")?.strip_suffix("-go")?;
    version.parse().ok()
}
