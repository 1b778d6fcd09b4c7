//! A program at many functions of a program or library, by one link.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use oxbpf_object::kernel::AttachType;
use rustix::io::Errno;

use super::binary::{Binary, c_path, find, offset_of};
use super::{explain, no_file};
use crate::link::perf_event::is_unknown;
use crate::link::{AttachPoint, Link, ProgramOf, many};
use crate::program::{Program, UprobeKind};
use crate::sys::{self, LinkExtra};
use crate::{Error, ErrorKind, Result, feature, glob};

/// `BPF_F_UPROBE_MULTI_RETURN`.
const ON_RETURN: u32 = 1;

/// A program at the entries or returns of many functions of a program or library, or at both.
///
/// Much faster to attach than as many [`Uprobe`](super::Uprobe)s. The program says at load what it is for:
/// `SEC("uprobe.multi")` and `SEC("uretprobe.multi")` since Linux 6.6; `SEC("uprobe.session")`, which sees entry and return of a
/// call, since 6.13.
///
/// Needs `CONFIG_UPROBES`, and CAP_PERFMON.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let program: oxbpf::Program = unimplemented!();
/// use oxbpf::UprobeMulti;
///
/// let all = UprobeMulti::pattern("libssl.so.3", "SSL_*").attach(&program)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "BPF_LINK_TYPE_UPROBE_MULTI")]
pub struct UprobeMulti {
    binary: PathBuf,
    places: Places,
    cookies: Vec<u64>,
    pid: Option<u32>,
    on_return: bool,
}

#[derive(Clone, Debug)]
enum Places {
    Pattern(String),
    Names(Vec<String>),
    Offsets(Vec<u64>),
}

impl UprobeMulti {
    /// All functions of the file whose names match `glob`, in which `*` stands for any characters and `?` for one.
    pub fn pattern(binary: impl Into<PathBuf>, glob: impl Into<String>) -> Self {
        Self::new(binary.into(), Places::Pattern(glob.into()))
    }

    /// The functions of these names.
    pub fn functions(
        binary: impl Into<PathBuf>,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        Self::new(binary.into(), Places::Names(names))
    }

    /// The instructions at these bytes of the file.
    pub fn offsets(binary: impl Into<PathBuf>, offsets: impl IntoIterator<Item = u64>) -> Self {
        let offsets = offsets.into_iter().collect();
        Self::new(binary.into(), Places::Offsets(offsets))
    }

    fn new(binary: PathBuf, places: Places) -> Self {
        Self {
            binary,
            places,
            cookies: Vec::new(),
            pid: None,
            on_return: false,
        }
    }

    /// A number for each of the places, in their order, that the program gets from `bpf_get_attach_cookie`. Not with a
    /// pattern, whose functions have no order.
    #[must_use]
    pub fn cookies(mut self, cookies: impl IntoIterator<Item = u64>) -> Self {
        self.cookies = cookies.into_iter().collect();
        self
    }

    /// Only in this process.
    #[must_use]
    pub fn process(mut self, pid: u32) -> Self {
        self.pid = Some(pid);
        self
    }

    /// Runs the program when the functions return (`uretprobe.multi`).
    #[must_use]
    #[doc(alias = "BPF_F_UPROBE_MULTI_RETURN")]
    pub fn on_return(mut self) -> Self {
        self.on_return = true;
        self
    }

    /// Attaches `program` to all of the places, or to none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such file, process or function, or nothing matches the pattern;
    /// [`ErrorKind::InvalidInput`] if there are not as many cookies as places, or no instruction that can be probed is in one;
    /// [`ErrorKind::WrongKind`] if the program was not loaded for this;
    /// [`ErrorKind::Unsupported`] if the kernel does not have it;
    /// [`ErrorKind::PermissionDenied`], with what stands in the way.
    #[doc(alias = "bpf_program__attach_uprobe_multi")]
    pub fn attach(&self, program: &impl ProgramOf<UprobeKind>) -> Result<Link> {
        let program = program.program()?;
        let what = format!("`{}` {self}", program.name());
        Link::made(what, self.try_attach(program))
    }

    fn try_attach(&self, program: &Program) -> Result<OwnedFd> {
        let attach_type = match program.attach_info().attach_type {
            None if program.attach_info().section.is_empty() => AttachType::TRACE_UPROBE_MULTI,
            Some(known @ (AttachType::TRACE_UPROBE_MULTI | AttachType::TRACE_UPROBE_SESSION)) => {
                known
            }
            _ => {
                return Err(Error::new(ErrorKind::WrongKind, "looking at the program")
                    .with_reason("it was loaded for single uprobes")
                    .with_remedy("put it into SEC(\"uprobe.multi\") or one of its kin"));
            }
        };
        let path = find(&self.binary)?;
        let offsets = self.offsets_in(&path)?;
        many::check(offsets.len(), self.cookies.len())?;
        let extra = LinkExtra::UprobeMulti {
            path: &c_path(&path)?,
            offsets: &offsets,
            cookies: &self.cookies,
            pid: self.pid.unwrap_or(0),
            flags: if self.on_return { ON_RETURN } else { 0 },
        };
        sys::link_create(program.as_fd(), 0, attach_type.0, 0, extra)
            .map_err(|errno| self.refused(errno, attach_type))
    }

    /// Where in the file the places are.
    fn offsets_in(&self, path: &Path) -> Result<Vec<u64>> {
        match &self.places {
            Places::Offsets(offsets) => Ok(offsets.clone()),
            Places::Names(names) => {
                let binary = Binary::open(path)?;
                let executable = binary.executable()?;
                let offsets = names.iter().map(|name| offset_of(&executable, name));
                offsets.collect()
            }
            Places::Pattern(pattern) => {
                let binary = Binary::open(path)?;
                let executable = binary.executable()?;
                many::check_pattern(&self.cookies)?;
                let functions = executable.functions().iter();
                let matching = functions.filter(|function| glob::matches(pattern, function.name));
                let mut offsets: Vec<u64> = matching.map(|function| function.offset).collect();
                // Functions may have several names, and be in both tables.
                offsets.sort_unstable();
                offsets.dedup();
                match offsets.is_empty() {
                    true => Err(many::nothing_matches(pattern, "of the file")),
                    false => Ok(offsets),
                }
            }
        }
    }

    #[cold]
    fn refused(&self, errno: Errno, attach_type: AttachType) -> Error {
        let error = Error::syscall(errno, "linking it");
        match errno {
            Errno::BADF => no_file(error, &self.binary),
            _ if is_unknown(errno) && !feature::has_uprobe_multi(attach_type) => error
                .with_kind(ErrorKind::Unsupported)
                .with_reason(format!("this kernel has no {attach_type}"))
                .with_remedy(match attach_type {
                    AttachType::TRACE_UPROBE_SESSION => {
                        "it takes Linux 6.13; use uprobe.multi and uretprobe.multi"
                    }
                    _ => "it takes Linux 6.6; use one `Uprobe` for each function",
                }),
            _ => explain(error, errno, &self.binary, self.pid, || {
                "in one of the places, no instruction that can be probed begins".to_owned()
            }),
        }
    }
}

impl AttachPoint for UprobeMulti {
    type Kind = UprobeKind;

    fn attach(&self, program: &impl ProgramOf<UprobeKind>) -> Result<Link> {
        self.attach(program)
    }
}

impl fmt::Display for UprobeMulti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.on_return {
            true => "at the returns of ",
            false => "at ",
        })?;
        match &self.places {
            Places::Pattern(pattern) => write!(f, "`{}`", pattern.escape_debug())?,
            Places::Names(names) => write!(f, "{} functions", names.len())?,
            Places::Offsets(offsets) => write!(f, "{} places", offsets.len())?,
        }
        write!(f, " of `{}`", self.binary.display())
    }
}
