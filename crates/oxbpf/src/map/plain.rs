//! Types that are nothing but their bytes.

use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A type that can be a key or a value of a map: any bytes of its size are a value of it, and
/// it has no padding.
///
/// Integers, floats, arrays of such types, and structures of them that derive the traits of
/// `zerocopy` are plain; `bool`, `char`, references and most enums are not, since not all bytes
/// are values of them. Implementing this by hand is never needed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not plain bytes",
    label = "cannot be a key or value of a map",
    note = "derive zerocopy's `FromBytes`, `IntoBytes` and `Immutable`, and spell out padding as fields"
)]
pub trait Plain: Sized {
    /// The value whose bytes are all zero.
    fn zeroed() -> Self;

    /// The bytes of a value.
    fn bytes(&self) -> &[u8];

    /// The bytes of a value, to be changed.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// The bytes of several values, one behind the other.
    fn slice_bytes(values: &[Self]) -> &[u8];

    /// The value with these bytes; `None` if they are not as many as the type has.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut value = Self::zeroed();
        let into = value.bytes_mut();
        if into.len() != bytes.len() {
            return None;
        }
        into.copy_from_slice(bytes);
        Some(value)
    }
}

impl<T: FromBytes + IntoBytes + Immutable> Plain for T {
    fn zeroed() -> Self {
        T::new_zeroed()
    }

    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self.as_mut_bytes()
    }

    fn slice_bytes(values: &[Self]) -> &[u8] {
        values.as_bytes()
    }
}
