//! Why there is no kprobe: looked into after the kernel said no.

use std::cell::OnceCell;

use rustix::io::Errno;

use super::super::permission;
use super::ProbeSource;
use crate::kallsyms::{self, Symbols};
use crate::kernel_fs::{DEBUGFS, KernelFs};
use crate::suggest::did_you_mean;
use crate::{Error, ErrorKind, denied, tracefs};

const OPENING: &str = "making the probe";

/// There is nothing to make a kprobe with.
pub(super) fn no_source(source: ProbeSource) -> Error {
    let error = Error::new(ErrorKind::Unsupported, OPENING);
    if denied::is_confidential() {
        return denied::by_lockdown(error, "probes");
    }
    match source {
        ProbeSource::Pmu => error
            .with_reason("this kernel has no `kprobe` PMU, or /sys is not mounted")
            .with_remedy("leave the choice to `ProbeSource::Auto`"),
        _ => error
            .with_reason("this kernel has no kprobes (CONFIG_KPROBE_EVENTS is off)")
            .with_remedy("use a tracepoint, raw tracepoint or tp_btf program instead"),
    }
}

/// Whether the kernel has kprobes; where that cannot be found out, it has.
pub(super) fn has_kprobes() -> bool {
    // The function with which the kernel's own parts make them.
    let name = "register_kprobe".to_owned();
    Functions::named(std::slice::from_ref(&name)).exists(&name)
}

/// What the kernel's list of symbols has of some names: read once at most, and only when it is asked for.
#[derive(Debug)]
pub(super) struct Functions<'n> {
    names: &'n [String],
    symbols: OnceCell<Option<Symbols>>,
}

impl<'n> Functions<'n> {
    pub(super) fn named(names: &'n [String]) -> Self {
        Self {
            names,
            symbols: OnceCell::new(),
        }
    }

    /// Whether there is a function of this name; where that cannot be found out, there is.
    pub(super) fn exists(&self, symbol: &str) -> bool {
        self.count(symbol) != Some(0)
    }

    /// How many functions have this name; `None` where that cannot be found out.
    pub(super) fn count(&self, symbol: &str) -> Option<usize> {
        let find = || kallsyms::find(self.names.iter().map(|name| split(name).1)).ok();
        let symbols = self.symbols.get_or_init(find).as_ref()?;
        let (module, name) = split(symbol);
        let named = symbols.named(name).iter().filter(|s| s.is_function());
        let there = named.filter(|s| module.is_none() || s.module.as_deref() == module);
        Some(there.count())
    }
}

/// `MODULE:FUNCTION`.
fn split(symbol: &str) -> (Option<&str>, &str) {
    match symbol.split_once(':') {
        Some((module, name)) => (Some(module), name),
        None => (None, symbol),
    }
}

/// There is no function of this name.
pub(super) fn not_found(name: &str) -> Error {
    let reason = format!("this kernel has no function `{name}`");
    let error = Error::new(ErrorKind::NotFound, OPENING).with_reason(reason);
    let (_, name) = split(name);
    let near = kallsyms::nearest(name).unwrap_or_default();
    let is_variant = |near: &&String| {
        let rest = near.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    let variants: Vec<_> = near.iter().filter(is_variant).cloned().collect();
    match (did_you_mean(&variants), did_you_mean(&near)) {
        (Some(question), _) => error.with_remedy(format!(
            "{question} That is what the compiler made of it; its arguments may be others"
        )),
        (None, Some(question)) => error.with_remedy(question),
        (None, None) => {
            error.with_remedy("/proc/kallsyms lists the functions there are (type t or T)")
        }
    }
}

/// The kernel answered `errno` to a probe at `symbol`, one of `functions`.
pub(super) fn explain(errno: Errno, symbol: &str, offset: u64, functions: &Functions<'_>) -> Error {
    let error = Error::syscall(errno, OPENING);
    match errno {
        Errno::PERM | Errno::ACCESS => permission::explain_perf(error),
        Errno::ADDRNOTAVAIL => ambiguous(symbol),
        Errno::ILSEQ => not_an_instruction(symbol, offset),
        Errno::INVAL | Errno::OPNOTSUPP => match why_not(symbol) {
            Some(reason) => {
                invalid(reason).with_remedy("probe a function that calls it, or that it calls")
            }
            None if functions.count(symbol).is_some_and(|count| count > 1) => ambiguous(symbol),
            None if offset != 0 => not_an_instruction(symbol, offset),
            None => error
                .with_kind(ErrorKind::InvalidInput)
                .with_reason(format!("the kernel does not let `{symbol}` be probed")),
        },
        _ => error,
    }
}

/// The kernel answered `errno` to a probe at `address`.
pub(super) fn explain_address(errno: Errno, address: u64) -> Error {
    let error = Error::syscall(errno, OPENING);
    match errno {
        Errno::PERM | Errno::ACCESS => permission::explain_perf(error),
        Errno::INVAL | Errno::ILSEQ | Errno::NOENT | Errno::ADDRNOTAVAIL | Errno::NXIO => error
            .with_kind(ErrorKind::InvalidInput)
            .with_reason(format!(
                "no instruction that can be probed begins at address {address:#x}"
            ))
            .with_remedy("take it from `kallsyms::find`, in this boot"),
        _ => error,
    }
}

/// The errno says less than the reason: EILSEQ speaks of characters.
fn invalid(reason: String) -> Error {
    Error::new(ErrorKind::InvalidInput, OPENING).with_reason(reason)
}

fn ambiguous(symbol: &str) -> Error {
    invalid(format!("several functions are named `{symbol}`"))
        .with_remedy("name one that is the only one of its name, such as a caller")
}

fn not_an_instruction(symbol: &str, offset: u64) -> Error {
    invalid(format!(
        "no instruction of `{symbol}` that can be probed begins at byte {offset}"
    ))
    .with_remedy("use the offset of an instruction's first byte, as a disassembly shows it")
}

/// Why a function that exists cannot be probed.
fn why_not(symbol: &str) -> Option<String> {
    let symbol = symbol
        .split_once(':')
        .map_or(symbol, |(_, function)| function);
    let blacklist = KernelFs::open(&DEBUGFS).and_then(|fs| fs.read("kprobes/blacklist"));
    if is_blacklisted(&blacklist.unwrap_or_default(), symbol) {
        return Some(format!(
            "`{symbol}` is on the kernel's blacklist, since a probe there would run into itself"
        ));
    }
    let traceable = tracefs::open()
        .ok()?
        .read("available_filter_functions")
        .ok()?;
    let listed = |line: &str| line.split([' ', '\t']).next() == Some(symbol);
    (!traceable.is_empty() && !traceable.lines().any(listed)).then(|| {
        format!("`{symbol}` is marked notrace: tracing itself uses it, or it runs too early")
    })
}

/// Whether one of the lines, each `START-END`, a tab and a name, names `symbol`.
fn is_blacklisted(blacklist: &str, symbol: &str) -> bool {
    let names = blacklist.lines().filter_map(|line| line.split('\t').nth(1));
    names.map(str::trim).any(|name| name == symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_function_on_the_blacklist() {
        let list = "0xffffffff81001000-0xffffffff81001010\tdo_int3\n\
            0xffffffff81002000-0xffffffff81002010\tasm_exc_page_fault [core]\n";
        assert!(is_blacklisted(list, "do_int3"));
        assert!(!is_blacklisted(list, "do_int"));
        assert!(!is_blacklisted("", "do_int3"));
    }

    #[test]
    fn a_function_that_is_not_there_is_named_with_its_neighbours() {
        let error = not_found("vfs_raed");
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("`vfs_raed`"), "{error}");
        assert!(error.remedy().unwrap().contains("vfs_read"), "{error}");
    }
}
