//! The order of Debian version numbers, as deb-version(7) defines it.

use std::cmp::Ordering;

/// A Debian version; ordered as dpkg orders it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version(pub(crate) String);

impl Version {
    /// Epoch, upstream version, revision.
    fn parts(&self) -> (u64, &str, &str) {
        let (epoch, rest) = self.0.split_once(':').unwrap_or(("0", &self.0));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
        (epoch.parse().unwrap_or(0), upstream, revision)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let (a, b) = (self.parts(), other.parts());
        a.0.cmp(&b.0)
            .then_with(|| compare(a.1, b.1))
            .then_with(|| compare(a.2, b.2))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares text and numbers by turns.
fn compare(mut a: &str, mut b: &str) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        let (text_a, text_b) = (
            take(&mut a, |c| !c.is_ascii_digit()),
            take(&mut b, |c| !c.is_ascii_digit()),
        );
        // The end of the text weighs 0: after a tilde, before everything else.
        let weights = |text: &str| text.chars().map(weight).chain([0]).collect::<Vec<_>>();
        let (number_a, number_b) = (
            take(&mut a, |c| c.is_ascii_digit()),
            take(&mut b, |c| c.is_ascii_digit()),
        );
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        let order = weights(text_a)
            .cmp(&weights(text_b))
            .then(number(number_a).cmp(&number(number_b)));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn take<'a>(rest: &mut &'a str, wanted: impl Fn(char) -> bool) -> &'a str {
    let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
    let (taken, left) = rest.split_at(end);
    *rest = left;
    taken
}

/// Tilde sorts before the end of the text, letters before all other characters.
fn weight(c: char) -> i64 {
    match c {
        '~' => -1,
        c if c.is_ascii_alphabetic() => i64::from(u32::from(c)),
        c => i64::from(u32::from(c)) + 0x11_0000,
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    /// Each is older than the next.
    const ASCENDING: &[&str] = &[
        "5.10.9-1",
        "5.10.262-1~deb11u1",
        "5.10.262-1",
        "6.1.9-1",
        "6.1.10-1",
        "6.1.192-1~bpo11+1",
        "6.1.192-1",
        "6.1.192-1+b1",
        "6.1.192-2",
        "6.1.192a-1",
        "6.1.192+deb13-1",
        "7.3~rc1-1~exp1",
        "7.3~rc1-1",
        "7.3-1",
        "7.3.4-1",
        "1:2.0-1",
    ];

    #[test]
    fn orders_as_dpkg_does() {
        for (i, a) in ASCENDING.iter().enumerate() {
            for (j, b) in ASCENDING.iter().enumerate() {
                let (a, b) = (Version(a.to_string()), Version(b.to_string()));
                assert_eq!(a.cmp(&b), i.cmp(&j), "{a:?} against {b:?}");
            }
        }
    }
}
