//! Programs in the kernel.
//!
//! [`ProgramLoad`] is a request, [`Program`] the loaded program, [`VerifierError`] the refusal.
//! [`Typed`] is a program whose kind the compiler knows.

mod explain;
mod handle;
mod info;
mod load;
mod log;
mod stats;
mod test_run;
mod typed;
mod verifier;

pub use handle::{AttachInfo, Program};
pub use info::ProgramInfo;
pub(crate) use load::Measured;
pub use load::{LogLevel, ProgramLoad};
pub use log::SourceLine;
pub use stats::VerifierStats;
pub use test_run::{TestRun, TestRunResult};
pub use typed::{
    ExtensionKind, KprobeKind, LsmKind, PerfEventKind, ProgramKind, RawTracepointKind, SyscallKind,
    TracepointKind, TracingKind, Typed,
};
pub use verifier::VerifierError;
