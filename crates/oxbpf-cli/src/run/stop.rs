//! When to end: a signal, seen by whoever polls.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use anyhow::Context;
use rustix::pipe::{PipeFlags, pipe_with};

/// Readable once a signal has come that asks to end.
#[derive(Debug)]
pub(super) struct Stop {
    pipe: OwnedFd,
}

impl Stop {
    /// Ctrl-C, and what service managers send.
    pub(super) fn on_signals() -> anyhow::Result<Stop> {
        let (pipe, writer) =
            pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).context("making a pipe failed")?;
        ctrlc::set_handler(move || {
            // If the pipe is full, enough has been said.
            let _ = rustix::io::write(&writer, b"x");
        })
        .context("watching for Ctrl-C failed")?;
        Ok(Stop { pipe })
    }
}

impl AsFd for Stop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}
