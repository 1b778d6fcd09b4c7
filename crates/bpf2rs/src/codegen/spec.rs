//! `Spec`: the object before it is loaded, as plain data.

use oxbpf_object::spec::DataKind;
use proc_macro2::TokenStream;
use quote::quote;

use super::{Parts, Request, doc, names, struct_ops, variables::Section};

/// `Spec` and its parts.
pub(super) fn define(request: &Request<'_>, parts: &Parts<'_>) -> TokenStream {
    let Parts {
        maps,
        programs,
        sections,
        struct_ops,
    } = parts;
    let name = request.name;
    let constructors = constructors(request);
    let section_fields = sections.iter().map(|section| {
        let Section {
            name,
            field,
            spec,
            kind,
            ..
        } = section;
        let docs = doc(&match kind {
            DataKind::Rodata => format!("Constants (`{name}`) that programs will see."),
            DataKind::Kconfig => {
                "What programs are to take the kernel's configuration for; `None` for what it is."
                    .to_owned()
            }
            _ => format!("Initial values of the variables in `{name}`."),
        });
        quote! {
            #docs
            pub #field: #spec,
        }
    });
    let section_structs = sections.iter().map(|section| {
        let fields = section.variables.iter().map(|variable| {
            let field = &variable.field;
            let ty = variable.spec_type();
            let docs = doc(&variable.docs);
            quote! {
                #docs
                pub #field: #ty,
            }
        });
        let docs = doc(&format!(
            "Variables in `{}`, before the load.",
            section.name
        ));
        let name = &section.spec;
        quote! {
            #docs
            #[derive(Clone, Debug)]
            pub struct #name { #(#fields)* }
        }
    });
    let read_sections = sections.iter().map(|section| {
        let Section {
            map, field, spec, ..
        } = section;
        let values = section.variables.iter().map(|variable| {
            let field = &variable.field;
            let initial = variable.initial(map);
            quote!(#field: #initial,)
        });
        quote!(#field: #spec { #(#values)* },)
    });
    let write_sections = sections.iter().map(|section| {
        let values = section
            .variables
            .iter()
            .map(|variable| variable.put(section.map, &section.field));
        quote!(#(#values)*)
    });

    let data_sections = match sections[..] {
        [] => None,
        _ => {
            let names = sections.iter().map(|section| section.map);
            Some(quote! {
                fn data_sections() -> &'static [&'static str] {
                    &[#(#names,)*]
                }
            })
        }
    };

    let struct_ops_field = struct_ops::field(struct_ops);
    let struct_ops_structs = struct_ops::structs(struct_ops);
    let read_struct_ops = struct_ops::read(struct_ops);
    let write_struct_ops = struct_ops::write(struct_ops);

    let (map_names, map_fields) = names(maps, |map| (map.name, &map.field));
    let map_docs = maps.iter().map(|map| doc(&map.docs));
    let (program_names, program_fields) = names(programs, |p| (p.name, &p.field));
    let program_docs = programs.iter().map(|program| doc(&program.docs));
    let docs = doc(&format!(
        "The object `{name}`, compiled from {}, before it is loaded: plain data, to look at and \
         to change.",
        request.source()
    ));
    quote! {
        #docs
        #[derive(Clone, Debug)]
        pub struct Spec {
            /// Settings of its maps.
            pub maps: MapSpecs,
            /// Settings of its programs.
            pub programs: ProgramSpecs,
            #struct_ops_field
            #(#section_fields)*
            object: ::oxbpf::object::CollectionSpec,
        }

        /// Settings of the maps.
        #[derive(Clone, Debug)]
        pub struct MapSpecs {
            #(#map_docs pub #map_fields: ::oxbpf::object::MapSpec,)*
        }

        /// Settings of the programs.
        #[derive(Clone, Debug)]
        pub struct ProgramSpecs {
            #(#program_docs pub #program_fields: ::oxbpf::object::ProgramSpec,)*
        }

        #struct_ops_structs

        #(#section_structs)*

        impl Spec {
            #constructors {
                let mut object = ::oxbpf::__private::parse(#name, bytes)?;
                Ok(Self {
                    // Values are read while the maps that hold them are there.
                    #(#read_sections)*
                    #read_struct_ops
                    maps: MapSpecs {
                        #(#map_fields: ::oxbpf::__private::take_map(&mut object, #map_names)?,)*
                    },
                    programs: ProgramSpecs {
                        #(#program_fields:
                            ::oxbpf::__private::take_program(&mut object, #program_names)?,)*
                    },
                    object,
                })
            }
        }

        impl ::oxbpf::Loadable for Spec {
            type Output = Objects;

            fn into_spec(self) -> ::oxbpf::Result<::oxbpf::object::CollectionSpec> {
                let mut object = self.object;
                #(::oxbpf::__private::put_map(
                    &mut object, #map_names, self.maps.#map_fields,
                )?;)*
                #(::oxbpf::__private::put_program(
                    &mut object, #program_names, self.programs.#program_fields,
                )?;)*
                #(#write_sections)*
                #write_struct_ops
                Ok(object)
            }

            fn from_collection(collection: ::oxbpf::Collection) -> ::oxbpf::Result<Objects> {
                Objects::new(&collection)
            }

            #data_sections
        }
    }
}

/// How a `Spec` is made: from the embedded object, or from one that is given; ends in the signature
/// of a function of `bytes`.
fn constructors(request: &Request<'_>) -> TokenStream {
    if !request.embed {
        return quote! {
            /// The object from the bytes of its file.
            ///
            /// # Errors
            /// If it is not the object that this module was generated for.
            pub fn from_bytes(bytes: &[u8]) -> ::oxbpf::Result<Self>
        };
    }
    quote! {
        /// The object as it was compiled into this binary.
        ///
        /// # Errors
        /// If the embedded file is not the one that this module was generated for.
        pub fn embedded() -> ::oxbpf::Result<Self> {
            Self::from_bytes(OBJECT)
        }

        fn from_bytes(bytes: &[u8]) -> ::oxbpf::Result<Self>
    }
}
