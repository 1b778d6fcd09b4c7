//! What the verifier says of a program it refuses.

use std::fmt;

/// A verifier's rejection: the whole log and what it comes to.
#[derive(Clone, Debug)]
pub struct VerifierError {
    log: String,
    truncated: bool,
}

impl VerifierError {
    /// A verdict with the `log` the kernel wrote; `truncated` where its end is missing.
    pub(crate) fn new(log: String, truncated: bool) -> Self {
        Self { log, truncated }
    }

    /// The whole log, as the kernel wrote it.
    #[must_use]
    pub fn log(&self) -> &str {
        &self.log
    }

    /// Whether the log is incomplete because it outgrew [`crate::limits`].
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The line of the log that says why.
    #[must_use]
    pub fn summary(&self) -> &str {
        let mut lines = self.log.lines().rev();
        lines
            .find(|l| {
                !l.trim().is_empty()
                    && !l.starts_with("processed ")
                    && !l.starts_with("verification time")
                    && !l.starts_with("stack depth")
            })
            .unwrap_or("the verifier left no log")
    }
}

impl fmt::Display for VerifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.summary())
    }
}
