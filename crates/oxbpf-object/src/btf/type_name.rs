//! What a type is called, on one line.

use super::{Btf, Contents, Kind, TypeId};
use crate::limits::MAX_TYPE_DEPTH;

impl Btf {
    /// The type as C writes it, on one line and without qualifiers: `struct task_struct *`, `char[16]`. What has no name is
    /// `struct {...}`.
    #[must_use]
    pub fn type_name(&self, id: TypeId) -> String {
        let mut declarator = String::new();
        let mut at = id;
        for _ in 0..MAX_TYPE_DEPTH {
            let Ok(ty) = self.skip_modifiers(at) else {
                break;
            };
            let keyword = match ty.contents() {
                Contents::Ptr(target) => {
                    declarator.insert(0, '*');
                    at = target;
                    continue;
                }
                Contents::Array(array) => {
                    if declarator.starts_with('*') {
                        declarator = format!("({declarator})");
                    }
                    declarator.push_str(&format!("[{}]", array.len));
                    at = array.element;
                    continue;
                }
                Contents::Struct(_) | Contents::Fwd { is_union: false } => "struct ",
                Contents::Union(_) | Contents::Fwd { is_union: true } => "union ",
                Contents::Enum(_) => "enum ",
                _ => "",
            };
            let base = match (ty.kind(), ty.name()) {
                (Kind::VOID, _) => "void",
                (Kind::FUNC_PROTO, _) => "function",
                (_, "") => "{...}",
                (_, name) => name,
            };
            let space = if declarator.starts_with(['*', '(']) {
                " "
            } else {
                ""
            };
            return format!("{keyword}{base}{space}{declarator}");
        }
        format!("? {declarator}")
    }
}
