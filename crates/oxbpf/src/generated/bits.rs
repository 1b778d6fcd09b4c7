//! Parts of records that are no fields of their own: views of unions, and bit-fields.

use oxbpf_object::Endian;

use crate::Bool;
use crate::map::Plain;

/// The part of a record at byte `OFFSET`.
#[must_use]
pub fn get<R: Plain, T: Plain, const OFFSET: usize>(record: &R) -> T {
    const { assert!(OFFSET + size_of::<T>() <= size_of::<R>()) };
    let mut value = T::zeroed();
    if let Some(bytes) = record.bytes().get(OFFSET..OFFSET + size_of::<T>()) {
        value.bytes_mut().copy_from_slice(bytes);
    }
    value
}

/// Sets the part of a record at byte `OFFSET`.
pub fn set<R: Plain, T: Plain, const OFFSET: usize>(record: &mut R, value: T) {
    const { assert!(OFFSET + size_of::<T>() <= size_of::<R>()) };
    let bytes = record.bytes_mut().get_mut(OFFSET..OFFSET + size_of::<T>());
    if let Some(bytes) = bytes {
        bytes.copy_from_slice(value.bytes());
    }
}

/// What a bit-field may be declared as.
pub trait Bits: Copy {
    /// From the field's bits, the lowest first; `width` of them.
    fn from_bits(bits: u64, width: u8) -> Self;
    /// To bits, of which those that the field has no room for are ignored.
    fn into_bits(self) -> u64;
}

macro_rules! bits {
    ($($unsigned:ty, $signed:ty;)*) => {$(
        impl Bits for $unsigned {
            fn from_bits(bits: u64, _: u8) -> Self {
                bits as Self
            }
            fn into_bits(self) -> u64 {
                self.into()
            }
        }

        impl Bits for $signed {
            fn from_bits(bits: u64, width: u8) -> Self {
                // The field's highest bit is its sign.
                let unused = 64 - u32::from(width);
                ((bits << unused) as i64 >> unused) as Self
            }
            fn into_bits(self) -> u64 {
                i64::from(self) as u64
            }
        }
    )*};
}

bits! {
    u8, i8;
    u16, i16;
    u32, i32;
    u64, i64;
}

impl Bits for Bool {
    fn from_bits(bits: u64, _: u8) -> Self {
        (bits != 0).into()
    }
    fn into_bits(self) -> u64 {
        self.get().into()
    }
}

/// The bit-field of `WIDTH` bits at bit `OFFSET` of a record, counted as BTF counts.
#[must_use]
pub fn get_bits<R: Plain, T: Bits, const OFFSET: usize, const WIDTH: u8>(record: &R) -> T {
    const { assert!(WIDTH > 0 && WIDTH <= 64 && OFFSET + WIDTH as usize <= size_of::<R>() * 8) };
    T::from_bits(
        read_bits(record.bytes(), OFFSET, WIDTH, Endian::NATIVE),
        WIDTH,
    )
}

/// Sets the bit-field of `WIDTH` bits at bit `OFFSET` of a record.
pub fn set_bits<R: Plain, T: Bits, const OFFSET: usize, const WIDTH: u8>(record: &mut R, value: T) {
    const { assert!(WIDTH > 0 && WIDTH <= 64 && OFFSET + WIDTH as usize <= size_of::<R>() * 8) };
    write_bits(
        record.bytes_mut(),
        OFFSET,
        WIDTH,
        Endian::NATIVE,
        value.into_bits(),
    );
}

/// Where the `index`th bit of a bit-field lies, counted from its most significant one on big-endian
/// machines and from its least significant one on the others: the byte, and the bit in it.
fn place(offset: usize, index: usize, endian: Endian) -> (usize, usize) {
    let bit = offset + index;
    match endian {
        Endian::Little => (bit / 8, bit % 8),
        Endian::Big => (bit / 8, 7 - bit % 8),
    }
}

/// The significance of that bit in the field's value.
fn significance(index: usize, width: u8, endian: Endian) -> usize {
    match endian {
        Endian::Little => index,
        Endian::Big => usize::from(width) - 1 - index,
    }
}

/// The bit-field of `width` bits at bit `offset`, in the byte order given.
#[must_use]
pub fn read_bits(bytes: &[u8], offset: usize, width: u8, endian: Endian) -> u64 {
    (0..usize::from(width)).fold(0, |value, index| {
        let (byte, bit) = place(offset, index, endian);
        let bit = bytes.get(byte).map_or(0, |byte| u64::from(byte >> bit & 1));
        value | bit << significance(index, width, endian)
    })
}

fn write_bits(bytes: &mut [u8], offset: usize, width: u8, endian: Endian, value: u64) {
    for index in 0..usize::from(width) {
        let (byte, bit) = place(offset, index, endian);
        let set = value >> significance(index, width, endian) & 1 != 0;
        if let Some(byte) = bytes.get_mut(byte) {
            *byte = *byte & !(1 << bit) | u8::from(set) << bit;
        }
    }
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
            assert_eq!(read_bits(&bytes, 0, 3, endian), 0b101);
            assert_eq!(read_bits(&bytes, 3, 7, endian), 0x55);
            assert_eq!(read_bits(&bytes, 10, 22, endian), 0x2a_aaaa);

            let mut copy = [0xff; 4];
            write_bits(&mut copy, 10, 22, endian, 0x2a_aaaa);
            write_bits(&mut copy, 0, 3, endian, 0b101);
            // What does not fit is not written elsewhere.
            write_bits(&mut copy, 3, 7, endian, 0x55 | 1 << 7);
            assert_eq!(copy, bytes);
        }
    }

    #[test]
    fn a_bit_field_may_be_as_wide_as_its_type() {
        let mut bytes = [0; 12];
        for endian in [Endian::Little, Endian::Big] {
            write_bits(&mut bytes, 16, 64, endian, u64::MAX - 1);
            assert_eq!(read_bits(&bytes, 16, 64, endian), u64::MAX - 1);
        }
    }

    #[test]
    fn bit_fields_have_the_type_they_are_declared_with() {
        let mut record = 0_u32;
        set_bits::<_, i32, 4, 3>(&mut record, -2);
        assert_eq!(get_bits::<_, i32, 4, 3>(&record), -2);
        assert_eq!(get_bits::<_, u8, 4, 3>(&record), 6);
        assert_eq!(get_bits::<_, Bool, 4, 3>(&record), true);
        set_bits::<_, Bool, 4, 3>(&mut record, Bool::FALSE);
        assert_eq!(record, 0);
        assert_eq!(i8::from_bits(0x80, 8), -128);
        assert_eq!(i64::from_bits(u64::MAX, 64), -1);
    }

    #[test]
    fn reads_and_sets_a_part_of_a_record() {
        let mut record = [0_u32; 3];
        set::<_, u64, 4>(&mut record, 1 << 32 | 2);
        assert_eq!(get::<_, u64, 4>(&record), 1 << 32 | 2);
        assert_eq!(get::<_, [u16; 2], 0>(&record), [0, 0]);
        assert_ne!(record, [0; 3]);
    }
}
