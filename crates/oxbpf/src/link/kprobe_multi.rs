//! A program at many functions of the kernel, by one link.

use std::collections::HashSet;
use std::env::consts::ARCH;
use std::ffi::{CStr, CString};
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};

use oxbpf_object::kernel::AttachType;
use rustix::io::Errno;

use super::many::{self, invalid};
use super::perf_event::is_unknown;
use super::{AttachPoint, Link, ProgramOf, permission, syscall_name};
use crate::kallsyms::{self, Symbols};
use crate::program::{KprobeKind, Program};
use crate::suggest::did_you_mean;
use crate::sys::{self, LinkExtra, uapi};
use crate::{Error, ErrorKind, Result, feature, glob, tracefs};

/// A program at the entries or returns of many kernel functions, or at both.
///
/// Much faster than as many [`Kprobe`](super::Kprobe)s, to attach and at each call. The program says at load what it is
/// for: `SEC("kprobe.multi")` and `SEC("kretprobe.multi")` since Linux 5.18; `SEC("kprobe.session")`, which sees entry and
/// return of a call and can tell them apart, since 6.10.
///
/// Needs `CONFIG_FPROBE` (x86-64, arm64, s390x and others with 64 bits), and CAP_PERFMON. Patterns need root, for the list of
/// functions in tracefs.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let program: oxbpf::Program = unimplemented!();
/// use oxbpf::KprobeMulti;
///
/// let all = KprobeMulti::pattern("tcp_*").attach(&program)?;
/// let two = KprobeMulti::functions(["vfs_read", "vfs_write"]).cookies([1, 2]).attach(&program)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "BPF_LINK_TYPE_KPROBE_MULTI")]
pub struct KprobeMulti {
    functions: Functions,
    cookies: Vec<u64>,
    on_return: bool,
}

#[derive(Clone, Debug)]
enum Functions {
    Pattern(String),
    Names(Vec<String>),
    Addresses(Vec<u64>),
}

impl KprobeMulti {
    /// All functions that can be traced and whose names match `glob`, in which `*` stands for any characters and `?` for one.
    pub fn pattern(glob: impl Into<String>) -> Self {
        let glob = glob.into();
        Self::at(match glob::is_pattern(&glob) {
            true => Functions::Pattern(glob),
            false => Functions::Names(vec![glob]),
        })
    }

    /// The functions of these names; system calls in any of their spellings.
    pub fn functions(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::at(Functions::Names(
            names.into_iter().map(Into::into).collect(),
        ))
    }

    /// The functions at these addresses: [`Symbol::address`](kallsyms::Symbol::address).
    pub fn addresses(addresses: impl IntoIterator<Item = u64>) -> Self {
        Self::at(Functions::Addresses(addresses.into_iter().collect()))
    }

    fn at(functions: Functions) -> Self {
        Self {
            functions,
            cookies: Vec::new(),
            on_return: false,
        }
    }

    /// A number for each of the functions, in their order, that the program gets from `bpf_get_attach_cookie`. Not with a
    /// pattern, whose functions have no order.
    #[must_use]
    pub fn cookies(mut self, cookies: impl IntoIterator<Item = u64>) -> Self {
        self.cookies = cookies.into_iter().collect();
        self
    }

    /// Runs the program when the functions return (`kretprobe.multi`).
    #[must_use]
    #[doc(alias = "BPF_F_KPROBE_MULTI_RETURN")]
    pub fn on_return(mut self) -> Self {
        self.on_return = true;
        self
    }

    /// Attaches `program` to all of the functions, or to none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if a function does not exist, with the nearest names, or nothing matches the pattern;
    /// [`ErrorKind::InvalidInput`] if one cannot be traced, or there are not as many cookies as functions;
    /// [`ErrorKind::WrongKind`] if the program was not loaded for this;
    /// [`ErrorKind::Unsupported`] if the kernel does not have it;
    /// [`ErrorKind::PermissionDenied`], with what stands in the way.
    #[doc(alias = "bpf_program__attach_kprobe_multi_opts")]
    pub fn attach(&self, program: &impl ProgramOf<KprobeKind>) -> Result<Link> {
        let program = program.program()?;
        let what = format!("`{}` {self}", program.name());
        Link::made(what, self.try_attach(program))
    }

    fn try_attach(&self, program: &Program) -> Result<OwnedFd> {
        let at = Attempt {
            program,
            attach_type: attach_type(program)?,
            builder: self,
        };
        match &self.functions {
            Functions::Addresses(addresses) => {
                many::check(addresses.len(), self.cookies.len())?;
                at.by_addresses(addresses)
                    .map_err(|errno| at.refused(errno, &[]))
            }
            Functions::Names(names) => {
                many::check(names.len(), self.cookies.len())?;
                at.by_names(names)
            }
            Functions::Pattern(pattern) => {
                many::check_pattern(&self.cookies)?;
                // Whether the kernel has it at all is worth knowing before blaming the list of functions.
                let addresses = matching(pattern).map_err(|error| match at.is_unsupported() {
                    true => unsupported(at.attach_type),
                    false => error,
                })?;
                at.by_addresses(&addresses)
                    .map_err(|errno| at.refused(errno, &[]))
            }
        }
    }
}

/// Kprobes of which kind the program is for.
fn attach_type(program: &Program) -> Result<AttachType> {
    match program.attach_info().attach_type {
        // Not loaded by this process: the kernel will say whether it fits.
        None if program.attach_info().section.is_empty() => Ok(AttachType::TRACE_KPROBE_MULTI),
        Some(known @ (AttachType::TRACE_KPROBE_MULTI | AttachType::TRACE_KPROBE_SESSION)) => {
            Ok(known)
        }
        _ => Err(Error::new(ErrorKind::WrongKind, "looking at the program")
            .with_reason("it was loaded for single kprobes")
            .with_remedy(
                "put it into SEC(\"kprobe.multi\"), or set its `attach_type` to TRACE_KPROBE_MULTI before loading it",
            )),
    }
}

/// The addresses of all functions that match.
fn matching(pattern: &str) -> Result<Vec<u64>> {
    let functions = tracefs::traceable_functions()?;
    let matching = functions.iter().filter(|f| glob::matches(pattern, f.name));
    let addresses: Vec<u64> = if functions.have_addresses() {
        matching.filter_map(|function| function.address).collect()
    } else {
        // Before 6.5, the names have to be looked up once more, and those of several functions left out.
        let names: Vec<&str> = matching.map(|function| function.name).collect();
        let symbols = kallsyms::find(names.iter().copied())?;
        if symbols.are_hidden() {
            return Err(symbols
                .address(names.first().copied().unwrap_or_default())
                .err()
                .unwrap_or_else(|| invalid("addresses are hidden")));
        }
        let unique = |name| symbols.address(name).ok().flatten();
        names.into_iter().filter_map(unique).collect()
    };
    match addresses.len() {
        0 => Err(many::nothing_matches(pattern, "that can be traced")),
        count => many::check(count, 0).map(|()| addresses),
    }
}

struct Attempt<'a> {
    program: &'a Program,
    attach_type: AttachType,
    builder: &'a KprobeMulti,
}

impl Attempt<'_> {
    fn create(&self, symbols: &[&CStr], addresses: &[u64]) -> Result<OwnedFd, Errno> {
        let extra = LinkExtra::KprobeMulti {
            flags: match self.builder.on_return {
                true => uapi::BPF_F_KPROBE_MULTI_RETURN,
                false => 0,
            },
            symbols,
            addresses,
            cookies: &self.builder.cookies,
        };
        sys::link_create(self.program.as_fd(), 0, self.attach_type.0, 0, extra)
    }

    fn by_addresses(&self, addresses: &[u64]) -> Result<OwnedFd, Errno> {
        self.create(&[], addresses)
    }

    fn by_names(&self, names: &[String]) -> Result<OwnedFd> {
        let c_string = |name: &String| {
            CString::new(name.as_str())
                .map_err(|_| invalid(format!("{name:?} is no function name")))
        };
        let symbols: Vec<CString> = names.iter().map(c_string).collect::<Result<_>>()?;
        let by_names = |symbols: &[CString]| {
            let symbols: Vec<&CStr> = symbols.iter().map(CString::as_c_str).collect();
            self.create(&symbols, &[])
        };
        let errno = match by_names(&symbols) {
            Ok(fd) => return Ok(fd),
            Err(errno) => errno,
        };
        // Some may be system calls, spelled in another way.
        let Some(spelled) = respelled(names) else {
            return Err(self.refused(errno, names));
        };
        let symbols: Vec<CString> = spelled.iter().map(c_string).collect::<Result<_>>()?;
        by_names(&symbols).map_err(|errno| self.refused(errno, &spelled))
    }

    /// Whether the kernel does not have such links: then it does not take the simplest one either.
    fn is_unsupported(&self) -> bool {
        !feature::has_kprobe_multi(self.attach_type)
    }

    #[cold]
    fn refused(&self, errno: Errno, names: &[String]) -> Error {
        let error = Error::syscall(errno, "linking it");
        match errno {
            Errno::PERM | Errno::ACCESS => return permission::explain_bpf(error),
            _ if is_unknown(errno) && self.is_unsupported() => {
                return unsupported(self.attach_type).with_errno(errno);
            }
            _ => {}
        }
        if let Ok(symbols) = kallsyms::find(names.iter().map(String::as_str)) {
            let missing = names.iter().find(|name| !has_function(&symbols, name));
            if let Some(missing) = missing {
                return not_found(missing);
            }
        }
        if let Ok(traceable) = tracefs::traceable_functions() {
            let traceable: HashSet<&str> = traceable.iter().map(|function| function.name).collect();
            if let Some(name) = names.iter().find(|name| !traceable.contains(name.as_str())) {
                return invalid(format!(
                    "`{name}` cannot be traced: it is marked notrace, or inlined"
                ))
                .with_remedy(
                    "leave it out; `available_filter_functions` of tracefs lists what can be",
                );
            }
        }
        match (errno, &self.builder.functions) {
            (Errno::INVAL | Errno::NOENT | Errno::SRCH, Functions::Addresses(_)) => {
                error.with_kind(ErrorKind::InvalidInput).with_reason(
                    "one of the addresses is not where a function that can be traced begins",
                )
            }
            // So are names that are too long, but no function has those.
            (Errno::TOOBIG, _) => error.with_kind(ErrorKind::LimitExceeded),
            _ => error,
        }
    }
}

fn has_function(symbols: &Symbols, name: &str) -> bool {
    symbols
        .named(name)
        .iter()
        .any(kallsyms::Symbol::is_function)
}

/// The names with those of system calls in the kernel's own spelling; `None` if nothing is to be changed.
fn respelled(names: &[String]) -> Option<Vec<String>> {
    let alternatives: Vec<Vec<String>> = names
        .iter()
        .map(|name| syscall_name::alternatives(name, ARCH))
        .collect();
    let all = names.iter().chain(alternatives.iter().flatten());
    let symbols = kallsyms::find(all.map(String::as_str)).ok()?;
    let mut changed = false;
    let spelled = names.iter().zip(&alternatives).map(|(name, alternatives)| {
        if has_function(&symbols, name) {
            return name.clone();
        }
        let other = alternatives
            .iter()
            .find(|other| has_function(&symbols, other));
        changed |= other.is_some();
        other.unwrap_or(name).clone()
    });
    let spelled: Vec<String> = spelled.collect();
    changed.then_some(spelled)
}

fn not_found(name: &str) -> Error {
    let error = Error::new(ErrorKind::NotFound, "looking at the functions").with_reason(format!(
        "this kernel has no function `{}`",
        name.escape_debug()
    ));
    match did_you_mean(&kallsyms::nearest(name).unwrap_or_default()) {
        Some(question) => error.with_remedy(question),
        None => error,
    }
}

fn unsupported(attach_type: AttachType) -> Error {
    let error = Error::new(ErrorKind::Unsupported, "linking it");
    match attach_type {
        AttachType::TRACE_KPROBE_SESSION => error
            .with_reason("this kernel has no sessions of kprobes")
            .with_remedy(
                "they take Linux 6.10 and CONFIG_FPROBE; use kprobe.multi and kretprobe.multi",
            ),
        _ => error
            .with_reason("this kernel has no kprobes at many functions")
            .with_remedy(
                "they take Linux 5.18 and CONFIG_FPROBE; use one `Kprobe` for each function",
            ),
    }
}

impl AttachPoint for KprobeMulti {
    type Kind = KprobeKind;

    fn attach(&self, program: &impl ProgramOf<KprobeKind>) -> Result<Link> {
        self.attach(program)
    }
}

impl fmt::Display for KprobeMulti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.on_return {
            "the returns"
        } else {
            "the entries"
        };
        match &self.functions {
            Functions::Pattern(pattern) => {
                write!(f, "at {place} of `{}`", pattern.escape_debug())
            }
            Functions::Names(names) => match names.as_slice() {
                [one] => write!(f, "at {place} of `{}`", one.escape_debug()),
                [one, rest @ ..] => {
                    write!(
                        f,
                        "at {place} of `{}` and {} others",
                        one.escape_debug(),
                        rest.len()
                    )
                }
                [] => write!(f, "at {place} of nothing"),
            },
            Functions::Addresses(addresses) => {
                write!(f, "at {place} of {} functions", addresses.len())
            }
        }
    }
}
