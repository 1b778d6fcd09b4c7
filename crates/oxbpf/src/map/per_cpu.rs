//! Values of which each CPU has its own.

use std::marker::PhantomData;

use super::{Map, Plain};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, PER_CPU_ALIGN};

/// The numbers of the CPUs that may ever be there, in ascending order: a per-CPU map has a
/// value for each. They need not be contiguous, nor be online.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] if `/sys/devices/system/cpu/possible` cannot be read.
pub fn possible_cpus() -> Result<&'static [u32]> {
    sys::possible_cpus().map_err(|errno| {
        Error::new(ErrorKind::Unsupported, "counting the CPUs of this machine")
            .with_errno(errno)
            .with_reason("`/sys/devices/system/cpu/possible` cannot be read")
            .with_remedy("mount sysfs: `mount -t sysfs sysfs /sys`")
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

/// Checks, once, that the values of a per-CPU map can be read on this machine.
pub(super) fn check_cpus(map: &Map) -> Result<()> {
    match possible_cpus() {
        Ok(_) => Ok(()),
        Err(error) => Err(error.context(format!("using map `{}`", map.name()))),
    }
}
