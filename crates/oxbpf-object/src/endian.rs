//! Byte order as a value.
//!
//! An object file says which byte order it is in, so every reader here takes an [`Endian`] at run time instead of being compiled twice.
//! Reads are by offset into a byte slice, need no alignment, and answer `None` past the end.

/// The byte order of an object, a type section, or an instruction stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endian {
    /// Least significant byte first (`bpfel`).
    Little,
    /// Most significant byte first (`bpfeb`).
    Big,
}

macro_rules! accessors {
    ($read:ident, $write:ident, $int:ty, $what:literal) => {
        #[doc = concat!("Reads the ", $what, " that starts `offset` bytes into `bytes`.")]
        ///
        /// `None` if it does not lie wholly inside `bytes`.
        #[inline]
        pub fn $read(self, bytes: &[u8], offset: usize) -> Option<$int> {
            let raw = *bytes.get(offset..)?.first_chunk()?;
            Some(match self {
                Endian::Little => <$int>::from_le_bytes(raw),
                Endian::Big => <$int>::from_be_bytes(raw),
            })
        }

        #[doc = concat!("Writes `value` as the ", $what, " that starts `offset` bytes into `bytes`.")]
        ///
        /// `None`, with nothing written, if it does not lie wholly inside `bytes`.
        #[inline]
        pub fn $write(self, bytes: &mut [u8], offset: usize, value: $int) -> Option<()> {
            let raw = bytes.get_mut(offset..)?.first_chunk_mut()?;
            *raw = match self {
                Endian::Little => value.to_le_bytes(),
                Endian::Big => value.to_be_bytes(),
            };
            Some(())
        }
    };
}

impl Endian {
    /// The byte order of the machine this code runs on.
    pub const NATIVE: Endian = if cfg!(target_endian = "big") {
        Endian::Big
    } else {
        Endian::Little
    };

    accessors!(read_u16, write_u16, u16, "16-bit integer");
    accessors!(read_u32, write_u32, u32, "32-bit integer");
    accessors!(read_u64, write_u64, u64, "64-bit integer");
}

#[cfg(test)]
mod tests {
    use super::Endian;

    #[test]
    fn reads_and_writes_at_any_offset_in_both_orders() {
        let mut bytes = [0; 11];
        assert_eq!(
            Endian::Big.write_u64(&mut bytes, 3, 0x0102_0304_0506_0708),
            Some(())
        );
        assert_eq!(bytes, [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(Endian::Big.read_u64(&bytes, 3), Some(0x0102_0304_0506_0708));
        assert_eq!(
            Endian::Little.read_u64(&bytes, 3),
            Some(0x0807_0605_0403_0201)
        );
        assert_eq!(Endian::Little.read_u32(&bytes, 5), Some(0x0605_0403));
        assert_eq!(Endian::Big.read_u16(&bytes, 9), Some(0x0708));
        assert_eq!(Endian::Little.write_u16(&mut bytes, 0, 0x0201), Some(()));
        assert_eq!(
            Endian::Little.write_u32(&mut bytes, 2, 0x0605_0403),
            Some(())
        );
        assert_eq!(bytes[..6], [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn refuses_what_is_out_of_bounds_and_writes_nothing() {
        let mut bytes = [7; 4];
        assert_eq!(Endian::Little.read_u32(&bytes, 1), None);
        assert_eq!(Endian::Little.read_u16(&bytes, usize::MAX), None);
        assert_eq!(Endian::Big.write_u32(&mut bytes, 1, 0), None);
        assert_eq!(bytes, [7; 4]);
    }

    #[test]
    fn native_is_this_machine() {
        assert_eq!(Endian::NATIVE.read_u32(&1u32.to_ne_bytes(), 0), Some(1));
    }
}
