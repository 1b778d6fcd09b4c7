//! The gzip format, as far as it takes to read `/proc/config.gz`.
//!
//! Source: RFC 1952.

use std::io;

use miniz_oxide::inflate;

/// Takes the whole of a compressed file, of one member, apart. What it holds may be `limit` bytes long.
pub(crate) fn decompress(file: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    let [header @ .., b0, b1, b2, b3] = file else {
        return Err(invalid("it is too short"));
    };
    let size = u32::from_le_bytes([*b0, *b1, *b2, *b3]);
    let deflated = after_header(header).ok_or_else(|| invalid("its header is not one of gzip"))?;
    let bytes = inflate::decompress_to_vec_with_limit(deflated, limit)
        .map_err(|e| invalid(&e.to_string()))?;
    if bytes.len() as u32 != size {
        return Err(invalid("it has not the length that it says"));
    }
    Ok(bytes)
}

/// Whether a file begins as compressed ones do.
pub(crate) fn is_compressed(file: &[u8]) -> bool {
    file.starts_with(&MAGIC)
}

const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The only method that there is.
const DEFLATE: u8 = 8;

fn after_header(file: &[u8]) -> Option<&[u8]> {
    /// `FEXTRA`: a length of two bytes, and so many bytes.
    const EXTRA: u8 = 1 << 2;
    /// `FNAME` and `FCOMMENT`: texts that end with NUL.
    const TEXTS: [u8; 2] = [1 << 3, 1 << 4];
    /// `FHCRC`: two bytes.
    const CHECKSUM: u8 = 1 << 1;

    let (fixed, mut rest) = file.split_at_checked(10)?;
    if fixed[..2] != MAGIC || fixed[2] != DEFLATE {
        return None;
    }
    let flags = fixed[3];
    if flags & EXTRA != 0 {
        let (length, after) = rest.split_first_chunk()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in TEXTS {
        if flags & text != 0 {
            let nul = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[nul + 1..];
        }
    }
    match flags & CHECKSUM {
        0 => Some(rest),
        _ => rest.get(2..),
    }
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "CONFIG_HZ=250\n" in one block that is not compressed.
    fn member(flags: u8, extra: &[u8]) -> Vec<u8> {
        let text = b"CONFIG_HZ=250\n";
        let length = text.len() as u8;
        let mut file = vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3];
        file.extend(extra);
        file.extend([1, length, 0, !length, 0xff]);
        file.extend(text);
        file.extend([0; 4]);
        file.extend([length, 0, 0, 0]);
        file
    }

    #[test]
    fn takes_headers_of_any_length() {
        for (flags, extra) in [
            (0, &b""[..]),
            (1 << 2, b"\x03\0abc"),
            (1 << 3, b"config\0"),
            (
                1 << 1 | 1 << 2 | 1 << 3 | 1 << 4,
                b"\x01\0xname\0comment\0\xaa\xbb",
            ),
        ] {
            let text = decompress(&member(flags, extra), 100).unwrap();
            assert_eq!(text, b"CONFIG_HZ=250\n", "{flags:#x}");
        }
    }

    #[test]
    fn refuses_what_is_none_damaged_or_too_long() {
        let good = member(0, b"");
        assert!(is_compressed(&good));
        assert!(!is_compressed(b"CONFIG_HZ=250\n"));
        for length in 0..good.len() {
            assert!(decompress(&good[..length], 100).is_err(), "{length}");
        }
        assert!(decompress(&good, 13).is_err());
        let mut other_length = good.clone();
        *other_length.last_mut().unwrap() = 1;
        assert!(decompress(&other_length, 100).is_err());
        let mut other_method = good;
        other_method[2] = 7;
        assert!(decompress(&other_method, 100).is_err());
    }
}
