//! The ELF file itself: header, sections, symbols, relocations, checked against the size of the file.

use std::collections::HashMap;

use object::endian::Endianness;
use object::pod;
use object::read::elf::{FileHeader as _, Rel as _, Rela as _, SectionHeader as _, Sym as _};
use object::{U32, elf};

use super::{Error, ErrorKind};
use crate::Endian;
use crate::limits::MAX_NAME;

/// Bytes of the header of an ELF file of 64 bits, and of each header of a section.
pub(crate) const HEADER_SIZE: usize = 64;
/// The type of a relocation that asks for nothing.
const R_BPF_NONE: u32 = 0;

pub(crate) struct File<'a> {
    order: Endianness,
    pub(crate) endian: Endian,
    pub(crate) sections: Vec<Section<'a>>,
    /// Sections that have a size, by name. Of several with one name, the first.
    named: HashMap<&'a str, usize>,
    symbols: &'a [elf::Sym64<Endianness>],
    symbol_sections: &'a [U32<Endianness>],
    symbol_names: &'a [u8],
    /// Section and index of each symbol that is defined in one, by section.
    defined: Vec<(usize, usize)>,
}

/// A section header, its range known to lie inside of the file.
#[derive(Clone, Copy)]
pub(crate) struct Section<'a> {
    pub(crate) index: usize,
    pub(crate) name: &'a str,
    pub(crate) kind: elf::SectionType,
    /// Size in memory. The data is as long, unless there is none.
    pub(crate) size: u64,
    /// Empty for a section without contents in the file, such as `.bss`.
    pub(crate) data: &'a [u8],
    pub(crate) executable: bool,
    pub(crate) flags: u64,
    /// What its address is a multiple of; 0 and 1 both stand for any.
    pub(crate) alignment: u64,
    /// The size of an entry, for a section of entries.
    pub(crate) entry_size: u64,
    link: usize,
    info: usize,
}

#[derive(Clone, Copy)]
pub(crate) struct Symbol<'a> {
    name_offset: u32,
    pub(crate) kind: elf::SymbolType,
    pub(crate) binding: elf::SymbolBind,
    /// Whether other objects cannot see it, although it is not local.
    pub(crate) hidden: bool,
    /// Index of its section, if it is defined in one.
    pub(crate) section: Option<usize>,
    pub(crate) undefined: bool,
    pub(crate) value: u64,
    pub(crate) size: u64,
    names: &'a [u8],
}

#[derive(Clone, Copy)]
pub(crate) struct Relocation {
    /// Bytes from the start of the section to patch.
    pub(crate) offset: u64,
    pub(crate) symbol: usize,
    pub(crate) kind: u32,
    /// What to add to the symbol's value; if not given, it is in the place to patch.
    pub(crate) addend: Option<i64>,
}

impl<'a> File<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        check_header(bytes)?;
        let header = elf::FileHeader64::<Endianness>::parse(bytes).map_err(corrupt)?;
        let order = header.endian().map_err(corrupt)?;
        let endian = match order {
            Endianness::Little => Endian::Little,
            Endianness::Big => Endian::Big,
        };
        let headers = header
            .section_headers(order, bytes)
            .map_err(|_| section_table_error(header, order, bytes))?;
        let names = section_names(header, order, headers, bytes)?;

        let mut sections = Vec::with_capacity(headers.len());
        let mut named = HashMap::with_capacity(headers.len());
        let mut total = 0u64;
        for (index, header) in headers.iter().enumerate() {
            let name = match index {
                0 => "",
                _ => name_at(names, header.sh_name(order)).map_err(|error| {
                    Error::new(
                        error.kind(),
                        format!("section {index}: its name {}", error.message()),
                    )
                })?,
            };
            let kind = header.sh_type(order);
            let size = header.sh_size(order);
            let data = match kind {
                // In both, size and offset do not stand for bytes of the file.
                elf::SHT_NULL | elf::SHT_NOBITS => &[][..],
                _ => {
                    let offset = header.sh_offset(order);
                    total = total.saturating_add(size);
                    range(bytes, offset, size).ok_or_else(|| {
                        let message = format!(
                            "its {size} bytes from offset {offset} reach past the end of the file, which has {} bytes: is the file cut off?",
                            bytes.len()
                        );
                        Error::new(ErrorKind::Truncated, message).in_section(name)
                    })?
                }
            };
            if size != 0 {
                named.entry(name).or_insert(index);
            }
            sections.push(Section {
                index,
                name,
                kind,
                size,
                data,
                executable: header.sh_flags(order).0 & elf::SHF_EXECINSTR.0 != 0,
                flags: header.sh_flags(order).0,
                alignment: header.sh_addralign(order),
                entry_size: header.sh_entsize(order),
                link: header.sh_link(order) as usize,
                info: header.sh_info(order) as usize,
            });
        }
        if total > bytes.len() as u64 {
            let message = format!(
                "its sections take {total} bytes, but the file has {}: they overlap",
                bytes.len()
            );
            return Err(Error::corrupt(message));
        }

        let mut file = File {
            order,
            endian,
            sections,
            named,
            symbols: &[],
            symbol_sections: &[],
            symbol_names: &[],
            defined: Vec::new(),
        };
        file.find_symbols()?;
        Ok(file)
    }

    fn find_symbols(&mut self) -> Result<(), Error> {
        let mut tables = self
            .sections
            .iter()
            .filter(|section| section.kind == elf::SHT_SYMTAB);
        let Some(table) = tables.next() else {
            return Err(Error::corrupt(
                "there is no symbol table: the object has been stripped of more than `llvm-strip -g` takes",
            ));
        };
        if let Some(second) = tables.next() {
            return Err(Error::corrupt("a second symbol table").in_section(second.name));
        }
        self.symbols = pod::slice_from_all_bytes(table.data).map_err(|()| {
            Error::corrupt(format!(
                "{} bytes are no whole number of symbols",
                table.data.len()
            ))
            .in_section(table.name)
        })?;
        self.symbol_names = match self.sections.get(table.link) {
            Some(names) if names.kind == elf::SHT_STRTAB => names.data,
            _ => {
                let message = format!(
                    "its names are said to be in section {}, which holds no strings",
                    table.link
                );
                return Err(Error::corrupt(message).in_section(table.name));
            }
        };
        let extended = self
            .sections
            .iter()
            .find(|section| section.kind == elf::SHT_SYMTAB_SHNDX && section.link == table.index);
        if let Some(extended) = extended {
            self.symbol_sections = pod::slice_from_all_bytes(extended.data).map_err(|()| {
                Error::corrupt("it is no whole number of section indices").in_section(extended.name)
            })?;
        }
        let defined = self
            .symbols()
            .filter_map(|(index, symbol)| Some((symbol.section?, index)));
        self.defined = defined.collect();
        self.defined.sort_unstable();
        Ok(())
    }

    /// The section of that name.
    pub(crate) fn section_named(&self, name: &str) -> Option<&Section<'a>> {
        // Hashing takes time, and no name here is longer.
        let index = if name.len() > MAX_NAME {
            None
        } else {
            self.named.get(name)
        };
        self.sections.get(*index?)
    }

    /// The name of a section for error messages.
    pub(crate) fn section_name(&self, index: usize) -> &'a str {
        self.sections.get(index).map_or("?", |section| section.name)
    }

    /// All symbols but the empty first one, with their index.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = (usize, Symbol<'a>)> + '_ {
        self.symbols
            .iter()
            .enumerate()
            .skip(1)
            .map(|(index, symbol)| (index, self.read_symbol(index, symbol)))
    }

    /// The symbols that are defined in a section.
    pub(crate) fn symbols_in(&self, section: usize) -> impl Iterator<Item = Symbol<'a>> + '_ {
        let start = self.defined.partition_point(|&(other, _)| other < section);
        let rest = self.defined.get(start..).unwrap_or_default();
        rest.iter()
            .take_while(move |&&(other, _)| other == section)
            .filter_map(|&(_, index)| self.symbol(index))
    }

    pub(crate) fn symbol(&self, index: usize) -> Option<Symbol<'a>> {
        match index {
            0 => None,
            _ => self
                .symbols
                .get(index)
                .map(|symbol| self.read_symbol(index, symbol)),
        }
    }

    fn read_symbol(&self, index: usize, symbol: &elf::Sym64<Endianness>) -> Symbol<'a> {
        let place = symbol.st_shndx(self.order);
        let section = match place {
            elf::SHN_XINDEX => self
                .symbol_sections
                .get(index)
                .map(|section| section.get(self.order) as usize),
            _ => place.index().map(usize::from),
        };
        Symbol {
            name_offset: symbol.st_name(self.order),
            kind: symbol.st_type(),
            binding: symbol.st_bind(),
            hidden: matches!(symbol.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL),
            section: section.filter(|&section| section != 0 && section < self.sections.len()),
            undefined: place == elf::SHN_UNDEF,
            value: symbol.st_value(self.order),
            size: symbol.st_size(self.order),
            names: self.symbol_names,
        }
    }

    /// The section that a section of relocations patches, if it is one.
    pub(crate) fn relocated(&self, section: &Section<'a>) -> Option<&Section<'a>> {
        match section.kind {
            elf::SHT_REL | elf::SHT_RELA => self
                .sections
                .get(section.info)
                .filter(|section| section.index != 0),
            _ => None,
        }
    }

    /// The relocations in a section of relocations that ask for something.
    pub(crate) fn relocations(
        &self,
        section: &Section<'a>,
    ) -> Result<impl Iterator<Item = Relocation> + use<'a>, Error> {
        let partial = |()| {
            let message = format!(
                "{} bytes are no whole number of relocations",
                section.data.len()
            );
            Error::corrupt(message).in_section(section.name)
        };
        let (mut without_addends, mut with_addends): (
            &[elf::Rel64<Endianness>],
            &[elf::Rela64<Endianness>],
        ) = (&[], &[]);
        match section.kind {
            elf::SHT_REL => {
                without_addends = pod::slice_from_all_bytes(section.data).map_err(partial)?
            }
            _ => with_addends = pod::slice_from_all_bytes(section.data).map_err(partial)?,
        }
        let order = self.order;
        let without_addends = without_addends.iter().map(move |relocation| Relocation {
            offset: relocation.r_offset(order),
            symbol: relocation.r_sym(order) as usize,
            kind: relocation.r_type(order).0,
            addend: None,
        });
        let with_addends = with_addends.iter().map(move |relocation| Relocation {
            offset: relocation.r_offset(order),
            symbol: relocation.r_sym(order, false) as usize,
            kind: relocation.r_type(order, false).0,
            addend: Some(relocation.r_addend(order)),
        });
        let all = without_addends.chain(with_addends);
        Ok(all.filter(|relocation| relocation.kind != R_BPF_NONE))
    }

    /// A name for a symbol in error messages: that of its section if it has none of its own.
    pub(crate) fn describe(&self, symbol: &Symbol<'a>) -> &'a str {
        match (symbol.name(), symbol.section) {
            (Ok(name), _) if !name.is_empty() => name,
            (_, Some(section)) => self.section_name(section),
            _ => "?",
        }
    }
}

impl<'a> Symbol<'a> {
    pub(crate) fn name(&self) -> Result<&'a str, Error> {
        name_at(self.names, self.name_offset).map_err(|error| {
            Error::new(
                error.kind(),
                format!("the name of a symbol {}", error.message()),
            )
        })
    }

    pub(crate) fn is_local(&self) -> bool {
        self.binding == elf::STB_LOCAL
    }
}

/// The end of a name without its start: the caller says whose name it is.
fn name_at(names: &[u8], offset: u32) -> Result<&str, Error> {
    let rest = names
        .get(offset as usize..)
        .ok_or_else(|| Error::corrupt("lies outside of the names"))?;
    let near = rest.get(..=MAX_NAME).unwrap_or(rest);
    let Some(end) = near.iter().position(|&byte| byte == 0) else {
        return Err(match near.len() > MAX_NAME {
            true => Error::new(ErrorKind::Limit, format!("is longer than {MAX_NAME} bytes")),
            false => Error::corrupt("has no end"),
        });
    };
    let name = near.get(..end).unwrap_or_default();
    std::str::from_utf8(name)
        .map_err(|_| Error::corrupt(format!("is not UTF-8: {}", String::from_utf8_lossy(name))))
}

fn range(bytes: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = usize::try_from(offset.checked_add(size)?).ok()?;
    bytes.get(start..end)
}

fn section_names<'a>(
    header: &elf::FileHeader64<Endianness>,
    order: Endianness,
    headers: &[elf::SectionHeader64<Endianness>],
    bytes: &'a [u8],
) -> Result<&'a [u8], Error> {
    if headers.is_empty() {
        return Err(Error::corrupt("it has no sections"));
    }
    let index = header
        .section_strings_index(order, bytes)
        .map_err(corrupt)?;
    let names = headers
        .get(index.0)
        .filter(|names| names.sh_type(order) == elf::SHT_STRTAB);
    let names = names.ok_or_else(|| {
        Error::corrupt(format!(
            "the names of its sections are said to be in section {index}, which holds no strings"
        ))
    })?;
    range(bytes, names.sh_offset(order), names.sh_size(order)).ok_or_else(|| {
        Error::new(
            ErrorKind::Truncated,
            "the names of its sections lie past the end of the file: is the file cut off?",
        )
    })
}

fn section_table_error(
    header: &elf::FileHeader64<Endianness>,
    order: Endianness,
    bytes: &[u8],
) -> Error {
    let (offset, count) = (header.e_shoff(order), header.e_shnum(order));
    if header.e_shentsize(order) != 64 {
        return Error::corrupt(format!(
            "section headers of {} bytes instead of 64",
            header.e_shentsize(order)
        ));
    }
    let message = format!(
        "its table of {count} sections at offset {offset} reaches past the end of the file, which has {} bytes: is the file cut off?",
        bytes.len()
    );
    Error::new(ErrorKind::Truncated, message)
}

fn corrupt(error: object::read::Error) -> Error {
    Error::corrupt(error.to_string())
}

/// Checks that this is a relocatable 64-bit ELF file for BPF.
fn check_header(bytes: &[u8]) -> Result<(), Error> {
    let not_bpf = |message: String| Err(Error::new(ErrorKind::NotBpf, message));
    let Some(ident) = bytes
        .first_chunk::<16>()
        .filter(|ident| ident.starts_with(b"\x7fELF"))
    else {
        return Err(not_elf(bytes));
    };
    let [_, _, _, _, class, order, version, ..] = *ident;
    match class {
        2 => {}
        1 => {
            return not_bpf(
                "a 32-bit ELF file; BPF objects are 64-bit: compile it with `clang -target bpf`"
                    .to_owned(),
            );
        }
        _ => {
            return Err(Error::corrupt(format!(
                "an ELF file of unknown class {class}"
            )));
        }
    }
    let order = match order {
        1 => Endian::Little,
        2 => Endian::Big,
        _ => {
            return Err(Error::corrupt(format!(
                "an ELF file of unknown byte order {order}"
            )));
        }
    };
    if version != 1 {
        return Err(Error::corrupt(format!(
            "an ELF file of unknown version {version}"
        )));
    }
    if bytes.len() < HEADER_SIZE {
        let message = format!(
            "cut off: {} bytes, but the header of an ELF file takes {HEADER_SIZE}",
            bytes.len()
        );
        return Err(Error::new(ErrorKind::Truncated, message));
    }
    let machine = order.read_u16(bytes, 18).unwrap_or(0);
    // Compilers before LLVM 4 did not say.
    if machine != elf::EM_BPF.0 && machine != elf::EM_NONE.0 {
        return not_bpf(format!(
            "compiled for {} instead of BPF: compile it with `clang -target bpf`",
            machine_name(machine)
        ));
    }
    let what = match order.read_u16(bytes, 16).unwrap_or(0) {
        1 => return Ok(()),
        2 => "an executable".to_owned(),
        3 => "a shared library".to_owned(),
        4 => "a core dump".to_owned(),
        other => format!("an ELF file of type {other}"),
    };
    not_bpf(format!(
        "{what} instead of a relocatable object: compile it with `clang -target bpf -c`, without linking"
    ))
}

fn machine_name(machine: u16) -> String {
    let name = match elf::Machine(machine) {
        elf::EM_386 => "i386",
        elf::EM_X86_64 => "x86-64",
        elf::EM_ARM => "Arm",
        elf::EM_AARCH64 => "AArch64",
        elf::EM_RISCV => "RISC-V",
        elf::EM_S390 => "s390x",
        elf::EM_PPC64 => "POWER",
        elf::EM_MIPS => "MIPS",
        elf::EM_LOONGARCH => "LoongArch",
        _ => return format!("machine {machine}"),
    };
    name.to_owned()
}

/// Says what the bytes look like instead.
fn not_elf(bytes: &[u8]) -> Error {
    const KNOWN: [(&[u8], &str); 13] = [
        (
            b"BC\xc0\xde",
            "LLVM bitcode: compile it without `-emit-llvm` and `-flto`",
        ),
        (
            b"\xde\xc0\x17\x0b",
            "LLVM bitcode: compile it without `-emit-llvm` and `-flto`",
        ),
        (
            b"!<arch>\n",
            "a static library (`ar` archive): take an object out of it",
        ),
        (b"\x1f\x8b", "gzip data: decompress it first"),
        (b"\xfd7zXZ\0", "xz data: decompress it first"),
        (b"\x28\xb5\x2f\xfd", "zstd data: decompress it first"),
        (b"\x9f\xeb", "raw BTF, the types without the programs"),
        (b"\xeb\x9f", "raw BTF, the types without the programs"),
        (b"\0asm", "WebAssembly"),
        (b"MZ", "a Windows program"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\xcf\xfa\xed\xfe", "a macOS object"),
        (b"\xd4\xc3\xb2\xa1", "a packet capture"),
    ];
    let looks = KNOWN
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic))
        .map(|(_, looks)| *looks);
    let start = bytes.get(..512).unwrap_or(bytes);
    let is_text = || {
        start.iter().all(|&byte| {
            byte == b'\t'
                || byte == b'\n'
                || byte == b'\r'
                || (b' '..0x7f).contains(&byte)
                || byte >= 0x80
        })
    };
    let message = match looks {
        _ if bytes.is_empty() => "the file is empty".to_owned(),
        _ if b"\x7fELF".starts_with(bytes) || bytes.starts_with(b"\x7fELF") => {
            return Error::new(ErrorKind::Truncated, format!("cut off: {} bytes, but the header of an ELF file takes {HEADER_SIZE}", bytes.len()));
        }
        Some(looks) => format!("not an ELF file; it looks like {looks}"),
        None if is_text() => "not an ELF file; it looks like text: source has to be compiled with `clang -target bpf -c` first".to_owned(),
        None if start.iter().all(|&byte| byte == 0) => "not an ELF file; it starts with zeros only".to_owned(),
        None => "not an ELF file".to_owned(),
    };
    Error::new(ErrorKind::NotElf, message)
}
