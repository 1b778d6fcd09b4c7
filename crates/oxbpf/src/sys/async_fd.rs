//! Descriptors in tokio's reactor.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

/// Registers a descriptor to be waited for until it is readable, with the reactor of the runtime that this is called in.
pub(crate) fn readable(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // Without a runtime, the registration would panic.
    Handle::try_current().map_err(io::Error::other)?;
    // SAFETY: an owned descriptor stays open, and the same, until it is dropped with what it is in.
    let registered = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
    registered.map_err(io::Error::from)
}
