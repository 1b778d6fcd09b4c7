//! Structures for the kernel (`struct_ops`) before the load: their values as fields, their functions
//! as the names of programs.

use oxbpf_object::{
    CollectionSpec, MapType,
    btf::{Btf, Contents, Member, TypeId},
};

use super::{
    code::{Code, line, open},
    names::Scope,
    types::{Asker, Types},
};

/// A structure for the kernel.
pub(super) struct Structure<'a> {
    map: &'a str,
    field: String,
    name: String,
    members: Vec<StructureMember>,
}

struct StructureMember {
    field: String,
    offset: u32,
    /// The type of a value; `None` for a function.
    value: Option<String>,
    docs: String,
}

/// The structures of an object.
pub(super) fn collect<'a>(
    spec: &'a CollectionSpec,
    types: &mut Types<'_>,
    names: &mut Scope,
) -> Vec<Structure<'a>> {
    let mut fields = Scope::default();
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
                    Some(rust.shape.written("types::"))
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
pub(super) fn field(code: &mut Code, structures: &[Structure<'_>]) {
    if !structures.is_empty() {
        code.doc("The structures for the kernel: their values and functions.");
        line!(code, "pub struct_ops: StructOpsSpecs,");
    }
}

/// The types of that field.
pub(super) fn structs(code: &mut Code, structures: &[Structure<'_>]) {
    if structures.is_empty() {
        return;
    }
    code.gap();
    code.doc("The structures for the kernel.");
    line!(code, "#[derive(Clone, Debug)]");
    open!(code, "pub struct StructOpsSpecs");
    for Structure {
        map, field, name, ..
    } in structures
    {
        code.doc(&format!("`{map}`."));
        line!(code, "pub {field}: {name},");
    }
    code.close();
    for structure in structures {
        code.gap();
        code.doc(&format!("Values and functions of `{}`.", structure.map));
        line!(code, "#[derive(Clone, Debug)]");
        open!(code, "pub struct {}", structure.name);
        for member in &structure.members {
            let ty = member.value.as_deref();
            let ty = ty.unwrap_or("::core::option::Option<::std::string::String>");
            code.doc(&member.docs);
            line!(code, "pub {}: {ty},", member.field);
        }
        code.close();
    }
}

/// The field's value, from an `object`.
pub(super) fn read(code: &mut Code, structures: &[Structure<'_>]) {
    if structures.is_empty() {
        return;
    }
    open!(code, "struct_ops: StructOpsSpecs");
    for structure in structures {
        let map = structure.map;
        open!(code, "{}: {}", structure.field, structure.name);
        for StructureMember {
            field,
            offset,
            value,
            ..
        } in &structure.members
        {
            let read = value.as_ref().map_or("function", |_| "member");
            line!(
                code,
                "{field}: ::oxbpf::__private::{read}(&object, {map:?}, {offset})?,"
            );
        }
        code.close_with(",");
    }
    code.close_with(",");
}

/// Statements that put the field's value into an `object`.
pub(super) fn write(code: &mut Code, structures: &[Structure<'_>]) {
    for structure in structures {
        let map = structure.map;
        for member in &structure.members {
            let offset = member.offset;
            let value = format!("self.struct_ops.{}.{}", structure.field, member.field);
            let (set, value) = match member.value {
                Some(_) => ("set_member", format!("&{value}")),
                None => ("set_function", format!("{value}.as_deref()")),
            };
            line!(
                code,
                "::oxbpf::__private::{set}(&mut object, {map:?}, {offset}, {value})?;"
            );
        }
    }
}
