//! What can be a field.

use super::Wanted;
use crate::error::{Error, Result};
use crate::global::Global;
use crate::link::StructOps;
use crate::loader::Collection;
use crate::map::{Arena, Map, Plain};
use crate::program::{Program, ProgramKind, Typed};

/// A type that a field of an [`Objects`](super::Objects) can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that an object has",
    note = "fields are programs, maps and views of them, variables, and `Option`s of these; `#[bpf(skip)]` leaves out others"
)]
pub trait ObjectField: Sized {
    /// Asks for what has this name.
    fn want(name: &str, wanted: &mut Wanted);

    /// Takes it out of a collection.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound), and what the type objects to.
    fn take(name: &str, collection: &Collection) -> Result<Self>;
}

/// A view of a map, or a reader of a ring.
impl<T: TryFrom<Map, Error = Error>> ObjectField for T {
    fn want(name: &str, wanted: &mut Wanted) {
        wanted.map(name);
    }

    fn take(name: &str, collection: &Collection) -> Result<Self> {
        collection.map(name)?.typed()
    }
}

macro_rules! fields {
    ($(impl $([$param:ident: $bound:path])? for $field:ty: $want:ident, |$name:ident, $collection:ident| $take:expr;)*) => {$(
        impl$(<$param: $bound>)? ObjectField for $field {
            fn want(name: &str, wanted: &mut Wanted) {
                wanted.$want(name);
            }

            fn take($name: &str, $collection: &Collection) -> Result<Self> {
                $take
            }
        }
    )*};
}

fields! {
    impl for Map: map, |name, collection| collection.map(name);
    impl for Arena: map, |name, collection| collection.arena(name);
    impl for StructOps: map, |name, collection| collection.struct_ops(name);
    impl for Program: program, |name, collection| collection.program(name);
    impl [K: ProgramKind] for Typed<K>: program, |name, collection| collection.program(name)?.try_into();
    impl [V: Plain] for Global<V>: variable, |name, collection| collection.variable(name);
}

/// `None` where the object has none of that name.
impl<T: ObjectField> ObjectField for Option<T> {
    fn want(name: &str, wanted: &mut Wanted) {
        wanted.optional(|wanted| T::want(name, wanted));
    }

    fn take(name: &str, collection: &Collection) -> Result<Self> {
        match T::take(name, collection) {
            Ok(taken) => Ok(Some(taken)),
            Err(error) if error.kind() == crate::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
