//! What building and testing needs beside Rust, installed where it is missing.

use crate::cargo::cargo;
use crate::process::{Context, Result, find_program, libraries, output, root, run};
use std::path::Path;
use std::process::Command;

/// How we see that something is there.
enum Sign {
    /// One of these programs.
    Program(&'static [&'static str]),
    File(&'static str),
}

/// Something we need, and the packages that bring it, the best first.
pub(crate) struct Need {
    sign: Sign,
    packages: &'static [&'static str],
}

const fn program(names: &'static [&'static str], packages: &'static [&'static str]) -> Need {
    Need {
        sign: Sign::Program(names),
        packages,
    }
}

const NEEDS: &[Need] = &[
    // What compiles BPF programs, and what we compare our reading of them with.
    program(
        &[
            "clang", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16",
        ],
        &["clang-19", "clang"],
    ),
    program(
        &[
            "llvm-strip",
            "llvm-strip-21",
            "llvm-strip-20",
            "llvm-strip-19",
            "llvm-strip-18",
        ],
        &["llvm-19", "llvm"],
    ),
    program(
        &[
            "llvm-objdump",
            "llvm-objdump-21",
            "llvm-objdump-20",
            "llvm-objdump-19",
        ],
        &["llvm-19", "llvm"],
    ),
    Need {
        sign: Sign::File("/usr/include/bpf/bpf_helpers.h"),
        packages: &["libbpf-dev"],
    },
    Need {
        sign: Sign::File("/usr/include/linux/bpf.h"),
        packages: &["linux-libc-dev"],
    },
    program(&["bpftool"], &["bpftool", "linux-tools-generic"]),
    // What libbpf, which we compare with, is compiled with.
    program(&["cc"], &["gcc"]),
    program(&["make"], &["make"]),
    program(&["pkg-config"], &["pkgconf", "pkg-config"]),
    Need {
        sign: Sign::File("/usr/include/libelf.h"),
        packages: &["libelf-dev"],
    },
    Need {
        sign: Sign::File("/usr/include/zlib.h"),
        packages: &["zlib1g-dev"],
    },
    program(&["openssl"], &["openssl"]),
    // What test machines are made of.
    program(&["qemu-system-x86_64"], &["qemu-system-x86"]),
    program(&["busybox"], &["busybox-static"]),
    program(&["curl"], &["curl"]),
    program(&["gpgv"], &["gpgv"]),
    Need {
        sign: Sign::File(crate::debian::KEYRING),
        packages: &["debian-archive-keyring"],
    },
    program(&["dpkg-deb"], &["dpkg"]),
    program(&["xz"], &["xz-utils"]),
    program(&["zstd"], &["zstd"]),
    program(&["lz4"], &["lz4"]),
    program(&["strip"], &["binutils"]),
    program(&["cpio"], &["cpio"]),
    program(&["ip"], &["iproute2"]),
    Need {
        sign: Sign::File("/etc/ssl/certs/ca-certificates.crt"),
        packages: &["ca-certificates"],
    },
];

/// What measuring needs beside that: what counts instructions.
pub(crate) const BENCH: &[Need] = &[program(&["valgrind"], &["valgrind"])];

/// Parts of the Rust toolchain that distributions package apart.
const COMPONENTS: &[(&str, &str, &str)] = &[
    ("cargo-fmt", "rustfmt", "rustfmt"),
    ("cargo-clippy", "clippy", "rust-clippy"),
];

pub(crate) const USAGE: &str = "";

pub(crate) fn main(_args: &[String]) -> Result<()> {
    let components: Vec<_> = COMPONENTS
        .iter()
        .filter(|(program, ..)| !has_component(program))
        .collect();
    let mut packages: Vec<&'static [&'static str]> = Vec::new();
    if !components.is_empty() {
        if find_program("rustup").is_some() {
            let names = components.iter().map(|(_, component, _)| component);
            run(Command::new("rustup")
                .args(["component", "add"])
                .args(names))?;
        } else {
            packages.extend(
                components
                    .iter()
                    .map(|(_, _, package)| std::slice::from_ref(package)),
            );
        }
    }
    install(NEEDS, packages)
}

/// Installs what is missing of these, and these packages.
pub(crate) fn install(needs: &[Need], mut missing: Vec<&'static [&'static str]>) -> Result<()> {
    missing.extend(
        needs
            .iter()
            .filter(|need| !need.is_met())
            .map(|need| need.packages),
    );
    if missing.is_empty() {
        eprintln!("setup: everything is there");
        return Ok(());
    }
    if find_program("apt-get").is_none() {
        let names: Vec<&str> = missing
            .iter()
            .filter_map(|packages| packages.first().copied())
            .collect();
        return Err(format!(
            "this is no Debian or Ubuntu; install what these packages bring there: {}",
            names.join(", ")
        )
        .into());
    }
    apt(&["update", "-qq"])?;
    let mut packages: Vec<&str> = missing.into_iter().map(choose).collect::<Result<_>>()?;
    packages.sort();
    packages.dedup();
    eprintln!("setup: installing {}", packages.join(" "));
    apt(&[
        &["install", "-qq", "-y", "--no-install-recommends"],
        packages.as_slice(),
    ]
    .concat())?;
    match needs.iter().find(|need| !need.is_met()) {
        Some(need) => Err(format!(
            "{} is installed, but what we need of it is not there",
            need.packages.join(" or ")
        )
        .into()),
        None => Ok(()),
    }
}

impl Need {
    fn is_met(&self) -> bool {
        match self.sign {
            // A busybox that is not static is no use inside a test machine.
            Sign::Program(["busybox"]) => {
                find_program("busybox").is_some_and(|file| libraries(&file).is_empty())
            }
            Sign::Program(names) => names.iter().any(|name| find_program(name).is_some()),
            Sign::File(path) => Path::new(path).exists(),
        }
    }
}

fn has_component(program: &str) -> bool {
    // What rustup puts there may be a pointer to nothing.
    let subcommand = program.trim_start_matches("cargo-");
    output(cargo().args([subcommand, "--version"])).is_ok()
}

/// The first of several packages that apt knows.
fn choose(packages: &'static [&'static str]) -> Result<&'static str> {
    for package in packages {
        let policy = output(Command::new("apt-cache").args(["policy", package]))?;
        if String::from_utf8_lossy(&policy).lines().any(|line| {
            line.trim()
                .strip_prefix("Candidate: ")
                .is_some_and(|version| version != "(none)")
        }) {
            return Ok(package);
        }
    }
    Err(format!("apt has no package {}", packages.join(" or ")).into())
}

fn apt(args: &[&str]) -> Result<()> {
    // What it says is worth reading only if it fails.
    output(
        root("env")
            .arg("DEBIAN_FRONTEND=noninteractive")
            .arg("apt-get")
            .args(args),
    )
    .map(drop)
    .context("apt")
}
