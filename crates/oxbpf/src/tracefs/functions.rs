//! The functions of the kernel that tracing can be attached to: ftrace's list.

use std::collections::BTreeSet;

use rustix::io::Errno;

use crate::denied;
use crate::{Error, ErrorKind, Result};

/// With addresses, since Linux 6.5.
const WITH_ADDRESSES: &str = "available_filter_functions_addrs";
const NAMES: &str = "available_filter_functions";

/// What ftrace calls entries whose function it cannot name.
const NAMELESS: &str = "__ftrace_invalid_address_";

/// A function of the kernel or of a module that can be traced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TraceableFunction<'a> {
    /// Its name, with what the compiler put behind it. Several functions may have the same.
    pub name: &'a str,
    /// The module it belongs to.
    pub module: Option<&'a str>,
    /// Where it can be traced, which may be some bytes into it. Since Linux 6.5.
    pub address: Option<u64>,
}

impl<'a> TraceableFunction<'a> {
    /// Understands `[ADDRESS] NAME [[MODULE]]`.
    fn parse(line: &'a str, has_address: bool) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        let address = match has_address {
            true => Some(u64::from_str_radix(fields.next()?, 16).ok()?),
            false => None,
        };
        let name = fields.next().filter(|name| !name.starts_with(NAMELESS))?;
        let module = fields.next().map(|module| module.trim_matches(['[', ']']));
        Some(Self {
            name,
            module,
            address,
        })
    }
}

/// The functions that can be traced: those that `kprobe.multi`, `fentry` and their kin attach to.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// let functions = oxbpf::tracefs::traceable_functions()?;
/// let tcp = functions.iter().filter(|function| function.name.starts_with("tcp_"));
/// println!("{} functions of TCP can be traced", tcp.count());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TraceableFunctions {
    text: String,
    has_addresses: bool,
}

impl TraceableFunctions {
    /// All of them, in the kernel's order.
    pub fn iter(&self) -> impl Iterator<Item = TraceableFunction<'_>> {
        let lines = self.text.lines();
        lines.filter_map(|line| TraceableFunction::parse(line, self.has_addresses))
    }

    /// Whether the kernel tells addresses.
    #[must_use]
    pub fn have_addresses(&self) -> bool {
        self.has_addresses
    }

    /// Whether there is one of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.iter().any(|function| function.name == name)
    }

    /// The names that several functions have, in alphabetical order: by name, none of them is meant alone.
    #[must_use]
    pub fn duplicates(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let again: BTreeSet<_> = self
            .iter()
            .map(|function| function.name)
            .filter(|name| !seen.insert(*name))
            .collect();
        again.into_iter().collect()
    }
}

/// Reads ftrace's list of functions: some 60,000, in one pass.
///
/// Needs `CONFIG_DYNAMIC_FTRACE`, and root.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] where the kernel has no such list, [`ErrorKind::PermissionDenied`] where it is not shown, with
/// what stands in the way.
#[doc(alias = "available_filter_functions")]
pub fn traceable_functions() -> Result<TraceableFunctions> {
    let tracefs = super::open()?;
    let (text, has_addresses) = match tracefs.read(WITH_ADDRESSES) {
        Ok(text) => (Ok(text), true),
        Err(_) => (tracefs.read(NAMES), false),
    };
    let text = text.map_err(refused)?;
    Ok(TraceableFunctions {
        text,
        has_addresses,
    })
}

#[cold]
fn refused(errno: Errno) -> Error {
    let error = Error::syscall(errno, format!("reading `{NAMES}` of tracefs"));
    match errno {
        // The files are not even there then.
        Errno::NOENT | Errno::PERM | Errno::ACCESS if denied::is_confidential() => {
            denied::by_lockdown(error, "tracefs")
        }
        Errno::NOENT => error
            .with_kind(ErrorKind::Unsupported)
            .with_reason("this kernel cannot trace functions (CONFIG_DYNAMIC_FTRACE is off)"),
        Errno::PERM | Errno::ACCESS => match denied::lockdown() {
            Some(level) => error.with_reason(format!(
                "the kernel does not show it; it is locked down ({level}), or has a policy of its own"
            )),
            None => error.with_remedy("run it as root"),
        },
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_lists() {
        let functions = TraceableFunctions {
            text: "ffffffff81000010 do_exit\n\
                ffffffff81000020 __ftrace_invalid_address___32\n\
                ffffffffc0000010 ext4_sync_file [ext4]\n\
                nonsense\n\
                ffffffff81000040 dup\nffffffff81000050 dup\n"
                .into(),
            has_addresses: true,
        };
        let names: Vec<_> = functions.iter().map(|f| f.name).collect();
        assert_eq!(names, ["do_exit", "ext4_sync_file", "dup", "dup"]);
        let ext4 = functions.iter().nth(1).unwrap();
        assert_eq!(ext4.module, Some("ext4"));
        assert_eq!(ext4.address, Some(0xffff_ffff_c000_0010));
        assert_eq!(functions.duplicates(), ["dup"]);
        let names = TraceableFunctions {
            text: "do_exit\next4_sync_file [ext4]\n".into(),
            has_addresses: false,
        };
        assert!(names.has("ext4_sync_file") && !names.has("ext4"));
        assert_eq!(names.iter().next().unwrap().address, None);
    }
}
