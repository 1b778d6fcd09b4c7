//! Why objects cannot be linked.

use std::fmt::{self, Write as _};

use crate::printable::Printable;
use crate::{btf, elf};

/// Why objects could not be linked.
///
/// The text is one line that names the objects, and the section or symbol that they do not agree on.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    objects: Vec<String>,
    section: Option<String>,
    symbol: Option<String>,
    source: Option<elf::Error>,
}

/// What sort of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An object cannot be read.
    Object,
    /// Type information cannot be read, or contradicts itself.
    TypeInfo,
    /// The objects are of different byte order.
    ByteOrder,
    /// Sections of one name are of different sorts, or should be the same and are not.
    Section,
    /// A symbol is defined twice.
    Duplicate,
    /// A symbol has different types in two objects.
    TypeMismatch,
    /// Something refers to what is left out.
    Reference,
    /// The objects have something that is not linked.
    Unsupported,
    /// More than is reasonable; see [`limits`](crate::limits).
    Limit,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            objects: Vec::new(),
            section: None,
            symbol: None,
            source: None,
        }))
    }

    /// Names one more object.
    pub(super) fn in_object(mut self, name: &str) -> Error {
        self.0.objects.push(name.to_owned());
        self
    }

    pub(super) fn in_section(mut self, name: &str) -> Error {
        self.0.section.get_or_insert_with(|| name.to_owned());
        self
    }

    pub(super) fn at_symbol(mut self, name: &str) -> Error {
        self.0.symbol.get_or_insert_with(|| name.to_owned());
        self
    }

    /// What sort of thing is wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The objects at fault, by the names they were added under.
    pub fn objects(&self) -> impl Iterator<Item = &str> {
        self.0.objects.iter().map(String::as_str)
    }

    /// The section at fault.
    #[must_use]
    pub fn section(&self) -> Option<&str> {
        self.0.section.as_deref()
    }

    /// The function, variable or map at fault.
    #[must_use]
    pub fn symbol(&self) -> Option<&str> {
        self.0.symbol.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = Printable(f);
        for (position, object) in self.0.objects.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(f, "{separator}{object}")?;
        }
        if !self.0.objects.is_empty() {
            f.write_str(": ")?;
        }
        if let Some(section) = &self.0.section {
            write!(f, "section `{section}`: ")?;
        }
        if let Some(symbol) = &self.0.symbol {
            write!(f, "`{symbol}`: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

/// The text has all that the other says.
impl From<elf::Error> for Error {
    fn from(error: elf::Error) -> Error {
        let mut new = Error::new(ErrorKind::Object, error.to_string());
        new.0.source = Some(error);
        new
    }
}

impl From<btf::Error> for Error {
    fn from(error: btf::Error) -> Error {
        Error::new(ErrorKind::TypeInfo, error.to_string())
    }
}
