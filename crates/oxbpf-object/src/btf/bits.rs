//! Bit-fields: integers of any number of bits, at any bit of some bytes, with bits counted as BTF counts them.

use crate::Endian;

/// Where the bit is that is the `index`th of a value, counted from its least significant one: the byte, and the bit in there.
fn place(at: u32, width: u32, index: u32, endian: Endian) -> (usize, u32) {
    match endian {
        Endian::Little => {
            let bit = at.wrapping_add(index);
            ((bit / 8) as usize, bit % 8)
        }
        // There, bits are counted from the most significant one.
        Endian::Big => {
            let bit = at.wrapping_add(width).wrapping_sub(index).wrapping_sub(1);
            ((bit / 8) as usize, 7u32.wrapping_sub(bit % 8))
        }
    }
}

/// The `width` bits (128 at most) at bit `at`; `None` if they are not all there.
#[inline]
pub fn get(bytes: &[u8], at: u32, width: u32, endian: Endian) -> Option<u128> {
    let mut value = 0u128;
    for index in 0..width {
        let (byte, bit) = place(at, width, index, endian);
        let bit = bytes.get(byte)?.wrapping_shr(bit) & 1;
        value |= u128::from(bit).checked_shl(index)?;
    }
    Some(value)
}

/// Sets the `width` bits (128 at most) at bit `at`, to the lowest ones of a value; `None` if they are not all there.
#[inline]
pub fn set(bytes: &mut [u8], at: u32, width: u32, endian: Endian, value: u128) -> Option<()> {
    for index in 0..width {
        let (byte, bit) = place(at, width, index, endian);
        let byte = bytes.get_mut(byte)?;
        let mask = 1u8.wrapping_shl(bit);
        match value.checked_shr(index)? & 1 {
            0 => *byte &= !mask,
            _ => *byte |= mask,
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_fields_lie_where_compilers_put_them() {
        // struct { unsigned a : 3, b : 7, c : 22; }
        let little = 0b101_u32 | 0x55 << 3 | 0x2a_aaaa << 10;
        let big = 0b101_u32 << 29 | 0x55 << 22 | 0x2a_aaaa;
        for (bytes, endian) in [
            (little.to_le_bytes(), Endian::Little),
            (big.to_be_bytes(), Endian::Big),
        ] {
            assert_eq!(get(&bytes, 0, 3, endian), Some(0b101));
            assert_eq!(get(&bytes, 3, 7, endian), Some(0x55));
            assert_eq!(get(&bytes, 10, 22, endian), Some(0x2a_aaaa));
            assert_eq!(get(&bytes, 11, 22, endian), None);

            let mut copy = [0xff; 4];
            set(&mut copy, 10, 22, endian, 0x2a_aaaa).unwrap();
            set(&mut copy, 0, 3, endian, 0b101).unwrap();
            // What does not fit is not written elsewhere.
            set(&mut copy, 3, 7, endian, 0x55 | 1 << 7).unwrap();
            assert_eq!(copy, bytes);
            assert_eq!(set(&mut copy, 11, 22, endian, 0), None);
        }
    }

    #[test]
    fn a_bit_field_may_be_as_wide_as_its_type() {
        let mut bytes = [0; 20];
        for endian in [Endian::Little, Endian::Big] {
            for width in [64, 128] {
                let value = u128::MAX.wrapping_shr(128 - width) - 1;
                set(&mut bytes, 17, width, endian, value).unwrap();
                assert_eq!(get(&bytes, 17, width, endian), Some(value));
            }
            assert_eq!(get(&bytes, 0, 129, endian), None);
        }
    }
}
