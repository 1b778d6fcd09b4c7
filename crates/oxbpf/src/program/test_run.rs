//! Running a program without attaching it.

use std::time::Duration;

use oxbpf_object::kernel::ProgramType;
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
    /// How many frames are in flight at once, where an XDP program is run on live frames (`BPF_F_TEST_XDP_LIVE_FRAMES`); 0
    /// leaves it to the kernel. Linux 5.18.
    pub batch_size: u32,
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
        // Programs that are run on demand write into what they are given, and know no other output.
        let is_on_demand = self.program_type() == ProgramType::SYSCALL;
        let mut context = run.context.to_vec();
        let attr = uapi::ProgTestRun {
            prog_fd: sys::raw(std::os::fd::AsFd::as_fd(self)),
            repeat: run.repeat,
            flags: run.flags,
            cpu: run.cpu,
            batch_size: run.batch_size,
            ..Default::default()
        };
        let parts = TestRunParts {
            data_in: run.data,
            data_out: run.data_out,
            ctx_in: &mut context,
            ctx_out: if is_on_demand {
                &mut []
            } else {
                &mut *run.context_out
            },
        };
        let failed = |errno| Error::syscall(errno, format!("running {self}"));
        let (result, attr) = sys::prog_test_run(attr, parts).map_err(failed)?;
        match result {
            Ok(()) => {
                let mut context_len = attr.ctx_size_out as usize;
                if is_on_demand {
                    context_len = context.len().min(run.context_out.len());
                    let written = run.context_out.iter_mut().zip(&context);
                    written.for_each(|(to, from)| *to = *from);
                }
                Ok(TestRunResult {
                    return_value: attr.retval,
                    duration: Duration::from_nanos(attr.duration.into()),
                    data_len: attr.data_size_out as usize,
                    context_len,
                })
            }
            Err(Errno::NOSPC) => Err(failed(Errno::NOSPC)
                .with_kind(ErrorKind::WrongSize)
                .with_reason(format!(
                    "it makes {} bytes of data and {} of context",
                    attr.data_size_out, attr.ctx_size_out
                ))),
            Err(errno) => Err(failed(errno)),
        }
    }

    /// Runs a `syscall` program, on the calling thread. It sees `context`, and what it writes there is there afterwards.
    ///
    /// Since Linux 5.14.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongKind`] for programs of other types: see [`test_run`](Self::test_run).
    #[doc(alias = "BPF_PROG_RUN")]
    pub fn run(&self, context: &mut [u8]) -> Result<u32> {
        if self.program_type() != ProgramType::SYSCALL {
            let program_type = self.program_type();
            return Err(Error::new(ErrorKind::WrongKind, format!("running {self}"))
                .with_reason(format!(
                    "it is of type {program_type}, not a syscall program"
                ))
                .with_remedy("use `test_run`, with what such programs work on"));
        }
        let given = context.to_vec();
        let run = TestRun {
            context: &given,
            context_out: context,
            ..TestRun::default()
        };
        Ok(self.test_run(run)?.return_value)
    }
}
