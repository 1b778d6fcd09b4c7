//! Filling `.kconfig`: the running kernel's configuration, and what there is to know about the kernel besides.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};

use oxbpf_object::Endian;
use oxbpf_object::btf::Btf;
use oxbpf_object::kconfig::{Variable, settings};
use oxbpf_object::spec::ExternSpec;

use super::externs::Unresolved;
use crate::error::ErrorKind;
use crate::limits::MAX_KCONFIG_TEXT;
use crate::{feature, gzip, kernel_version};

/// A name, and where its value comes from.
type Virtual = (&'static str, fn() -> Option<u64>);

/// What is no setting, but known of the kernel all the same.
const VIRTUAL: &[Virtual] = &[
    ("LINUX_KERNEL_VERSION", || {
        kernel_version::running().map(u64::from)
    }),
    ("LINUX_HAS_BPF_COOKIE", || {
        Some(feature::has_bpf_cookie().into())
    }),
    ("LINUX_HAS_SYSCALL_WRAPPER", || {
        Some(feature::has_syscall_wrapper().into())
    }),
];

/// The bytes of some variables of `.kconfig`, in the order given; `None` for weak ones that have no value.
///
/// Settings come from `given` or, if one is not in there, from the kernel's own configuration.
pub(super) fn values(
    wanted: &[&ExternSpec],
    btf: &Btf,
    given: Option<&str>,
) -> Vec<Result<Option<Vec<u8>>, Unresolved>> {
    let is_setting = |symbol: &ExternSpec| symbol.name.starts_with("CONFIG_");
    let mut open: HashMap<&str, Option<String>> = wanted
        .iter()
        .filter(|symbol| is_setting(symbol))
        .map(|symbol| (symbol.name.as_str(), None))
        .collect();
    look_up(given.unwrap_or_default(), &mut open);
    let mut unread = None;
    if open.values().any(Option::is_none) {
        match read_running() {
            Ok(text) => look_up(&text, &mut open),
            Err(why) => unread = Some(why),
        }
    }
    let value = |symbol: &ExternSpec| {
        let variable = Variable::of(btf, symbol.ty)
            .ok_or_else(|| Unresolved::new(ErrorKind::InvalidObject, "its type cannot be read"))?;
        let misfit = |e| Unresolved::new(ErrorKind::InvalidObject, format!("{e}"));
        if !is_setting(symbol) {
            return match virtual_value(&symbol.name) {
                Some(number) => variable
                    .bytes_of_number(number, Endian::NATIVE)
                    .map(Some)
                    .map_err(misfit),
                None if symbol.weak => Ok(None),
                None => Err(unknown(&symbol.name)),
            };
        }
        match open.get(symbol.name.as_str()).and_then(Option::as_ref) {
            Some(text) => variable
                .bytes_of(text, Endian::NATIVE)
                .map(Some)
                .map_err(misfit),
            None if symbol.weak => Ok(None),
            None => Err(unset(unread.as_ref())),
        }
    };
    wanted.iter().map(|symbol| value(symbol)).collect()
}

/// Takes the settings that are still open out of a configuration. Of two lines the first counts.
fn look_up(text: &str, open: &mut HashMap<&str, Option<String>>) {
    for setting in settings(text) {
        if let Some(value @ None) = open.get_mut(setting.name) {
            *value = Some(setting.value.to_owned());
        }
    }
}

fn virtual_value(name: &str) -> Option<u64> {
    VIRTUAL.iter().find(|(known, _)| *known == name)?.1()
}

fn unknown(name: &str) -> Unresolved {
    if VIRTUAL.iter().any(|(known, _)| *known == name) {
        return Unresolved::new(ErrorKind::Unsupported, "the kernel does not say");
    }
    let known: Vec<_> = VIRTUAL.iter().map(|(known, _)| *known).collect();
    Unresolved::new(
        ErrorKind::NotFound,
        format!(
            "it is neither a setting (`CONFIG_...`) nor one of {}",
            known.join(", ")
        ),
    )
    .remedy("declare it `__weak` if 0 will do")
}

fn unset(unread: Option<&String>) -> Unresolved {
    match unread {
        None => Unresolved::new(ErrorKind::NotFound, "this kernel does not have it set")
            .remedy("declare it `__weak` if the program can do without"),
        Some(why) => Unresolved::new(
            ErrorKind::Unsupported,
            format!("this kernel's configuration cannot be read: {why}"),
        )
        .remedy("give the text of it to `Loader::kconfig`"),
    }
}

/// The text of the running kernel's configuration, or why none is to be had.
pub(crate) fn read_running() -> Result<String, String> {
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let paths = [format!("/boot/config-{release}"), "/proc/config.gz".into()];
    let mut problems = Vec::new();
    for path in paths {
        match read(&path) {
            Ok(text) => return Ok(text),
            Err(error) => problems.push(format!("`{path}`: {error}")),
        }
    }
    Err(problems.join(", "))
}

fn read(path: &str) -> io::Result<String> {
    let mut bytes = Vec::new();
    let limit = MAX_KCONFIG_TEXT as u64 + 1;
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_KCONFIG_TEXT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long"));
    }
    if gzip::is_compressed(&bytes) {
        bytes = gzip::decompress(&bytes, MAX_KCONFIG_TEXT)?;
    }
    // Texts in it may be in any encoding; names are ASCII.
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use oxbpf_object::btf::{BtfBuilder, Int};
    use oxbpf_object::spec::ExternKind;

    use super::*;

    /// Types, and variables of these names: `CONFIG_...` of type int, `LINUX_...` of type bool.
    fn wanted(names: &[(&str, bool)]) -> (Btf, Vec<ExternSpec>) {
        let mut types = BtfBuilder::new();
        let int = types.add_signed("int", 4);
        let bool = types.add_int(
            "_Bool",
            Int {
                is_bool: true,
                ..Int::unsigned(1)
            },
        );
        let externs = names.iter().map(|&(name, weak)| ExternSpec {
            name: name.into(),
            kind: ExternKind::Kconfig { map: 0, offset: 0 },
            ty: if name.starts_with("LINUX_") {
                bool
            } else {
                int
            },
            weak,
            size: 4,
            value: None,
        });
        (types.build().unwrap(), externs.collect())
    }

    fn values_of(names: &[(&str, bool)], text: &str) -> Vec<Result<Option<Vec<u8>>, Unresolved>> {
        let (btf, externs) = wanted(names);
        values(&externs.iter().collect::<Vec<_>>(), &btf, Some(text))
    }

    #[test]
    fn the_given_text_comes_before_the_kernels_and_the_first_line_counts() {
        let found = values_of(
            &[("CONFIG_HZ", false), ("CONFIG_B", true)],
            "CONFIG_HZ=7\nCONFIG_HZ=8\nCONFIG_B=-1\n",
        );
        assert_eq!(found[0].as_ref().unwrap(), &Some(vec![7, 0, 0, 0]));
        assert_eq!(found[1].as_ref().unwrap(), &Some(vec![0xff; 4]));
    }

    #[test]
    fn only_weak_ones_may_have_no_value() {
        let found = values_of(
            &[
                ("CONFIG_NO_SUCH_SETTING", true),
                ("CONFIG_NO_SUCH_SETTING_EITHER", false),
                ("LINUX_UNKNOWN", true),
                ("LINUX_NEITHER", false),
                ("OTHER", false),
            ],
            "",
        );
        assert!(matches!(found[0], Ok(None)));
        assert!(found[1].is_err());
        assert!(matches!(found[2], Ok(None)));
        assert!(found[3].is_err());
        assert!(found[4].is_err());
    }

    #[test]
    fn values_have_to_fit_their_variables() {
        let found = values_of(
            &[("CONFIG_A", false), ("CONFIG_B", true), ("CONFIG_C", false)],
            "CONFIG_A=y\nCONFIG_B=99999999999\nCONFIG_C=1\n",
        );
        assert!(found[0].is_err());
        assert!(found[1].is_err());
        assert!(found[2].is_ok());
    }
}
