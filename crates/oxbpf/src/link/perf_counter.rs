//! Programs that run each time a counter of perf overflows: clocks, faults, cycles.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;

use super::perf_event::{self, AttachBy, PerfOptions};
use super::{AttachPoint, Link, Links, ProgramOf, permission};
use crate::program::{PerfEventKind, Program};
use crate::sys::perf::{PerfEventAttr, Scope, perf_event_open};
use crate::sys::{self, uapi};
use crate::{Error, ErrorKind, Result, denied, ring};

macro_rules! events {
    ($(#[$doc:meta])* $type:ident: $($(#[$of_value:meta])* $name:ident = $value:literal, $alias:literal;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub struct $type(pub u64);

        impl $type {
            $($(#[$of_value])* #[doc(alias = $alias)] pub const $name: Self = Self($value);)*
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {
                    $(Self::$name => f.write_str($alias),)*
                    Self(other) => write!(f, "{other}"),
                }
            }
        }
    };
}

events! {
    /// An event that the kernel itself counts.
    ///
    /// Source: `enum perf_sw_ids` of `linux/perf_event.h`.
    SoftwareEvent:
    /// Time on a CPU, in nanoseconds.
    CPU_CLOCK = 0, "PERF_COUNT_SW_CPU_CLOCK";
    /// Time of a task, in nanoseconds.
    TASK_CLOCK = 1, "PERF_COUNT_SW_TASK_CLOCK";
    /// Page faults.
    PAGE_FAULTS = 2, "PERF_COUNT_SW_PAGE_FAULTS";
    /// Context switches.
    CONTEXT_SWITCHES = 3, "PERF_COUNT_SW_CONTEXT_SWITCHES";
    /// Migrations from one CPU to another.
    CPU_MIGRATIONS = 4, "PERF_COUNT_SW_CPU_MIGRATIONS";
    /// Page faults that needed no disk.
    PAGE_FAULTS_MIN = 5, "PERF_COUNT_SW_PAGE_FAULTS_MIN";
    /// Page faults that needed a disk.
    PAGE_FAULTS_MAJ = 6, "PERF_COUNT_SW_PAGE_FAULTS_MAJ";
    /// Accesses that are not aligned and that the kernel has to do.
    ALIGNMENT_FAULTS = 7, "PERF_COUNT_SW_ALIGNMENT_FAULTS";
    /// Instructions that the kernel has to do.
    EMULATION_FAULTS = 8, "PERF_COUNT_SW_EMULATION_FAULTS";
    /// Nothing.
    DUMMY = 9, "PERF_COUNT_SW_DUMMY";
    /// Switches to a task of another control group. Linux 5.13.
    CGROUP_SWITCHES = 11, "PERF_COUNT_SW_CGROUP_SWITCHES";
}

events! {
    /// An event that the processor counts, where it has a unit for that.
    ///
    /// Source: `enum perf_hw_id` of `linux/perf_event.h`.
    HardwareEvent:
    /// Cycles.
    CPU_CYCLES = 0, "PERF_COUNT_HW_CPU_CYCLES";
    /// Instructions.
    INSTRUCTIONS = 1, "PERF_COUNT_HW_INSTRUCTIONS";
    /// Accesses to a cache.
    CACHE_REFERENCES = 2, "PERF_COUNT_HW_CACHE_REFERENCES";
    /// Accesses that were not in a cache.
    CACHE_MISSES = 3, "PERF_COUNT_HW_CACHE_MISSES";
    /// Branches.
    BRANCH_INSTRUCTIONS = 4, "PERF_COUNT_HW_BRANCH_INSTRUCTIONS";
    /// Branches that were predicted wrong.
    BRANCH_MISSES = 5, "PERF_COUNT_HW_BRANCH_MISSES";
    /// Cycles of the bus.
    BUS_CYCLES = 6, "PERF_COUNT_HW_BUS_CYCLES";
    /// Cycles without an instruction to start.
    STALLED_CYCLES_FRONTEND = 7, "PERF_COUNT_HW_STALLED_CYCLES_FRONTEND";
    /// Cycles without an instruction that ends.
    STALLED_CYCLES_BACKEND = 8, "PERF_COUNT_HW_STALLED_CYCLES_BACKEND";
    /// Cycles at the nominal frequency.
    REF_CPU_CYCLES = 9, "PERF_COUNT_HW_REF_CPU_CYCLES";
}

/// How often the program runs.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Sampling {
    /// Once every so many events: nanoseconds for the clocks.
    Period(u64),
    /// About so many times a second, at most `kernel.perf_event_max_sample_rate`.
    Frequency(u64),
}

/// Whose events count.
#[derive(Clone, Debug, Default)]
enum Who {
    #[default]
    Everyone,
    Process(u32),
    Cgroup(Arc<OwnedFd>),
}

/// A program that runs each time a counter overflows: to profile, or to see faults, switches and migrations.
///
/// Since Linux 4.9. Needs CAP_PERFMON, or for the own processes a `kernel.perf_event_paranoid` that allows it.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let program: oxbpf::Program = unimplemented!();
/// use oxbpf::PerfEvent;
/// use oxbpf::link::{Sampling, SoftwareEvent};
///
/// let clock = PerfEvent::software(SoftwareEvent::CPU_CLOCK, Sampling::Frequency(99));
/// let links = clock.attach_on_each_cpu(&program)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "perf_event_open")]
pub struct PerfEvent {
    event_type: u32,
    config: u64,
    sampling: Sampling,
    who: Who,
    cpu: Option<u32>,
    options: PerfOptions,
}

impl PerfEvent {
    /// An event that the kernel counts.
    pub fn software(event: SoftwareEvent, sampling: Sampling) -> Self {
        Self::raw(uapi::PERF_TYPE_SOFTWARE, event.0, sampling)
    }

    /// An event that the processor counts.
    pub fn hardware(event: HardwareEvent, sampling: Sampling) -> Self {
        Self::raw(uapi::PERF_TYPE_HARDWARE, event.0, sampling)
    }

    /// Any event: its type and configuration as `struct perf_event_attr` has them, such as those that
    /// `/sys/bus/event_source/devices` describes.
    pub fn raw(event_type: u32, config: u64, sampling: Sampling) -> Self {
        Self {
            event_type,
            config,
            sampling,
            who: Who::default(),
            cpu: None,
            options: PerfOptions::default(),
        }
    }

    /// Counts only what this process does, or this thread.
    #[must_use]
    pub fn process(mut self, pid: u32) -> Self {
        self.who = Who::Process(pid);
        self
    }

    /// Counts only what the processes of a control group do, whose directory this is. Needs a [`cpu`](Self::cpu), or
    /// [`attach_on_each_cpu`](Self::attach_on_each_cpu).
    #[must_use]
    #[doc(alias = "PERF_FLAG_PID_CGROUP")]
    pub fn cgroup(mut self, directory: OwnedFd) -> Self {
        self.who = Who::Cgroup(directory.into());
        self
    }

    /// Counts only what happens on this CPU.
    #[must_use]
    pub fn cpu(mut self, cpu: u32) -> Self {
        self.cpu = Some(cpu);
        self
    }

    /// A number that the program gets from `bpf_get_attach_cookie`. Since Linux 5.15.
    #[must_use]
    pub fn cookie(mut self, cookie: u64) -> Self {
        self.options.cookie = cookie;
        self
    }

    /// How the program is attached to the event.
    #[must_use]
    pub fn attach_by(mut self, by: AttachBy) -> Self {
        self.options.by = by;
        self
    }

    /// Attaches `program` to one counter: that of a process, of a CPU, or of a process on a CPU.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] without process and CPU, or for a frequency that is too high;
    /// [`ErrorKind::NotFound`] if there is no such process or CPU;
    /// [`ErrorKind::Unsupported`] if this machine cannot count that;
    /// [`ErrorKind::PermissionDenied`], with what stands in the way.
    #[doc(alias = "bpf_program__attach_perf_event")]
    pub fn attach(&self, program: &impl ProgramOf<PerfEventKind>) -> Result<Link> {
        let program = program.program()?;
        self.try_attach(program)
            .map(|held| Link::new(format!("`{}`, on {self}", program.name()), held))
            .map_err(|error| error.context(format!("attaching `{}` to {self}", program.name())))
    }

    /// Attaches `program` to a counter on each CPU that is online: to all of them, or to none.
    ///
    /// # Errors
    ///
    /// As for [`attach`](Self::attach).
    pub fn attach_on_each_cpu(&self, program: &impl ProgramOf<PerfEventKind>) -> Result<Links> {
        let cpus = ring::online_cpus("attaching on each CPU")?;
        cpus.into_iter()
            .map(|cpu| self.clone().cpu(cpu).attach(program))
            .collect()
    }

    fn try_attach(&self, program: &Program) -> Result<super::held::Held> {
        let cpu = self.cpu.map_or(Ok(-1), i32::try_from).map_err(|_| {
            Error::new(ErrorKind::InvalidInput, "looking at the CPU").with_reason("there is none")
        })?;
        let (pid, is_cgroup) = match &self.who {
            Who::Everyone => (-1, false),
            // A number that no process can have, rather than another meaning.
            Who::Process(pid) => (i32::try_from(*pid).unwrap_or(i32::MAX), false),
            Who::Cgroup(directory) => (sys::raw(directory.as_fd()) as i32, true),
        };
        if cpu < 0 && (pid < 0 || is_cgroup) {
            return Err(
                Error::new(ErrorKind::InvalidInput, "looking at what is counted")
                    .with_reason("a counter is of a process, or of a CPU")
                    .with_remedy("name one, or use `attach_on_each_cpu`"),
            );
        }
        let (sample_period, frequency) = match self.sampling {
            Sampling::Period(period) => (period, 0),
            Sampling::Frequency(frequency) => (frequency, PerfEventAttr::FREQ),
        };
        let attr = PerfEventAttr {
            r#type: self.event_type,
            config: self.config,
            // A union: the frequency takes the place of the period.
            sample_period,
            flags: PerfEventAttr::DISABLED | frequency,
            ..Default::default()
        };
        let scope = Scope {
            pid,
            cpu,
            is_cgroup,
        };
        let event = perf_event_open(&attr, None, scope).map_err(|errno| self.refused(errno))?;
        perf_event::attach(program, event, self.options)
    }

    #[cold]
    fn refused(&self, errno: Errno) -> Error {
        let error = Error::syscall(errno, "opening its perf event");
        match (errno, &self.who) {
            (Errno::PERM | Errno::ACCESS, _) => permission::explain_perf(error),
            (Errno::SRCH, Who::Process(pid)) => error
                .with_kind(ErrorKind::NotFound)
                .with_reason(format!("there is no process {pid}")),
            (Errno::BADF, Who::Cgroup(_)) => error
                .with_kind(ErrorKind::InvalidInput)
                .with_reason("the descriptor is not that of a control group's directory"),
            (Errno::NODEV | Errno::NXIO, _) if self.cpu.is_some() => error
                .with_kind(ErrorKind::NotFound)
                .with_reason("there is no such CPU, or it is offline"),
            (Errno::NOENT | Errno::OPNOTSUPP | Errno::NODEV, _) => error
                .with_kind(ErrorKind::Unsupported)
                .with_reason("this machine cannot count that, or a virtual machine is not let")
                .with_remedy("use a software event, such as `SoftwareEvent::CPU_CLOCK`"),
            (Errno::INVAL, _) => {
                let error = error.with_kind(ErrorKind::InvalidInput);
                match (self.sampling, denied::sysctl("kernel/perf_event_max_sample_rate")) {
                    (Sampling::Frequency(frequency), Some(most))
                        if most.parse().is_ok_and(|most: u64| frequency > most) =>
                    {
                        error.with_reason(format!(
                            "{frequency} times a second is more than kernel.perf_event_max_sample_rate ({most}) allows"
                        ))
                    }
                    _ => error.with_reason("the kernel knows no such event, CPU, or period"),
                }
            }
            _ => error,
        }
    }
}

impl AttachPoint for PerfEvent {
    type Kind = PerfEventKind;

    fn attach(&self, program: &impl ProgramOf<PerfEventKind>) -> Result<Link> {
        self.attach(program)
    }
}

impl fmt::Display for PerfEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event_type {
            uapi::PERF_TYPE_SOFTWARE => write!(f, "perf event {}", SoftwareEvent(self.config))?,
            uapi::PERF_TYPE_HARDWARE => write!(f, "perf event {}", HardwareEvent(self.config))?,
            other => write!(f, "perf event {:#x} of type {other}", self.config)?,
        }
        match &self.who {
            Who::Everyone => {}
            Who::Process(pid) => write!(f, " of process {pid}")?,
            Who::Cgroup(_) => write!(f, " of a control group")?,
        }
        match self.cpu {
            Some(cpu) => write!(f, " on CPU {cpu}"),
            None => Ok(()),
        }
    }
}
