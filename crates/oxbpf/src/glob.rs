//! Patterns over names, as the sections of `kprobe.multi` have them.

/// Whether `name` matches `pattern`, in which `*` stands for any bytes and `?` for one.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut in_name) = (0, 0);
    // Where the last `*` was, and the first character of the name that it does not stand for yet.
    let mut star = None;
    while let Some(byte) = name.get(in_name) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(want) if *want == b'?' || want == byte => {
                at += 1;
                in_name += 1;
            }
            _ => match &mut star {
                Some((star, taken)) => {
                    *taken += 1;
                    at = *star + 1;
                    in_name = *taken;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// Whether it may match more than one name.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_the_shell_does() {
        for (pattern, name) in [
            ("tcp_*", "tcp_"),
            ("tcp_*", "tcp_ack"),
            ("*_sys_get*d", "__x64_sys_getpgid"),
            ("a?c", "abc"),
            ("**", ""),
            ("*a*b*c", "xaybzabc"),
            ("exact", "exact"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("tcp_*", "xtcp_ack"),
            ("a?c", "ac"),
            ("*a*b*c", "abcd"),
            ("exact", "exactly"),
            ("", "a"),
            ("?", ""),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let name = "a".repeat(2000);
        assert!(!matches(&format!("{}b", "*a".repeat(500)), &name));
    }
}
