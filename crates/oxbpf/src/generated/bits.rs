//! Parts of records that are no fields of their own: views of unions, and bit-fields.

use oxbpf_object::Endian;
use oxbpf_object::btf::bits;

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

macro_rules! numbers {
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

numbers! {
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
pub fn get_bits<R: Plain, T: Bits, const OFFSET: u32, const WIDTH: u8>(record: &R) -> T {
    const { assert!(WIDTH > 0 && WIDTH <= 64 && OFFSET as usize + WIDTH as usize <= size_of::<R>() * 8) };
    let bits = bits::get(record.bytes(), OFFSET, WIDTH.into(), Endian::NATIVE);
    T::from_bits(bits.unwrap_or_default() as u64, WIDTH)
}

/// Sets the bit-field of `WIDTH` bits at bit `OFFSET` of a record.
pub fn set_bits<R: Plain, T: Bits, const OFFSET: u32, const WIDTH: u8>(record: &mut R, value: T) {
    const { assert!(WIDTH > 0 && WIDTH <= 64 && OFFSET as usize + WIDTH as usize <= size_of::<R>() * 8) };
    let (bytes, value) = (record.bytes_mut(), value.into_bits());
    let all = bits::set(bytes, OFFSET, WIDTH.into(), Endian::NATIVE, value.into());
    debug_assert!(all.is_some(), "the record was measured");
}

#[cfg(test)]
mod tests {
    use super::*;

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
