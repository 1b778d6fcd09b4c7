//! What the code that bpf2rs generates calls, and nobody else should: it changes as that does.

mod bits;
mod objects;
mod settings;
mod struct_ops;
mod variables;

use oxbpf_object::CollectionSpec;
pub use zerocopy;

pub use bits::{Bits, get, get_bits, set, set_bits};
pub use objects::{TakenLinks, optional, optional_struct_ops};
pub use settings::{put_map, put_program, take_map, take_program};
pub use struct_ops::{function, member, set_function, set_member};
pub use variables::{large_variable, set_setting, set_variable, variable};

use crate::map::Plain;
use crate::{Error, ErrorKind, Result};

/// A value of zeros.
#[must_use]
pub fn zeroed<T: Plain>() -> T {
    T::zeroed()
}

/// Fails to compile unless a type has this size, and at most this alignment: some processors want
/// less for large integers.
pub const fn assert_layout<T, const SIZE: usize, const ALIGN: usize>() {
    assert!(size_of::<T>() == SIZE, "the type is not as large as in C");
    assert!(
        align_of::<T>() <= ALIGN,
        "the type is aligned to more than in C"
    );
}

/// Reads an embedded object.
pub fn parse(name: &str, object: &[u8]) -> Result<CollectionSpec> {
    CollectionSpec::parse_named(name, object).map_err(|error| {
        Error::new(
            ErrorKind::InvalidObject,
            format!("reading the embedded object `{name}`"),
        )
        .with_source(error)
    })
}

fn stale(object: &CollectionSpec, what: &str, name: &str) -> Error {
    Error::new(
        ErrorKind::InvalidObject,
        format!("reading the embedded object `{}`", object.name),
    )
    .with_reason(format!("it has no {what} `{name}`"))
    .with_remedy("generate its module anew with bpf2rs")
}
