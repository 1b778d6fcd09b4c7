//! Enumerations: open newtypes, since a C enum holds whatever it was given.

use std::collections::BTreeSet;

use oxbpf_object::btf::{Enum, Kind, Type};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::{
    derives, doc,
    names::Scope,
    types::{Asker, RustType, Shape, Types},
};
use crate::error::Result;

/// Defines an enumeration.
pub(super) fn define(
    types: &Types<'_>,
    ty: Type<'_>,
    contents: Enum<'_>,
    title: &str,
    name: &Ident,
    asker: Asker<'_>,
) -> Result<(RustType, TokenStream)> {
    let number = RustType::integer(contents.size, contents.is_signed)
        .ok_or_else(|| types.unsupported(ty.id(), asker, "is an enumeration of an odd size"))?;
    let integer = number.shape.tokens(&TokenStream::new());
    let derives = derives(&quote!(PartialEq, Eq, PartialOrd, Ord, Hash,));
    // Compilers before LLVM 16 kept half of each value of a large enumeration.
    let are_cut = ty.kind() == Kind::ENUM && contents.size > 4;
    let what = if are_cut {
        format!("{title}: any number. The compiler left out the values that have names.")
    } else {
        format!("{title}: any number, of which some have names.")
    };
    let docs = doc(&types.comments().with(ty.id(), None, &what));

    let mut scope = Scope::default();
    let mut constants = TokenStream::new();
    let mut arms = TokenStream::new();
    let mut named = BTreeSet::new();
    for enumerator in contents.enumerators().filter(|_| !are_cut) {
        let constant = scope.verbatim(enumerator.name);
        let value = fitting(enumerator.value, contents);
        let docs = doc(&format!("`{}`, {value}.", enumerator.name));
        let literal = Literal::i128_unsuffixed(value);
        constants.extend(quote! {
            #docs
            pub const #constant: Self = Self(#literal);
        });
        // Of two names of one value the first is printed.
        if named.insert(value) {
            let text = enumerator.name;
            arms.extend(quote!(#literal => f.write_str(#text),));
        }
    }
    let fallback = format!("{name}({{}})");
    let definition = quote! {
        #docs
        #derives
        #[repr(transparent)]
        pub struct #name(pub #integer);

        impl #name {
            #constants
        }

        impl ::core::default::Default for #name {
            fn default() -> Self {
                Self(0)
            }
        }

        impl ::core::fmt::Debug for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self.0 {
                    #arms
                    other => write!(f, #fallback, other),
                }
            }
        }
    };
    let rust_type = RustType {
        shape: Shape::Named(name.clone()),
        ..number
    };
    Ok((rust_type, definition))
}

/// The value as the enumeration's integer holds it. BTF records are of 32 or 64 bits whatever
/// the size, and before LLVM 16 did not tell a negative value from a large one.
fn fitting(value: i128, contents: Enum<'_>) -> i128 {
    let bits = contents.size.saturating_mul(8).min(64);
    let low = value & ((1_i128 << bits) - 1);
    let is_negative = contents.is_signed && value < 0;
    if is_negative {
        low - (1_i128 << bits)
    } else {
        low
    }
}
