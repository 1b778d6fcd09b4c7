//! What a C file is compiled for: a byte order, and for sources that read registers, a processor.

use std::{fmt, str::FromStr};

use oxbpf_object::Endian;

use crate::error::{Error, ErrorKind};

/// A BPF target of clang: one byte order.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Target {
    /// Little endian: x86, arm64, riscv, most others.
    Bpfel,
    /// Big endian: s390x.
    Bpfeb,
}

impl Target {
    /// Both byte orders, which is what committed output holds.
    pub const ALL: [Self; 2] = [Self::Bpfel, Self::Bpfeb];

    /// The target of a byte order.
    #[must_use]
    pub fn of(endian: Endian) -> Self {
        match endian {
            Endian::Little => Self::Bpfel,
            Endian::Big => Self::Bpfeb,
        }
    }

    /// clang's name for it, also the middle part of the object's file name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bpfel => "bpfel",
            Self::Bpfeb => "bpfeb",
        }
    }

    /// The name of the object file for it: `exec_count.bpfel.o`.
    #[must_use]
    pub fn file_name(self, stem: &str) -> String {
        format!("{stem}.{self}.o")
    }

    /// Rust's name of the byte order, as in `cfg(target_endian = "little")`.
    #[must_use]
    pub fn endian_name(self) -> &'static str {
        match self {
            Self::Bpfel => "little",
            Self::Bpfeb => "big",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|target| target.name() == name)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidInput,
                    format!("`{name}` is no target: there are `bpfel` and `bpfeb`"),
                )
            })
    }
}

/// One object of several that a module embeds: for a byte order and, for sources that read
/// registers, a processor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Variant {
    /// The byte order.
    pub target: Target,
    /// The processor, if the object is for one alone.
    pub arch: Option<Arch>,
}

impl Variant {
    /// The name of the object file: `exec_count.bpfel.o`, with the processor in it where objects
    /// for several lie beside each other.
    pub(crate) fn file_name(self, stem: &str, several: bool) -> String {
        match self.arch {
            Some(arch) if several => self.target.file_name(&format!("{stem}.{arch}")),
            _ => self.target.file_name(stem),
        }
    }

    /// The name of a directory for what compiling it takes.
    pub(crate) fn directory(self) -> String {
        match self.arch {
            Some(arch) => format!("{}-{arch}", self.target),
            None => self.target.to_string(),
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.arch {
            Some(arch) => write!(f, "{} ({arch})", self.target),
            None => self.target.fmt(f),
        }
    }
}

/// A processor, for sources that use the macros of `bpf_tracing.h` which read its registers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Arch(&'static Row);

#[derive(Debug, Eq, PartialEq)]
struct Row {
    /// Rust's `target_arch`.
    name: &'static str,
    /// What libbpf's headers ask for: `__TARGET_ARCH_…`.
    define: &'static str,
    /// Where Debian and its like keep the processor's headers, by byte order.
    little: Option<&'static str>,
    big: Option<&'static str>,
}

#[rustfmt::skip]
const ARCHES: &[Row] = &[
    Row { name: "x86_64",      define: "x86",       little: Some("x86_64-linux-gnu"),       big: None },
    Row { name: "x86",         define: "x86",       little: Some("i386-linux-gnu"),         big: None },
    Row { name: "aarch64",     define: "arm64",     little: Some("aarch64-linux-gnu"),      big: None },
    Row { name: "arm",         define: "arm",       little: Some("arm-linux-gnueabihf"),    big: None },
    Row { name: "riscv64",     define: "riscv",     little: Some("riscv64-linux-gnu"),      big: None },
    Row { name: "riscv32",     define: "riscv",     little: Some("riscv32-linux-gnu"),      big: None },
    Row { name: "loongarch64", define: "loongarch", little: Some("loongarch64-linux-gnu"),  big: None },
    Row { name: "powerpc64",   define: "powerpc",   little: Some("powerpc64le-linux-gnu"),  big: Some("powerpc64-linux-gnu") },
    Row { name: "mips64",      define: "mips",      little: Some("mips64el-linux-gnuabi64"), big: Some("mips64-linux-gnuabi64") },
    Row { name: "s390x",       define: "s390",      little: None,                           big: Some("s390x-linux-gnu") },
    Row { name: "sparc64",     define: "sparc",     little: None,                           big: Some("sparc64-linux-gnu") },
];

impl Arch {
    /// The processor of this machine, if BPF programs can be compiled for it.
    #[must_use]
    pub fn host() -> Option<Self> {
        std::env::consts::ARCH.parse().ok()
    }

    /// Rust's name for it, as in `cfg(target_arch = "x86_64")`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The macro that libbpf's headers look at.
    #[must_use]
    pub fn define(self) -> &'static str {
        self.0.define
    }

    /// Whether it runs in this byte order.
    #[must_use]
    pub fn has(self, target: Target) -> bool {
        self.triple(target).is_some()
    }

    /// The directory below `/usr/include` that holds its headers on multiarch distributions.
    pub(crate) fn triple(self, target: Target) -> Option<&'static str> {
        match target {
            Target::Bpfel => self.0.little,
            Target::Bpfeb => self.0.big,
        }
    }

    /// Every directory below `/usr/include` that may hold a processor's headers.
    pub(crate) fn triples() -> impl Iterator<Item = &'static str> {
        ARCHES
            .iter()
            .flat_map(|row| [row.little, row.big])
            .flatten()
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl FromStr for Arch {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        ARCHES
            .iter()
            .find(|row| row.name == name)
            .map(Self)
            .ok_or_else(|| {
                let names: Vec<_> = ARCHES.iter().map(|row| row.name).collect();
                Error::new(
                    ErrorKind::InvalidInput,
                    format!(
                        "`{name}` is no processor that bpf2rs knows: there are {}",
                        names.join(", ")
                    ),
                )
            })
    }
}
