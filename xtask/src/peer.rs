//! Whom we measure ourselves against: the peer of `bench/` that is written in Go, built with Debian's own Go and cilium/ebpf, and
//! the programs beside which the `oxbpf` command is.

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

/// Debian's newest `bpftool` and `veristat`, and what they need to run on any system.
const TOOLS: &[&str] = &[
    "bpftool",
    "veristat",
    "libbpf1",
    "libc6",
    "libcap2",
    "libelf1t64",
    "libssl3t64",
    "libzstd1",
    "zlib1g",
];

/// Programs of another release of Debian than this, with that one's libraries.
#[derive(Debug)]
pub(crate) struct Tools {
    root: PathBuf,
}

impl Tools {
    pub(crate) fn get() -> Result<Tools> {
        let root = cache()?.join("peer-tools");
        if !root.join("complete").exists() {
            std::fs::create_dir_all(&root).context(root.display())?;
            for package in debian::packages(SUITE, |name| TOOLS.contains(&name))? {
                package.unpack(&root)?;
            }
            std::fs::write(root.join("complete"), "").context(root.display())?;
        }
        Ok(Tools { root })
    }

    /// The words that a command begins with to run one of them.
    pub(crate) fn program(&self, name: &str) -> Result<Vec<String>> {
        let usr = self.root.join("usr");
        let found = ["bin", "sbin"].map(|bin| usr.join(bin).join(name));
        let program = found
            .iter()
            .find(|path| path.exists())
            .ok_or(format!("Debian's package has no {name}"))?;
        let words = [
            usr.join("lib64/ld-linux-x86-64.so.2"),
            "--library-path".into(),
            usr.join("lib/x86_64-linux-gnu"),
            program.clone(),
        ];
        Ok(words.map(|word| word.display().to_string()).to_vec())
    }
}
