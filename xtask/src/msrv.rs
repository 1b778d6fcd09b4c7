//! The libraries, built with the oldest Rust they promise to work with.

use crate::cargo::cargo;
use crate::debian;
use crate::process::{Context, Result, cache, find_program, output, root, run, workspace};
use std::process::Command;

pub(crate) const USAGE: &str = "";

/// The promise, as in the `rust-version` of the workspace.
const OLDEST: &str = "1.85";

/// The Debian release whose own Rust is just that version.
const SUITE: &str = "trixie";

const CHECK: &[&str] = &[
    "check",
    "--locked",
    "--package",
    "oxbpf-object",
    "--package",
    "oxbpf",
    "--package",
    "bpf2rs",
    "--lib",
];

pub(crate) fn main(_args: &[String]) -> Result<()> {
    let manifest = std::fs::read_to_string(workspace().join("Cargo.toml")).context("Cargo.toml")?;
    if !manifest.contains(&format!("rust-version = \"{OLDEST}\"")) {
        return Err(format!("Cargo.toml promises another Rust than {OLDEST}").into());
    }
    let toolchain = Command::new("rustup")
        .args(["run", OLDEST, "rustc", "--version"])
        .output();
    if toolchain.is_ok_and(|output| output.status.success()) {
        eprintln!("msrv: with rustup's {OLDEST}");
        let mut check = Command::new("rustup");
        check
            .args(["run", OLDEST, "cargo"])
            .args(CHECK)
            .current_dir(workspace());
        return run(check
            .env("CARGO_TARGET_DIR", "target/msrv")
            .env_remove("RUSTUP_TOOLCHAIN"));
    }
    in_debian()
}

/// In a root directory of its own, where Debian's Rust is.
fn in_debian() -> Result<()> {
    let rootfs = cache()?.join(format!("rootfs-{SUITE}"));
    if !rootfs.join("usr/bin/cargo").exists() {
        if find_program("debootstrap").is_none() {
            return Err(format!("neither rustup's {OLDEST} nor debootstrap here; `rustup toolchain install {OLDEST}` or `apt-get install debootstrap`").into());
        }
        eprintln!("msrv: making {} with Debian's Rust", rootfs.display());
        let mut bootstrap = root("debootstrap");
        bootstrap.args(["--variant=minbase", "--include=cargo,rustc,gcc,libc6-dev"]);
        output(
            bootstrap
                .arg(SUITE)
                .arg(&rootfs)
                .arg(debian::archive(SUITE)?),
        )?;
    }
    let version = output(root("chroot").arg(&rootfs).args(["rustc", "--version"]))?;
    let version = String::from_utf8_lossy(&version).into_owned();
    if !version.contains(&format!(" {OLDEST}.")) {
        return Err(format!("{SUITE} has {} and not {OLDEST}", version.trim()).into());
    }
    eprintln!("msrv: with Debian's {}", version.trim());
    // Inside, the workspace is /src; what cargo builds there stays there.
    let vendored = workspace().join("target/msrv/vendor");
    let config = output(
        cargo()
            .args(["vendor", "--locked", "--versioned-dirs"])
            .arg(&vendored),
    )?;
    let config = String::from_utf8_lossy(&config).replace(&*workspace().to_string_lossy(), "/src");
    let config_file = workspace().join("target/msrv/config.toml");
    std::fs::write(&config_file, config).context(config_file.display())?;
    // The mount is gone with the process that made it.
    let script = r#"set -e
mkdir -p "$1/src"
mount --bind "$2" "$1/src"
root=$1
shift 2
exec chroot "$root" sh -c 'cd /src && exec cargo "$@"' sh "$@""#;
    let mut check = root("unshare");
    check
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(&rootfs)
        .arg(workspace())
        .args(CHECK);
    let inside = [
        "--offline",
        "--config",
        "/src/target/msrv/config.toml",
        "--target-dir",
        "/target",
    ];
    run(check.args(inside).env_remove("CARGO"))
}
