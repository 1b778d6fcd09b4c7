//! Running a program without attaching it.

use std::time::Duration;

use rustix::io::Errno;

use super::Program;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, TestRunParts, uapi};

/// What a program is run with; see [`Program::test_run`].
#[derive(Debug, Default)]
pub struct TestRun<'a> {
    /// What it works on: a packet, for programs of networking.
    pub data: &'a [u8],
    /// Room for what it makes of that.
    pub data_out: &'a mut [u8],
    /// Its context, for types that take one.
    pub context: &'a [u8],
    /// Room for what it makes of that.
    pub context_out: &'a mut [u8],
    /// How often it is run; 0 is 1. Some types are run once only.
    pub repeat: u32,
    /// Flags, such as `BPF_F_TEST_RUN_ON_CPU`.
    pub flags: u32,
    /// The CPU to run it on, if flags say so. Raw tracepoints, Linux 5.10.
    pub cpu: u32,
}

/// What came of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TestRunResult {
    /// What the program returned.
    pub return_value: u32,
    /// How long one run took on average; 0 for types that are not timed.
    pub duration: Duration,
    /// How much of `data_out` was written.
    pub data_len: usize,
    /// How much of `context_out` was written.
    pub context_len: usize,
}

impl Program {
    /// Runs it without attaching it. Which types can be run, and what they take, depends on the
    /// kernel.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongSize`] if there is too little room for what it makes,
    /// [`ErrorKind::Unsupported`] if this kernel cannot run programs of its type, and what the
    /// kernel says otherwise.
    #[doc(alias = "BPF_PROG_TEST_RUN")]
    #[doc(alias = "BPF_PROG_RUN")]
    pub fn test_run(&self, run: TestRun<'_>) -> Result<TestRunResult> {
        let attr = uapi::ProgTestRun {
            prog_fd: sys::raw(std::os::fd::AsFd::as_fd(self)),
            repeat: run.repeat,
            flags: run.flags,
            cpu: run.cpu,
            ..Default::default()
        };
        let parts = TestRunParts {
            data_in: run.data,
            data_out: run.data_out,
            ctx_in: run.context,
            ctx_out: run.context_out,
        };
        let failed = |errno| Error::syscall(errno, format!("running {self}"));
        let (result, attr) = sys::prog_test_run(attr, parts).map_err(failed)?;
        match result {
            Ok(()) => Ok(TestRunResult {
                return_value: attr.retval,
                duration: Duration::from_nanos(attr.duration.into()),
                data_len: attr.data_size_out as usize,
                context_len: attr.ctx_size_out as usize,
            }),
            Err(Errno::NOSPC) => Err(failed(Errno::NOSPC)
                .with_kind(ErrorKind::WrongSize)
                .with_reason(format!(
                    "it makes {} bytes of data and {} of context",
                    attr.data_size_out, attr.ctx_size_out
                ))),
            Err(errno) => Err(failed(errno)),
        }
    }
}
