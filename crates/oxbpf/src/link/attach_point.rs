//! What all ways to attach have in common.

use super::Link;
use crate::Result;
use crate::program::{Program, ProgramKind, Typed};

/// A place where programs of one kind can be attached.
///
/// The builders have a method of the same name; this is for code that works with any of them.
///
/// ```compile_fail,E0277
/// # fn main() -> oxbpf::Result<()> {
/// use oxbpf::program::{TracepointKind, Typed};
///
/// # let program: oxbpf::Program = todo!();
/// let program: Typed<TracepointKind> = program.try_into()?;
/// let _link = oxbpf::Kprobe::new("do_exit").attach(&program)?;
/// # Ok(())
/// # }
/// ```
pub trait AttachPoint {
    /// The kind of program that fits.
    type Kind: ProgramKind;

    /// Attaches a program. It stays attached as long as the link lives.
    ///
    /// A [`Typed`] program of another kind does not compile; a [`Program`] of another kind is an error.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](crate::ErrorKind::WrongKind) for a [`Program`] of another kind; otherwise as the builder says.
    fn attach(&self, program: &impl ProgramOf<Self::Kind>) -> Result<Link>;
}

/// A program that is, or may turn out to be, of kind `K`: a [`Typed<K>`], or a [`Program`] that is looked at when
/// it is to be attached.
pub trait ProgramOf<K: ProgramKind>: sealed::Sealed {
    /// The program, if it is of that kind.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](crate::ErrorKind::WrongKind), naming both kinds.
    fn program(&self) -> Result<&Program>;
}

impl<K: ProgramKind> ProgramOf<K> for Typed<K> {
    fn program(&self) -> Result<&Program> {
        Ok(self)
    }
}

impl<K: ProgramKind> ProgramOf<K> for Program {
    fn program(&self) -> Result<&Program> {
        Typed::<K>::new(self.clone()).map(|_| self)
    }
}

mod sealed {
    /// Keeps the trait to programs.
    pub trait Sealed {}
    impl<K: super::ProgramKind> Sealed for super::Typed<K> {}
    impl Sealed for super::Program {}
}
