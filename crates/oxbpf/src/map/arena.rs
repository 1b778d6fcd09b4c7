//! Arenas.

use std::fmt;
use std::os::fd::AsFd;
use std::sync::Arc;

use oxbpf_object::kernel::MapType;
use rustix::io::Errno;

use super::Map;
use super::view::check_kind;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{Access, Mapping};

/// Memory that programs and this process share, at the same addresses: `BPF_MAP_TYPE_ARENA`. Linux 6.9.
///
/// Programs may leave pointers into it for this process, which are addresses here: [`read`](Self::read) and
/// [`write`](Self::write) take them. Pages come into being where they are touched, unless the arena was made with
/// `BPF_F_SEGV_ON_FAULT`: then touching one that no program has allocated ends the process with SIGSEGV.
///
/// A handle is cheap to clone, and keeps the memory mapped.
#[derive(Clone)]
#[doc(alias = "BPF_MAP_TYPE_ARENA")]
pub struct Arena {
    map: Map,
    memory: Arc<Mapping>,
}

impl Arena {
    /// Maps an arena into this process: at `address`, or where the kernel finds room if that is 0.
    pub(crate) fn map(map: Map, address: u64) -> Result<Self> {
        check_kind(&map, &[MapType::ARENA])?;
        let doing = || format!("mapping arena `{}`", map.name());
        let page = rustix::param::page_size();
        let (Ok(address), Some(len)) = (
            usize::try_from(address),
            usize::try_from(map.max_entries())
                .ok()
                .and_then(|pages| pages.checked_mul(page)),
        ) else {
            return Err(Error::new(ErrorKind::LimitExceeded, doing())
                .with_reason("it does not fit into the addresses of this process"));
        };
        let memory = match address {
            0 => Mapping::shared(map.as_fd(), 0, len, Access::ReadWrite),
            address => Mapping::shared_at(map.as_fd(), address, len),
        };
        let memory = memory.map_err(|errno| {
            let error = Error::syscall(errno, doing());
            match errno {
                Errno::EXIST => error
                    .with_kind(ErrorKind::AlreadyExists)
                    .with_reason(format!(
                        "this process has something at address {address:#x} already"
                    ))
                    .with_remedy("choose another `map_extra`, or 0 to leave it to the kernel"),
                Errno::NOMEM if address != 0 => {
                    error.with_reason(format!("address {address:#x} is none for this process"))
                }
                _ => error,
            }
        })?;
        Ok(Self {
            map,
            memory: Arc::new(memory),
        })
    }

    /// Its map.
    #[must_use]
    pub fn as_map(&self) -> &Map {
        &self.map
    }

    /// Where it begins, in this process and for programs.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.memory.address() as u64
    }

    /// How many bytes it has.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // The kernel makes no empty arenas.
    pub fn len(&self) -> usize {
        self.memory.len()
    }

    /// Copies bytes out, from an address in the arena on. Aligned words of up to 8 bytes are read whole.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if they are not all in the arena.
    pub fn read(&self, address: u64, into: &mut [u8]) -> Result<()> {
        let length = into.len();
        match self.offset(address) {
            Some(offset) if self.memory.copy_out(offset, into) => Ok(()),
            _ => Err(self.outside(address, length)),
        }
    }

    /// Copies bytes in, to an address in the arena and on. Aligned words of up to 8 bytes are written whole.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if they are not all in the arena.
    pub fn write(&self, address: u64, from: &[u8]) -> Result<()> {
        match self.offset(address) {
            Some(offset) if self.memory.copy_in(offset, from) => Ok(()),
            _ => Err(self.outside(address, from.len())),
        }
    }

    pub(crate) fn memory(&self) -> &Arc<Mapping> {
        &self.memory
    }

    fn offset(&self, address: u64) -> Option<usize> {
        usize::try_from(address.checked_sub(self.address())?).ok()
    }

    fn outside(&self, address: u64, size: usize) -> Error {
        let start = self.address();
        Error::new(
            ErrorKind::InvalidInput,
            format!("accessing arena `{}`", self.map.name()),
        )
        .with_reason(format!(
            "{size} bytes at {address:#x} are not all in it: it is from {start:#x} to {:#x}",
            start + self.len() as u64
        ))
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena")
            .field("map", &self.map)
            .field("address", &format_args!("{:#x}", self.address()))
            .field("len", &self.len())
            .finish()
    }
}
