//! `Links`: a place for the link of each program.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{
    Parts, doc,
    maps::{Loaded, MapItem},
    names::Scope,
    programs::ProgramItem,
};

/// What can be attached.
struct Attachable<'a> {
    name: &'a str,
    field: Ident,
    /// An expression for the option of it, from an `Objects` that is `self`.
    option: TokenStream,
    docs: &'a str,
}

/// `Links`, and the method of `Objects` that makes them.
pub(super) fn define(parts: &Parts<'_>) -> TokenStream {
    let mut scope = Scope::default();
    let programs = parts.programs.iter().filter(|program| !program.is_function);
    let programs = programs
        .map(|program: &ProgramItem<'_>| (program.name, &program.docs, program.as_option()));
    let structures = parts.maps.iter().filter_map(|map: &MapItem<'_>| {
        let field = &map.field;
        let option = match map.loaded {
            Loaded::StructOps { is_optional: false } => {
                quote!(::core::option::Option::Some(&self.maps.#field))
            }
            Loaded::StructOps { is_optional: true } => quote!(self.maps.#field.as_ref()),
            _ => return None,
        };
        Some((map.name, &map.docs, option))
    });
    let all: Vec<_> = programs
        .chain(structures)
        .map(|(name, docs, option)| Attachable {
            name,
            field: scope.verbatim(name),
            option,
            docs,
        })
        .collect();
    if all.is_empty() {
        return TokenStream::new();
    }
    let names = all.iter().map(|one| one.name);
    let fields: Vec<_> = all.iter().map(|one| &one.field).collect();
    let options = all.iter().map(|one| &one.option);
    let docs = all.iter().map(|one| doc(one.docs));
    quote! {
        /// A link for each program that can be attached. A program stays attached as long as its link
        /// lives.
        ///
        /// Where [`Objects::attach_all`] leaves `None`, the program's section does not say where it is
        /// to be attached: put the link there that a builder gives.
        #[derive(Debug, Default)]
        pub struct Links {
            #(#docs pub #fields: ::core::option::Option<::oxbpf::Link>,)*
        }

        impl Links {
            /// Detaches all programs, several at a time.
            ///
            /// # Errors
            /// That of the first which fails; the others are detached all the same.
            pub fn detach(self) -> ::oxbpf::Result<()> {
                let links = [#(self.#fields,)*];
                links.into_iter().flatten().collect::<::oxbpf::Links>().detach()
            }
        }

        impl Objects {
            /// Attaches every program to what its section names: all of them, or none.
            ///
            /// # Errors
            /// That of the first which cannot be attached.
            pub fn attach_all(&self) -> ::oxbpf::Result<Links> {
                let mut links = ::oxbpf::__private::TakenLinks::attach([
                    #(#options.map(Into::into),)*
                ])?;
                Ok(Links {
                    #(#fields: links.take(#names),)*
                })
            }
        }
    }
}
