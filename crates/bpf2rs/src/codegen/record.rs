//! Structures and unions, laid out as C laid them out.
//!
//! What is a member of its own in C becomes a field. What C lets overlap or start within a byte
//! (unions, bit-fields) becomes bytes with methods that read and set a part. What C leaves free
//! becomes a field too, so that no byte of a value is ever undefined: the kernel compares keys
//! byte by byte, and refuses to be handed undefined ones.

use oxbpf_object::btf::{Kind, Type};

use super::{
    code::{Code, line, open},
    layout::{Accessor, Content, Layout, Part, View},
    names::{Scope, unraw},
    types::{RustType, Shape, Types},
};
use crate::error::Result;

/// What every structure and union derives, beside what is a matter of all types.
const DERIVES: &[&str] = &["ByteEq", "ByteHash"];

/// Defines a structure or union.
pub(super) fn define(
    types: &mut Types<'_>,
    ty: Type<'_>,
    c_name: &str,
    title: &str,
    name: String,
) -> Result<RustType> {
    let layout = Layout::of(types, ty, c_name, title)?;
    let size = layout.size;
    let natural = layout
        .parts
        .iter()
        .map(|part| part.align)
        .max()
        .unwrap_or(1);
    let fits = size % natural == 0
        && layout
            .parts
            .iter()
            .all(|part| part.offset % part.align == 0);
    let align = if fits { natural } else { 1 };
    let kind = if ty.kind() == Kind::UNION {
        ": a union, of which each method shows another view"
    } else {
        ""
    };
    let facts = format!("{title}, {size} bytes{kind}.");
    let docs = types.comments().with(ty.id(), None, &facts);

    let code = types.definitions();
    code.gap();
    code.doc(&docs);
    super::derives(code, &[], DERIVES);
    line!(code, "#[repr({})]", if fits { "C" } else { "C, packed" });
    let mut scope = Scope::default();
    let fields = fields(code, &name, &layout, &mut scope);
    let accessors: Vec<_> = layout
        .accessors
        .iter()
        .map(|accessor| (accessor, scope.accessor(&accessor.name)))
        .collect();
    methods(code, &name, &accessors);
    code.gap();
    open!(code, "impl ::core::default::Default for {name}");
    line!(
        code,
        "fn default() -> Self {{ ::oxbpf::__private::zeroed() }}"
    );
    code.close();
    debug(code, &name, fits, &fields, &accessors);
    asserts(code, &name, (size, align), &fields);
    Ok(RustType {
        shape: Shape::Named(name),
        size,
        align,
    })
}

/// Writes the structure itself; what its fields are called, padding excepted.
fn fields<'a>(
    code: &mut Code,
    name: &str,
    layout: &'a Layout,
    scope: &mut Scope,
) -> Vec<(&'a Part, String)> {
    let mut fields = Vec::with_capacity(layout.parts.len());
    let mut end = 0;
    open!(code, "pub struct {name}");
    for part in &layout.parts {
        padding(code, scope, end, part.offset);
        end = part.offset + part.size;
        let field = match &part.content {
            Content::Field {
                name, shape, docs, ..
            } => {
                let field = scope.verbatim(name);
                code.doc(docs);
                line!(code, "pub {field}: {},", shape.written(""));
                field
            }
            Content::Storage => {
                let field = scope.verbatim(&format!("__bytes_{}", part.offset));
                bytes(code, &field, part.size);
                field
            }
        };
        fields.push((part, field));
    }
    padding(code, scope, end, layout.size);
    code.close();
    fields
}

/// Bytes between two members.
fn padding(code: &mut Code, scope: &mut Scope, from: u64, to: u64) {
    if from < to {
        let field = scope.verbatim(&format!("__padding_{from}"));
        bytes(code, &field, to - from);
    }
}

/// A field that is nobody's business.
fn bytes(code: &mut Code, field: &str, len: u64) {
    line!(code, "#[doc(hidden)]");
    line!(code, "pub {field}: [u8; {len}],");
}

/// An accessor and the names of its two methods.
type Named<'a> = (&'a Accessor, (String, String));

/// Methods for what is no field.
fn methods(code: &mut Code, name: &str, accessors: &[Named<'_>]) {
    if accessors.is_empty() {
        return;
    }
    code.gap();
    open!(code, "impl {name}");
    for (accessor, (get, set)) in accessors {
        let (value, read, write) = accessor.ways();
        code.gap();
        code.doc(&accessor.docs);
        line!(code, "#[must_use]");
        line!(code, "pub fn {get}(&self) -> {value} {{ {read} }}");
        code.gap();
        let name = unraw(get);
        code.doc(&format!("Sets [`{name}`](Self::{name})."));
        line!(
            code,
            "pub fn {set}(&mut self, value: {value}) {{ {write} }}"
        );
    }
    code.close();
}

impl Accessor {
    /// The type of the value, and expressions that read and set it.
    fn ways(&self) -> (String, String, String) {
        match &self.view {
            View::Value { offset, shape } => (
                shape.written(""),
                format!("::oxbpf::__private::get::<_, _, {offset}>(self)"),
                format!("::oxbpf::__private::set::<_, _, {offset}>(self, value)"),
            ),
            View::Bits {
                bit_offset,
                bits,
                shape,
            } => {
                let value = shape.written("");
                let place = format!("::<_, _, {bit_offset}, {bits}>");
                let read = format!("::oxbpf::__private::get_bits{place}(self)");
                let set = format!("::oxbpf::__private::set_bits{place}");
                if matches!(shape.base(), Shape::Named(_)) {
                    let read = format!("{value} {{ 0: {read} }}");
                    (value, read, format!("{set}(self, value.0)"))
                } else {
                    (value, read, format!("{set}(self, value)"))
                }
            }
        }
    }
}

/// How it is shown: all members, in the order of the source.
fn debug(
    code: &mut Code,
    name: &str,
    fits: bool,
    fields: &[(&Part, String)],
    accessors: &[Named<'_>],
) {
    let of_fields = fields.iter().filter_map(|(part, field)| {
        let Content::Field { name, order, .. } = &part.content else {
            return None;
        };
        // A member of a packed structure may lie where no reference may point.
        let value = if fits {
            format!("&self.{field}")
        } else {
            format!("&{{ self.{field} }}")
        };
        Some((*order, name, value))
    });
    let of_accessors = accessors
        .iter()
        .map(|(accessor, (get, _))| (accessor.order, &accessor.name, format!("&self.{get}()")));
    let mut members: Vec<_> = of_fields.chain(of_accessors).collect();
    members.sort_by_key(|(order, ..)| *order);
    code.gap();
    open!(code, "impl ::core::fmt::Debug for {name}");
    open!(
        code,
        "fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result"
    );
    line!(code, "f.debug_struct({name:?})");
    for (_, name, value) in members {
        line!(code, "    .field({name:?}, {value})");
    }
    line!(code, "    .finish()");
    code.close();
    code.close();
}

/// What does not compile unless everything lies where C has it.
fn asserts(code: &mut Code, name: &str, (size, align): (u64, u64), fields: &[(&Part, String)]) {
    code.gap();
    open!(code, "const _: () =");
    line!(
        code,
        "::oxbpf::__private::assert_layout::<{name}, {size}, {align}>();"
    );
    for (part, field) in fields {
        let offset = part.offset;
        line!(
            code,
            "assert!(::core::mem::offset_of!({name}, {field}) == {offset});"
        );
    }
    code.close_with(";");
}
