//! How C writes a type, on one line.

use super::{Btf, Contents, FuncProto, Kind, Type, TypeId};
use crate::limits::MAX_TYPE_DEPTH;

/// How much of a type is written out.
#[derive(Clone, Copy)]
struct Style {
    /// What stands for a type without a name.
    anonymous: &'static str,
    /// How many parameter lists may lie in each other, and "…" is all there is of those in more; `None`: a function is but
    /// the word.
    functions: Option<usize>,
}

const BRIEF: Style = Style {
    anonymous: "{...}",
    functions: None,
};

const WHOLE: Style = Style {
    anonymous: "{ … }",
    functions: Some(2),
};

impl Btf {
    /// The type as C writes it, on one line and without qualifiers: `struct task_struct *`, `char[16]`. What has no name is
    /// `struct {...}`.
    #[must_use]
    pub fn type_name(&self, id: TypeId) -> String {
        self.declare(id, "", BRIEF)
    }

    /// A declaration as C writes it, on one line and without qualifiers: `char comm[16]`, `int (*callback)(void *)`. Without
    /// a name, the type alone. What has no name is `struct { … }`.
    #[must_use]
    pub fn declaration(&self, id: TypeId, name: &str) -> String {
        self.declare(id, name, WHOLE)
    }

    fn declare(&self, id: TypeId, name: &str, style: Style) -> String {
        let mut declarator = name.to_owned();
        let mut at = id;
        for _ in 0..MAX_TYPE_DEPTH {
            let Ok(ty) = self.skip_modifiers(at) else {
                break;
            };
            let (suffix, next) = match (ty.contents(), style.functions) {
                (Contents::Ptr(target), _) => {
                    declarator.insert(0, '*');
                    at = target;
                    continue;
                }
                (Contents::Array(array), _) => (format!("[{}]", array.len), array.element),
                (Contents::FuncProto(function), Some(functions)) => {
                    let parameters = self.parameters(function, functions, style);
                    (format!("({parameters})"), function.result)
                }
                (contents, _) => return with_base(ty, contents, style, &declarator),
            };
            if declarator.starts_with('*') {
                declarator = format!("({declarator})");
            }
            declarator.push_str(&suffix);
            at = next;
        }
        format!("? {declarator}")
    }

    fn parameters(&self, function: FuncProto<'_>, functions: usize, style: Style) -> String {
        let Some(left) = functions.checked_sub(1) else {
            return "…".to_owned();
        };
        let style = Style {
            functions: Some(left),
            ..style
        };
        let parameters = function.params();
        let parameters: Vec<_> = parameters
            .map(|parameter| self.declare(parameter.ty, "", style))
            .collect();
        parameters.join(", ")
    }
}

/// What the declarator is of, before it.
fn with_base(ty: Type<'_>, contents: Contents<'_>, style: Style, declarator: &str) -> String {
    let keyword = match contents {
        Contents::Struct(_) | Contents::Fwd { is_union: false } => "struct ",
        Contents::Union(_) | Contents::Fwd { is_union: true } => "union ",
        Contents::Enum(_) => "enum ",
        _ => "",
    };
    let base = match (ty.kind(), ty.name()) {
        (Kind::VOID, _) => "void",
        (Kind::FUNC_PROTO, _) => "function",
        (_, "") => style.anonymous,
        (_, name) => name,
    };
    let space = if declarator.is_empty() || declarator.starts_with('[') {
        ""
    } else {
        " "
    };
    format!("{keyword}{base}{space}{declarator}")
}
