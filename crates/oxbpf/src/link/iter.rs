//! Iterators: programs that write text, or bytes, about what the kernel holds.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use oxbpf_object::kernel::AttachType;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::{AttachPoint, Link, ProgramOf, permission};
use crate::map::Map;
use crate::program::{Program, TracingKind};
use crate::sys::{self, LinkExtra};
use crate::{Error, ErrorKind, Result};

/// The order in which control groups are gone through.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum CgroupOrder {
    /// Only the one that was given.
    #[doc(alias = "BPF_CGROUP_ITER_SELF_ONLY")]
    SelfOnly = 1,
    /// It, then what is below it: parents before children.
    #[doc(alias = "BPF_CGROUP_ITER_DESCENDANTS_PRE")]
    DescendantsPre = 2,
    /// What is below it, then itself: children before parents.
    #[doc(alias = "BPF_CGROUP_ITER_DESCENDANTS_POST")]
    DescendantsPost = 3,
    /// It, then what is above it up to the root.
    #[doc(alias = "BPF_CGROUP_ITER_ANCESTORS_UP")]
    AncestorsUp = 4,
    /// Its children, not theirs. Linux 7.0.
    #[doc(alias = "BPF_CGROUP_ITER_CHILDREN")]
    Children = 5,
}

/// What an iterator is to go through, where its target takes a parameter.
#[derive(Clone, Debug, Default)]
enum Over {
    #[default]
    Everything,
    Map(Map),
    /// The directory of a control group.
    Cgroup(Arc<OwnedFd>, CgroupOrder),
    Task {
        tid: u32,
        pid: u32,
    },
    PidFd(Arc<OwnedFd>),
}

/// A program that is run for each of something: each task, map, socket, symbol, each element of a map (`iter`).
///
/// Attached, it runs when somebody reads: [`Link::read_iter`], or the file that [`Link::pin`] makes, each time that it is
/// opened. What the program writes (`bpf_seq_printf`, `bpf_seq_write`) is what is read.
///
/// Since Linux 5.8. Needs BTF of the kernel, and CAP_PERFMON.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let program: oxbpf::Program = unimplemented!();
/// use std::io::Read;
///
/// let link = oxbpf::Iter::new().attach(&program)?;
/// let mut text = String::new();
/// link.read_iter()?.read_to_string(&mut text)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[doc(alias = "bpf_iter_link_info")]
pub struct Iter {
    over: Over,
}

impl Iter {
    /// Over all there is.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Over the elements of `map` (`bpf_map_elem`, `bpf_sk_storage_map`, `sockmap`).
    #[must_use]
    pub fn map(mut self, map: &Map) -> Self {
        self.over = Over::Map(map.clone());
        self
    }

    /// Over control groups (`cgroup`), from that whose directory this is. Since Linux 6.1.
    #[must_use]
    pub fn cgroup(mut self, directory: OwnedFd, order: CgroupOrder) -> Self {
        self.over = Over::Cgroup(directory.into(), order);
        self
    }

    /// Over one thread (`task`, `task_file`, `task_vma`). Since Linux 6.1.
    #[must_use]
    pub fn thread(mut self, tid: u32) -> Self {
        self.over = Over::Task { tid, pid: 0 };
        self
    }

    /// Over the threads of one process (`task`, `task_file`, `task_vma`). Since Linux 6.1.
    #[must_use]
    pub fn process(mut self, pid: u32) -> Self {
        self.over = Over::Task { tid: 0, pid };
        self
    }

    /// As [`process`](Self::process), by a descriptor of pidfd_open(2), which cannot become another process's. Since Linux
    /// 6.1.
    #[must_use]
    pub fn pid_fd(mut self, process: OwnedFd) -> Self {
        self.over = Over::PidFd(process.into());
        self
    }

    /// Attaches `program`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] where the program's target takes no such parameter, or does not do without;
    /// [`ErrorKind::NotFound`] if there is no such process;
    /// [`ErrorKind::WrongKind`] for a map of a kind that cannot be gone through;
    /// [`ErrorKind::Unsupported`] for a parameter that this kernel does not know.
    #[doc(alias = "bpf_program__attach_iter")]
    pub fn attach(&self, program: &impl ProgramOf<TracingKind>) -> Result<Link> {
        let program = program.program()?;
        let target = program.attach_info().target.as_deref();
        let what = match target {
            Some(target) => format!("`{}`, an iterator over `{target}`", program.name()),
            None => format!("`{}`, an iterator", program.name()),
        };
        Link::made(what, self.try_attach(program))
    }

    fn try_attach(&self, program: &Program) -> Result<OwnedFd> {
        if let Some(other) = program.attach_info().attach_type {
            if other != AttachType::TRACE_ITER {
                return Err(Error::new(ErrorKind::WrongKind, "looking at the program")
                    .with_reason(format!("it was loaded for {other}, not as an iterator"))
                    .with_remedy("use the builder `Tracing`"));
            }
        }
        self.check_parameter(program)?;
        let info = self.info();
        let extra = LinkExtra::Iter {
            info: info.as_deref().unwrap_or_default(),
        };
        sys::link_create(program.as_fd(), 0, AttachType::TRACE_ITER.0, 0, extra)
            .map_err(|errno| self.refused(errno, program))
    }

    /// Refuses what the kernel would pass over in silence: a process where none is asked for, and before Linux 6.1 a thread.
    fn check_parameter(&self, program: &Program) -> Result<()> {
        let (Over::Task { .. } | Over::PidFd(_)) = &self.over else {
            return Ok(());
        };
        let doing = "looking at its parameter";
        match program.attach_info().target.as_deref() {
            Some(target) if !takes_task(target) => {
                return Err(
                    Error::new(ErrorKind::InvalidInput, doing).with_reason(format!(
                        "iterators over `{target}` cannot be confined to a process"
                    )),
                );
            }
            _ => {}
        }
        // Thread and process at once contradict each other, where the kernel looks at both.
        let both = Self {
            over: Over::Task { tid: 1, pid: 1 },
        };
        let info = both.info().unwrap_or_default();
        let extra = LinkExtra::Iter { info: &info };
        let attach_type = AttachType::TRACE_ITER.0;
        match sys::link_create(program.as_fd(), 0, attach_type, 0, extra) {
            Err(Errno::TOOBIG) => Err(Error::new(ErrorKind::Unsupported, doing)
                .with_errno(Errno::TOOBIG)
                .with_reason("this kernel has no iterators over one process")
                .with_remedy("they take Linux 6.1; before, compare in the program")),
            _ => self.check_that_it_lives(),
        }
    }

    /// Refuses a process that the kernel would go through as if it were there, and find nothing.
    fn check_that_it_lives(&self) -> Result<()> {
        let reason = match &self.over {
            Over::Task { tid, pid } => {
                let (what, number) = match tid {
                    0 => ("process", *pid),
                    tid => ("thread", *tid),
                };
                let found = i32::try_from(number).ok().and_then(Pid::from_raw);
                match found.map(test_kill_process) {
                    None | Some(Err(Errno::SRCH)) => format!("there is no {what} {number}"),
                    Some(_) => return Ok(()),
                }
            }
            Over::PidFd(process) => {
                // It can be read once the process has ended.
                let mut ended = [PollFd::new(process, PollFlags::IN)];
                match poll(&mut ended, Some(&Timespec::default())) {
                    Ok(1) => "the process is gone".to_owned(),
                    _ => return Ok(()),
                }
            }
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::NotFound, "looking at its parameter").with_reason(reason))
    }

    /// `union bpf_iter_link_info`, as long as its longest member has ever been.
    fn info(&self) -> Option<Vec<u8>> {
        let words = match &self.over {
            Over::Everything => return None,
            Over::Map(map) => [sys::raw(map.as_fd()), 0, 0, 0],
            Over::Cgroup(directory, order) => [*order as u32, sys::raw(directory.as_fd()), 0, 0],
            Over::Task { tid, pid } => [*tid, *pid, 0, 0],
            Over::PidFd(process) => [0, 0, sys::raw(process.as_fd()), 0],
        };
        Some(words.iter().flat_map(|word| word.to_ne_bytes()).collect())
    }

    #[cold]
    fn refused(&self, errno: Errno, program: &Program) -> Error {
        let error = Error::syscall(errno, "linking it");
        let target = program.attach_info().target.as_deref().unwrap_or("?");
        match (errno, &self.over) {
            (Errno::PERM | Errno::ACCESS, _) => permission::explain_bpf(error),
            (Errno::BADF | Errno::INVAL, Over::Everything) if takes_map(target) => error
                .with_kind(ErrorKind::InvalidInput)
                .with_reason(format!("iterators over `{target}` take a map"))
                .with_remedy("give it one: `Iter::new().map(…)`"),
            (Errno::INVAL, Over::Everything) if target == "cgroup" => error
                .with_kind(ErrorKind::InvalidInput)
                .with_reason("iterators over control groups take an order to go in")
                .with_remedy("give it one: `Iter::new().cgroup(…)`"),
            (Errno::TOOBIG, _) => error
                .with_kind(ErrorKind::Unsupported)
                .with_reason("this kernel does not know that parameter of iterators"),
            (Errno::INVAL, Over::Map(map)) => error
                .with_kind(ErrorKind::WrongKind)
                .with_reason(format!(
                    "a map of type {} cannot be gone through by an iterator over `{target}`",
                    map.map_type()
                )),
            (Errno::INVAL, Over::Task { .. } | Over::PidFd(_) | Over::Cgroup(..)) => error
                .with_kind(ErrorKind::InvalidInput)
                .with_reason(format!(
                    "an iterator over `{target}` takes no such parameter on this kernel, or not that value of it"
                )),
            _ => error,
        }
    }
}

/// Whether iterators over `target` can be confined to a process.
pub(super) fn takes_task(target: &str) -> bool {
    ["task", "task_file", "task_vma"].contains(&target)
}

/// Whether iterators over `target` go over the elements of a map.
pub(super) fn takes_map(target: &str) -> bool {
    ["bpf_map_elem", "bpf_sk_storage_map", "sockmap"].contains(&target)
}

impl AttachPoint for Iter {
    type Kind = TracingKind;

    fn attach(&self, program: &impl ProgramOf<TracingKind>) -> Result<Link> {
        self.attach(program)
    }
}

/// One pass of an iterator: reading runs its program, and gives what that writes.
///
/// Since Linux 5.8.
#[derive(Debug)]
pub struct IterReader(OwnedFd);

impl Link {
    /// Begins a pass of the iterator that this link attaches. Any number of them may be under way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongKind`] if it is the link of something else.
    #[doc(alias = "BPF_ITER_CREATE")]
    pub fn read_iter(&self) -> Result<IterReader> {
        sys::iter_create(self.as_fd())
            .map(IterReader)
            .map_err(|errno| {
                let error = Error::syscall(errno, format!("reading {}", self.what));
                match errno {
                    Errno::INVAL | Errno::BADF => error
                        .with_kind(ErrorKind::WrongKind)
                        .with_reason("it is no iterator"),
                    _ => error,
                }
            })
    }
}

impl Read for IterReader {
    /// As read(2). [`io::ErrorKind::Interrupted`] and would-block mean to try again: iterators stop after a while to let others
    /// run.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(&self.0, &mut *into) {
                // The kernel went through a million objects for which nothing was written, and takes a breath.
                Err(Errno::AGAIN) => {}
                answer => return answer.map_err(Into::into),
            }
        }
    }
}

impl AsFd for IterReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
