//! C's `bool` as memory holds it.

use std::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// C's `bool` as memory holds it: one byte.
///
/// Rust's `bool` may only ever be 0 or 1, which nobody can promise of memory that BPF programs
/// write. Here every number but 0 is true.
///
/// ```
/// use oxbpf::Bool;
///
/// let mut enabled = Bool::from(true);
/// assert!(enabled.get());
/// enabled.set(false);
/// assert_eq!(enabled, false);
/// ```
#[derive(Clone, Copy, Default, FromBytes, Immutable, IntoBytes, KnownLayout)]
#[repr(transparent)]
pub struct Bool(u8);

impl Bool {
    /// True.
    pub const TRUE: Self = Self(1);
    /// False.
    pub const FALSE: Self = Self(0);

    /// Whether it is true.
    #[must_use]
    pub fn get(self) -> bool {
        self.0 != 0
    }

    /// Makes it true or false.
    pub fn set(&mut self, value: bool) {
        *self = value.into();
    }
}

impl From<bool> for Bool {
    fn from(value: bool) -> Self {
        Self(value.into())
    }
}

impl From<Bool> for bool {
    fn from(value: Bool) -> Self {
        value.get()
    }
}

impl PartialEq for Bool {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Bool {}

impl PartialEq<bool> for Bool {
    fn eq(&self, other: &bool) -> bool {
        self.get() == *other
    }
}

impl std::hash::Hash for Bool {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}

impl fmt::Debug for Bool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl fmt::Display for Bool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_byte_but_zero_is_true() {
        for byte in 0..=u8::MAX {
            let value = Bool::read_from_bytes(&[byte]).unwrap();
            assert_eq!(value.get(), byte != 0);
            assert_eq!(value == Bool::TRUE, byte != 0);
        }
        assert_eq!(Bool::from(true).as_bytes(), [1]);
        assert_eq!(format!("{:?} {}", Bool::TRUE, Bool::FALSE), "true false");
    }
}
