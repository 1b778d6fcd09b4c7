//! The kernel's own BPF programs for testing itself, compiled from Debian's source package in every way that objects
//! differ: compilers, instruction sets, byte order, with and without types.

use crate::debian::{self, Package};
use crate::process::{Context, Result, Scratch, cache, find_program, output};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The suite and the packages that sources and headers come from: the source itself, libbpf's headers, and the kernel's
/// types as a header.
const SUITE: &str = "trixie";
const PACKAGES: &[&str] = &["linux-source-6.12", "libbpf-dev", "linux-bpf-dev"];

/// What of the kernel's source is needed.
const PARTS: &[&str] = &[
    "tools/testing/selftests/bpf",
    "tools/include",
    "include/uapi",
];

/// A way to compile.
#[derive(Debug)]
struct Variant {
    name: &'static str,
    /// The first of these that is there.
    compilers: &'static [&'static str],
    flags: &'static [&'static str],
    /// Of how many programs one is compiled.
    every: usize,
    /// Whether debug information is taken out afterwards. Types stay.
    strip: bool,
}

const CLANG: &[&str] = &["clang-19", "clang-20", "clang-21", "clang-22", "clang"];

const VARIANTS: &[Variant] = &[
    Variant {
        name: "clang",
        compilers: CLANG,
        flags: &["-g", "-mcpu=v3", "--target=bpfel"],
        every: 1,
        strip: true,
    },
    Variant {
        name: "v1",
        compilers: CLANG,
        flags: &["-g", "-mcpu=v1", "--target=bpfel"],
        every: 16,
        strip: true,
    },
    Variant {
        name: "v2",
        compilers: CLANG,
        flags: &["-g", "-mcpu=v2", "--target=bpfel"],
        every: 16,
        strip: true,
    },
    Variant {
        name: "v4",
        compilers: CLANG,
        flags: &["-g", "-mcpu=v4", "--target=bpfel"],
        every: 8,
        strip: true,
    },
    Variant {
        name: "dwarf",
        compilers: CLANG,
        flags: &["-g", "-mcpu=v3", "--target=bpfel"],
        every: 40,
        strip: false,
    },
    Variant {
        name: "untyped",
        compilers: CLANG,
        flags: &["-mcpu=v3", "--target=bpfel"],
        every: 16,
        strip: false,
    },
    Variant {
        name: "big-endian",
        compilers: CLANG,
        flags: &["-g", "-mcpu=v3", "--target=bpfeb"],
        every: 8,
        strip: true,
    },
    Variant {
        name: "clang-14",
        compilers: &["clang-14"],
        flags: &["-g", "-mcpu=v3", "--target=bpfel"],
        every: 8,
        strip: true,
    },
    Variant {
        name: "gcc",
        compilers: &["bpf-unknown-none-gcc", "bpf-gcc"],
        flags: &["-gbtf", "-mcpu=v3", "-mco-re"],
        every: 8,
        strip: false,
    },
];

/// The directory with all of them, by variant. What a compiler that is not there would make is left out.
pub(crate) fn objects() -> Result<PathBuf> {
    let sources = Sources::get()?;
    let objects = cache()?.join("objects/selftests");
    for variant in VARIANTS {
        let Some(compiler) = variant.compilers.iter().find_map(|name| find_program(name)) else {
            eprintln!(
                "no {}: selftests `{}` are left out",
                variant.compilers[0], variant.name
            );
            continue;
        };
        let dir = objects.join(variant.name);
        // What it says of itself and how it is called: other objects may come of another.
        let version = output(Command::new(&compiler).arg("--version"))?;
        let version = String::from_utf8_lossy(&version)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        let stamp = format!(
            "{} {version} {:?} {}\n",
            sources.version, variant.flags, variant.every
        );
        let stamp_file = dir.join("made-by");
        if std::fs::read_to_string(&stamp_file).is_ok_and(|made_by| made_by == stamp) {
            continue;
        }
        let _ = std::fs::remove_dir_all(&dir);
        let scratch = Scratch::new(&objects)?;
        let (made, failed) = compile(&sources, variant, &compiler, &scratch.0)?;
        eprintln!(
            "selftests `{}`: {made} compiled, {failed} not",
            variant.name
        );
        std::fs::write(scratch.0.join("made-by"), stamp).context("made-by")?;
        std::fs::rename(&scratch.0, &dir).context(dir.display())?;
    }
    Ok(objects)
}

/// Compiles the programs of a variant on all CPUs. Programs may not fit a compiler; how many did and did not is told.
fn compile(
    sources: &Sources,
    variant: &Variant,
    compiler: &Path,
    into: &Path,
) -> Result<(usize, usize)> {
    let programs = sources.tests.join("progs");
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&programs).context(programs.display())? {
        let file = entry.context(programs.display())?.path();
        files.extend(
            file.extension()
                .is_some_and(|end| end == "c")
                .then_some(file),
        );
    }
    files.sort();
    let files: Vec<PathBuf> = files.into_iter().step_by(variant.every).collect();
    let next = AtomicUsize::new(0);
    let made = AtomicUsize::new(0);
    let work = || {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            let object = into.join(format!("{stem}.bpf.o"));
            let mut cc = sources.compiler(variant, compiler);
            let compiled = cc.arg("-c").arg(file).arg("-o").arg(&object).status();
            if compiled.is_ok_and(|status| status.success()) && object.exists() {
                made.fetch_add(1, Ordering::Relaxed);
                if variant.strip {
                    strip(&object);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let made = made.into_inner();
    Ok((made, files.len() - made))
}

fn strip(object: &Path) {
    let strip = [
        "llvm-strip-19",
        "llvm-strip-20",
        "llvm-strip-21",
        "llvm-strip",
    ];
    if let Some(strip) = strip.iter().find_map(|name| find_program(name)) {
        let _ = Command::new(strip).arg("-g").arg(object).status();
    }
}

/// Unpacked sources and headers.
#[derive(Debug)]
struct Sources {
    version: String,
    tests: PathBuf,
    tree: PathBuf,
    headers: PathBuf,
}

impl Sources {
    fn get() -> Result<Sources> {
        let mut found = debian::packages(SUITE, |name| PACKAGES.contains(&name))?;
        found.sort_by(|a, b| a.version.cmp(&b.version));
        let newest = |name: &str| -> Result<&Package> {
            let package = found.iter().rev().find(|package| package.name == name);
            package.ok_or_else(|| format!("{SUITE} has no {name}").into())
        };
        let packages = PACKAGES
            .iter()
            .map(|name| newest(name))
            .collect::<Result<Vec<_>>>()?;
        let version = packages[0].version.0.clone();
        let home = cache()?.join("selftests");
        let dir = home.join(&version);
        if !dir.is_dir() {
            let scratch = Scratch::new(&home)?;
            let (unpacked, ready) = (scratch.0.join("unpacked"), scratch.0.join("ready"));
            for package in packages {
                package.unpack(&unpacked)?;
            }
            let tree = ready.join("linux");
            std::fs::create_dir_all(&tree).context(tree.display())?;
            let archive = unpacked.join("usr/src/linux-source-6.12.tar.xz");
            let parts = PARTS.iter().map(|part| format!("linux-source-6.12/{part}"));
            output(
                Command::new("tar")
                    .arg("-C")
                    .arg(&tree)
                    .args(["--strip-components=1", "-xf"])
                    .arg(archive)
                    .args(parts),
            )?;
            std::fs::rename(unpacked.join("usr/include"), ready.join("include"))
                .context("headers")?;
            std::fs::rename(&ready, &dir).context(dir.display())?;
        }
        let tree = dir.join("linux");
        Ok(Sources {
            version,
            tests: tree.join(PARTS[0]),
            tree,
            headers: dir.join("include"),
        })
    }

    /// A compiler called as the kernel's makefile calls it.
    fn compiler(&self, variant: &Variant, compiler: &Path) -> Command {
        let mut command = Command::new(compiler);
        command.args(variant.flags);
        command.args(["-O2", "-std=gnu11", "-fno-strict-aliasing", "-w"]);
        command.args([
            "-Werror=implicit-function-declaration",
            "-D__TARGET_ARCH_x86",
            "-DENABLE_ATOMICS_TESTS",
        ]);
        command
            .arg("-I")
            .arg(&self.tests)
            .arg("-I")
            .arg(self.tests.join("bpf_testmod"));
        command
            .arg("-I")
            .arg(&self.headers)
            .arg("-I")
            .arg(self.vmlinux());
        command.arg("-I").arg(self.tree.join("tools/include/uapi"));
        command.args([
            "-idirafter",
            "/usr/include/x86_64-linux-gnu",
            "-idirafter",
            "/usr/include",
        ]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// The directory of `vmlinux.h`.
    fn vmlinux(&self) -> PathBuf {
        let below = crate::kernel::files_below(&self.headers).unwrap_or_default();
        let header = below.into_iter().find(|file| file.ends_with("vmlinux.h"));
        header
            .and_then(|file| file.parent().map(Path::to_owned))
            .unwrap_or_default()
    }
}
