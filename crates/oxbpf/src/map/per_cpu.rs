//! Values of which each CPU has its own.

use std::marker::PhantomData;
use std::sync::OnceLock;

use oxbpf_object::kernel::MapType;
use oxbpf_object::spec::MapSpec;
use rustix::io::Errno;

use super::{CreateOptions, Map, Plain, UpdateFlags};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, PER_CPU_ALIGN, one_cpu};

/// The numbers of the CPUs that may ever be there, in ascending order: a per-CPU map has a
/// value for each. They need not be contiguous, nor be online.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] if there is no `/sys/devices/system/cpu/possible`, or what reading it was answered with.
pub fn possible_cpus() -> Result<&'static [u32]> {
    sys::possible_cpus().map_err(|errno| match errno {
        Errno::NOENT => Error::new(ErrorKind::Unsupported, "counting the CPUs of this machine")
            .with_errno(errno)
            .with_reason("`/sys/devices/system/cpu/possible` cannot be read")
            .with_remedy("mount sysfs: `mount -t sysfs sysfs /sys`"),
        _ => Error::syscall(errno, "reading /sys/devices/system/cpu/possible"),
    })
}

/// One value for each CPU that may ever be there.
///
/// It keeps its memory: reading into the same one again allocates nothing.
#[derive(Clone)]
pub struct PerCpu<V> {
    /// As the kernel passes it: values in ascending order of CPUs, each padded to 8 bytes.
    bytes: Box<[u8]>,
    cpus: &'static [u32],
    types: PhantomData<fn() -> V>,
}

impl<V: Plain> PerCpu<V> {
    const STRIDE: usize = size_of::<V>().next_multiple_of(PER_CPU_ALIGN);

    /// Values whose bytes are all zero.
    ///
    /// # Errors
    ///
    /// As [`possible_cpus`].
    pub fn zeroed() -> Result<Self> {
        let cpus = possible_cpus()?;
        Ok(Self {
            bytes: vec![0; Self::STRIDE * cpus.len()].into(),
            cpus,
            types: PhantomData,
        })
    }

    /// The same value for every CPU.
    ///
    /// # Errors
    ///
    /// As [`possible_cpus`].
    pub fn all(value: &V) -> Result<Self> {
        let mut this = Self::zeroed()?;
        for slot in this.bytes.chunks_exact_mut(Self::STRIDE) {
            slot[..size_of::<V>()].copy_from_slice(value.bytes());
        }
        Ok(this)
    }

    fn place(&self, cpu: u32) -> Option<std::ops::Range<usize>> {
        let start = self.cpus.binary_search(&cpu).ok()? * Self::STRIDE;
        Some(start..start + size_of::<V>())
    }

    /// The value of a CPU, `None` if there can be no such CPU.
    #[must_use]
    pub fn get(&self, cpu: u32) -> Option<V> {
        V::from_bytes(&self.bytes[self.place(cpu)?])
    }

    /// Sets the value of a CPU; `false` if there can be no such CPU.
    pub fn set(&mut self, cpu: u32, value: &V) -> bool {
        match self.place(cpu) {
            Some(place) => {
                self.bytes[place].copy_from_slice(value.bytes());
                true
            }
            None => false,
        }
    }

    /// The CPUs and their values, in ascending order of CPUs.
    pub fn iter(&self) -> impl Iterator<Item = (u32, V)> + '_ {
        self.cpus.iter().copied().zip(self.values())
    }

    /// The values, in ascending order of CPUs.
    pub fn values(&self) -> impl Iterator<Item = V> + '_ {
        self.bytes
            .chunks_exact(Self::STRIDE)
            .filter_map(|slot| V::from_bytes(&slot[..size_of::<V>()]))
    }

    /// Takes over what the kernel passes; `None` if that has another length.
    pub(super) fn from_raw(bytes: &[u8]) -> Option<Self> {
        let mut this = Self::zeroed().ok()?;
        this.copy_from(bytes).then_some(this)
    }

    pub(super) fn copy_from(&mut self, bytes: &[u8]) -> bool {
        let fits = bytes.len() == self.bytes.len();
        if fits {
            self.bytes.copy_from_slice(bytes);
        }
        fits
    }

    pub(super) fn raw(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn raw_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl<V: Plain + std::fmt::Debug> std::fmt::Debug for PerCpu<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Map {
    /// Copies the value of a key on one CPU into `value`, of [`Map::value_size`] bytes; `false` if the key is not there.
    pub(super) fn get_on(&self, key: &[u8], cpu: u32, value: &mut [u8]) -> Result<bool> {
        let Ok(number) = possible_cpus()?.binary_search(&cpu) else {
            return Err(self.no_cpu("reading from", cpu));
        };
        match self.fd().lookup(key, value, one_cpu(cpu)) {
            Ok(()) => return Ok(true),
            Err(Errno::NOENT) => return Ok(false),
            Err(_) => {}
        }
        // Why it failed, or a kernel that passes all of them only.
        let mut all = vec![0; self.value_len()?];
        let found = self.get_into(key, &mut all)?;
        let stride = value.len().next_multiple_of(PER_CPU_ALIGN);
        match all
            .get(number * stride..)
            .and_then(|v| v.get(..value.len()))
        {
            Some(one) => value.copy_from_slice(one),
            None => return Ok(false),
        }
        Ok(found)
    }

    /// Sets the value of a key on one CPU, of [`Map::value_size`] bytes.
    pub(super) fn set_on(&self, key: &[u8], cpu: u32, value: &[u8]) -> Result<()> {
        if possible_cpus()?.binary_search(&cpu).is_err() {
            return Err(self.no_cpu("writing to", cpu));
        }
        if !has_cpu_flags() {
            return Err(
                Error::new(ErrorKind::Unsupported, format!("writing to {self}"))
                    .with_reason("this kernel writes the values of all CPUs or none"),
            );
        }
        self.fd().update(key, value, one_cpu(cpu)).map_err(|errno| {
            self.explain_set(
                errno,
                key,
                self.value_len().unwrap_or(0),
                UpdateFlags::empty(),
            )
        })
    }

    #[cold]
    fn no_cpu(&self, doing: &str, cpu: u32) -> Error {
        Error::new(ErrorKind::BadIndex, format!("{doing} {self}"))
            .with_reason(format!("this machine can have no CPU {cpu}"))
    }
}

/// Whether the kernel knows `BPF_F_CPU`. One that does not reads a value for each CPU before it looks at the flags of a
/// write, so it is asked to read, from a map of its own.
fn has_cpu_flags() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let spec = MapSpec {
            map_type: MapType::PERCPU_ARRAY,
            key_size: 4,
            value_size: 8,
            max_entries: 1,
            ..MapSpec::default()
        };
        let Ok(map) = Map::create("cpu_flags", &spec, CreateOptions::default()) else {
            return false;
        };
        let cpu = possible_cpus().ok().and_then(|cpus| cpus.first());
        map.fd()
            .lookup(&[0; 4], &mut [0; 8], one_cpu(cpu.copied().unwrap_or(0)))
            .is_ok()
    })
}

/// Checks, once, that the values of a per-CPU map can be read on this machine.
pub(super) fn check_cpus(map: &Map) -> Result<()> {
    match possible_cpus() {
        Ok(_) => Ok(()),
        Err(error) => Err(error.context(format!("using map `{}`", map.name()))),
    }
}
