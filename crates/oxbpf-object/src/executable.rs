//! Programs and libraries of user space, as far as probes need them: where in the file their functions begin.

use std::fmt;

use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{ElfFile, FileHeader};
use object::{Endianness, FileKind, Object, ObjectSegment, ObjectSymbol, SymbolKind};

/// A function in the file of a program or library.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Function<'d> {
    /// Its name, mangled where its language mangles names, without a version.
    pub name: &'d str,
    /// Its version, where the library gives its functions versions: `GLIBC_2.2.5`.
    pub version: Option<&'d str>,
    /// Where in the file its first instruction is, in bytes.
    pub offset: u64,
    /// How many bytes it has, as far as its symbol tells.
    pub size: u64,
    rank: Rank,
}

/// Who comes first among functions of the same name: the version that the linker would take, then what is not weak.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
struct Rank {
    is_old: bool,
    is_weak: bool,
}

/// The functions of a program or library (ELF, of either word size and byte order).
///
/// Those that its dynamic symbols name, and those of its symbol table where it has not been stripped.
#[derive(Clone, Debug, Default)]
pub struct Executable<'d> {
    functions: Vec<Function<'d>>,
}

impl<'d> Executable<'d> {
    /// Reads the symbols of a file.
    ///
    /// # Errors
    ///
    /// Where the file is no ELF file, or its parts contradict each other.
    pub fn parse(data: &'d [u8]) -> Result<Self, ExecutableError> {
        match FileKind::parse(data) {
            Ok(FileKind::Elf32) => Self::of::<FileHeader32<Endianness>>(data),
            Ok(FileKind::Elf64) => Self::of::<FileHeader64<Endianness>>(data),
            _ => Err(ExecutableError::NotElf),
        }
    }

    fn of<Elf: FileHeader>(data: &'d [u8]) -> Result<Self, ExecutableError> {
        let file = ElfFile::<'d, Elf>::parse(data)?;
        let versions = file.elf_section_table().versions(file.endian(), data)?;
        let version_of = |symbol: object::SymbolIndex| {
            let table = versions.as_ref()?;
            let index = table.version_index(file.endian(), symbol);
            let version = table.version(index.index()).ok().flatten()?;
            let name = std::str::from_utf8(version.name()).ok()?;
            Some((name, index.is_hidden()))
        };
        let function = |symbol: &object::read::elf::ElfSymbol<'d, '_, Elf>| {
            if symbol.kind() != SymbolKind::Text || !symbol.is_definition() {
                return None;
            }
            Some(Function {
                name: symbol.name().ok().filter(|name| !name.is_empty())?,
                version: None,
                offset: offset_of(&file, symbol.address())?,
                size: symbol.size(),
                rank: Rank {
                    is_old: false,
                    is_weak: symbol.is_weak(),
                },
            })
        };
        let dynamic = file.dynamic_symbols().filter_map(|symbol| {
            let mut function = function(&symbol)?;
            if let Some((version, is_hidden)) = version_of(symbol.index()) {
                function.version = Some(version);
                function.rank.is_old = is_hidden;
            }
            Some(function)
        });
        // In the symbol table, versions are parts of the names.
        let others = file.symbols().filter_map(|symbol| {
            let mut function = function(&symbol)?;
            let (name, version, is_old) = split(function.name);
            (function.name, function.version, function.rank.is_old) = (name, version, is_old);
            Some(function)
        });
        Ok(Self {
            functions: dynamic.chain(others).collect(),
        })
    }

    /// All functions; those that both tables have, twice.
    pub fn functions(&self) -> &[Function<'d>] {
        &self.functions
    }

    /// The function of a name, which may end in `@VERSION` or `@@VERSION`. Without a version, it is the one that the linker
    /// would take; a symbol that is not weak comes before one that is.
    ///
    /// # Errors
    ///
    /// [`NoFunction::Missing`] if there is none, [`NoFunction::Ambiguous`] if several that are equally good begin in different
    /// places.
    pub fn function(&self, name: &str) -> Result<Function<'d>, NoFunction> {
        let (plain, version, _) = split(name);
        let named = || {
            self.functions.iter().filter(|function| {
                function.name == plain && (version.is_none() || function.version == version)
            })
        };
        let best = named().min_by_key(|function| function.rank);
        let best = best.ok_or(NoFunction::Missing)?;
        let equals = named().filter(|other| other.rank == best.rank);
        let mut places: Vec<u64> = equals.map(|other| other.offset).collect();
        places.sort_unstable();
        places.dedup();
        match places.len() {
            1 => Ok(*best),
            _ => Err(NoFunction::Ambiguous(places)),
        }
    }
}

/// `NAME@VERSION` is an old version, `NAME@@VERSION` the one that is linked to.
fn split(name: &str) -> (&str, Option<&str>, bool) {
    match name.split_once('@') {
        Some((name, version)) => match version.strip_prefix('@') {
            Some(version) => (name, Some(version), false),
            None => (name, Some(version), true),
        },
        None => (name, None, false),
    }
}

/// Where in the file is what will be at this address: by the segments, which are what the kernel goes by.
fn offset_of<Elf: FileHeader>(file: &ElfFile<'_, Elf>, address: u64) -> Option<u64> {
    file.segments().find_map(|segment| {
        let (start, size) = segment.file_range();
        let within = address.checked_sub(segment.address())?;
        (within < size).then_some(start.checked_add(within)?)
    })
}

/// Why a file's functions are not known.
#[derive(Debug)]
#[non_exhaustive]
pub enum ExecutableError {
    /// It is no ELF file.
    NotElf,
    /// Its parts contradict each other.
    Corrupt(String),
}

impl From<object::Error> for ExecutableError {
    fn from(error: object::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}

impl fmt::Display for ExecutableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf => f.write_str("it is no program or library (ELF)"),
            Self::Corrupt(what) => write!(f, "it is damaged: {what}"),
        }
    }
}

impl std::error::Error for ExecutableError {}

/// Why a name does not lead to a function.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NoFunction {
    /// There is none of this name.
    Missing,
    /// There are several; where in the file they begin.
    Ambiguous(Vec<u64>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn sought_by_this_test() -> u32 {
        std::hint::black_box(7)
    }

    #[test]
    fn finds_a_function_of_this_program() {
        assert_eq!(sought_by_this_test(), 7);
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let this = Executable::parse(&bytes).unwrap();
        let is_sought = |function: &&Function<'_>| function.name.contains("sought_by_this_test");
        let mangled = this.functions().iter().find(is_sought).unwrap().name;
        let function = this.function(mangled).unwrap();
        let code = sought_by_this_test as fn() -> u32 as usize;
        // What is in memory is what the file has there.
        let at = usize::try_from(function.offset).unwrap();
        assert!(function.size > 0);
        assert_eq!(at % 4096, code % 4096);
        assert_eq!(this.function("no_such_function"), Err(NoFunction::Missing));
    }

    #[test]
    fn names_have_versions() {
        assert_eq!(split("f"), ("f", None, false));
        assert_eq!(split("f@V1"), ("f", Some("V1"), true));
        assert_eq!(split("f@@V2"), ("f", Some("V2"), false));
    }

    fn named(name: &'static str, offset: u64, is_old: bool, is_weak: bool) -> Function<'static> {
        Function {
            name,
            version: Some(if is_old { "V1" } else { "V2" }),
            offset,
            size: 1,
            rank: Rank { is_old, is_weak },
        }
    }

    #[test]
    fn the_best_of_a_name_is_taken() {
        let file = Executable {
            functions: vec![
                named("f", 1, true, false),
                named("f", 2, false, false),
                named("f", 2, false, false),
                named("w", 3, false, true),
                named("w", 4, false, false),
                named("two", 5, false, false),
                named("two", 6, false, false),
            ],
        };
        let offset = |name| file.function(name).map(|function| function.offset);
        assert_eq!(offset("f"), Ok(2));
        assert_eq!(offset("f@V1"), Ok(1));
        assert_eq!(offset("f@@V2"), Ok(2));
        assert_eq!(offset("f@V3"), Err(NoFunction::Missing));
        assert_eq!(offset("w"), Ok(4));
        assert_eq!(offset("two"), Err(NoFunction::Ambiguous(vec![5, 6])));
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(matches!(
            Executable::parse(b"#!/bin/sh\n"),
            Err(ExecutableError::NotElf)
        ));
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        // Cut off anywhere: no panic.
        for length in (0..bytes.len()).step_by(bytes.len() / 50 + 1) {
            let _ = Executable::parse(&bytes[..length]);
        }
    }
}
