//! The one error of this crate.
//!
//! An [`Error`] says what was tried and on which object, what the kernel answered,
//! and what can be done about it. `{}` prints that as one line, `{:#}` adds the chain
//! of causes, and [`Error::kind`] is for programs that want to act on it.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};

use oxbpf_object::printable::Printable;
use rustix::io::Errno;

use crate::program::VerifierError;

/// The result of an operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, coarsely: for `match`, where the text is for people.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The object file, its BTF or a spec is malformed or contradicts itself.
    InvalidObject,
    /// An argument makes no sense for this operation.
    InvalidInput,
    /// Nothing of that name: a map, program, kernel function, tracepoint, type or file.
    NotFound,
    /// It exists already: a key, a pin, an exclusive attachment.
    AlreadyExists,
    /// A map or program is of another kind than the one asked for.
    WrongKind,
    /// A key or value size does not fit the map.
    WrongSize,
    /// There is no such index: it is beyond the end of an array, or no CPU has that number.
    BadIndex,
    /// A map is full.
    Full,
    /// A map is frozen, read-only or write-only.
    ReadOnly,
    /// The kernel does not have this feature, or was built without it.
    Unsupported,
    /// A capability, lockdown, an LSM, seccomp or a sysctl stands in the way.
    PermissionDenied,
    /// A limit was hit: descriptors, locked memory, one of [`crate::limits`].
    LimitExceeded,
    /// The verifier rejected a program; see [`Error::verifier`].
    Rejected,
    /// A CO-RE relocation cannot be done against the target types.
    Relocation,
    /// The iteration over a changing map was restarted too often.
    IterationAborted,
    /// Memory that is shared with the kernel or with others holds what it cannot: a ring with a
    /// position or a length out of range.
    Corrupted,
    /// The kernel answered something else; see [`Error::errno`].
    Kernel,
}

impl ErrorKind {
    /// The kind that an errno most likely stands for where nothing better is known.
    #[must_use]
    pub(crate) fn of(errno: Errno) -> Self {
        match errno {
            Errno::PERM | Errno::ACCESS => Self::PermissionDenied,
            Errno::NOENT | Errno::SRCH => Self::NotFound,
            Errno::EXIST => Self::AlreadyExists,
            Errno::NAMETOOLONG => Self::InvalidInput,
            Errno::NOSYS | Errno::OPNOTSUPP => Self::Unsupported,
            e if e.raw_os_error() == ENOTSUPP => Self::Unsupported,
            Errno::MFILE | Errno::NFILE | Errno::NOMEM => Self::LimitExceeded,
            _ => Self::Kernel,
        }
    }
}

/// The kernel's own "not supported", which is no errno of the C library and has no name there.
pub(crate) const ENOTSUPP: i32 = 524;

/// What was tried, on what, what the kernel said, and what to do.
///
/// ```ignore
/// # fn main() -> oxbpf::Result<()> {
/// use oxbpf::{ErrorKind, Map};
///
/// match Map::open_pinned("/sys/fs/bpf/counts") {
///     Ok(map) => println!("{}", map.name()),
///     Err(e) if e.kind() == ErrorKind::NotFound => println!("nobody counts"),
///     Err(e) => return Err(e),
/// }
/// # Ok(())
/// # }
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    doing: String,
    reason: Option<String>,
    errno: Option<Errno>,
    remedy: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    verifier: Option<VerifierError>,
}

impl Error {
    /// An error of `kind` met while `doing`: a present participle with the names of what was
    /// worked on in backticks, such as "creating map \`counts\`".
    #[must_use]
    pub(crate) fn new(kind: ErrorKind, doing: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            doing: doing.into(),
            reason: None,
            errno: None,
            remedy: None,
            source: None,
            verifier: None,
        }))
    }

    /// An error for a system call that answered `errno`, of the kind that errno stands for.
    #[must_use]
    pub(crate) fn syscall(errno: Errno, doing: impl Into<String>) -> Self {
        let error = Self::new(ErrorKind::of(errno), doing).with_errno(errno);
        match errno {
            Errno::MFILE => error.with_remedy(
                "raise the number of descriptors this process may have: RLIMIT_NOFILE, `ulimit -n`",
            ),
            _ => error,
        }
    }

    /// Adds why it failed, in words.
    #[must_use]
    pub(crate) fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// Adds the kernel's answer.
    #[must_use]
    pub(crate) fn with_errno(mut self, errno: Errno) -> Self {
        self.0.errno = Some(errno);
        self
    }

    /// Adds what the reader can do about it, as an imperative: "load it as root".
    #[must_use]
    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// Takes back what is advised, which was about something else.
    #[must_use]
    pub(crate) fn without_remedy(mut self) -> Self {
        self.0.remedy = None;
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds a verifier's verdict.
    #[must_use]
    pub(crate) fn with_verifier(mut self, verdict: VerifierError) -> Self {
        self.0.verifier = Some(verdict);
        self
    }

    /// Replaces the kind.
    #[must_use]
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Puts what the caller was doing before what this error says it was doing.
    #[must_use]
    pub(crate) fn context(mut self, doing: impl fmt::Display) -> Self {
        self.0.doing = format!("{doing}: {}", self.0.doing);
        self
    }

    /// What went wrong, coarsely.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Why it failed, in words, where more is known than the kernel's answer.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The kernel's answer, where a system call failed.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        self.0.errno
    }

    /// The kernel's answer as a number, where a system call failed.
    #[must_use]
    pub fn raw_os_error(&self) -> Option<i32> {
        self.0.errno.map(Errno::raw_os_error)
    }

    /// What the reader can do about it, or about what caused it, where that is known.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        if self.0.remedy.is_some() {
            return self.0.remedy.as_deref();
        }
        let mut source = StdError::source(self);
        while let Some(cause) = source {
            if let Some(error) = cause.downcast_ref::<Self>() {
                return error.remedy();
            }
            source = cause.source();
        }
        None
    }

    /// The verifier's verdict, where a program was rejected.
    #[must_use]
    pub fn verifier(&self) -> Option<&VerifierError> {
        self.0.verifier.as_ref()
    }
}

/// The name of an errno, since the kernel's documentation speaks of those.
fn errno_text(errno: Errno) -> String {
    if errno.raw_os_error() == ENOTSUPP {
        return "operation not supported by this kernel (os error 524)".into();
    }
    std::io::Error::from(errno).to_string()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let alternate = f.alternate();
        let mut f = Printable(f);
        write!(f, "{} failed", inner.doing)?;
        if let Some(reason) = &inner.reason {
            write!(f, ": {reason}")?;
        }
        if let Some(verdict) = &inner.verifier {
            write!(f, ": {verdict}")?;
        }
        if let Some(errno) = inner.errno {
            write!(f, ": {}", errno_text(errno))?;
        }
        if alternate {
            let mut source = inner.source.as_deref().map(|s| s as &dyn StdError);
            while let Some(cause) = source {
                write!(f, ": {cause}")?;
                source = cause.source();
            }
        } else if let Some(cause) = &inner.source {
            write!(f, ": {cause}")?;
        }
        if let Some(remedy) = &inner.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `fn main() -> Result<(), Error>` prints this: people read it.
        write!(f, "{self:#}")?;
        if let Some(verdict) = &self.0.verifier {
            write!(f, "\n{}", verdict.log())?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|s| s as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_was_tried_what_the_kernel_said_and_what_to_do() {
        let error = Error::syscall(Errno::PERM, "creating map `counts`")
            .with_remedy("run as root or with CAP_BPF");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(
            error.to_string(),
            "creating map `counts` failed: Operation not permitted (os error 1); \
             run as root or with CAP_BPF"
        );
    }

    #[test]
    fn names_the_errno_that_has_no_name() {
        let error = Error::syscall(Errno::from_raw_os_error(ENOTSUPP), "attaching `p`");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(
            error.to_string().contains("not supported by this kernel"),
            "{error}"
        );
    }

    #[test]
    fn carries_context_and_cause() {
        let cause = std::io::Error::other("no such disk");
        let error = Error::new(ErrorKind::NotFound, "reading `x.o`")
            .with_source(cause)
            .context("loading `x`");
        assert_eq!(
            error.to_string(),
            "loading `x`: reading `x.o` failed: no such disk"
        );
        assert!(StdError::source(&error).is_some());
        assert_eq!(error.remedy(), None);
    }

    #[test]
    fn knows_the_remedy_of_its_cause() {
        let cause = Error::new(ErrorKind::NotFound, "reading `x.o`").with_remedy("build it");
        let error = Error::new(ErrorKind::InvalidObject, "loading `x`").with_source(cause);
        assert_eq!(error.remedy(), Some("build it"));
        assert_eq!(error.with_remedy("leave it").remedy(), Some("leave it"));
    }
}
