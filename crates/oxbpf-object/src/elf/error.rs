//! What can be wrong with an object file.

use std::fmt::{self, Write as _};

use crate::printable::Printable;

/// Why an object file could not be read.
///
/// The text is one line that names the file, the section and the symbol at fault, as far as they are known.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    object: Option<String>,
    section: Option<String>,
    symbol: Option<String>,
    io: Option<std::io::Error>,
}

/// What sort of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file could not be read at all.
    Io,
    /// It is no ELF file.
    NotElf,
    /// It is an ELF file for another machine, of another class, or of another type than a BPF object.
    NotBpf,
    /// It ends too early.
    Truncated,
    /// Parts of it contradict each other.
    Corrupt,
    /// It asks for more than is reasonable; see [`limits`](crate::limits).
    Limit,
    /// Its type information cannot be read, or is missing where it is needed.
    TypeInfo,
    /// A map is defined in a way that no map can be.
    MapDefinition,
    /// An instruction or a map refers to something that is not there, or of the wrong kind.
    Reference,
}

impl Error {
    /// The bare message.
    pub(super) fn message(&self) -> &str {
        &self.0.message
    }

    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            object: None,
            section: None,
            symbol: None,
            io: None,
        }))
    }

    pub(super) fn corrupt(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Corrupt, message)
    }

    pub(super) fn map(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::MapDefinition, message)
    }

    pub(super) fn reference(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Reference, message)
    }

    pub(super) fn io(error: std::io::Error) -> Self {
        let mut new = Error::new(ErrorKind::Io, "cannot be read");
        new.0.io = Some(error);
        new
    }

    pub(super) fn in_object(mut self, name: &str) -> Self {
        self.0.object.get_or_insert_with(|| name.to_owned());
        self
    }

    pub(super) fn in_section(mut self, name: &str) -> Self {
        self.0.section.get_or_insert_with(|| name.to_owned());
        self
    }

    pub(super) fn at_symbol(mut self, name: &str) -> Self {
        self.0.symbol.get_or_insert_with(|| name.to_owned());
        self
    }

    /// What sort of thing is wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The file, or the name that was given to the object.
    #[must_use]
    pub fn object(&self) -> Option<&str> {
        self.0.object.as_deref()
    }

    /// The section at fault.
    #[must_use]
    pub fn section(&self) -> Option<&str> {
        self.0.section.as_deref()
    }

    /// The map, function or variable at fault.
    #[must_use]
    pub fn symbol(&self) -> Option<&str> {
        self.0.symbol.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = Printable(f);
        if let Some(object) = &self.0.object {
            write!(f, "{object}: ")?;
        }
        if let Some(section) = &self.0.section {
            write!(f, "section `{section}`: ")?;
        }
        if let Some(symbol) = &self.0.symbol {
            write!(f, "`{symbol}`: ")?;
        }
        f.write_str(&self.0.message)?;
        match &self.0.io {
            Some(io) => write!(f, ": {io}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.io.as_ref().map(|io| io as _)
    }
}

/// The message already names the part of the type information.
impl From<crate::btf::Error> for Error {
    fn from(error: crate::btf::Error) -> Self {
        Error::new(ErrorKind::TypeInfo, error.to_string())
    }
}
