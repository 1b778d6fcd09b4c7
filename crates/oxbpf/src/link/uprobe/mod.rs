//! Uprobes and uretprobes: programs at functions of programs and libraries.

mod binary;
mod multi;

use std::fmt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use super::perf_event::{self, AttachBy, PerfOptions, everywhere};
use super::probe_options::probe_options;
use super::probe_pmu::ProbePmu;
use super::{AttachPoint, Link, ProgramOf, permission};
use crate::program::{Program, UprobeKind};
use crate::sys::perf::{PerfEventAttr, Scope, perf_event_open};
use crate::{Error, ErrorKind, Result, denied};

use binary::{Binary, c_path, find, offset_of};
pub use multi::UprobeMulti;

/// The semaphore of a probe goes into the upper half of `config`.
const REFERENCE_COUNTER_SHIFT: u32 = 32;

/// A program at a function of a program or library, or at an instruction in it: it runs whenever a process gets there.
///
/// The file is named by its path, or as programs and libraries are: `sh`, `libc.so.6`. It is the file that is probed, by
/// whatever name or in whatever container it is used.
///
/// Needs `CONFIG_UPROBE_EVENTS`, CAP_PERFMON and, on most kernels, CAP_SYS_ADMIN.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let program: oxbpf::Program = unimplemented!();
/// use oxbpf::Uprobe;
///
/// let link = Uprobe::new("libc.so.6", "malloc").cookie(7).attach(&program)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Uprobe(Probe);

/// A program that runs when a function of a program or library returns, with its result.
///
/// Files, functions, needs and errors are those of [`Uprobe`].
#[derive(Clone, Debug)]
pub struct Uretprobe(Probe);

/// What both builders have beside the options of all probes.
macro_rules! options {
    ($builder:ident) => {
        impl $builder {
            /// Only in this process.
            #[must_use]
            pub fn process(mut self, pid: u32) -> Self {
                self.0.pid = Some(pid);
                self
            }

            /// Where in the file there is a counter that the kernel raises while the probe is there, so that the process
            /// knows (the semaphore of a static probe). Since Linux 4.20.
            #[must_use]
            #[doc(alias = "ref_ctr_offset")]
            pub fn reference_counter(mut self, offset: u32) -> Self {
                self.0.reference_counter = offset;
                self
            }
        }
    };
}

options!(Uprobe);
options!(Uretprobe);

probe_options! {
    Uprobe for UprobeKind, "bpf_program__attach_uprobe",
    /// [`ErrorKind::NotFound`] if there is no such file, process or function, with the nearest names there are;
    /// [`ErrorKind::InvalidInput`] if the file is no program or library, several of its functions have this name, or
    /// no instruction that can be probed is there;
    /// [`ErrorKind::Unsupported`] if the kernel has no uprobes, or no cookies for them;
    /// [`ErrorKind::PermissionDenied`], with what stands in the way.
}

probe_options! {
    Uretprobe for UprobeKind, "bpf_program__attach_uprobe",
    /// As for [`Uprobe::attach`].
}

impl Uprobe {
    /// At the entry of a function. Its name is that of the symbol; `@VERSION` may follow it.
    pub fn new(binary: impl Into<PathBuf>, function: impl Into<String>) -> Self {
        let place = Place::Function(function.into(), 0);
        Self(Probe::new(binary.into(), place, false))
    }

    /// At the instruction that is at this byte of the file.
    pub fn at(binary: impl Into<PathBuf>, offset: u64) -> Self {
        Self(Probe::new(binary.into(), Place::Offset(offset), false))
    }

    /// Moves the probe `bytes` on, where an instruction must begin.
    #[must_use]
    pub fn offset(mut self, bytes: u64) -> Self {
        match &mut self.0.place {
            Place::Function(_, offset) => *offset = bytes,
            Place::Offset(offset) => *offset = offset.wrapping_add(bytes),
        }
        self
    }
}

impl Uretprobe {
    /// At the return of a function. Its name is that of the symbol; `@VERSION` may follow it.
    pub fn new(binary: impl Into<PathBuf>, function: impl Into<String>) -> Self {
        let place = Place::Function(function.into(), 0);
        Self(Probe::new(binary.into(), place, true))
    }

    /// At the return of the function whose first instruction is at this byte of the file.
    pub fn at(binary: impl Into<PathBuf>, offset: u64) -> Self {
        Self(Probe::new(binary.into(), Place::Offset(offset), true))
    }
}

/// Where in the file.
#[derive(Clone, Debug)]
enum Place {
    /// A function, and bytes from where it begins.
    Function(String, u64),
    Offset(u64),
}

/// Both builders.
#[derive(Clone, Debug)]
struct Probe {
    binary: PathBuf,
    place: Place,
    returns: bool,
    pid: Option<u32>,
    reference_counter: u32,
    options: PerfOptions,
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.returns { "uretprobe" } else { "uprobe" })?;
        match &self.place {
            Place::Function(name, 0) => write!(f, " at `{}`", name.escape_debug())?,
            Place::Function(name, offset) => {
                write!(f, " at `{}+{offset:#x}`", name.escape_debug())?
            }
            Place::Offset(offset) => write!(f, " at byte {offset:#x}")?,
        }
        write!(f, " of `{}`", self.binary.display())?;
        match self.pid {
            Some(pid) => write!(f, ", in process {pid}"),
            None => Ok(()),
        }
    }
}

impl Probe {
    fn new(binary: PathBuf, place: Place, returns: bool) -> Self {
        Self {
            binary,
            place,
            returns,
            pid: None,
            reference_counter: 0,
            options: PerfOptions::default(),
        }
    }

    fn attach(&self, program: &Program) -> Result<Link> {
        self.try_attach(program)
            .map_err(|error| error.context(format!("attaching `{}` as a {self}", program.name())))
    }

    fn try_attach(&self, program: &Program) -> Result<Link> {
        let pmu = ProbePmu::find("uprobe").ok_or_else(no_uprobes)?;
        let path = find(&self.binary)?;
        let offset = match &self.place {
            Place::Offset(offset) => *offset,
            Place::Function(name, within) => {
                let binary = Binary::open(&path)?;
                offset_of(&binary.executable()?, name)?.wrapping_add(*within)
            }
        };
        let attr = PerfEventAttr {
            r#type: pmu.event_type,
            config: if self.returns { pmu.returns } else { 0 }
                | u64::from(self.reference_counter) << REFERENCE_COUNTER_SHIFT,
            config2: offset,
            flags: PerfEventAttr::DISABLED,
            ..Default::default()
        };
        let scope = match self.pid {
            // A number that no process can have, rather than another meaning.
            Some(pid) => Scope {
                pid: i32::try_from(pid).unwrap_or(i32::MAX),
                cpu: -1,
                is_cgroup: false,
            },
            None => everywhere(),
        };
        let event = perf_event_open(&attr, Some(&c_path(&path)?), scope).map_err(|errno| {
            let error = Error::syscall(errno, "making the probe");
            explain(error, errno, &path, self.pid, || {
                format!(
                    "no instruction that can be probed begins at byte {offset:#x} of `{}`",
                    path.display()
                )
            })
        })?;
        let held = perf_event::attach(program, event, self.options)?;
        Ok(Link::new(format!("`{}`, a {self}", program.name()), held))
    }
}

fn no_uprobes() -> Error {
    Error::new(ErrorKind::Unsupported, "making the probe").with_reason(
        "this kernel has no `uprobe` PMU (CONFIG_UPROBE_EVENTS), or /sys is not mounted",
    )
}

/// Adds to the error of a refused probe what the kernel's answer means; `unfit` says where there is no instruction to probe.
#[cold]
fn explain(
    error: Error,
    errno: Errno,
    path: &Path,
    pid: Option<u32>,
    unfit: impl FnOnce() -> String,
) -> Error {
    match (errno, pid) {
        (Errno::PERM | Errno::ACCESS, _) => denied_to(error),
        (Errno::SRCH, Some(pid)) => error
            .with_kind(ErrorKind::NotFound)
            .with_reason(format!("there is no process {pid}")),
        (Errno::NOENT | Errno::NOTDIR, _) => no_file(error, path),
        (Errno::INVAL | Errno::OPNOTSUPP | Errno::ILSEQ | Errno::IO, _) => error
            .with_kind(ErrorKind::InvalidInput)
            .with_reason(unfit()),
        _ => error,
    }
}

fn no_file(error: Error, path: &Path) -> Error {
    error
        .with_kind(ErrorKind::NotFound)
        .with_reason(format!("there is no file `{}`", path.display()))
}

/// Kernels differ in what uprobes take beside CAP_PERFMON.
fn denied_to(error: Error) -> Error {
    let only_admin = denied::capabilities_missing(CapabilitySet::PERFMON).is_empty()
        && !denied::capabilities_missing(CapabilitySet::SYS_ADMIN).is_empty();
    match only_admin {
        true => error
            .with_reason(
                "this process is without CAP_SYS_ADMIN, which this kernel wants for uprobes",
            )
            .with_remedy("run it as root, or with CAP_SYS_ADMIN"),
        false => permission::explain_perf(error),
    }
}
