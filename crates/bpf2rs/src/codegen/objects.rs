//! `Objects`: what the kernel made of the object.

use oxbpf_object::spec::DataKind;
use proc_macro2::TokenStream;
use quote::quote;

use super::{
    Parts, Request, doc, links, maps::MapItem, names, programs::ProgramItem, variables::Section,
};

/// `Objects` and its parts.
pub(super) fn define(request: &Request<'_>, parts: &Parts<'_>) -> TokenStream {
    let Parts {
        maps,
        programs,
        sections,
        ..
    } = parts;
    let links = links::define(parts);
    let map_fields: Vec<_> = maps.iter().map(|map| &map.field).collect();
    let map_types = maps.iter().map(MapItem::loaded);
    let map_docs = maps.iter().map(|map| doc(&map.docs));
    let program_fields: Vec<_> = programs.iter().map(|program| &program.field).collect();
    let program_types = programs.iter().map(ProgramItem::loaded);
    let program_docs = programs.iter().map(|program| doc(&program.docs));
    let map_values = maps.iter().map(MapItem::lookup);
    let program_values = programs.iter().map(ProgramItem::lookup);

    let section_fields = sections.iter().map(|section| {
        let Section {
            name,
            field,
            loaded,
            kind,
            ..
        } = section;
        let docs = doc(&match kind {
            DataKind::Rodata => format!("The constants in `{name}`, as the programs see them."),
            DataKind::Kconfig => "The kernel's configuration, as the programs see it.".to_owned(),
            _ => format!("The variables in `{name}`, shared with the programs."),
        });
        quote! {
            #docs
            pub #field: #loaded,
        }
    });
    let section_structs = sections.iter().map(|section| {
        let docs = doc(&format!("Variables in `{}`, once loaded.", section.name));
        let name = &section.loaded;
        let (_, fields) = names(&section.variables, |v| (v.name, &v.field));
        let types: Vec<_> = section
            .variables
            .iter()
            .map(|variable| &variable.ty)
            .collect();
        let docs_of = section.variables.iter().map(|v| doc(&v.docs));
        quote! {
            #docs
            #[derive(Debug)]
            pub struct #name {
                #(#fields: ::oxbpf::Global<#types>,)*
            }

            impl #name {
                #(
                    #docs_of
                    #[must_use]
                    pub fn #fields(&self) -> &::oxbpf::Global<#types> {
                        &self.#fields
                    }
                )*
            }
        }
    });
    let section_values = sections.iter().map(|section| {
        let Section {
            name,
            field,
            loaded,
            ..
        } = section;
        let (variables, fields) = names(&section.variables, |v| (v.name, &v.field));
        quote! {
            #field: #loaded {
                #(#fields: collection.global(#name, #variables)?,)*
            },
        }
    });

    let docs = doc(&format!("The object `{}`, loaded.", request.name));
    quote! {
        #docs
        #[derive(Debug)]
        pub struct Objects {
            /// Its maps.
            pub maps: Maps,
            /// Its programs.
            pub programs: Programs,
            #(#section_fields)*
        }

        /// The maps.
        #[derive(Debug)]
        pub struct Maps {
            #(#map_docs pub #map_fields: #map_types,)*
        }

        /// The programs.
        #[derive(Debug)]
        pub struct Programs {
            #(#program_docs pub #program_fields: #program_types,)*
        }

        #(#section_structs)*

        #links

        impl Objects {
            fn new(collection: &::oxbpf::Collection) -> ::oxbpf::Result<Self> {
                Ok(Self {
                    maps: Maps {
                        #(#map_fields: #map_values,)*
                    },
                    programs: Programs {
                        #(#program_fields: #program_values,)*
                    },
                    #(#section_values)*
                })
            }
        }
    }
}
