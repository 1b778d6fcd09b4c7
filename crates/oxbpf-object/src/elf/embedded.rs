//! Objects inside of other files: programs carry theirs as bytes.

use object::elf;

use super::file::HEADER_SIZE;
use crate::Endian;

/// Finds the BPF objects inside of a file, such as a program that was built with them, and returns the bytes of each.
///
/// An object starts with an ELF header for BPF and ends with the last of its parts. Compressed ones are not found.
#[must_use]
pub fn embedded(file: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = file;
    while let Some(start) = rest.windows(4).position(|window| window == b"\x7fELF") {
        rest = rest.get(start..).unwrap_or_default();
        match object_len(rest).and_then(|len| rest.split_at_checked(len)) {
            Some((object, after)) => {
                found.push(object);
                rest = after;
            }
            None => rest = rest.get(1..).unwrap_or_default(),
        }
    }
    found
}

/// The length of the BPF object that starts here, if one does and it is whole.
fn object_len(bytes: &[u8]) -> Option<usize> {
    let endian = match bytes.get(4..6)? {
        [2, 1] => Endian::Little,
        [2, 2] => Endian::Big,
        _ => return None,
    };
    let half = |at| endian.read_u16(bytes, at).map(usize::from);
    let word = |at| usize::try_from(endian.read_u64(bytes, at)?).ok();
    if (half(16)?, half(18)?, half(58)?) != (1, usize::from(elf::EM_BPF.0), HEADER_SIZE) {
        return None;
    }
    let (table, count) = (word(40)?, half(60)?);
    let mut end = table.checked_add(count.checked_mul(64)?)?;
    for index in 0..count {
        let header = table.checked_add(index.checked_mul(64)?)?;
        if endian.read_u32(bytes, header.checked_add(4)?)? != elf::SHT_NOBITS.0 {
            end = end
                .max(word(header.checked_add(24)?)?.checked_add(word(header.checked_add(32)?)?)?);
        }
    }
    (count != 0 && end <= bytes.len()).then_some(end)
}
