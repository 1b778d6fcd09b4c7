//! What the verifier says of a program it refuses.

use std::fmt;

use super::VerifierStats;
use super::log::{self, SourceLine};

/// A verifier's rejection: the whole log and what it comes to.
#[derive(Clone, Debug)]
pub struct VerifierError {
    log: String,
    truncated: bool,
    findings: log::Findings,
}

impl VerifierError {
    /// A verdict with the `log` the kernel wrote; `truncated` where a part of it is missing.
    pub(crate) fn new(log: String, truncated: bool) -> Self {
        Self {
            findings: log::read(&log),
            log,
            truncated,
        }
    }

    /// The whole log, as the kernel wrote it.
    #[must_use]
    pub fn log(&self) -> &str {
        &self.log
    }

    /// Whether the log is incomplete because it outgrew
    /// [`MAX_VERIFIER_LOG`](crate::limits::MAX_VERIFIER_LOG).
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Why, on one line: what the log says at its end.
    #[must_use]
    pub fn summary(&self) -> &str {
        match self.findings.summary.as_str() {
            "" => "the verifier does not say why",
            summary => summary,
        }
    }

    /// The instruction at fault, in slots from the start of the program with its subprograms.
    #[must_use]
    pub fn insn(&self) -> Option<usize> {
        self.findings.insn
    }

    /// The line of C that this instruction came from.
    #[must_use]
    pub fn source_line(&self) -> Option<&SourceLine> {
        self.findings.source.as_ref()
    }

    /// What the verification cost, as far as it went.
    #[must_use]
    pub fn stats(&self) -> Option<VerifierStats> {
        VerifierStats::from_log(&self.log)
    }

    /// What the kernel suggests to do about it. Linux 7.3.
    pub(super) fn advice(&self) -> Option<&str> {
        self.findings.advice.as_deref()
    }

    /// Whether the log says anything at all. It does not where the kernel refused a request
    /// before it looked at the program.
    pub(super) fn says_why(&self) -> bool {
        !self.findings.summary.is_empty()
    }

    /// Adds what the log does not say of the line at fault.
    pub(super) fn locate(&mut self, find: impl FnOnce(usize) -> Option<SourceLine>) {
        let known = self
            .findings
            .source
            .as_ref()
            .is_some_and(|s| s.file.is_some());
        let found = self.findings.insn.filter(|_| !known).and_then(find);
        if found.is_some() {
            self.findings.source = found;
        }
    }
}

impl fmt::Display for VerifierError {
    /// One line: why, which instruction, which line of C.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.summary())?;
        if let Some(insn) = self.insn() {
            write!(f, " (instruction {insn}")?;
            if let Some(source) = self.source_line() {
                write!(f, ", {source}")?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Display for SourceLine {
    /// "file.c:12: `text`", as far as it is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            f.write_str(file)?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "`{}`", self.text)
    }
}
