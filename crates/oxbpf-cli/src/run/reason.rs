//! Why programs are not loaded or not attached, told so that it can be read.

use std::collections::BTreeMap;

use crate::output::Output;

/// What is left of a reason without what it is about: of "attaching `p` as a kprobe at `f`: making the probe failed: WHY" the WHY.
fn essence(reason: &str) -> &str {
    reason
        .rsplit_once("failed: ")
        .map_or(reason, |(_, why)| why)
}

/// Tells of each program why not. Those for which the same is true share a line.
pub(super) fn tell(not: &[(String, String)], output: &Output) {
    for line in lines(not) {
        output.note(line);
    }
}

fn lines(not: &[(String, String)]) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<&(String, String)>)> = Vec::new();
    for one in not {
        let why = essence(&one.1);
        match groups.iter_mut().find(|(known, _)| *known == why) {
            Some((_, all)) => all.push(one),
            None => groups.push((why, vec![one])),
        }
    }
    let lines = groups.into_iter().map(|(why, all)| match &all[..] {
        [(name, whole)] => format!("  not {name}: {whole}"),
        all => {
            let names: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
            format!("  not {}: {why}", names.join(", "))
        }
    });
    lines.collect()
}

/// Of several reasons the one that stands for most.
pub(super) fn most_common<'w>(reasons: impl Iterator<Item = &'w String>) -> Option<&'w str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in reasons {
        *counts.entry(essence(reason)).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map(|(reason, _)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_once() {
        let not = [
            (
                "a",
                "attaching `a` as a kprobe at `f` failed: there are none",
            ),
            ("b", "it is to be attached by hand"),
            (
                "c",
                "attaching `c` as a kprobe at `g` failed: there are none",
            ),
            ("d", "attaching `d` failed: it is gone"),
        ];
        let not = not.map(|(name, why)| (name.to_owned(), why.to_owned()));
        let expected = [
            "  not a, c: there are none",
            "  not b: it is to be attached by hand",
            "  not d: attaching `d` failed: it is gone",
        ];
        assert_eq!(lines(&not), expected);
        let whys = not.iter().map(|(_, why)| why);
        assert_eq!(most_common(whys), Some("there are none"));
    }
}
