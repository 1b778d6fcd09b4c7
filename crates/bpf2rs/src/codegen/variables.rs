//! Global variables: constants and initial values before the load, shared memory after it.

use oxbpf_object::{
    CollectionSpec,
    btf::Kind,
    spec::{DataKind, VariableSpec},
};

use super::{
    names::Scope,
    types::{Asker, Types},
};
use crate::error::Result;

/// A section with variables that user space may touch.
pub(super) struct Section<'a> {
    /// `.data`, and so on.
    pub(super) name: &'a str,
    pub(super) field: String,
    /// The type of its values before the load.
    pub(super) spec: String,
    /// The type of its variables after the load.
    pub(super) loaded: String,
    /// The map that holds it.
    pub(super) map: &'a str,
    pub(super) kind: DataKind,
    pub(super) variables: Vec<Variable<'a>>,
}

/// A global variable that is not `static`: those are a matter of their C file.
pub(super) struct Variable<'a> {
    pub(super) name: &'a str,
    pub(super) field: String,
    pub(super) ty: String,
    pub(super) docs: String,
    is_large: bool,
    /// Whether it is the loader that gives it a value, if nobody else does.
    is_setting: bool,
}

/// What the loader calls the section of an arena's variables, which lie in the map itself.
const ARENA: &str = ".addr_space.1";

/// From this size on variables are boxed before the load: a `Spec` is passed by value.
const LARGE: u64 = 4096;

impl Variable<'_> {
    /// The type of its value before the load.
    pub(super) fn spec_type(&self) -> String {
        let ty = &self.ty;
        if self.is_setting {
            format!("::core::option::Option<{ty}>")
        } else if self.is_large {
            format!("::std::boxed::Box<{ty}>")
        } else {
            ty.clone()
        }
    }

    /// An expression that reads its initial value from an `object`.
    pub(super) fn initial(&self, map: &str) -> String {
        let name = self.name;
        if self.is_setting {
            "::core::option::Option::None".to_owned()
        } else if self.is_large {
            format!("::oxbpf::__private::large_variable(&object, {map:?}, {name:?})?")
        } else {
            format!("::oxbpf::__private::variable(&object, {map:?}, {name:?})?")
        }
    }

    /// A statement that puts the value of its field into an `object`.
    pub(super) fn put(&self, map: &str, section_field: &str) -> String {
        let name = self.name;
        let value = format!("self.{section_field}.{}", self.field);
        if self.is_setting {
            format!("::oxbpf::__private::set_setting(&mut object, {name:?}, {value}.as_ref())?;")
        } else {
            let star = if self.is_large { "*" } else { "" };
            format!(
                "::oxbpf::__private::set_variable(&mut object, {map:?}, {name:?}, &{star}{value})?;"
            )
        }
    }
}

/// The sections of an object that hold variables with a type.
pub(super) fn collect<'a>(
    spec: &'a CollectionSpec,
    types: &mut Types<'_>,
    names: &mut Scope,
) -> Result<Vec<Section<'a>>> {
    // The fields of `Spec` and `Objects` that are there without them.
    let mut fields = Scope::with(&["maps", "programs", "struct_ops", "object"]);
    let mut sections = Vec::new();
    for map in spec.maps() {
        let Some(data) = &map.data else { continue };
        let is_setting = data.kind == DataKind::Kconfig;
        let name = match data.kind {
            DataKind::Rodata | DataKind::Data | DataKind::Bss | DataKind::Kconfig => &map.name,
            DataKind::Arena => ARENA,
            _ => continue,
        };
        let mut scope = Scope::default();
        let mut variables = Vec::new();
        for variable in data.variables.iter().filter(|v| !v.is_static) {
            variables.extend(self::variable(variable, is_setting, &mut scope, types)?);
        }
        if variables.is_empty() {
            continue;
        }
        sections.push(Section {
            name,
            field: fields.section(&map.name),
            spec: names.type_name(&format!("{}_spec", map.name)),
            loaded: names.type_name(&map.name),
            map: &map.name,
            kind: data.kind,
            variables,
        });
    }
    Ok(sections)
}

fn variable<'a>(
    variable: &'a VariableSpec,
    is_setting: bool,
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
        ty: rust_type.shape.written("types::"),
        docs: types.comments().on(
            Kind::VAR,
            &variable.name,
            &format!("`{}`.", types.btf().declaration(id, &variable.name)),
        ),
        is_large: rust_type.size >= LARGE,
        is_setting,
    }))
}
