//! Streams of records between programs and their users.
//!
//! | | from | to | of which kernel |
//! | --- | --- | --- | --- |
//! | [`RingBuffer`] | programs on all CPUs, in one order | us | 5.8 |
//! | [`PerfBuffer`] | programs on each CPU, in the order of that CPU | us | 4.4 |
//! | [`FlightRecorder`] | programs on each CPU, the last that they wrote | us | 4.7 |
//! | [`UserRingBuffer`] | us | programs | 6.1 |
//!
//! Both readers implement [`Events`], so that code which reads can leave open which one the
//! kernel gives. Records are borrowed from the memory that the kernel wrote them to, one at a
//! time; a record's room is given back when it is dropped. Reading takes no system call, and
//! only [`Events::wait`] one, when there is nothing. With the features `tokio` and `async-io`, readers
//! become asynchronous streams.
//!
//! ```no_run
//! # fn main() -> oxbpf::Result<()> {
//! use oxbpf::RingBuffer;
//! use oxbpf::map::Map;
//! use std::time::Duration;
//!
//! let mut events: RingBuffer = Map::open_pinned("/sys/fs/bpf/events")?.typed()?;
//! loop {
//!     events.wait(Some(Duration::from_secs(1)))?;
//!     events.for_each(1000, |record| match record.get::<[u32; 2]>() {
//!         Ok([pid, uid]) => println!("process {pid} of user {uid}"),
//!         Err(error) => eprintln!("{error}"),
//!     })?;
//! }
//! # }
//! ```

mod claim;
mod event;
mod events;
mod flight_recorder;
mod perf_buffer;
mod reader;
mod record;
mod records;
mod ring_buffer;
#[cfg(any(feature = "tokio", feature = "async-io"))]
mod stream;
mod typed;
mod user_ring_buffer;

pub use event::{Event, Tailed};
pub use events::Events;
pub use flight_recorder::FlightRecorder;
pub(crate) use perf_buffer::online_cpus;
pub use perf_buffer::{PerfBuffer, PerfBufferOptions, Wakeup};
pub use record::Record;
pub use records::Records;
pub use ring_buffer::RingBuffer;
#[cfg(feature = "async-io")]
pub use stream::AsyncIoStream;
#[cfg(feature = "tokio")]
pub use stream::TokioStream;
pub use typed::{EventMap, EventReader};
pub use user_ring_buffer::{Reserved, UserRingBuffer};

/// The longest that the kernel is asked to wait in one call.
const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_secs(3600);

/// What both readers have in common, as methods of their own and as [`Events`].
macro_rules! events {
    ($buffer:ident) => {
        impl $buffer {
            /// The next record, if there is one now.
            ///
            /// Several rings are served in turn, so that a busy one does not keep the others waiting.
            ///
            /// # Errors
            ///
            /// [`Corrupted`](crate::ErrorKind::Corrupted) if the memory of a ring contradicts itself.
            #[allow(clippy::should_implement_trait)] // An iterator cannot lend.
            pub fn next(&mut self) -> Result<Option<Record<'_>>> {
                self.reader.next()
            }

            /// Waits until there is a record, at most for `timeout` if there is one; whether there
            /// is a record then.
            ///
            /// # Errors
            ///
            /// As of [`next`](Self::next), and what the kernel says.
            pub fn wait(&mut self, timeout: Option<Duration>) -> Result<bool> {
                self.reader.wait(timeout)
            }

            /// Hands the records that are there now to `each`, `max` of them at most; how many
            /// there were. Fewer than `max` means that none were left.
            ///
            /// # Errors
            ///
            /// As of [`next`](Self::next).
            pub fn for_each(&mut self, max: usize, each: impl FnMut(Record<'_>)) -> Result<usize> {
                self.reader.for_each(max, each)
            }

            /// Goes through the records, each copied, and waits for each at most `timeout` if there
            /// is one.
            pub fn records(&mut self, timeout: Option<Duration>) -> Records<'_> {
                Records::new(self, timeout)
            }
        }

        impl Events for $buffer {
            fn next(&mut self) -> Result<Option<Record<'_>>> {
                self.reader.next()
            }

            fn wait(&mut self, timeout: Option<Duration>) -> Result<bool> {
                self.reader.wait(timeout)
            }

            fn for_each(&mut self, max: usize, each: &mut dyn FnMut(Record<'_>)) -> Result<usize> {
                self.reader.for_each(max, each)
            }

            fn lost(&self) -> u64 {
                self.reader.lost()
            }
        }

        /// To be polled for reading together with other descriptors. When it is readable, read
        /// until there is nothing left before polling again. Of a perf buffer the kernel says so once
        /// only, to whoever asks: read it once more after telling an epoll instance of it.
        impl AsFd for $buffer {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.reader.as_fd()
            }
        }

        impl TryFrom<Map> for $buffer {
            type Error = crate::Error;

            fn try_from(map: Map) -> Result<Self> {
                Self::new(map)
            }
        }
    };
}
use events as impl_events;
