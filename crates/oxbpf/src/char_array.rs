//! C's `char` arrays.

use std::borrow::Cow;
use std::ffi::CStr;
use std::fmt;
use std::ops::{Deref, DerefMut};

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::error::{Error, ErrorKind, Result};

/// C's `char name[N]`: bytes that hold text up to the first NUL, or to the end where there is none.
///
/// It derefs to its bytes. Comparing with a `str` compares the text; comparing two of them, or hashing one, looks at
/// all bytes, as the kernel does with keys.
///
/// ```
/// use oxbpf::CharArray;
///
/// let comm: CharArray<16> = "bash".try_into()?;
/// assert_eq!(comm, "bash");
/// assert_eq!(comm.as_c_str(), Some(c"bash"));
/// assert_eq!(format!("{comm} {comm:?}"), r#"bash "bash""#);
/// # Ok::<_, oxbpf::Error>(())
/// ```
#[derive(
    Clone, Copy, Eq, FromBytes, Hash, Immutable, IntoBytes, KnownLayout, Ord, PartialEq, PartialOrd,
)]
#[repr(transparent)]
pub struct CharArray<const N: usize>(pub [u8; N]);

impl<const N: usize> CharArray<N> {
    /// The text: the bytes before the first NUL.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        let end = self.0.iter().position(|&byte| byte == 0);
        self.0.get(..end.unwrap_or(N)).unwrap_or_default()
    }

    /// The text with its NUL; `None` where there is no NUL.
    #[must_use]
    pub fn as_c_str(&self) -> Option<&CStr> {
        CStr::from_bytes_until_nul(&self.0).ok()
    }

    /// The text, with what is no UTF-8 replaced.
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.text())
    }
}

impl<const N: usize> TryFrom<&str> for CharArray<N> {
    type Error = Error;

    /// The text with NULs after it.
    ///
    /// [`ErrorKind::WrongSize`] if there is no room for it and one NUL.
    fn try_from(text: &str) -> Result<Self> {
        let mut array = Self::default();
        match array.0.split_last_mut() {
            Some((_, room)) if text.len() <= room.len() => {
                room[..text.len()].copy_from_slice(text.as_bytes());
                Ok(array)
            }
            _ => Err(Error::new(
                ErrorKind::WrongSize,
                format!("putting {text:?} into `char[{N}]`"),
            )
            .with_reason(format!("it takes {} bytes with its NUL", text.len() + 1))),
        }
    }
}

impl<const N: usize> Default for CharArray<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> From<[u8; N]> for CharArray<N> {
    fn from(bytes: [u8; N]) -> Self {
        Self(bytes)
    }
}

impl<const N: usize> From<CharArray<N>> for [u8; N] {
    fn from(array: CharArray<N>) -> Self {
        array.0
    }
}

impl<const N: usize> Deref for CharArray<N> {
    type Target = [u8; N];

    fn deref(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> DerefMut for CharArray<N> {
    fn deref_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> PartialEq<[u8; N]> for CharArray<N> {
    fn eq(&self, bytes: &[u8; N]) -> bool {
        self.0 == *bytes
    }
}

impl<const N: usize> PartialEq<str> for CharArray<N> {
    fn eq(&self, text: &str) -> bool {
        self.text() == text.as_bytes()
    }
}

impl<const N: usize> PartialEq<&str> for CharArray<N> {
    fn eq(&self, text: &&str) -> bool {
        *self == **text
    }
}

impl<const N: usize> fmt::Debug for CharArray<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string_lossy(), f)
    }
}

impl<const N: usize> fmt::Display for CharArray<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_string_lossy(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_with_the_first_nul_or_the_array() {
        let array = CharArray(*b"ab\0cd\0");
        assert_eq!(array.text(), b"ab");
        assert_eq!(array.as_c_str(), Some(c"ab"));
        assert_eq!(array[3], b'c');

        let full = CharArray(*b"abc");
        assert_eq!((full.text(), full.as_c_str()), (&b"abc"[..], None));
        assert_eq!(full, "abc");
        assert_eq!(CharArray([]).text(), b"");
        assert_eq!(CharArray([]).as_c_str(), None);
    }

    #[test]
    fn text_needs_room_for_its_nul() {
        let fits = CharArray::<4>::try_from("abc").unwrap();
        assert_eq!(fits.0, *b"abc\0");
        for text in ["abcd", "abcde"] {
            let error = CharArray::<4>::try_from(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WrongSize);
        }
        assert!(CharArray::<0>::try_from("").is_err());
    }

    #[test]
    fn equality_of_two_is_that_of_all_bytes() {
        assert_ne!(CharArray(*b"a\0b"), CharArray(*b"a\0c"));
        assert_eq!(CharArray(*b"a\0b"), "a");
        assert_eq!(format!("{:?}", CharArray(*b"\xff\"\0")), "\"\u{fffd}\\\"\"");
    }
}
