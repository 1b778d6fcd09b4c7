//! Enumerations: open newtypes, since a C enum holds whatever it was given.

use std::collections::BTreeSet;

use oxbpf_object::btf::{Enum, Kind, Type};

use super::{
    code::{line, open},
    names::Scope,
    types::{Asker, RustType, Shape, Types},
};
use crate::error::Result;

/// What every enumeration derives, beside what is a matter of all types.
const DERIVES: &[&str] = &["PartialEq", "Eq", "PartialOrd", "Ord", "Hash"];

/// Defines an enumeration.
pub(super) fn define(
    types: &mut Types<'_>,
    ty: Type<'_>,
    contents: Enum<'_>,
    title: &str,
    name: String,
    asker: Asker<'_>,
) -> Result<RustType> {
    let number = RustType::integer(contents.size, contents.is_signed)
        .ok_or_else(|| types.unsupported(ty.id(), asker, "is an enumeration of an odd size"))?;
    // Compilers before LLVM 16 kept half of each value of a large enumeration.
    let are_cut = ty.kind() == Kind::ENUM && contents.size > 4;
    let facts = if are_cut {
        format!("{title}: any number. The compiler left out the values that have names.")
    } else {
        format!("{title}: any number, of which some have names.")
    };
    let docs = types.comments().with(ty.id(), None, &facts);
    let mut scope = Scope::default();
    let values = contents.enumerators().filter(|_| !are_cut);
    let values: Vec<_> = values
        .map(|enumerator| {
            let constant = scope.verbatim(enumerator.name);
            (
                constant,
                enumerator.name,
                fitting(enumerator.value, contents),
            )
        })
        .collect();

    let code = types.definitions();
    code.gap();
    code.doc(&docs);
    super::derives(code, DERIVES, &[]);
    line!(code, "#[repr(transparent)]");
    line!(code, "pub struct {name}(pub {});", number.shape.written(""));
    code.gap();
    open!(code, "impl {name}");
    for (constant, c_name, value) in &values {
        code.doc(&format!("`{c_name}`, {value}."));
        line!(code, "pub const {constant}: Self = Self({value});");
    }
    code.close();
    code.gap();
    open!(code, "impl ::core::default::Default for {name}");
    line!(code, "fn default() -> Self {{ Self(0) }}");
    code.close();
    code.gap();
    open!(code, "impl ::core::fmt::Debug for {name}");
    open!(
        code,
        "fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result"
    );
    open!(code, "match self.0");
    // Of two names of one value the first is printed.
    let mut named = BTreeSet::new();
    for (_, c_name, value) in values.iter().filter(|(.., value)| named.insert(*value)) {
        line!(code, "{value} => f.write_str({c_name:?}),");
    }
    line!(code, "other => write!(f, \"{name}({{}})\", other),");
    code.close();
    code.close();
    code.close();
    Ok(RustType {
        shape: Shape::Named(name),
        ..number
    })
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
