//! Programs in the kernel.
//!
//! [`ProgramLoad`] is a request, [`Program`] the loaded program, [`VerifierError`] the refusal.
//! [`Typed`] is a program whose kind the compiler knows.

mod advice;
mod code;
mod explain;
mod handle;
mod info;
mod load;
pub(crate) mod log;
mod run_stats;
mod signature;
mod stats;
mod stream;
mod test_run;
mod typed;
mod verifier;

pub use code::{CodeFunction, CodeLine, ProgramCode};
pub use handle::{AttachInfo, Program};
pub use info::ProgramInfo;
pub(crate) use load::Measured;
pub use load::{LogLevel, ProgramLoad};
pub use log::SourceLine;
pub use run_stats::RunStats;
pub use signature::{Keyring, Signature};
pub use stats::VerifierStats;
pub use stream::{Stream, StreamReader};
pub use test_run::{TestRun, TestRunResult};
pub use typed::{
    CgroupKind, ExtensionKind, FlowDissectorKind, KprobeKind, LircKind, LsmKind, LwtKind,
    NetfilterKind, PerfEventKind, ProgramKind, RawTracepointKind, SkLookupKind, SkMsgKind,
    SkReuseportKind, SkSkbKind, SocketFilterKind, StructOpsKind, SyscallKind, TcKind,
    TracepointKind, TracingKind, Typed, UprobeKind, XdpKind,
};
pub use verifier::VerifierError;
