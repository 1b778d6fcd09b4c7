//! Structures for the kernel (`struct_ops`) before the load: their values as fields, their functions
//! as the names of programs.

use oxbpf_object::{
    CollectionSpec, MapType,
    btf::{Btf, Contents, Member, TypeId},
};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::{
    doc,
    names::Scope,
    types::{Asker, Types},
};

/// A structure for the kernel.
pub(super) struct Structure<'a> {
    map: &'a str,
    field: Ident,
    name: Ident,
    members: Vec<StructureMember>,
}

struct StructureMember {
    field: Ident,
    offset: u32,
    /// The type of a value; `None` for a function.
    value: Option<TokenStream>,
    docs: String,
}

/// The structures of an object.
pub(super) fn collect<'a>(spec: &'a CollectionSpec, types: &mut Types<'_>) -> Vec<Structure<'a>> {
    let mut fields = Scope::default();
    let mut names = Scope::with(&[
        "Spec",
        "MapSpecs",
        "ProgramSpecs",
        "StructOpsSpecs",
        "RodataSpec",
        "DataSpec",
        "BssSpec",
        "KconfigSpec",
    ]);
    let structures = spec
        .maps()
        .iter()
        .filter(|map| map.map_type == MapType::STRUCT_OPS);
    structures
        .filter_map(|map| {
            Some(Structure {
                map: &map.name,
                field: fields.verbatim(&map.name),
                name: names.type_name(&format!("{}_spec", map.name)),
                members: members(map.value_type?, &map.name, types),
            })
        })
        .collect()
}

/// The members that can be given a value: what has a name, begins at a byte, and is no pointer to
/// anything but a function.
fn members(id: TypeId, map: &str, types: &mut Types<'_>) -> Vec<StructureMember> {
    let btf = types.btf().clone();
    let mut scope = Scope::default();
    let Ok(structure) = btf.skip_modifiers_and_typedefs(id) else {
        return Vec::new();
    };
    let named = structure.members().filter(|member| {
        !member.name.is_empty() && member.bitfield_size == 0 && member.bit_offset % 8 == 0
    });
    named
        .filter_map(|member| {
            let declaration = btf.declaration(member.ty, member.name);
            let value = match pointer(&btf, &member) {
                Some(true) => None,
                Some(false) => return None,
                // Types that Rust cannot express are the kernel's own business.
                None => {
                    let what = format!("member `{}` of `{map}`", member.name);
                    let name = format!("{map}_{}", member.name);
                    let asker = Asker {
                        name: &name,
                        what: &what,
                    };
                    let rust = types.rust_type(member.ty, asker).ok()?;
                    Some(rust.shape.tokens(&quote!(types::)))
                }
            };
            let docs = if value.is_some() {
                format!("`{declaration}`.")
            } else {
                format!("`{declaration}`: the name of the program that it is.")
            };
            Some(StructureMember {
                field: scope.verbatim(member.name),
                offset: member.bit_offset / 8,
                value,
                docs,
            })
        })
        .collect()
}

/// Whether a member that is a pointer points to a function.
fn pointer(btf: &Btf, member: &Member<'_>) -> Option<bool> {
    let ty = btf.skip_modifiers_and_typedefs(member.ty).ok()?;
    let Contents::Ptr(target) = ty.contents() else {
        return None;
    };
    let target = btf.skip_modifiers_and_typedefs(target).ok()?;
    Some(matches!(target.contents(), Contents::FuncProto(_)))
}

/// The field of `Spec` for all of them.
pub(super) fn field(structures: &[Structure<'_>]) -> TokenStream {
    if structures.is_empty() {
        return TokenStream::new();
    }
    quote! {
        /// The structures for the kernel: their values and functions.
        pub struct_ops: StructOpsSpecs,
    }
}

/// The types of that field.
pub(super) fn structs(structures: &[Structure<'_>]) -> TokenStream {
    if structures.is_empty() {
        return TokenStream::new();
    }
    let fields = structures.iter().map(|structure| {
        let Structure { field, name, .. } = structure;
        let docs = doc(&format!("`{}`.", structure.map));
        quote!(#docs pub #field: #name,)
    });
    let definitions = structures.iter().map(|structure| {
        let docs = doc(&format!("Values and functions of `{}`.", structure.map));
        let name = &structure.name;
        let members = structure.members.iter().map(|member| {
            let docs = doc(&member.docs);
            let field = &member.field;
            let ty = match &member.value {
                Some(ty) => ty.clone(),
                None => quote!(::core::option::Option<::std::string::String>),
            };
            quote!(#docs pub #field: #ty,)
        });
        quote! {
            #docs
            #[derive(Clone, Debug)]
            pub struct #name { #(#members)* }
        }
    });
    quote! {
        /// The structures for the kernel.
        #[derive(Clone, Debug)]
        pub struct StructOpsSpecs { #(#fields)* }

        #(#definitions)*
    }
}

/// The field's value, from an `object`.
pub(super) fn read(structures: &[Structure<'_>]) -> TokenStream {
    if structures.is_empty() {
        return TokenStream::new();
    }
    let values = structures.iter().map(|structure| {
        let Structure {
            map, field, name, ..
        } = structure;
        let members = structure.members.iter().map(|member| {
            let offset = Literal::u32_unsuffixed(member.offset);
            let field = &member.field;
            let read = match member.value {
                Some(_) => quote!(::oxbpf::__private::member(&object, #map, #offset)?),
                None => quote!(::oxbpf::__private::function(&object, #map, #offset)?),
            };
            quote!(#field: #read,)
        });
        quote!(#field: #name { #(#members)* },)
    });
    quote!(struct_ops: StructOpsSpecs { #(#values)* },)
}

/// Statements that put the field's value into an `object`.
pub(super) fn write(structures: &[Structure<'_>]) -> TokenStream {
    let statements = structures.iter().flat_map(|structure| {
        let Structure { map, field, .. } = structure;
        structure.members.iter().map(move |member| {
            let offset = Literal::u32_unsuffixed(member.offset);
            let member_field = &member.field;
            let value = quote!(self.struct_ops.#field.#member_field);
            match member.value {
                Some(_) => quote! {
                    ::oxbpf::__private::set_member(&mut object, #map, #offset, &#value)?;
                },
                None => quote! {
                    ::oxbpf::__private::set_function(
                        &mut object, #map, #offset, #value.as_deref(),
                    )?;
                },
            }
        })
    });
    quote!(#(#statements)*)
}
