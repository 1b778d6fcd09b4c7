//! Perf buffers that keep what was written last.

use std::os::fd::AsRawFd;

use oxbpf_object::kernel::MapType;

use super::PerfBufferOptions;
use super::perf_buffer::{attr, online_cpus, open_event, ring_size, unmapped};
use crate::error::{Error, Result};
use crate::map::{Map, Plain, UpdateFlags, check_key, check_kind, check_value};
use crate::sys::perf::{PerfEventAttr, perf_event_enable};
use crate::sys::perf_snapshot::{PerfSnapshot, samples};

/// A reader of what programs wrote last with `bpf_perf_event_output`, on each CPU, however much they wrote. Linux 4.7.
///
/// The rings are never full: new records go over the oldest. Nobody is woken; who wants to know what led to something looks when
/// it has happened. While a CPU's ring is copied, programs there cannot write to it.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let map: oxbpf::Map = unimplemented!();
/// let mut recorder = oxbpf::ring::FlightRecorder::new(map, 1 << 16)?;
/// // Later, when something went wrong:
/// recorder.for_each(|cpu, record| println!("CPU {cpu}: {record:x?}"))?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "write_backward")]
#[derive(Debug)]
pub struct FlightRecorder {
    rings: Vec<(u32, PerfSnapshot)>,
    map: Map,
    copy: Vec<u8>,
}

impl FlightRecorder {
    /// Opens a ring of `size` bytes for each CPU that is online, and puts it into the map. Rounded up as that of a
    /// [`PerfBuffer`](super::PerfBuffer).
    ///
    /// # Errors
    ///
    /// As of [`PerfBuffer::with_options`](super::PerfBuffer::with_options).
    pub fn new(map: Map, size: usize) -> Result<Self> {
        check_kind(&map, &[MapType::PERF_EVENT_ARRAY])?;
        check_key::<u32>(&map)?;
        check_value::<u32>(&map)?;
        let doing = format!("opening flight recorder of {map}");
        let size = ring_size(size, &doing)?;
        let forward = attr(PerfBufferOptions::default());
        let attr = PerfEventAttr {
            flags: forward.flags | PerfEventAttr::WRITE_BACKWARD,
            ..forward
        };
        let mut this = Self {
            rings: Vec::new(),
            map,
            copy: Vec::new(),
        };
        for cpu in online_cpus(&doing)? {
            if cpu >= this.map.max_entries() {
                break;
            }
            let Some(event) = open_event(&attr, cpu, &doing)? else {
                continue;
            };
            let number = event.as_raw_fd();
            let ring = PerfSnapshot::open(event, size)
                .map_err(|errno| unmapped(errno, cpu, size, &doing))?;
            this.map
                .set(cpu.bytes(), number.bytes(), UpdateFlags::empty())
                .map_err(|error| error.context(&doing))?;
            let enabled = perf_event_enable(ring.event());
            this.rings.push((cpu, ring));
            enabled.map_err(|errno| Error::syscall(errno, format!("{doing}, CPU {cpu}")))?;
        }
        Ok(this)
    }

    /// The map.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Hands the records that are still there to `each`, CPU after CPU, the newest of each first; how many there were. They stay.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn for_each(&mut self, mut each: impl FnMut(u32, &[u8])) -> Result<usize> {
        let mut count = 0;
        for (cpu, ring) in &self.rings {
            ring.copy(&mut self.copy).map_err(|errno| {
                let doing = format!("reading flight recorder of {}, CPU {cpu}", self.map);
                Error::syscall(errno, doing)
            })?;
            for record in samples(&self.copy) {
                each(*cpu, record);
                count += 1;
            }
        }
        Ok(count)
    }
}

impl Drop for FlightRecorder {
    fn drop(&mut self) {
        for (cpu, _) in &self.rings {
            // As of a perf buffer.
            let _ = self.map.remove(cpu.bytes());
        }
    }
}
