//! What readers have in common.

use std::os::fd::AsFd;
use std::time::Duration;

use super::Record;
use crate::error::Result;

/// A reader of records: a [`RingBuffer`](super::RingBuffer), or, on kernels without, a
/// [`PerfBuffer`](super::PerfBuffer).
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let collection: oxbpf::Collection = unimplemented!();
/// use oxbpf::ring::Events;
/// use oxbpf::{PerfBuffer, RingBuffer};
///
/// // The one of the two maps that was loaded.
/// let mut events: Box<dyn Events> = if collection.has_map("events") {
///     Box::new(collection.map("events")?.typed::<RingBuffer>()?)
/// } else {
///     Box::new(collection.map("samples")?.typed::<PerfBuffer>()?)
/// };
/// while events.wait(None)? {
///     while let Some(record) = events.next()? {
///         println!("{} bytes", record.len());
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub trait Events: AsFd {
    /// The next record, if there is one now.
    ///
    /// # Errors
    ///
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the memory of a ring contradicts itself.
    fn next(&mut self) -> Result<Option<Record<'_>>>;

    /// Waits until there is a record, at most for `timeout` if there is one; whether there is a
    /// record then.
    ///
    /// # Errors
    ///
    /// As of [`Events::next`], and what the kernel says.
    fn wait(&mut self, timeout: Option<Duration>) -> Result<bool>;

    /// Hands the records that are there now to `each`, `max` of them at most; how many there were.
    ///
    /// # Errors
    ///
    /// As of [`Events::next`].
    fn for_each(&mut self, max: usize, each: &mut dyn FnMut(Record<'_>)) -> Result<usize>;

    /// How many records the kernel said that it had no room for, before those read so far. It says
    /// so of perf buffers; a program sees for itself that a ring buffer is full.
    fn lost(&self) -> u64;
}
