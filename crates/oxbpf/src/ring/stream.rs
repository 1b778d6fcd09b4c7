//! Records as asynchronous streams.

use std::future::poll_fn;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::Events;
use crate::error::{Error, ErrorKind, Result};

/// The descriptor of a reader, as another that is ready at the same time: a reactor may keep that.
fn duplicate(events: &impl AsFd) -> Result<OwnedFd> {
    events.as_fd().try_clone_to_owned().map_err(failed)
}

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Kernel, "waiting for records").with_source(error)
}

/// What both kinds of stream have in common.
macro_rules! stream {
    ($(#[$doc:meta])* $stream:ident, $reactor:ty, $open:expr, $ready:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $stream<E> {
            // Leaves its reactor before what it waits on is closed.
            reactor: $reactor,
            events: E,
        }

        impl<E: Events> $stream<E> {
            /// Makes a stream of a reader: a [`RingBuffer`](super::RingBuffer) or a [`PerfBuffer`](super::PerfBuffer).
            ///
            /// # Errors
            ///
            /// What the reactor says.
            pub fn new(events: E) -> Result<Self> {
                let descriptor = duplicate(&events)?;
                let open: fn(OwnedFd) -> std::io::Result<$reactor> = $open;
                let reactor = open(descriptor).map_err(failed)?;
                Ok(Self { reactor, events })
            }

            /// The reader, for what it can do without waiting, such as [`Events::for_each`].
            pub fn events(&mut self) -> &mut E {
                &mut self.events
            }

            /// Ends the stream and returns the reader.
            pub fn into_inner(self) -> E {
                self.events
            }

            /// The next record, copied. May be dropped before it is ready: no record is lost then.
            ///
            /// # Errors
            ///
            /// As of [`Events::next`], and what the reactor says.
            pub async fn next(&mut self) -> Result<Vec<u8>> {
                poll_fn(|context| self.poll(context)).await
            }

            /// Waits until there is something to be read with [`events`](Self::events), which may already have been.
            ///
            /// # Errors
            ///
            /// What the reactor says.
            pub async fn readable(&mut self) -> Result<()> {
                poll_fn(|context| {
                    let at_once = Some(std::time::Duration::ZERO);
                    if self.events.wait(at_once)? || self.poll_ready(context)?.is_ready() {
                        return Poll::Ready(Ok(()));
                    }
                    // As in `poll`.
                    match self.events.wait(at_once)? {
                        true => Poll::Ready(Ok(())),
                        false => Poll::Pending,
                    }
                })
                .await
            }

            fn poll_ready(&mut self, context: &mut Context<'_>) -> Result<Poll<()>> {
                let poll: fn(&mut $reactor, &mut Context<'_>) -> Poll<std::io::Result<()>> = $ready;
                match poll(&mut self.reactor, context) {
                    Poll::Ready(ready) => ready.map(Poll::Ready).map_err(failed),
                    Poll::Pending => Ok(Poll::Pending),
                }
            }

            fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Vec<u8>>> {
                let mut is_waiting = false;
                loop {
                    if let Some(record) = self.events.next()? {
                        return Poll::Ready(Ok(record.to_vec()));
                    }
                    if is_waiting {
                        return Poll::Pending;
                    }
                    // The kernel says once only that there is something in a perf buffer: to whoever asks, and a reactor asks when
                    // it is told what to wait for. So what came until then is looked for once more.
                    is_waiting = self.poll_ready(context)?.is_pending();
                }
            }
        }

        impl<E: Events + Unpin> Stream for $stream<E> {
            type Item = Result<Vec<u8>>;

            fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                self.get_mut().poll(context).map(Some)
            }
        }
    };
}

#[cfg(feature = "tokio")]
stream! {
    /// Records of a reader as a [`Stream`] that waits in tokio's reactor. Feature `tokio`. It must be made and used within a runtime
    /// that has I/O enabled. It never ends by itself.
    TokioStream,
    tokio::io::unix::AsyncFd<OwnedFd>,
    crate::sys::async_fd::readable,
    |reactor, context| {
        // It was read until there was nothing left: what comes from now on makes it ready again.
        reactor.poll_read_ready(context).map_ok(|mut guard| guard.clear_ready())
    }
}

#[cfg(feature = "async-io")]
stream! {
    /// Records of a reader as a [`Stream`] that waits in the reactor of `async-io`, which smol and others use. Feature `async-io`. It
    /// never ends by itself.
    AsyncIoStream,
    async_io::Async<OwnedFd>,
    async_io::Async::new_nonblocking,
    |reactor, context| reactor.poll_readable(context)
}
