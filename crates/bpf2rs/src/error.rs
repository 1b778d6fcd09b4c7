//! The one error of this crate: a sentence, clang's own words where it had any, and the command
//! that was run, each shown once.

use std::{fmt, io, path::Path};

/// The result of an operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, coarsely: for `match`, where the text is for people.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No clang, or one that is too old or cannot compile for BPF.
    Clang,
    /// clang rejected the C source.
    Compile,
    /// An argument makes no sense.
    InvalidInput,
    /// The object that clang made, or a BTF file, cannot be read.
    InvalidObject,
    /// A type of the C source that Rust cannot express, or that is not there.
    Type,
    /// A file cannot be read or written.
    Io,
}

/// What was tried, why it failed, and what to do.
///
/// `Debug` prints the same text as `Display`, so that `fn main() -> Result<(), bpf2rs::Error>`
/// of a `build.rs` is readable as it is.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    remedy: Option<String>,
    diagnostics: String,
    command: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            remedy: None,
            diagnostics: String::new(),
            command: None,
            source: None,
        }))
    }

    pub(crate) fn io(doing: &str, path: &Path, error: io::Error) -> Self {
        Self::new(
            ErrorKind::Io,
            format!("{doing} `{}` failed", path.display()),
        )
        .with_source(error)
    }

    #[must_use]
    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    #[must_use]
    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    #[must_use]
    pub(crate) fn with_run(mut self, command: String, diagnostics: String) -> Self {
        self.0.command = Some(command);
        self.0.diagnostics = diagnostics;
        self
    }

    /// What went wrong, coarsely.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What clang said, with its lines, or nothing.
    #[must_use]
    pub fn diagnostics(&self) -> &str {
        &self.0.diagnostics
    }

    /// What the reader can do about it, where that is known.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.write_str(&inner.message)?;
        let mut source = inner.source.as_deref().map(|s| s as &dyn std::error::Error);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        if let Some(remedy) = &inner.remedy {
            write!(f, "; {remedy}")?;
        }
        if !inner.diagnostics.is_empty() {
            write!(f, "\n{}", inner.diagnostics.trim_end())?;
        }
        if let Some(command) = &inner.command {
            write!(f, "\nthe command was: {command}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|s| s as _)
    }
}
