//! Perf buffers: a ring for each CPU.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use oxbpf_object::kernel::MapType;
use rustix::io::Errno;
use rustix::thread::CapabilitySet;
use rustix::time::ClockId;

use super::reader::{Reader, Source};
use super::record::Padding;
use super::{Events, Record, Records, impl_events};
use crate::denied;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::MAX_PERF_RING;
use crate::map::{Map, Plain, UpdateFlags, check_key, check_kind, check_value};
use crate::sys::perf::{PerfEventAttr, Scope, perf_event_enable, perf_event_open};
use crate::sys::perf_ring::{Layout, PerfConsumer};
use crate::sys::ring::{Corruption, Held};
use crate::sys::{self, uapi};

/// A reader of what programs write with `bpf_perf_event_output`: `BPF_MAP_TYPE_PERF_EVENT_ARRAY`,
/// since Linux 4.4.
///
/// Each CPU that is online when this is made has a ring of its own; records come in order from each,
/// not across them. How many were lost for want of room is told with the record after them, by
/// [`Record::lost`].
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let map: oxbpf::Map = unimplemented!();
/// use oxbpf::ring::{PerfBuffer, PerfBufferOptions, Wakeup};
///
/// let options = PerfBufferOptions {
///     size: 1 << 20,
///     wakeup: Wakeup::Records(100),
///     ..PerfBufferOptions::default()
/// };
/// let mut samples = PerfBuffer::with_options(map, options)?;
/// samples.for_each(1000, |record| {
///     if record.lost() > 0 {
///         println!("CPU {} lost {}", record.source(), record.lost());
///     }
/// })?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "BPF_MAP_TYPE_PERF_EVENT_ARRAY")]
#[derive(Debug)]
pub struct PerfBuffer {
    reader: Reader<CpuRing>,
    map: Map,
}

impl_events!(PerfBuffer);

/// How large a [`PerfBuffer`] is, and when it wakes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PerfBufferOptions {
    /// How many bytes the ring of each CPU has. Rounded up to a power of two of whole pages.
    pub size: usize,
    /// When the kernel wakes who waits.
    pub wakeup: Wakeup,
    /// Whether records of all CPUs come in the order in which they were written, and have a [`Record::time`].
    ///
    /// That goes for those that are there: one that is still being written on another CPU may come late.
    pub by_time: bool,
    /// What the kernel is to put into samples, besides what the program wrote: a combination of `PERF_SAMPLE_*`. Records are then
    /// the whole of such a sample, as `perf_event_open(2)` describes it, with the program's part (`PERF_SAMPLE_RAW`) in it. 0 for the
    /// program's part alone.
    pub sample_type: u64,
}

/// When the kernel wakes who waits for a [`PerfBuffer`]. Records that are there can be read at any
/// time, and are, when a timeout is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Wakeup {
    /// After so many records of one CPU; 0 is 1.
    Records(u32),
    /// When one CPU has written so many bytes, with the headers of records; 0 is 1.
    Bytes(u32),
}

impl Default for PerfBufferOptions {
    /// 256 KiB for each CPU; every record wakes.
    fn default() -> Self {
        Self {
            size: 256 << 10,
            wakeup: Wakeup::Records(1),
            by_time: false,
            sample_type: 0,
        }
    }
}

impl PerfBuffer {
    /// Opens a ring for each CPU that is online, of the default size, and puts it into the map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](ErrorKind::WrongKind) if the map is no perf event array,
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) without CAP_PERFMON or where there may not be
    /// that much memory, and what the kernel says.
    pub fn new(map: Map) -> Result<Self> {
        Self::with_options(map, PerfBufferOptions::default())
    }

    /// Opens a ring for each CPU that is online and puts it into the map. CPUs beyond the map's last
    /// entry get none; programs on them get E2BIG.
    ///
    /// # Errors
    ///
    /// As of [`PerfBuffer::new`], and [`InvalidInput`](ErrorKind::InvalidInput) if the size is out of range.
    pub fn with_options(map: Map, options: PerfBufferOptions) -> Result<Self> {
        check_kind(&map, &[MapType::PERF_EVENT_ARRAY])?;
        check_key::<u32>(&map)?;
        check_value::<u32>(&map)?;
        let eager = matches!(options.wakeup, Wakeup::Records(0 | 1));
        let reader = Reader::new(eager)?;
        let mut buffer = Self {
            reader: match options.by_time {
                true => reader.by_time(),
                false => reader,
            },
            map,
        };
        let cpus = online_cpus(&buffer.opening())?;
        for cpu in cpus {
            if cpu < buffer.map.max_entries() {
                buffer.open(cpu, options)?;
            }
        }
        Ok(buffer)
    }

    /// The map.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The CPUs that are read, in ascending order.
    pub fn cpus(&self) -> impl Iterator<Item = u32> {
        self.reader.sources().iter().map(|ring| ring.cpu)
    }

    /// How many records the kernel said to have lost before those read so far, for want of room.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.reader.lost()
    }

    fn opening(&self) -> String {
        format!("opening perf buffer of {}", self.map)
    }

    /// Opens the ring of one CPU; one that has gone offline in the meantime is passed over.
    fn open(&mut self, cpu: u32, options: PerfBufferOptions) -> Result<()> {
        let doing = self.opening();
        let size = ring_size(options.size, &doing)?;
        let Some(event) = open_event(&attr(options), cpu, &doing)? else {
            return Ok(());
        };
        let number = event.as_raw_fd();
        let memory = PerfConsumer::open(event, size, layout(options))
            .map_err(|errno| unmapped(errno, cpu, size, &doing))?;
        self.map
            .set(cpu.bytes(), number.bytes(), UpdateFlags::empty())
            .map_err(|error| error.context(self.opening()))?;
        let enabled = perf_event_enable(memory.event());
        self.reader.add(CpuRing {
            memory,
            cpu,
            map: self.map.clone(),
        })?;
        enabled.map_err(|errno| Error::syscall(errno, format!("{doing}, CPU {cpu}")))
    }
}

pub(crate) fn online_cpus(doing: &str) -> Result<Vec<u32>> {
    sys::online_cpus().map_err(|errno| {
        let doing = format!("{doing}: reading /sys/devices/system/cpu/online");
        let error = Error::syscall(errno, doing);
        match errno {
            Errno::NOENT => error.with_remedy("mount sysfs"),
            _ => error,
        }
    })
}

/// The size of a ring that has so many bytes at least.
pub(super) fn ring_size(wanted: usize, doing: &str) -> Result<usize> {
    let size = wanted.max(rustix::param::page_size());
    let size = size.checked_next_power_of_two();
    size.filter(|size| *size <= MAX_PERF_RING).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, doing).with_reason(format!(
            "a ring of {wanted} bytes is larger than {MAX_PERF_RING}"
        ))
    })
}

/// Opens the event that programs on a CPU write to; `None` if that went offline.
pub(super) fn open_event(attr: &PerfEventAttr, cpu: u32, doing: &str) -> Result<Option<OwnedFd>> {
    let scope = Scope {
        pid: -1,
        cpu: cpu as i32,
        is_cgroup: false,
    };
    match perf_event_open(attr, None, scope) {
        Ok(event) => Ok(Some(event)),
        Err(Errno::NODEV) => Ok(None),
        Err(errno) => {
            let error = Error::syscall(errno, format!("{doing}, CPU {cpu}"));
            Err(match errno {
                Errno::PERM | Errno::ACCESS => denied::with_remedy(error, CapabilitySet::PERFMON),
                _ => error,
            })
        }
    }
}

#[cold]
pub(super) fn unmapped(errno: Errno, cpu: u32, size: usize, doing: &str) -> Error {
    let error = Error::syscall(errno, format!("{doing}, CPU {cpu}"))
        .with_reason(format!("mapping {size} bytes"));
    match errno {
        Errno::PERM => error.with_remedy(
            "raise kernel.perf_event_mlock_kb or RLIMIT_MEMLOCK, or take smaller rings",
        ),
        _ => error,
    }
}

/// The event that programs write to.
pub(super) fn attr(options: PerfBufferOptions) -> PerfEventAttr {
    let (mut flags, wakeup) = match options.wakeup {
        Wakeup::Records(records) => (0, records),
        Wakeup::Bytes(bytes) => (PerfEventAttr::WATERMARK, bytes),
    };
    let mut sample_type = options.sample_type | u64::from(uapi::PERF_SAMPLE_RAW);
    if options.by_time {
        flags |= PerfEventAttr::USE_CLOCKID;
        sample_type |= u64::from(uapi::PERF_SAMPLE_TIME);
    }
    PerfEventAttr {
        r#type: uapi::PERF_TYPE_SOFTWARE,
        config: uapi::PERF_COUNT_SW_BPF_OUTPUT.into(),
        sample_type,
        sample_period: 1,
        flags,
        wakeup_events: wakeup.max(1),
        clockid: if options.by_time {
            ClockId::Monotonic as i32
        } else {
            0
        },
        ..Default::default()
    }
}

/// Bits of `sample_type` whose words come before the time: identifier, instruction pointer, process.
const BEFORE_TIME: [u64; 3] = [1 << 16, 1 << 0, 1 << 1];

fn layout(options: PerfBufferOptions) -> Layout {
    let before = BEFORE_TIME
        .iter()
        .filter(|bit| options.sample_type & **bit != 0);
    Layout {
        time: options.by_time.then(|| 8 * before.count() as u64),
        whole: options.sample_type != 0,
    }
}

/// The ring of one CPU.
#[derive(Debug)]
struct CpuRing {
    memory: PerfConsumer,
    cpu: u32,
    map: Map,
}

impl Source for CpuRing {
    const PADDING: Padding = Padding::Perf;

    fn fd(&self) -> BorrowedFd<'_> {
        self.memory.event()
    }

    fn number(&self) -> u32 {
        self.cpu
    }

    #[inline]
    fn peek(&mut self) -> Result<bool, Corruption> {
        self.memory.peek()
    }

    #[cold]
    fn corrupted(&self, corruption: Corruption) -> Error {
        let doing = format!("reading perf buffer of {}, CPU {}", self.map, self.cpu);
        Error::new(ErrorKind::Corrupted, doing).with_reason(corruption.to_string())
    }

    fn time(&self) -> Option<u64> {
        self.memory.time()
    }

    #[inline]
    fn take(&mut self) -> Option<Held<'_>> {
        self.memory.take()
    }

    #[inline]
    fn lend(&mut self, max: usize, each: impl FnMut(Held<'_>)) -> usize {
        self.memory.lend(max, each)
    }
}

impl Drop for CpuRing {
    fn drop(&mut self) {
        // Programs shall not go on writing to what nobody reads. If it cannot be taken out, the map
        // outlives us with an event that has no memory, to which nothing is written either.
        let _ = self.map.remove(self.cpu.bytes());
    }
}
