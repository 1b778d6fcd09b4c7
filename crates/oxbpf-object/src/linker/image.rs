//! The output: an ELF file for BPF, to be linked further or loaded.

use std::collections::HashMap;

use object::elf;

use super::relocations::Table;
use super::sections::{Output, Sections};
use super::{Error, ErrorKind};
use crate::Endian;

const HEADER_SIZE: u64 = crate::elf::file::HEADER_SIZE as u64;
const SECTION_HEADER_SIZE: u64 = HEADER_SIZE;
const SYMBOL_SIZE: u64 = 24;
const RELOCATION_SIZE: u64 = 16;

/// A symbol of the output.
pub(super) struct Record<'a> {
    pub(super) name: &'a str,
    pub(super) kind: elf::SymbolType,
    pub(super) binding: elf::SymbolBind,
    pub(super) hidden: bool,
    /// Position of its section of the output, if it is defined.
    pub(super) output: Option<usize>,
    pub(super) value: u64,
    pub(super) size: u64,
}

pub(super) struct Image {
    endian: Endian,
    symbols: Vec<u8>,
    symbol_count: u32,
    /// How many symbols come before the first that other objects can see.
    local_count: u32,
    strings: Vec<u8>,
    offsets: HashMap<String, u32>,
}

/// A section header without its number, and the data.
struct Header<'a> {
    name: u32,
    kind: elf::SectionType,
    flags: u64,
    link: usize,
    info: u32,
    alignment: u64,
    entry_size: u64,
    data: &'a [u8],
    /// In memory.
    size: u64,
}

impl Image {
    pub(super) fn new(endian: Endian) -> Image {
        Image {
            endian,
            symbols: vec![0; SYMBOL_SIZE as usize],
            symbol_count: 1,
            local_count: 1,
            strings: vec![0],
            offsets: HashMap::new(),
        }
    }

    /// Adds a symbol and tells its number. Those that others cannot see have to come first.
    pub(super) fn add_symbol(&mut self, record: &Record<'_>) -> Result<u32, Error> {
        let number = self.symbol_count;
        self.symbol_count = number
            .checked_add(1)
            .ok_or_else(|| Error::new(ErrorKind::Limit, "there are too many symbols"))?;
        if record.binding == elf::STB_LOCAL {
            self.local_count = self.symbol_count;
        }
        let name = self.string(record.name)?;
        let section = match record.output {
            Some(output) => section_number(output)?,
            None => 0,
        };
        let mut out = Writer(self.endian, &mut self.symbols);
        out.word(name);
        out.byte(record.binding.0 << 4 | record.kind.0);
        out.byte(if record.hidden {
            elf::STV_HIDDEN.0
        } else {
            elf::STV_DEFAULT.0
        });
        out.half(section);
        out.long(record.value);
        out.long(record.size);
        Ok(number)
    }

    fn string(&mut self, string: &str) -> Result<u32, Error> {
        if string.is_empty() {
            return Ok(0);
        }
        if let Some(&offset) = self.offsets.get(string) {
            return Ok(offset);
        }
        let offset = u32::try_from(self.strings.len())
            .map_err(|_| Error::new(ErrorKind::Limit, "the names are longer than 4 GiB"))?;
        self.strings.extend_from_slice(string.as_bytes());
        self.strings.push(0);
        self.offsets.insert(string.to_owned(), offset);
        Ok(offset)
    }

    /// The whole file. `types` are the data of `.BTF` and of `.BTF.ext`.
    pub(super) fn write(
        mut self,
        sections: Sections<'_>,
        relocations: &[Table],
        types: Option<(Vec<u8>, Option<Vec<u8>>)>,
    ) -> Result<Vec<u8>, Error> {
        let outputs = &sections.outputs;
        // After those that were merged: relocations, types, symbols, strings.
        let type_sections = match &types {
            Some((_, Some(_))) => 2,
            Some((_, None)) => 1,
            None => 0,
        };
        let symbols_at = outputs
            .len()
            .saturating_add(relocations.len())
            .saturating_add(type_sections);
        let strings_at = symbols_at.saturating_add(1);
        let (symbol_table, string_table) =
            (section_number(symbols_at)?, section_number(strings_at)?);

        let mut names = Vec::with_capacity(strings_at.saturating_add(1));
        for output in outputs {
            names.push(self.string(output.name)?);
        }
        for table in relocations {
            let name = outputs.get(table.output).map_or("", |output| output.name);
            names.push(self.string(&format!(".rel{name}"))?);
        }
        for name in [".BTF", ".BTF.ext"].into_iter().take(type_sections) {
            names.push(self.string(name)?);
        }
        names.push(self.string(".symtab")?);
        names.push(self.string(".strtab")?);

        let plain = |kind, data| Header {
            name: 0,
            kind,
            flags: 0,
            link: 0,
            info: 0,
            alignment: 8,
            entry_size: 0,
            data,
            size: data.len() as u64,
        };
        let mut headers: Vec<Header<'_>> = outputs.iter().map(Header::of).collect();
        for table in relocations {
            headers.push(Header {
                flags: elf::SHF_INFO_LINK.0,
                link: symbol_table.into(),
                info: section_number(table.output)?.into(),
                entry_size: RELOCATION_SIZE,
                ..plain(elf::SHT_REL, table.data.as_slice())
            });
        }
        if let Some((btf, ext)) = &types {
            headers.push(plain(elf::SHT_PROGBITS, btf));
            headers.extend(
                ext.as_ref()
                    .map(|ext| plain(elf::SHT_PROGBITS, ext.as_slice())),
            );
        }
        headers.push(Header {
            link: string_table.into(),
            info: self.local_count,
            entry_size: SYMBOL_SIZE,
            ..plain(elf::SHT_SYMTAB, self.symbols.as_slice())
        });
        headers.push(Header {
            alignment: 1,
            ..plain(elf::SHT_STRTAB, self.strings.as_slice())
        });
        for (header, name) in headers.iter_mut().zip(names) {
            header.name = name;
        }
        Ok(lay_out(self.endian, &headers, string_table))
    }
}

impl<'a> Header<'a> {
    fn of(output: &'a Output<'_>) -> Header<'a> {
        Header {
            name: 0,
            kind: output.kind,
            flags: output.flags,
            link: 0,
            info: 0,
            alignment: output.alignment,
            entry_size: output.entry_size,
            data: &output.data,
            size: output.size,
        }
    }
}

/// The number of a section; the first one is reserved.
fn section_number(position: usize) -> Result<u16, Error> {
    u16::try_from(position)
        .ok()
        .and_then(|position| position.checked_add(1))
        .filter(|&number| number < elf::SHN_LORESERVE)
        .ok_or_else(|| Error::new(ErrorKind::Limit, "there are too many sections"))
}

fn lay_out(endian: Endian, headers: &[Header<'_>], string_table: u16) -> Vec<u8> {
    let mut body = Vec::new();
    let mut table = vec![0; SECTION_HEADER_SIZE as usize];
    for header in headers {
        // Known to be a power of two that is not large.
        let filled = body
            .len()
            .next_multiple_of(header.alignment.max(1) as usize);
        body.resize(filled, 0);
        let mut out = Writer(endian, &mut table);
        out.word(header.name);
        out.word(header.kind.0);
        out.long(header.flags);
        out.long(0);
        out.long(HEADER_SIZE.saturating_add(body.len() as u64));
        out.long(header.size);
        out.word(header.link as u32);
        out.word(header.info);
        out.long(header.alignment);
        out.long(header.entry_size);
        body.extend_from_slice(header.data);
    }
    body.resize(body.len().next_multiple_of(8), 0);

    let mut file = Vec::with_capacity(body.len().saturating_add(table.len()));
    let mut out = Writer(endian, &mut file);
    out.bytes(&elf::ELFMAG);
    out.byte(elf::ELFCLASS64.0);
    out.byte(match endian {
        Endian::Little => elf::ELFDATA2LSB.0,
        Endian::Big => elf::ELFDATA2MSB.0,
    });
    out.byte(elf::EV_CURRENT.0);
    out.bytes(&[0; 9]);
    out.half(elf::ET_REL.0);
    out.half(elf::EM_BPF.0);
    out.word(elf::EV_CURRENT.0.into());
    out.long(0);
    out.long(0);
    out.long(HEADER_SIZE.saturating_add(body.len() as u64));
    out.word(0);
    out.half(HEADER_SIZE as u16);
    out.half(0);
    out.half(0);
    out.half(SECTION_HEADER_SIZE as u16);
    // One more for the reserved one.
    out.half((headers.len() as u16).saturating_add(1));
    out.half(string_table);
    out.bytes(&body);
    out.bytes(&table);
    file
}

/// Appends numbers in a byte order.
pub(super) struct Writer<'w>(pub(super) Endian, pub(super) &'w mut Vec<u8>);

impl Writer<'_> {
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.1.extend_from_slice(bytes);
    }

    pub(super) fn byte(&mut self, value: u8) {
        self.1.push(value);
    }

    pub(super) fn half(&mut self, value: u16) {
        self.1.extend(match self.0 {
            Endian::Little => value.to_le_bytes(),
            Endian::Big => value.to_be_bytes(),
        });
    }

    pub(super) fn word(&mut self, value: u32) {
        self.1.extend(match self.0 {
            Endian::Little => value.to_le_bytes(),
            Endian::Big => value.to_be_bytes(),
        });
    }

    pub(super) fn long(&mut self, value: u64) {
        self.1.extend(match self.0 {
            Endian::Little => value.to_le_bytes(),
            Endian::Big => value.to_be_bytes(),
        });
    }
}
