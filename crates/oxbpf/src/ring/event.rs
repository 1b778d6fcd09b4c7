//! What records are made into.

use std::ops::{Deref, DerefMut};

use super::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::map::Plain;

/// What a record can be read as: a plain value of exactly its size, or a [`Tailed`] one.
pub trait Event: Sized {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// [`WrongSize`](ErrorKind::WrongSize) if the record is no such event.
    fn from_record(record: &Record<'_>) -> Result<Self>;
}

impl<T: Plain> Event for T {
    fn from_record(record: &Record<'_>) -> Result<Self> {
        record.get()
    }
}

/// A value, and what the record goes on with: events of a C structure that ends in an array without a
/// length (`__u8 data[]`), or to which the kernel appends a packet (`bpf_perf_event_output` with a length in
/// its flags).
///
/// Fields of the value are had as if this were it. `OFFSET` is where in the record the tail begins: where C has
/// the array, which may be before the end of the structure. A value of which the record has not all has zeros
/// in the rest.
///
/// A [`PerfBuffer`](super::PerfBuffer) adds up to 7 bytes of any value to a tail: have the program send its length.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let map: oxbpf::Map = unimplemented!();
/// use oxbpf::ring::{EventMap, Tailed};
///
/// let packets: EventMap<Tailed<u32, 4>> = map.typed()?;
/// for packet in packets.reader()?.events(None) {
///     let packet = packet?;
///     println!("interface {}, {} bytes", packet.head, packet.tail.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tailed<T, const OFFSET: usize> {
    /// The value.
    pub head: T,
    /// What comes after it.
    pub tail: Vec<u8>,
}

impl<T: Plain, const OFFSET: usize> Event for Tailed<T, OFFSET> {
    fn from_record(record: &Record<'_>) -> Result<Self> {
        split(record.bytes(), OFFSET).map(|(head, tail)| Self {
            head,
            tail: tail.to_vec(),
        })
    }
}

/// The value at the start of a record, and what there is from an offset on.
fn split<T: Plain>(bytes: &[u8], offset: usize) -> Result<(T, &[u8])> {
    let Some((_, tail)) = bytes.split_at_checked(offset) else {
        return Err(
            Error::new(ErrorKind::WrongSize, "reading a record").with_reason(format!(
                "it has {} bytes, `{}` has {offset} before what may follow",
                bytes.len(),
                std::any::type_name::<T>()
            )),
        );
    };
    let mut head = T::zeroed();
    let into = head.bytes_mut();
    for (to, from) in into.iter_mut().zip(bytes) {
        *to = *from;
    }
    Ok((head, tail))
}

impl<T, const OFFSET: usize> Deref for Tailed<T, OFFSET> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.head
    }
}

impl<T, const OFFSET: usize> DerefMut for Tailed<T, OFFSET> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_may_begin_before_the_end_of_the_value() {
        let record: Vec<u8> = (1..=10).collect();
        let (head, tail) = split::<[u8; 8]>(&record, 6).unwrap();
        assert_eq!((head, tail), ([1, 2, 3, 4, 5, 6, 7, 8], &[7, 8, 9, 10][..]));
        let (head, tail) = split::<[u8; 8]>(&record[..6], 6).unwrap();
        assert_eq!((head, tail), ([1, 2, 3, 4, 5, 6, 0, 0], &[][..]));
        let error = split::<[u8; 8]>(&record[..5], 6).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongSize);
        assert!(error.to_string().contains("it has 5 bytes"), "{error}");
    }
}
