//! Structures and unions, laid out as C laid them out.
//!
//! What is a member of its own in C becomes a field. What C lets overlap or start within a byte
//! (unions, bit-fields) becomes bytes with methods that read and set a part. What C leaves free
//! becomes a field too, so that no byte of a value is ever undefined: the kernel compares keys
//! byte by byte, and refuses to be handed undefined ones.

use oxbpf_object::btf::{Kind, Type};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use syn::ext::IdentExt;

use super::{
    derives, doc,
    layout::{Accessor, Content, Layout, View},
    names::Scope,
    types::{RustType, Shape, Types},
};
use crate::error::Result;

/// Defines a structure or union.
pub(super) fn define(
    types: &mut Types<'_>,
    ty: Type<'_>,
    c_name: &str,
    title: &str,
    name: &Ident,
) -> Result<(RustType, TokenStream)> {
    let layout = Layout::of(types, ty, c_name, title)?;
    let Layout {
        parts,
        accessors,
        size,
    } = &layout;
    let size = *size;
    let is_union = ty.kind() == Kind::UNION;
    let natural = parts.iter().map(|part| part.align).max().unwrap_or(1);
    let fits = size % natural == 0 && parts.iter().all(|part| part.offset % part.align == 0);
    let align = if fits { natural } else { 1 };

    let mut scope = Scope::default();
    let mut fields = TokenStream::new();
    let mut debug = Vec::new();
    let mut asserts = TokenStream::new();
    let mut end = 0;
    for part in parts {
        fields.extend(padding(&mut scope, end, part.offset));
        end = part.offset + part.size;
        let offset = Literal::u64_unsuffixed(part.offset);
        let field = match &part.content {
            Content::Field {
                name,
                shape,
                docs: text,
                order,
            } => {
                let field = scope.verbatim(name);
                let shape = shape.tokens(&TokenStream::new());
                let docs = doc(text);
                fields.extend(quote! {
                    #docs
                    pub #field: #shape,
                });
                // A member of a packed structure may lie where no reference may point.
                let value = if fits {
                    quote!(&self.#field)
                } else {
                    quote!(&{ self.#field })
                };
                debug.push((*order, name, value));
                field
            }
            Content::Storage => {
                let field = scope.verbatim(&format!("__bytes_{}", part.offset));
                let len = Literal::u64_unsuffixed(part.size);
                fields.extend(quote! {
                    #[doc(hidden)]
                    pub #field: [u8; #len],
                });
                field
            }
        };
        asserts.extend(quote! {
            assert!(::core::mem::offset_of!(#name, #field) == #offset);
        });
    }
    fields.extend(padding(&mut scope, end, size));

    let mut methods = TokenStream::new();
    for accessor in accessors {
        let (get, set) = scope.accessor(&accessor.name);
        debug.push((accessor.order, &accessor.name, quote!(&self.#get())));
        methods.extend(accessor.methods(&get, &set));
    }
    debug.sort_by_key(|(order, ..)| *order);
    let debug = debug
        .into_iter()
        .map(|(_, name, value)| quote!(.field(#name, #value)));
    let methods = (!methods.is_empty()).then(|| quote!(impl #name { #methods }));

    let repr = if fits { quote!(C) } else { quote!(C, packed) };
    let derives = derives(&quote! {
        ::oxbpf::__private::zerocopy::ByteEq,
        ::oxbpf::__private::zerocopy::ByteHash,
    });
    let kind = if is_union {
        ": a union, of which each method shows another view"
    } else {
        ""
    };
    let docs = doc(&types
        .comments()
        .with(ty.id(), None, &format!("{title}, {size} bytes{kind}.")));
    let label = name.to_string();
    let size_literal = Literal::u64_unsuffixed(size);
    let align_literal = Literal::u64_unsuffixed(align);
    let definition = quote! {
        #docs
        #derives
        #[repr(#repr)]
        pub struct #name { #fields }

        #methods

        impl ::core::default::Default for #name {
            fn default() -> Self {
                ::oxbpf::__private::zeroed()
            }
        }

        impl ::core::fmt::Debug for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#label) #(#debug)* .finish()
            }
        }

        const _: () = {
            ::oxbpf::__private::assert_layout::<#name, #size_literal, #align_literal>();
            #asserts
        };
    };
    let rust_type = RustType {
        shape: Shape::Named(name.clone()),
        size,
        align,
    };
    Ok((rust_type, definition))
}

impl Accessor {
    fn methods(&self, get: &Ident, set: &Ident) -> TokenStream {
        let get_docs = doc(&self.docs);
        let name = get.unraw();
        let set_docs = doc(&format!("Sets [`{name}`](Self::{name})."));
        let (value, read, write) = match &self.view {
            View::Value { offset, shape } => {
                let value = shape.tokens(&TokenStream::new());
                let offset = Literal::u64_unsuffixed(*offset);
                (
                    value,
                    quote!(::oxbpf::__private::get::<_, _, #offset>(self)),
                    quote!(::oxbpf::__private::set::<_, _, #offset>(self, value)),
                )
            }
            View::Bits {
                bit_offset,
                bits,
                shape,
            } => {
                let value = shape.tokens(&TokenStream::new());
                let bit_offset = Literal::u64_unsuffixed(*bit_offset);
                let bits = Literal::u8_unsuffixed(*bits);
                let read = quote!(::oxbpf::__private::get_bits::<_, _, #bit_offset, #bits>(self));
                let set = quote!(::oxbpf::__private::set_bits::<_, _, #bit_offset, #bits>);
                if matches!(shape.base(), Shape::Named(_)) {
                    (
                        value.clone(),
                        quote!(#value { 0: #read }),
                        quote!(#set(self, value.0)),
                    )
                } else {
                    (value, read, quote!(#set(self, value)))
                }
            }
        };
        quote! {
            #get_docs
            #[must_use]
            pub fn #get(&self) -> #value {
                #read
            }

            #set_docs
            pub fn #set(&mut self, value: #value) {
                #write
            }
        }
    }
}

/// Bytes between two members.
fn padding(scope: &mut Scope, from: u64, to: u64) -> TokenStream {
    if from >= to {
        return TokenStream::new();
    }
    let field = scope.verbatim(&format!("__padding_{from}"));
    let len = Literal::u64_unsuffixed(to - from);
    quote! {
        #[doc(hidden)]
        pub #field: [u8; #len],
    }
}
