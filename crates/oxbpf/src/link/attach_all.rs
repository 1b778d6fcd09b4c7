//! Attaching everything of an object by the names of its sections, as libbpf's skeletons do.

use super::by_section::attach_as_named;
use super::{Link, Links, StructOps};
use crate::program::Program;
use crate::{Collection, Error, Result};

/// What can be attached without being told where: it says so itself.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Attachable<'a> {
    /// A program, attached to what its section names.
    Program(&'a Program),
    /// A structure of functions, which the kernel starts to use.
    StructOps(&'a StructOps),
}

impl<'a> From<&'a Program> for Attachable<'a> {
    fn from(program: &'a Program) -> Self {
        Self::Program(program)
    }
}

impl<'a> From<&'a StructOps> for Attachable<'a> {
    fn from(structure: &'a StructOps) -> Self {
        Self::StructOps(structure)
    }
}

impl Attachable<'_> {
    /// Its name in the object.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Program(program) => program.name(),
            Self::StructOps(structure) => structure.as_map().name(),
        }
    }

    fn attach(&self) -> Outcome {
        let attached = match self {
            Self::Program(program) if program.attach_info().by_hand => {
                return Outcome::Skipped("it is to be attached by hand".into());
            }
            Self::Program(program) => attach_as_named(program),
            Self::StructOps(structure) => structure.attach().map(Ok),
        };
        match attached {
            Ok(Ok(link)) => Outcome::Attached(link),
            Ok(Err(pass)) => Outcome::Skipped(pass.reason),
            Err(error) => Outcome::Failed(error),
        }
    }
}

/// How it went with one of the things that were to be attached.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attachment {
    /// The name of the program or structure.
    pub name: String,
    /// How it went.
    pub outcome: Outcome,
}

/// How attaching something by its own word went.
#[derive(Debug)]
#[must_use = "a program is detached as soon as its link is dropped"]
pub enum Outcome {
    /// It is attached.
    Attached(Link),
    /// Its section does not say enough to attach it, for this reason: `SEC("xdp")` names no device.
    Skipped(String),
    /// It could not be attached.
    Failed(Error),
}

/// Everything that [`attach_all`] attached, and what it passed over.
///
/// Dropping it detaches all of it.
#[derive(Debug, Default)]
#[must_use = "the programs are detached as soon as this is dropped"]
pub struct Attached {
    names: Vec<String>,
    links: Links,
    skipped: Vec<Skipped>,
}

/// Something that was not attached, since its section does not say enough.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Skipped {
    /// The name of the program.
    pub name: String,
    /// What its section does not say.
    pub reason: String,
}

impl Attached {
    /// The links, in the order in which they were made.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The links with the names of what they attach.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Link)> {
        self.names.iter().map(String::as_str).zip(&self.links)
    }

    /// The link of the program or structure of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Link> {
        self.iter().find(|(n, _)| *n == name).map(|(_, link)| link)
    }

    /// What was passed over, and why.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The links alone.
    pub fn into_links(self) -> Links {
        self.links
    }

    /// Detaches all of it.
    ///
    /// # Errors
    ///
    /// As [`Links::detach`].
    pub fn detach(self) -> Result<()> {
        self.links.detach()
    }
}

/// Attaches all of these, or nothing: where one fails, those before it are detached again.
///
/// Programs whose section does not say enough are passed over, as libbpf's skeletons pass over them, but are
/// [listed](Attached::skipped).
///
/// # Errors
///
/// Of the first that cannot be attached.
#[doc(alias = "bpf_object__attach_skeleton")]
pub fn attach_all<'a>(
    all: impl IntoIterator<Item = impl Into<Attachable<'a>>>,
) -> Result<Attached> {
    let mut attached = Attached::default();
    for one in all {
        let one = one.into();
        let name = one.name().to_owned();
        match one.attach() {
            Outcome::Attached(link) => {
                attached.names.push(name);
                attached.links.push(link);
            }
            Outcome::Skipped(reason) => attached.skipped.push(Skipped { name, reason }),
            Outcome::Failed(error) => return Err(error),
        }
    }
    Ok(attached)
}

/// Attaches each of these as far as that can be done, and tells of each how it went.
pub fn attach_each<'a>(
    each: impl IntoIterator<Item = impl Into<Attachable<'a>>>,
) -> Vec<Attachment> {
    let attach = |one: Attachable<'a>| Attachment {
        name: one.name().to_owned(),
        outcome: one.attach(),
    };
    each.into_iter().map(Into::into).map(attach).collect()
}

impl Collection {
    /// What there is to attach: programs, then structures of functions, in the order of the object. Programs that are
    /// members of a structure are attached with it.
    pub fn attachables(&self) -> impl Iterator<Item = Attachable<'_>> {
        let programs = self.programs().map(|(_, program)| program.into());
        programs.chain(self.all_struct_ops().map(|(_, structure)| structure.into()))
    }

    /// Attaches all programs to what their sections name, and makes the kernel use all structures of functions: all of it, or
    /// nothing.
    ///
    /// ```no_run
    /// # fn main() -> oxbpf::Result<()> {
    /// # let collection: oxbpf::Collection = unimplemented!();
    /// let attached = collection.attach_all()?;
    /// for skipped in attached.skipped() {
    ///     eprintln!("{} is not attached: {}", skipped.name, skipped.reason);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`attach_all`].
    #[doc(alias = "bpf_object__attach_skeleton")]
    pub fn attach_all(&self) -> Result<Attached> {
        attach_all(self.attachables())
    }

    /// Attaches each program and structure as far as that can be done, and tells of each how it went.
    pub fn attach_each(&self) -> Vec<Attachment> {
        attach_each(self.attachables())
    }
}
