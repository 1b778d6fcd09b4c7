//! Names without their flavours.

/// A name without its flavour: `task_struct___old` is `task_struct`.
///
/// A flavour lets an object have several definitions of one kernel type. It is what follows the
/// last three underscores that stand between characters other than underscores.
pub(super) fn essential(name: &[u8]) -> &[u8] {
    let separator = name
        .windows(5)
        .rposition(|w| matches!(w, [a, b'_', b'_', b'_', e] if *a != b'_' && *e != b'_'));
    match separator {
        Some(at) => name.get(..=at).unwrap_or(name),
        None => name,
    }
}

/// A name without its flavour: the kernel's name for what an object calls `task_struct___old`.
#[must_use]
pub fn essential_name(name: &str) -> &str {
    // The flavour starts with an underscore, so the cut is between characters.
    name.get(..essential(name.as_bytes()).len()).unwrap_or(name)
}

/// Whether two names are the same but for their flavours.
pub(super) fn same(a: &str, b: &str) -> bool {
    essential(a.as_bytes()) == essential(b.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavour_is_what_follows_the_last_three_underscores() {
        let cases = [
            ("task_struct", "task_struct"),
            ("task_struct___old", "task_struct"),
            ("a___b", "a"),
            ("a___b___c", "a___b"),
            ("a__b", "a__b"),
            ("a____b", "a____b"),
            ("a___", "a___"),
            ("___a", "___a"),
            ("__a___b", "__a"),
            ("a_b___c_d", "a_b"),
            ("", ""),
        ];
        for (name, expected) in cases {
            assert_eq!(essential_name(name), expected);
        }
        assert!(same("foo___x", "foo___y"));
        assert!(!same("foo", "foo_"));
    }
}
