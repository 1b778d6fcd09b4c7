//! Hand-written structs of maps, programs and variables, filled from an object by their names.

mod field;
mod select;

use std::marker::PhantomData;

use oxbpf_object::CollectionSpec;

pub use field::ObjectField;
pub use select::Wanted;

use crate::error::Result;
use crate::loader::{Collection, Loadable};

/// A struct that is filled with what was loaded of an object, by the names of its fields. Derive it:
/// `#[derive(oxbpf::Objects)]`, with the feature `derive`.
///
/// Only what the struct names is loaded, and what that needs: of the programs those that it has a field
/// for, of the maps those and the ones that these programs use.
///
/// A field is a [`Program`](crate::Program) or a [`Typed`](crate::program::Typed) one, a
/// [`Map`](crate::Map) or a typed view of one, a reader of a ring, a [`Global`](crate::Global) variable, an
/// [`Arena`](crate::map::Arena), a [`StructOps`](crate::StructOps), or an `Option` of these, which is `None`
/// where the object has none of that name. `#[bpf(name = "…")]` gives the name in the object where it is not
/// the field's, `#[bpf(flatten)]` takes in another such struct, `#[bpf(skip)]` leaves a field to
/// [`Default`].
///
/// What bpf2rs generates needs none of this.
///
#[cfg_attr(feature = "derive", doc = "```no_run")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use oxbpf::map::Array;
/// use oxbpf::object::CollectionSpec;
/// use oxbpf::program::{KprobeKind, Typed};
/// use oxbpf::{Kprobe, Loader, Objects};
///
/// #[derive(Objects)]
/// struct Counter {
///     #[bpf(name = "kprobe_execve")]
///     program: Typed<KprobeKind>,
///     kprobe_map: Array<u64>,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let spec = CollectionSpec::from_file("counter.o")?;
/// let counter = Loader::new().load(Counter::of(spec))?;
/// let _link = Kprobe::new("sys_execve").attach(&counter.program)?;
/// println!("{}", counter.kprobe_map.get(0)?);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "LoadAndAssign")]
pub trait Objects: Sized {
    /// Adds what the struct has fields for.
    fn want(wanted: &mut Wanted);

    /// Fills the struct.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) for what the collection does not have, and what the types of
    /// the fields object to.
    fn from_collection(collection: &Collection) -> Result<Self>;

    /// That much of an object, to be [loaded](crate::Loader::load).
    #[must_use]
    fn of(spec: CollectionSpec) -> Of<Self> {
        Of {
            spec,
            objects: PhantomData,
        }
    }
}

/// As much of an object as an [`Objects`] names, and what that needs.
#[derive(Clone, Debug)]
pub struct Of<T> {
    spec: CollectionSpec,
    objects: PhantomData<fn() -> T>,
}

impl<T: Objects> Loadable for Of<T> {
    type Output = T;

    fn into_spec(self) -> Result<CollectionSpec> {
        let mut spec = self.spec;
        let mut wanted = Wanted::default();
        T::want(&mut wanted);
        select::select(&mut spec, &wanted)?;
        Ok(spec)
    }

    fn from_collection(collection: Collection) -> Result<T> {
        T::from_collection(&collection)
    }
}
