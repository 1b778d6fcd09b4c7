//! The version of the running kernel, as `LINUX_VERSION_CODE` had it when it was built.
//!
//! It is for programs that ask for it (`LINUX_KERNEL_VERSION`). Nothing here decides by it.

use std::fs;

/// Where Ubuntu says which kernel its own is made from: `uname -r` has 0 in the last place.
const UBUNTU: &str = "/proc/version_signature";

/// The version as a number; `None` where the kernel does not say one.
pub(crate) fn running() -> Option<u32> {
    let signature = fs::read_to_string(UBUNTU).unwrap_or_default();
    let names = rustix::system::uname();
    code(
        &signature,
        &names.version().to_string_lossy(),
        &names.release().to_string_lossy(),
    )
}

/// The version out of what the kernel says of itself, the most trustworthy first: Ubuntu's signature
/// (`Ubuntu 5.4.0-12.15-generic 5.4.8`), the package in Debian's `uname -v` (`#1 SMP Debian 6.1.55-1`), `uname -r`.
fn code(signature: &str, version: &str, release: &str) -> Option<u32> {
    signature
        .split_whitespace()
        .nth(2)
        .and_then(parse)
        .or_else(|| parse(version.split_once("Debian ")?.1))
        .or_else(|| parse(release))
}

/// `KERNEL_VERSION(a, b, c)` of three numbers at the start of a text. The last one takes one byte at most.
#[doc(alias = "KERNEL_VERSION")]
fn parse(text: &str) -> Option<u32> {
    let mut numbers = text.splitn(3, '.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit());
        part[..digits.unwrap_or(part.len())].parse::<u32>().ok()
    });
    let (major, minor, patch) = (numbers.next()??, numbers.next()??, numbers.next()??);
    (major <= 0xffff && minor <= 0xff).then(|| major << 16 | minor << 8 | patch.min(0xff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_distributions_say() {
        let debian = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)";
        let plain = "#1 SMP PREEMPT_DYNAMIC @0";
        for (signature, version, release, expected) in [
            ("", plain, "6.18.44-fc-v669", 0x06_12_2c),
            ("", debian, "6.1.0-13-amd64", 0x06_01_37),
            (
                "Ubuntu 5.4.0-12.15-generic 5.4.8\n",
                plain,
                "5.4.0-12-generic",
                0x05_04_08,
            ),
            ("Ubuntu\n", plain, "5.4.1", 0x05_04_01),
            ("", "#1 Debian unknown", "4.14.337+", 0x04_0e_ff),
            ("", "", "6.18.0", 0x06_12_00),
        ] {
            assert_eq!(
                code(signature, version, release),
                Some(expected),
                "{release}"
            );
        }
        for release in [
            "",
            "6",
            "6.1",
            "6.1-rc1",
            "a.b.c",
            "6..1",
            "6.300.1",
            "99999999999.1.1",
        ] {
            assert_eq!(code("", "", release), None, "{release}");
        }
    }
}
