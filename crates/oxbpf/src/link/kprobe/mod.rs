//! Kprobes and kretprobes: programs at any function of the kernel.

mod event;
mod refusal;

use std::env::consts::ARCH;
use std::fmt;

use rustix::io::Errno;

use super::perf_event::{self, AttachBy, PerfOptions};
use super::probe_options::probe_options;
use super::{AttachPoint, Link, ProgramOf, syscall_name};
use crate::limits::{MAX_ACTIVE_RETURNS, MAX_FUNCTION_NAME};
use crate::program::{KprobeKind, Program};
use crate::{Error, ErrorKind, Result};

use event::Unopened;
use refusal::Functions;

/// Where the perf event of a probe comes from.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ProbeSource {
    /// From the PMU where the kernel has it (Linux 4.17), else through tracefs.
    #[default]
    Auto,
    /// From the `kprobe` PMU: the probe goes with its event, whatever happens to the process.
    Pmu,
    /// Through `kprobe_events` of tracefs: where sysfs is hidden. The probe has a name that everyone sees, and outlives a
    /// process that is killed; see [`crate::tracefs::leftovers`].
    Tracefs,
}

/// A program at the entry of a kernel function, or at an instruction in it.
///
/// The name may be that of a function (`do_exit`), of one in a module (`ext4:ext4_sync_file`), or of a system call in
/// any of its spellings: `execve`, `sys_execve` and `__x64_sys_execve` mean the same on every architecture. A function of
/// exactly the name given comes first.
///
/// Needs `CONFIG_KPROBES`, `CONFIG_KPROBE_EVENTS`, and CAP_PERFMON.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let program: oxbpf::Program = unimplemented!();
/// use oxbpf::Kprobe;
///
/// let link = Kprobe::new("sys_execve").cookie(7).attach(&program)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Kprobe(Probe);

impl Kprobe {
    /// A probe at the entry of `function`.
    pub fn new(function: impl Into<String>) -> Self {
        Self(Probe::new(Target::Function(function.into()), false))
    }

    /// A probe at the entry of the system call `name`, never of another function of that name (`ksyscall`).
    pub fn syscall(name: impl Into<String>) -> Self {
        Self(Probe::new(Target::Syscall(name.into()), false))
    }

    /// A probe at an address of the kernel's code, such as [`Symbol::address`](crate::kallsyms::Symbol::address): for
    /// functions whose name several have.
    #[must_use]
    pub fn address(address: u64) -> Self {
        Self(Probe::new(Target::Address(address), false))
    }

    /// Moves the probe `bytes` into the function, where an instruction must begin.
    #[must_use]
    pub fn offset(mut self, bytes: u64) -> Self {
        self.0.offset = bytes;
        self
    }

    /// Where the perf event comes from.
    #[must_use]
    pub fn source(mut self, source: ProbeSource) -> Self {
        self.0.source = source;
        self
    }
}

probe_options! {
    Kprobe for KprobeKind, "bpf_program__attach_kprobe",
    /// [`ErrorKind::NotFound`] if there is no such function, with the nearest names there are;
    /// [`ErrorKind::Unsupported`] if the kernel has no kprobes, or no cookies for them;
    /// [`ErrorKind::PermissionDenied`], with what stands in the way;
    /// [`ErrorKind::InvalidInput`] if the function cannot be probed there, with why.
}

/// A program that runs when a kernel function returns, with its result.
///
/// Names, needs and errors are those of [`Kprobe`].
#[derive(Clone, Debug)]
pub struct Kretprobe(Probe);

impl Kretprobe {
    /// A probe at the return of `function`.
    pub fn new(function: impl Into<String>) -> Self {
        Self(Probe::new(Target::Function(function.into()), true))
    }

    /// A probe at the return of the system call `name`, never of another function of that name (`kretsyscall`).
    pub fn syscall(name: impl Into<String>) -> Self {
        Self(Probe::new(Target::Syscall(name.into()), true))
    }

    /// A probe at the return of the function at an address.
    #[must_use]
    pub fn address(address: u64) -> Self {
        Self(Probe::new(Target::Address(address), true))
    }

    /// How many calls of the function can be under way while the probe still sees all of them return; beyond that, returns are
    /// missed. The kernel's own choice is ten, or twice the number of CPUs. The probe is then made through tracefs, since the PMU
    /// has no such setting. Since Linux 4.12; 4096 at most.
    #[must_use]
    #[doc(alias = "maxactive")]
    pub fn max_active(mut self, calls: u32) -> Self {
        self.0.max_active = Some(calls);
        self
    }

    /// Where the perf event comes from.
    #[must_use]
    pub fn source(mut self, source: ProbeSource) -> Self {
        self.0.source = source;
        self
    }
}

probe_options! {
    Kretprobe for KprobeKind, "bpf_program__attach_kprobe",
    /// As for [`Kprobe::attach`].
}

/// What a probe is at.
#[derive(Clone, Debug)]
enum Target {
    /// A function, or a system call where there is no such function.
    Function(String),
    Syscall(String),
    Address(u64),
}

/// A place to probe, as the kernel takes it.
#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    /// A symbol, and bytes from it.
    Symbol(&'a str, u64),
    Address(u64),
}

impl Target {
    fn name(&self) -> &str {
        match self {
            Self::Function(name) | Self::Syscall(name) => name,
            Self::Address(_) => "",
        }
    }

    /// The symbols to try, in this order.
    fn symbols(&self) -> Vec<String> {
        match self {
            Self::Function(name) => {
                let alternatives = syscall_name::alternatives(name, ARCH);
                std::iter::once(name.clone()).chain(alternatives).collect()
            }
            Self::Syscall(name) => syscall_name::symbols_of(name, ARCH),
            Self::Address(_) => Vec::new(),
        }
    }
}

/// Both builders.
#[derive(Clone, Debug)]
struct Probe {
    target: Target,
    returns: bool,
    offset: u64,
    max_active: Option<u32>,
    source: ProbeSource,
    options: PerfOptions,
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.returns { "kretprobe" } else { "kprobe" };
        let of = match self.target {
            Target::Function(_) => "",
            Target::Syscall(_) => "system call ",
            Target::Address(address) => {
                return write!(
                    f,
                    "{kind} at address {:#x}",
                    address.wrapping_add(self.offset)
                );
            }
        };
        write!(f, "{kind} at {of}`{}", self.target.name().escape_debug())?;
        match self.offset {
            0 => f.write_str("`"),
            offset => write!(f, "+{offset:#x}`"),
        }
    }
}

impl Probe {
    fn new(target: Target, returns: bool) -> Self {
        Self {
            target,
            returns,
            offset: 0,
            max_active: None,
            source: ProbeSource::Auto,
            options: PerfOptions::default(),
        }
    }

    fn attach(&self, program: &Program) -> Result<Link> {
        let attached = self.try_attach(program);
        attached
            .map_err(|error| error.context(format!("attaching `{}` as a {self}", program.name())))
    }

    fn try_attach(&self, program: &Program) -> Result<Link> {
        if let Some(calls) = self
            .max_active
            .filter(|calls| !(1..=MAX_ACTIVE_RETURNS).contains(calls))
        {
            return Err(
                Error::new(ErrorKind::InvalidInput, "looking at its options").with_reason(format!(
                    "`max_active` is from 1 to {MAX_ACTIVE_RETURNS}, not {calls}"
                )),
            );
        }
        let (event, probe) = match self.target {
            Target::Address(address) => self.open_at(address.wrapping_add(self.offset))?,
            _ => {
                self.check_name()?;
                self.open()?
            }
        };
        let held = perf_event::attach(program, event, self.options)?;
        let what = format!("`{}`, a {self}", program.name());
        Ok(Link::new(what, held).with_event(probe))
    }

    /// Opens the event at the first of the symbols that there is.
    fn open(&self) -> Result<event::Opened> {
        let symbols = self.target.symbols();
        let functions = Functions::named(&symbols);
        let explain = |symbol: &String, unopened| {
            self.unopened(unopened, |errno| {
                refusal::explain(errno, symbol, self.offset, &functions)
            })
        };
        let mut unclear = None;
        for symbol in &symbols {
            match event::open(self.request(), Place::Symbol(symbol, self.offset)) {
                Ok(opened) => return Ok(opened),
                Err(Unopened::Refused(Errno::NOENT)) => {}
                // Since Linux 6.6, tracefs says no more than that about a function that is not there.
                Err(Unopened::Refused(Errno::INVAL)) if !functions.exists(symbol) => {}
                // Where nothing tells whether it is there, another spelling may be.
                Err(Unopened::Refused(Errno::INVAL)) if functions.count(symbol).is_none() => {
                    unclear = unclear.or(Some(symbol));
                }
                Err(unopened) => return Err(explain(symbol, unopened)),
            }
        }
        Err(match unclear {
            Some(symbol) => explain(symbol, Unopened::Refused(Errno::INVAL)),
            None => refusal::not_found(self.target.name()),
        })
    }

    fn request(&self) -> event::Request {
        event::Request {
            source: match self.max_active {
                Some(_) => ProbeSource::Tracefs,
                None => self.source,
            },
            returns: self.returns,
            max_active: self.max_active,
        }
    }

    /// Opens the event at an address.
    fn open_at(&self, address: u64) -> Result<event::Opened> {
        event::open(self.request(), Place::Address(address)).map_err(|unopened| {
            self.unopened(unopened, |errno| refusal::explain_address(errno, address))
        })
    }

    /// Why the event could not be opened; `refused` says what the kernel's answer means.
    fn unopened(&self, unopened: Unopened, refused: impl FnOnce(Errno) -> Error) -> Error {
        match unopened {
            Unopened::Refused(errno) => refused(errno),
            Unopened::Failed(error) if refusal::has_kprobes() => error,
            Unopened::Failed(_) | Unopened::NoSource => refusal::no_source(self.request().source),
        }
    }

    /// What the kernel would take for something else in a line of tracefs does not get there.
    fn check_name(&self) -> Result<()> {
        let name = self.target.name();
        let invalid = |reason: &str| {
            Error::new(ErrorKind::InvalidInput, "checking the name").with_reason(reason)
        };
        if name.is_empty() {
            return Err(invalid("it is empty"));
        }
        if name.len() > MAX_FUNCTION_NAME {
            return Err(invalid("it is longer than any that the kernel has"));
        }
        let odd = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$' | ':'));
        match name.chars().find(odd) {
            Some(odd) => Err(invalid(&format!(
                "{odd:?} cannot be part of a kernel function's name"
            ))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(name: &str) -> Result<()> {
        Kprobe::new(name).0.check_name()
    }

    #[test]
    fn names_that_would_break_a_line_are_refused() {
        for odd in [
            "do_exit\np:evil/evil vfs_read",
            "do_exit vfs_read",
            "do_exit\0",
            "do_exit+4",
            "dö_exit",
            "",
            &"x".repeat(MAX_FUNCTION_NAME + 1),
        ] {
            let error = checked(odd).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{odd:?}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
        for good in [
            "do_exit",
            "f.isra.0",
            "ext4:ext4_sync_file",
            "_ZN4core$u7b$",
        ] {
            checked(good).unwrap();
        }
    }

    #[test]
    fn a_system_call_is_never_another_function() {
        let symbols = Target::Syscall("bind".into()).symbols();
        assert!(!symbols.contains(&"bind".to_owned()), "{symbols:?}");
        let symbols = Target::Function("bind".into()).symbols();
        assert_eq!(symbols[0], "bind");
    }

    #[test]
    fn says_what_it_is() {
        let probe = Kprobe::new("do_exit").offset(16).0;
        assert_eq!(probe.to_string(), "kprobe at `do_exit+0x10`");
        let probe = Kretprobe::syscall("execve").0;
        assert_eq!(probe.to_string(), "kretprobe at system call `execve`");
    }
}
