//! Integers of any number of bits, at any bit of some bytes.

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

/// Sets the `width` bits (128 at most) at bit `at`, as BTF counts them; `None` if they are not all there.
pub(super) fn set(
    bytes: &mut [u8],
    at: u32,
    width: u32,
    endian: Endian,
    value: u128,
) -> Option<()> {
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
