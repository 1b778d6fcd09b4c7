//! Static linking: several objects become one, which loads as they would together.
//!
//! Sections of one name are put one after the other, and what refers to them is moved along. A name that objects can see stands for one
//! thing: of several definitions all but one have to be weak, or that one has to be the first of weak ones; declarations in other
//! objects must agree with it in type. What nothing defines stays undefined, for the kernel to provide or a later link. A symbol that
//! is hidden in one object is hidden in the result (whoever loads that has the verifier check such a function along with its callers,
//! as a static one).
//!
//! Of the types of all objects each is kept once, see [`Btf::dedup`](crate::btf::Btf::dedup). Debug information for people (DWARF) is
//! left out: it is of no use to a loader. `license` and `version` have to be the same in all objects that have them.
//!
//! What comes out is deterministic: objects count in the order in which they were added.
//!
//! Source: the ELF specification, `Documentation/bpf/llvm_reloc.rst`, `Documentation/bpf/btf.rst`.

mod compare;
mod error;
mod ext;
mod globals;
mod image;
mod input;
mod relocations;
mod sections;
mod types;

pub use error::{Error, ErrorKind};

use globals::Globals;
use image::Image;
use input::Input;
use sections::Sections;

use crate::Endian;

/// Links objects.
///
/// ```no_run
/// use oxbpf_object::Linker;
///
/// let (main, library) = (std::fs::read("main.bpf.o")?, std::fs::read("library.bpf.o")?);
/// let mut linker = Linker::new();
/// linker.add("main.bpf.o", &main)?;
/// linker.add("library.bpf.o", &library)?;
/// std::fs::write("tool.bpf.o", linker.link()?)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "bpf_linker")]
#[derive(Default)]
pub struct Linker<'a> {
    endian: Option<Endian>,
    inputs: Vec<Input<'a>>,
}

impl<'a> Linker<'a> {
    /// No objects yet. All have to be of the same byte order, whichever that is.
    #[doc(alias = "bpf_linker__new")]
    pub fn new() -> Linker<'a> {
        Linker::default()
    }

    /// No objects yet; refuses those of another byte order.
    pub fn with_endian(endian: Endian) -> Linker<'a> {
        Linker {
            endian: Some(endian),
            inputs: Vec::new(),
        }
    }

    /// Adds an object. Errors call it by its name.
    ///
    /// # Errors
    ///
    /// When it is no BPF object that can be read, or of another byte order than the ones before.
    #[doc(alias = "bpf_linker__add_buf")]
    pub fn add(&mut self, name: &str, bytes: &'a [u8]) -> Result<&mut Self, Error> {
        let input = Input::new(name, bytes)?;
        match self.endian {
            Some(endian) if endian != input.file.endian => {
                let order = |endian| match endian {
                    Endian::Little => "little-endian",
                    Endian::Big => "big-endian",
                };
                let message = format!(
                    "it is {}, but the output is to be {}",
                    order(input.file.endian),
                    order(endian)
                );
                let error = Error::new(ErrorKind::ByteOrder, message).in_object(name);
                return Err(match self.inputs.first() {
                    Some(first) => error.in_object(&first.name),
                    None => error,
                });
            }
            _ => self.endian = Some(input.file.endian),
        }
        self.inputs.push(input);
        Ok(self)
    }

    /// Links all objects into one: the bytes of an ELF file.
    ///
    /// # Errors
    ///
    /// [`Error`] names the symbol or section that the objects do not agree on, and the objects.
    #[doc(alias = "bpf_linker__finalize")]
    pub fn link(&self) -> Result<Vec<u8>, Error> {
        let Some(endian) = self.endian.filter(|_| !self.inputs.is_empty()) else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "there are no objects to link",
            ));
        };
        let mut sections = Sections::merge(&self.inputs)?;
        let globals = Globals::resolve(&self.inputs, &sections)?;
        let mut image = Image::new(endian);
        let symbols = relocations::add_symbols(&self.inputs, &sections, &globals, &mut image)?;
        let relocations = relocations::rebase(&self.inputs, &mut sections, &symbols, endian)?;
        let types = types::merge(&self.inputs, &sections, &globals)?;
        let types = match types {
            Some(mut types) => {
                let ext = ext::merge(&self.inputs, &sections, &mut types, endian)?;
                let btf = types.dedup.types().to_bytes(endian)?;
                Some((btf, ext))
            }
            None => None,
        };
        image.write(sections, &relocations, types)
    }
}

/// Names the objects.
impl std::fmt::Debug for Linker<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.inputs.iter().map(|input| &input.name);
        f.debug_struct("Linker")
            .field("endian", &self.endian)
            .field("objects", &names.collect::<Vec<_>>())
            .finish()
    }
}
