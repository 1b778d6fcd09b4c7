//! What programs print: their streams.

use std::io;
use std::os::fd::AsFd;

use rustix::io::Errno;

use super::Program;
use crate::{Error, ErrorKind, Result, sys};

/// How much is taken at once to see what there is.
const CHUNK: usize = 4096;

/// One of the streams of a program.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Stream {
    /// What it prints with `bpf_stream_printk` to `BPF_STDOUT`.
    Stdout = 1,
    /// What it prints to `BPF_STDERR`, and what the kernel has to say of it: faults in arenas, deadlocks, loops that took too
    /// long.
    Stderr = 2,
}

impl Program {
    /// What it has printed and nobody has read yet. It is kept once for all who read it.
    ///
    /// Reading never waits: at the end, [`read`](io::Read::read) returns 0, and later maybe more.
    ///
    /// Since Linux 6.17.
    #[doc(alias = "BPF_PROG_STREAM_READ_BY_FD")]
    #[must_use]
    pub fn stream(&self, stream: Stream) -> StreamReader {
        StreamReader {
            program: self.clone(),
            stream,
        }
    }

    /// All that it has printed and nobody has read yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the kernel has no streams.
    pub fn read_stream(&self, stream: Stream) -> Result<Vec<u8>> {
        let (mut all, mut chunk) = (Vec::new(), [0; CHUNK]);
        loop {
            match sys::prog_stream_read(self.as_fd(), stream as u32, &mut chunk) {
                Ok(0) => return Ok(all),
                Ok(read) => all.extend_from_slice(chunk.get(..read).unwrap_or_default()),
                Err(errno) => return Err(self.refused(errno)),
            }
        }
    }

    fn refused(&self, errno: Errno) -> Error {
        let error = Error::syscall(errno, format!("reading what {self} printed"));
        match errno {
            // What no command is.
            Errno::INVAL => error
                .with_kind(ErrorKind::Unsupported)
                .with_reason("this kernel has no streams of programs, which came with Linux 6.17"),
            _ => error,
        }
    }
}

/// Reads what a program has printed: see [`Program::stream`].
#[derive(Clone, Debug)]
pub struct StreamReader {
    program: Program,
    stream: Stream,
}

impl io::Read for StreamReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        sys::prog_stream_read(self.program.as_fd(), self.stream as u32, into)
            .map_err(|errno| io::Error::other(self.program.refused(errno)))
    }
}
