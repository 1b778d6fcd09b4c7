//! Rust names for C names: close to the original, never a keyword, never twice.

use std::collections::HashSet;

use heck::{ToSnakeCase, ToUpperCamelCase};

/// Keywords that not even `r#` makes a name of, beside `_`.
const NEVER_RAW: &[&str] = &["self", "Self", "super", "crate", "_"];

/// The other keywords of all editions, those that are only reserved included.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static",
    "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// A set of names that must differ: the fields of a structure, the items of a module.
#[derive(Debug, Default)]
pub(crate) struct Scope(HashSet<String>);

impl Scope {
    /// A scope in which some names are taken.
    pub(crate) fn with(taken: &[&str]) -> Self {
        Self(taken.iter().map(ToString::to_string).collect())
    }

    /// The C name itself, for a field or a constant: a keyword becomes raw, and a name that is
    /// taken gets a number.
    pub(crate) fn verbatim(&mut self, c_name: &str) -> String {
        let name = sanitized(c_name);
        self.unused(&name)
    }

    /// A C name as the name of a type.
    pub(crate) fn type_name(&mut self, c_name: &str) -> String {
        let mut name = sanitized(c_name).to_upper_camel_case();
        if !name.starts_with(|c: char| c.is_alphabetic()) {
            name.insert(0, 'T');
        }
        if NEVER_RAW.contains(&name.as_str()) {
            name.push('_');
        }
        self.unused(&name)
    }

    /// A section's name as that of a field: `.data.hot` is `data_hot`.
    pub(crate) fn section(&mut self, section: &str) -> String {
        let name = sanitized(section).to_snake_case();
        self.unused(&name)
    }

    /// Whether a method of this name can still be had.
    fn is_free(&self, name: &str) -> bool {
        !self.0.contains(name)
    }

    /// A pair of names for reading and setting, both derived from a C name.
    pub(crate) fn accessor(&mut self, c_name: &str) -> (String, String) {
        let base = sanitized(c_name);
        let name = (1..)
            .map(|number| numbered(&base, number))
            .find(|name| self.is_free(name) && self.is_free(&format!("set_{name}")))
            .unwrap_or(base);
        let setter = format!("set_{name}");
        (self.unused(&name), self.unused(&setter))
    }

    fn unused(&mut self, base: &str) -> String {
        let name = (1..)
            .map(|number| numbered(base, number))
            .find(|name| self.is_free(name))
            .unwrap_or_else(|| base.to_owned());
        self.0.insert(name.clone());
        ident(name)
    }
}

/// The first of a name is the name itself, then come `name_2`, `name_3`; `Name2` for types.
fn numbered(base: &str, number: usize) -> String {
    if number == 1 {
        base.to_owned()
    } else if base.starts_with(|c: char| c.is_uppercase()) && !base.contains('_') {
        format!("{base}{number}")
    } else {
        format!("{base}_{number}")
    }
}

/// The name with everything that no identifier may hold replaced.
fn sanitized(c_name: &str) -> String {
    let mut name: String = c_name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    if NEVER_RAW.contains(&name.as_str()) {
        name.push('_');
    }
    name
}

/// An identifier, raw if the name is a keyword.
fn ident(name: String) -> String {
    if is_keyword(&name) {
        format!("r#{name}")
    } else {
        name
    }
}

/// Whether Rust has another use for a name.
pub(crate) fn is_keyword(name: &str) -> bool {
    KEYWORDS.contains(&name) || NEVER_RAW.contains(&name)
}

/// A name as documentation has it.
pub(crate) fn unraw(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_c_names_of_fields_and_constants() {
        let mut scope = Scope::default();
        for (c, rust) in [
            ("saddr", "saddr"),
            ("camelCase", "camelCase"),
            ("TASK_RUNNING", "TASK_RUNNING"),
            ("type", "r#type"),
            ("async", "r#async"),
            ("gen", "r#gen"),
            ("self", "self_"),
            // A lone underscore is a pattern, not a name.
            ("_", "__"),
            ("a.b", "a_b"),
            ("2nd", "_2nd"),
        ] {
            assert_eq!(scope.verbatim(c), rust, "{c}");
        }
    }

    #[test]
    fn names_types_as_rust_does() {
        let mut scope = Scope::default();
        for (c, rust) in [
            ("conn_key", "ConnKey"),
            ("sockaddr_in6", "SockaddrIn6"),
            ("event_t", "EventT"),
            ("__u128_t", "U128T"),
            ("_2nd", "T2nd"),
            ("connKey", "ConnKey2"),
            ("self", "Self_"),
        ] {
            assert_eq!(scope.type_name(c), rust, "{c}");
        }
    }

    #[test]
    fn gives_no_name_twice() {
        let mut scope = Scope::default();
        assert_eq!(scope.verbatim("a"), "a");
        assert_eq!(scope.verbatim("a"), "a_2");
        assert_eq!(scope.verbatim("a_2"), "a_2_2");
        assert_eq!(scope.section(".data.hot"), "data_hot");
        assert_eq!(scope.section(".data_hot"), "data_hot_2");
    }

    #[test]
    fn accessors_avoid_each_other() {
        let mut scope = Scope::with(&["set_b"]);
        let mut accessor = |name| {
            let (get, set) = scope.accessor(name);
            format!("{get} {set}")
        };
        assert_eq!(accessor("a"), "a set_a");
        assert_eq!(accessor("b"), "b_2 set_b_2");
        assert_eq!(accessor("type"), "r#type set_type");
    }
}
