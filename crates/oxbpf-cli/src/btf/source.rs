//! Where types are: what `oxbpf btf` takes for an argument.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail};
use oxbpf::btf::KernelBtf;
use oxbpf::{Map, Program};
use oxbpf_object::btf::{Btf, Error, Kind, TypeId};

use crate::suggestion::suggestion;

/// Help for arguments of this type.
macro_rules! help {
    () => {
        "Where the types are: `kernel`, `module:NAME`, `prog:ID`, `map:ID`, `btf:ID`, or a file (BTF, BPF object, kernel image)"
    };
}
pub(crate) use help;

/// Where types are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Kernel,
    Module(String),
    Program(u32),
    Map(u32),
    Id(u32),
    File(PathBuf),
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Source, String> {
        let id = |id: &str| {
            id.parse::<u32>()
                .map_err(|_| format!("`{id}` is no number of a program, a map or a BTF"))
        };
        Ok(match text.split_once(':') {
            None if text == "kernel" => Source::Kernel,
            Some(("module", name)) => Source::Module(name.to_owned()),
            Some(("prog", number)) => Source::Program(id(number)?),
            Some(("map", number)) => Source::Map(id(number)?),
            Some(("btf", number)) => Source::Id(id(number)?),
            _ => Source::File(text.into()),
        })
    }
}

impl Source {
    /// Reads the types.
    pub(crate) fn read(&self) -> anyhow::Result<Btf> {
        match self {
            Source::Kernel => Ok(KernelBtf::running()?.types().clone()),
            Source::Module(name) => Ok(oxbpf::btf::of_module(name)?),
            Source::Id(id) => Ok(oxbpf::btf::from_id(*id)?),
            Source::Program(id) => {
                let program = Program::from_id(*id)?;
                of_id(program.info()?.btf_id, || {
                    format!("program {id} (`{}`)", program.name())
                })
            }
            Source::Map(id) => {
                let map = Map::from_id(*id)?;
                of_id(map.info()?.btf_id, || {
                    format!("map {id} (`{}`)", map.name())
                })
            }
            Source::File(path) => of_file(path),
        }
    }
}

fn of_id(id: u32, whose: impl FnOnce() -> String) -> anyhow::Result<Btf> {
    match id {
        0 => bail!("{} was loaded without types", whose()),
        id => Ok(oxbpf::btf::from_id(id)?),
    }
}

/// Raw BTF, or the BTF of an ELF file.
pub(crate) fn of_file(path: &Path) -> anyhow::Result<Btf> {
    let name = path.display();
    // The kernel's own file is mapped rather than read.
    if path.starts_with("/sys/kernel/btf") {
        return match path.file_name().and_then(|name| name.to_str()) {
            Some("vmlinux") => Source::Kernel.read(),
            Some(module) => Source::Module(module.to_owned()).read(),
            None => bail!("`{name}` is a directory"),
        };
    }
    let bytes = crate::input::read(path)?;
    match bytes.get(..4) {
        Some([0x9f, 0xeb, ..] | [0xeb, 0x9f, ..]) => {
            Btf::parse(bytes).with_context(|| format!("reading the types in `{name}` failed"))
        }
        Some(b"\x7fELF") => match Btf::parse_elf(&bytes) {
            Ok(btf) => Ok(btf),
            Err(Error::NoSection) => {
                bail!("`{name}` has no types: it has no .BTF section; compile it with `clang -g`")
            }
            Err(error) => {
                Err(error).with_context(|| format!("reading the types in `{name}` failed"))
            }
        },
        _ => bail!(
            "`{name}` holds no types: it is {}, and neither BTF nor an ELF file",
            crate::input::describe(&bytes)
        ),
    }
}

/// The types that a name on the command line means: `task_struct`, `struct task_struct`, `enum bpf_cmd`, `pid_t`.
pub(crate) fn find(btf: &Btf, name: &str) -> anyhow::Result<Vec<TypeId>> {
    let (kinds, bare): (&[Kind], &str) = match name.split_once(' ') {
        Some(("struct", bare)) => (&[Kind::STRUCT], bare),
        Some(("union", bare)) => (&[Kind::UNION], bare),
        Some(("enum", bare)) => (&[Kind::ENUM, Kind::ENUM64], bare),
        Some(("typedef", bare)) => (&[Kind::TYPEDEF], bare),
        Some(("func", bare)) => (&[Kind::FUNC], bare),
        _ => (&[], name),
    };
    let found: Vec<TypeId> = btf
        .find_all(bare)
        .filter(|ty| kinds.is_empty() || kinds.contains(&ty.kind()))
        .map(|ty| ty.id())
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let names = btf.types().map(|(_, ty)| ty.name());
    let hint = suggestion(bare, names.filter(|name| !name.is_empty()));
    bail!("there is no type `{name}`{hint}")
}

/// As on the command line.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Kernel => f.write_str("kernel"),
            Source::Module(name) => write!(f, "module:{name}"),
            Source::Program(id) => write!(f, "prog:{id}"),
            Source::Map(id) => write!(f, "map:{id}"),
            Source::Id(id) => write!(f, "btf:{id}"),
            Source::File(path) => path.display().fmt(f),
        }
    }
}
