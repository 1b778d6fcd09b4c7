//! BTF: the header, the records of types with their parts, the strings.

use oxbpf_object::Endian;

use crate::Random;
use crate::{bytes, copy_within, put};

/// Offsets of the parts in the header of 24 bytes.
const TYPES: usize = 8;
const STRINGS: usize = 16;
/// A record: name, what it is, size or type.
const RECORD: usize = 12;

/// Changes BTF data.
pub fn mutate(input: &mut Vec<u8>, random: &mut Random) {
    match random.below(32) {
        0 => bytes(input, random),
        1 => insert_or_remove(input, random),
        _ => in_place(input, random),
    }
}

/// Changes BTF data that has to keep its length.
pub fn in_place(btf: &mut [u8], random: &mut Random) {
    if btf.len() < 24 {
        return;
    }
    let endian = endian(btf);
    match random.below(16) {
        0 => {
            let field = 4 + 4 * random.below(5);
            put32(btf, endian, field, small_or_nasty(random));
        }
        1 => put(btf, random.below(8), &[random.nasty() as u8]),
        2 => string_byte(btf, endian, random),
        3 => copy_within(btf, random),
        _ => record(btf, endian, random),
    }
}

/// The byte order of the data.
fn endian(btf: &[u8]) -> Endian {
    match btf {
        [0xeb, 0x9f, ..] => Endian::Big,
        _ => Endian::Little,
    }
}

fn read32(btf: &[u8], endian: Endian, at: usize) -> u32 {
    endian.read_u32(btf, at).unwrap_or_default()
}

fn put32(btf: &mut [u8], endian: Endian, at: usize, value: u32) {
    let value = match endian {
        Endian::Little => value.to_le_bytes(),
        Endian::Big => value.to_be_bytes(),
    };
    put(btf, at, &value);
}

fn small_or_nasty(random: &mut Random) -> u32 {
    match random.below(2) {
        0 => random.below(64) as u32,
        _ => random.nasty() as u32,
    }
}

/// Start and length of a part.
fn part(btf: &[u8], endian: Endian, field: usize) -> (usize, usize) {
    let header = read32(btf, endian, 4) as usize;
    let start = header.saturating_add(read32(btf, endian, field) as usize);
    let start = start.min(btf.len());
    let len = (read32(btf, endian, field + 4) as usize).min(btf.len() - start);
    (start, len)
}

/// How many bytes follow a record.
fn tail(info: u32) -> usize {
    let vlen = (info & 0xffff) as usize;
    match (info >> 24) & 0x1f {
        1 | 14 | 17 => 4,
        3 => 12,
        4 | 5 | 15 | 19 => 12 * vlen,
        6 | 13 => 8 * vlen,
        _ => 0,
    }
}

/// Where some record starts, where it ends, and how many there are before it.
fn any_record(btf: &[u8], endian: Endian, random: &mut Random) -> Option<(usize, usize, usize)> {
    let (start, len) = part(btf, endian, TYPES);
    let mut chosen = None;
    let (mut at, mut count) = (start, 0);
    while at + RECORD <= start + len {
        let end = at + RECORD + tail(read32(btf, endian, at + 4));
        if end > start + len {
            break;
        }
        count += 1;
        // Each of those seen so far with the same chance.
        if random.one_in(count) {
            chosen = Some((at, end));
        }
        at = end;
    }
    chosen.map(|(at, end)| (at, end, count))
}

fn record(btf: &mut [u8], endian: Endian, random: &mut Random) {
    let Some((at, end, count)) = any_record(btf, endian, random) else {
        return put(btf, 24, &random.number().to_le_bytes());
    };
    let info = read32(btf, endian, at + 4);
    let some_id = |random: &mut Random| match random.below(8) {
        0 => small_or_nasty(random),
        _ => random.below(count + 2) as u32,
    };
    match random.below(8) {
        // Another kind, as long as this one or not.
        0 => {
            let kind = random.below(24) as u32;
            put32(btf, endian, at + 4, info & !(0x1f << 24) | kind << 24);
        }
        1 => {
            let vlen = match random.below(3) {
                0 => (info & 0xffff).wrapping_sub(1),
                1 => (info & 0xffff) + 1,
                _ => random.nasty() as u32,
            };
            put32(btf, endian, at + 4, info & !0xffff | vlen & 0xffff);
        }
        2 => put32(btf, endian, at + 4, info ^ 1 << (16 + random.below(16))),
        3 => {
            let (_, strings) = part(btf, endian, STRINGS);
            put32(btf, endian, at, random.below(strings + 2) as u32);
        }
        4 => {
            let id = some_id(random);
            put32(btf, endian, at + 8, id);
        }
        // What another record says.
        5 => {
            if let Some((from, from_end, _)) = any_record(btf, endian, random) {
                let len = (from_end - from).min(end - at);
                btf.copy_within(from..from + len, at);
            }
        }
        _ => {
            let words = (end - at - RECORD) / 4;
            if words == 0 {
                let id = some_id(random);
                return put32(btf, endian, at + 8, id);
            }
            let word = at + RECORD + 4 * random.below(words);
            let value = match random.below(4) {
                0 => small_or_nasty(random),
                1 => read32(btf, endian, word) ^ 1 << random.below(32),
                2 => 8 * random.below(64) as u32,
                _ => some_id(random),
            };
            put32(btf, endian, word, value);
        }
    }
}

fn string_byte(btf: &mut [u8], endian: Endian, random: &mut Random) {
    let (start, len) = part(btf, endian, STRINGS);
    if len == 0 {
        return;
    }
    const OFTEN: &[u8] = b"\0___abc0:.?*- \x80\xff\n\"";
    let byte = random.pick(OFTEN).copied().unwrap_or_default();
    btf[start + random.below(len)] = byte;
}

/// Puts a copy of a record somewhere, or takes one out, and keeps the header true.
fn insert_or_remove(input: &mut Vec<u8>, random: &mut Random) {
    if input.len() < 24 {
        return;
    }
    let endian = endian(input);
    let Some((at, end, _)) = any_record(input, endian, random) else {
        return;
    };
    let len = (end - at) as u32;
    let change = match random.below(2) {
        0 => {
            input.drain(at..end);
            len.wrapping_neg()
        }
        _ => {
            let to = any_record(input, endian, random).map_or(at, |(to, ..)| to);
            let copy = input[at..end].to_vec();
            input.splice(to..to, copy);
            len
        }
    };
    for field in [TYPES + 4, STRINGS] {
        let old = read32(input, endian, field);
        put32(input, endian, field, old.wrapping_add(change));
    }
}
