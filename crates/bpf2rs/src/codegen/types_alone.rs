//! C types without an object: what Rust makes of the types of a kernel or a program.

use oxbpf_object::btf::{Btf, Contents, TypeId};
use proc_macro2::TokenStream;
use quote::quote;

use super::types::{Asker, Types};
use super::{module, spaced};
use crate::error::{Error, ErrorKind, Result};

/// Rust definitions of C types; see [`rust_types`].
#[derive(Debug)]
pub struct RustTypes {
    /// The source of the module.
    pub text: String,
    /// Why types are not in it: those that have no size, or no counterpart in Rust.
    pub left_out: Vec<Error>,
}

/// Defines structures, unions, enumerations and what typedefs name, and all that these need, in Rust, as for the types of an
/// object's maps. The source names `oxbpf` by path.
///
/// # Errors
/// [`ErrorKind::InvalidObject`] if what is generated is no Rust. A type that Rust cannot express is left out, and told.
pub fn rust_types(btf: &Btf, ids: &[TypeId]) -> Result<RustTypes> {
    let mut types = Types::new(btf);
    let mut left_out = Vec::new();
    for id in ids {
        let Ok(ty) = btf.get(*id) else { continue };
        let is_type = matches!(
            ty.contents(),
            Contents::Struct(_) | Contents::Union(_) | Contents::Enum(_) | Contents::Typedef(_)
        );
        // What has no name is a part of something that has one, or a list of constants.
        if !is_type || ty.name().is_empty() {
            continue;
        }
        let what = format!("`{}`", ty.name());
        let asker = Asker {
            name: ty.name(),
            what: &what,
        };
        if let Err(error) = types.rust_type(*id, asker) {
            left_out.push(error);
        }
    }
    let definitions = types.into_definitions();
    let module = module(&TokenStream::new(), &quote!(#(#definitions)*));
    let file = syn::parse2(quote! {
        #[allow(unreachable_pub, unused_imports)]
        pub use generated::*;

        #module
    });
    let file: syn::File = file.map_err(|error| {
        Error::new(
            ErrorKind::InvalidObject,
            "the module generated for the types is no Rust",
        )
        .with_source(error)
    })?;
    Ok(RustTypes {
        text: spaced(&prettyplease::unparse(&file)),
        left_out,
    })
}
