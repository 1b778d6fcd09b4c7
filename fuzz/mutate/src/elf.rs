//! Objects: the headers of sections, symbols, relocations, instructions, names, and what is in `.BTF`.

use oxbpf_object::Endian;

use crate::Random;
use crate::{btf, bytes, copy_within, put};

const HEADER: usize = 64;
const SECTION: usize = 64;
const SYMBOL: usize = 24;

/// Names that mean something, to put in place of others.
const NAMES: &[&str] = &[
    ".maps",
    "maps",
    ".bss",
    ".data",
    ".rodata",
    ".kconfig",
    ".ksyms",
    ".BTF",
    ".BTF.ext",
    ".text",
    "license",
    "version",
    ".struct_ops",
    ".struct_ops.link",
    "kprobe",
    "xdp",
    ".addr_space.1",
    ".jumptables",
    ".symtab",
];

/// Changes an object.
pub fn mutate(input: &mut Vec<u8>, random: &mut Random) {
    let Some(elf) = Elf::read(input) else {
        return bytes(input, random);
    };
    match random.below(32) {
        0 => bytes(input, random),
        1 => put(input, random.below(HEADER), &[random.nasty() as u8]),
        2 => copy_within(input, random),
        3..=7 => elf.section_header(input, random),
        8..=12 => elf.table(input, random, 2, Elf::symbol),
        13..=17 => elf.table(input, random, 9, Elf::relocation),
        18..=20 => elf.instruction(input, random),
        21 => elf.name(input, random),
        22..=23 => elf.section_bytes(input, random, b".BTF.ext", |part, random| {
            let at = random.below(part.len() / 4 + 1) * 4;
            put(part, at, &(random.nasty() as u32).to_ne_bytes());
        }),
        24..=25 => elf.anything(input, random),
        _ => elf.section_bytes(input, random, b".BTF", btf::in_place),
    }
}

/// Where things are, if they are there.
struct Elf {
    endian: Endian,
    headers: usize,
    count: usize,
    names: usize,
}

/// What a header says of a section, as far as that lies in the file.
struct Section {
    name: u32,
    kind: u32,
    flags: u64,
    start: usize,
    len: usize,
}

impl Elf {
    fn read(input: &[u8]) -> Option<Self> {
        if input.len() < HEADER {
            return None;
        }
        let endian = if input[5] == 2 {
            Endian::Big
        } else {
            Endian::Little
        };
        let headers = usize::try_from(endian.read_u64(input, 40)?).ok()?;
        let room = input.len().checked_sub(headers)? / SECTION;
        let count = usize::from(endian.read_u16(input, 60)?).min(room);
        let mut elf = Self {
            endian,
            headers,
            count,
            names: 0,
        };
        let index = usize::from(endian.read_u16(input, 62)?);
        elf.names = elf.section(input, index).map_or(0, |names| names.start);
        (count > 0).then_some(elf)
    }

    fn header(&self, index: usize) -> usize {
        self.headers + index * SECTION
    }

    fn section(&self, input: &[u8], index: usize) -> Option<Section> {
        let at = (index < self.count).then(|| self.header(index))?;
        let word = |field| self.endian.read_u64(input, at + field);
        let start = usize::try_from(word(24)?).ok()?;
        let room = input.len().checked_sub(start)?;
        Some(Section {
            name: self.endian.read_u32(input, at)?,
            kind: self.endian.read_u32(input, at + 4)?,
            flags: word(8)?,
            start,
            len: usize::try_from(word(32)?).ok()?.min(room),
        })
    }

    /// Some section of those that `wanted` likes.
    fn any(
        &self,
        input: &[u8],
        random: &mut Random,
        wanted: impl Fn(&Section) -> bool,
    ) -> Option<Section> {
        let (mut chosen, mut count) = (None, 0);
        for section in (0..self.count).filter_map(|index| self.section(input, index)) {
            if section.len > 0 && wanted(&section) {
                count += 1;
                if random.one_in(count) {
                    chosen = Some(section);
                }
            }
        }
        chosen
    }

    fn put(&self, input: &mut [u8], at: usize, size: usize, value: u64) {
        match self.endian {
            Endian::Little => put(input, at, &value.to_le_bytes()[..size]),
            Endian::Big => put(input, at, &value.to_be_bytes()[8 - size..]),
        }
    }

    fn section_header(&self, input: &mut [u8], random: &mut Random) {
        const FIELDS: &[(usize, usize)] = &[
            (0, 4),
            (4, 4),
            (8, 8),
            (16, 8),
            (24, 8),
            (32, 8),
            (40, 4),
            (44, 4),
            (48, 8),
            (56, 8),
        ];
        const KINDS: &[u64] = &[0, 1, 2, 3, 4, 7, 8, 9, 11, 17, 18, 0x6fff_4c03, 0x7000_0000];
        let header = self.header(random.below(self.count));
        let other = self.header(random.below(self.count));
        if random.one_in(12) {
            input.copy_within(other..other + SECTION, header);
            return;
        }
        let &(field, size) = random.pick(FIELDS).unwrap_or(&(0, 4));
        let old = self
            .endian
            .read_u64(input, header + (field & !7))
            .unwrap_or_default();
        let value = match (random.below(5), field) {
            (0, _) => self
                .endian
                .read_u64(input, other + (field & !7))
                .unwrap_or_default(),
            (1, 4) => *random.pick(KINDS).unwrap_or(&0),
            (1, 40) => random.below(self.count + 2) as u64,
            (1, _) => input.len() as u64,
            (2, _) => old.wrapping_add(random.below(33) as u64).wrapping_sub(16),
            (3, _) => old ^ 1 << random.below(8 * size),
            _ => random.nasty(),
        };
        self.put(input, header + field, size, value);
    }

    /// Changes a table of the sections of one kind.
    fn table(
        &self,
        input: &mut [u8],
        random: &mut Random,
        kind: u32,
        change: fn(&Self, &mut [u8], &Section, &mut Random),
    ) {
        match self.any(input, random, |section| section.kind == kind) {
            Some(section) => change(self, input, &section, random),
            None => self.section_header(input, random),
        }
    }

    fn symbol(&self, input: &mut [u8], table: &Section, random: &mut Random) {
        const FIELDS: &[(usize, usize)] = &[(0, 4), (4, 1), (5, 1), (6, 2), (8, 8), (16, 8)];
        let count = table.len / SYMBOL;
        let at = table.start + SYMBOL * random.below(count);
        let other = table.start + SYMBOL * random.below(count);
        if random.one_in(8) && count > 0 {
            input.copy_within(other..other + SYMBOL, at);
            return;
        }
        let &(field, size) = random.pick(FIELDS).unwrap_or(&(0, 4));
        let value = match (random.below(4), field) {
            // A binding and a type.
            (0, 4) => (random.below(4) << 4 | random.below(7)) as u64,
            (0, 6) => random.below(self.count + 1) as u64,
            (0, 8 | 16) => 8 * random.below(64) as u64,
            (1, 8 | 16) => self
                .endian
                .read_u64(input, other + field)
                .unwrap_or_default(),
            (1, 6) => 0xff00 + random.below(256) as u64,
            (1, 0) => u64::from(self.endian.read_u32(input, other).unwrap_or_default()),
            _ => random.nasty(),
        };
        self.put(input, at + field, size, value);
    }

    fn relocation(&self, input: &mut [u8], table: &Section, random: &mut Random) {
        let size = 16;
        let count = table.len / size;
        let at = table.start + size * random.below(count);
        match random.below(5) {
            0 => self.put(input, at, 8, 8 * random.below(64) as u64),
            1 => self.put(input, at, 8, random.nasty()),
            2 => self.put(input, at + 8, 4, random.below(12) as u64),
            3 => {
                let other = table.start + size * random.below(count);
                if count > 0 {
                    input.copy_within(other..other + size, at);
                }
            }
            // The number of a symbol, wherever the byte order has it.
            _ => {
                let field = if self.endian == Endian::Big {
                    at + 8
                } else {
                    at + 12
                };
                self.put(input, field, 4, random.below(64) as u64);
            }
        }
    }

    fn instruction(&self, input: &mut [u8], random: &mut Random) {
        const OPCODES: &[u8] = &[
            0x18, 0x85, 0x95, 0xb7, 0x05, 0x06, 0x79, 0x7b, 0xbf, 0x00, 0xdb, 0x8d,
        ];
        let Some(code) = self.any(input, random, |section| {
            section.kind == 1 && section.flags & 4 != 0
        }) else {
            return;
        };
        let at = code.start + 8 * random.below(code.len / 8);
        match random.below(4) {
            0 => put(input, at, &[*random.pick(OPCODES).unwrap_or(&0)]),
            1 => put(input, at + 1, &[random.number() as u8]),
            2 => self.put(input, at + 2, 2, random.nasty()),
            _ => self.put(input, at + 4, 4, random.nasty()),
        }
    }

    /// Gives a section another name.
    fn name(&self, input: &mut [u8], random: &mut Random) {
        let index = random.below(self.count);
        let Some(section) = self.section(input, index) else {
            return;
        };
        if random.one_in(2) {
            let other = self.section(input, random.below(self.count));
            let name = other.map_or(0, |other| other.name);
            return self.put(input, self.header(index), 4, name.into());
        }
        let at = self.names.saturating_add(section.name as usize);
        let name = random.pick(NAMES).unwrap_or(&"");
        put(input, at, name.as_bytes());
        if random.one_in(2) {
            put(input, at.saturating_add(name.len()), &[0]);
        }
    }

    fn section_bytes(
        &self,
        input: &mut [u8],
        random: &mut Random,
        name: &[u8],
        change: fn(&mut [u8], &mut Random),
    ) {
        let named = |section: &Section| {
            let at = self.names.saturating_add(section.name as usize);
            let rest = input.get(at..).unwrap_or_default();
            rest.starts_with(name) && rest.get(name.len()) == Some(&0)
        };
        if let Some(section) = self.any(input, random, named) {
            change(
                &mut input[section.start..section.start + section.len],
                random,
            );
        }
    }

    /// Some bytes of some section.
    fn anything(&self, input: &mut [u8], random: &mut Random) {
        if let Some(section) = self.any(input, random, |section| section.kind != 8) {
            let at = section.start + random.below(section.len);
            put(input, at, &[random.nasty() as u8]);
        }
    }
}
