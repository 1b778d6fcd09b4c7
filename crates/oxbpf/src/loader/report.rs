//! What came of each program when a load kept going.

use std::time::Duration;

use oxbpf_object::kernel::{AttachType, ProgramType};

use super::Collection;
use crate::error::{Error, Result};
use crate::program::{Program, SourceLine, VerifierError, VerifierStats};

/// What [`Loader::keep_going`](super::Loader::keep_going) gives: everything that could be loaded, and
/// what came of each program.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct PartialLoad {
    /// The maps that were made, and the programs that the kernel accepted.
    pub collection: Collection,
    /// One report for each program that was to be loaded, in the order of the object.
    pub programs: Vec<ProgramReport>,
    /// The names of maps that could not be made or filled, with the reason. Programs that use them are
    /// refused, unless the verifier sees that they never get there.
    pub failed_maps: Vec<(String, Error)>,
    /// Why the kernel does not take the object's types (BTF), if so. Programs are loaded without them then, which not all can
    /// be.
    pub refused_types: Option<Error>,
}

impl PartialLoad {
    /// The report on the program of that name.
    #[must_use]
    pub fn report(&self, program: &str) -> Option<&ProgramReport> {
        self.programs.iter().find(|report| report.name == program)
    }

    /// Whether everything was loaded.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.refused_types.is_none()
            && self.failed_maps.is_empty()
            && self.programs.iter().all(ProgramReport::is_loaded)
    }
}

/// What came of one program.
#[derive(Debug)]
#[non_exhaustive]
pub struct ProgramReport {
    /// Its name in the object.
    pub name: String,
    /// Its section, without a leading `?`.
    pub section: String,
    /// What it was loaded as; `None` if that is not known.
    pub program_type: Option<ProgramType>,
    /// The attach type it was loaded for, as its section tells.
    pub attach_type: Option<AttachType>,
    /// Its instructions with those of its subprograms, in slots of 8 bytes.
    pub insns: usize,
    /// The verdict: the program, or why there is none.
    pub result: Result<Program>,
    /// How long the kernel took for the system call, in which it may have waited for other loads.
    pub load_time: Duration,
    /// The log of an accepted program: the figures alone, unless
    /// [`Loader::log_level`](super::Loader::log_level) asks for more.
    pub(super) accepted_log: String,
}

impl ProgramReport {
    /// Whether the kernel accepted it.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.result.is_ok()
    }

    /// The program, if the kernel accepted it.
    #[must_use]
    pub fn program(&self) -> Option<&Program> {
        self.result.as_ref().ok()
    }

    /// Why there is no program.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.result.as_ref().err()
    }

    /// The kernel's answer to a program that it did not accept; `None` also where it never got to see it.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        self.error()?.raw_os_error()
    }

    /// Why there is no program, on one line: what the verifier said, or else the whole error.
    #[must_use]
    pub fn summary(&self) -> Option<String> {
        let error = self.error()?;
        let summary = match (error.reason(), self.verdict()) {
            // What the verifier's complaint comes down to.
            (Some(reason), Some(_)) => reason.to_owned(),
            (None, Some(verdict)) => verdict.summary().to_owned(),
            (_, None) => error.to_string(),
        };
        Some(summary)
    }

    /// The line of C at fault.
    #[must_use]
    pub fn source_line(&self) -> Option<&SourceLine> {
        self.verdict()?.source_line()
    }

    /// The verifier's log; empty where it never got to see the program.
    #[must_use]
    pub fn log(&self) -> &str {
        self.verdict()
            .map_or(&self.accepted_log, VerifierError::log)
    }

    /// What the verification cost, as far as this kernel tells.
    #[must_use]
    pub fn stats(&self) -> Option<VerifierStats> {
        VerifierStats::from_log(self.log())
    }

    fn verdict(&self) -> Option<&VerifierError> {
        self.error()?.verifier()
    }
}
