//! Global variables: constants and initial values before the load, shared memory after it.

use oxbpf_object::{
    CollectionSpec,
    btf::Kind,
    spec::{DataKind, VariableSpec},
};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{
    names::Scope,
    types::{Asker, Types, c_declaration},
};
use crate::error::Result;

/// A section with variables that user space may touch.
pub(super) struct Section<'a> {
    /// `.data`, and so on.
    pub(super) name: &'a str,
    pub(super) field: Ident,
    /// The type of its values before the load.
    pub(super) spec: Ident,
    /// The type of its variables after the load.
    pub(super) loaded: Ident,
    /// Whether nobody changes it once it is loaded.
    pub(super) is_constant: bool,
    pub(super) variables: Vec<Variable<'a>>,
}

/// A global variable that is not `static`: those are a matter of their C file.
pub(super) struct Variable<'a> {
    pub(super) name: &'a str,
    pub(super) field: Ident,
    pub(super) ty: TokenStream,
    pub(super) docs: String,
    is_large: bool,
}

/// From this size on variables are boxed before the load: a `Spec` is passed by value.
const LARGE: u64 = 4096;

impl Variable<'_> {
    /// The type of its value before the load.
    pub(super) fn spec_type(&self) -> TokenStream {
        let ty = &self.ty;
        if self.is_large {
            quote!(::std::boxed::Box<#ty>)
        } else {
            ty.clone()
        }
    }

    /// An expression that reads its initial value from an `object`.
    pub(super) fn initial(&self, section: &str) -> TokenStream {
        let name = self.name;
        if self.is_large {
            quote!(::oxbpf::__private::large_variable(&object, #section, #name)?)
        } else {
            quote!(::oxbpf::__private::variable(&object, #section, #name)?)
        }
    }

    /// The value that a field of that name holds, by reference.
    pub(super) fn reference(&self, section_field: &Ident) -> TokenStream {
        let field = &self.field;
        if self.is_large {
            quote!(&*self.#section_field.#field)
        } else {
            quote!(&self.#section_field.#field)
        }
    }
}

/// The sections of an object that hold variables with a type.
pub(super) fn collect<'a>(
    spec: &'a CollectionSpec,
    types: &mut Types<'_>,
) -> Result<Vec<Section<'a>>> {
    // The fields of `Spec` and `Objects` that are there without them.
    let mut fields = Scope::with(&["maps", "programs", "object"]);
    let mut names = Scope::with(&["Spec", "Objects", "Maps", "Programs"]);
    let mut sections = Vec::new();
    for map in spec.maps() {
        let Some(data) = &map.data else { continue };
        let is_constant = match data.kind {
            DataKind::Rodata => true,
            DataKind::Data | DataKind::Bss => false,
            _ => continue,
        };
        let mut scope = Scope::default();
        let mut variables = Vec::new();
        for variable in data.variables.iter().filter(|v| !v.is_static) {
            variables.extend(self::variable(variable, &mut scope, types)?);
        }
        if variables.is_empty() {
            continue;
        }
        sections.push(Section {
            name: &map.name,
            field: fields.section(&map.name),
            spec: names.type_name(&format!("{}_spec", map.name)),
            loaded: names.type_name(&map.name),
            is_constant,
            variables,
        });
    }
    Ok(sections)
}

fn variable<'a>(
    variable: &'a VariableSpec,
    scope: &mut Scope,
    types: &mut Types<'_>,
) -> Result<Option<Variable<'a>>> {
    let Some(id) = variable.ty else {
        return Ok(None);
    };
    let what = format!("variable `{}`", variable.name);
    let rust_type = types.rust_type(
        id,
        Asker {
            name: &variable.name,
            what: &what,
        },
    )?;
    Ok(Some(Variable {
        name: &variable.name,
        field: scope.verbatim(&variable.name),
        ty: rust_type.shape.tokens(&quote!(types::)),
        docs: types.comments().on(
            Kind::VAR,
            &variable.name,
            &format!("`{}`.", c_declaration(types.btf(), id, &variable.name)),
        ),
        is_large: rust_type.size >= LARGE,
    }))
}
