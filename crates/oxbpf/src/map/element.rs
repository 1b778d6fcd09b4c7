//! Operations on single elements, in bytes, and what their failures mean.

use oxbpf_object::kernel::{MapFlags, MapType};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use super::{Map, UpdateFlags};
use crate::denied;
use crate::error::{ENOTSUPP, Error, ErrorKind, Result};

impl Map {
    /// Copies the value of a key into `value`; `false` if the key is not there.
    ///
    /// `value` has [`Map::value_len`] bytes. Nothing is allocated.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongSize`] if key or value are not of the map's sizes, [`ErrorKind::ReadOnly`]
    /// if the map can only be written, and what the kernel says otherwise.
    #[doc(alias = "BPF_MAP_LOOKUP_ELEM")]
    pub fn get_into(&self, key: &[u8], value: &mut [u8]) -> Result<bool> {
        self.get_into_with(key, value, UpdateFlags::empty())
    }

    /// Copies the value of a key into `value`, as `flags` say: [`UpdateFlags::LOCK`] takes the `bpf_spin_lock` in it
    /// meanwhile (Linux 5.1). `false` if the key is not there.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`]; [`ErrorKind::InvalidInput`] if the flags do not suit the map.
    #[doc(alias = "BPF_F_LOCK")]
    pub fn get_into_with(&self, key: &[u8], value: &mut [u8], flags: UpdateFlags) -> Result<bool> {
        match self.fd().lookup(key, value, flags.bits()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => {
                let error = self.explain("reading from", errno, key.len(), Some(value.len()));
                Err(match error.kind() {
                    ErrorKind::Unsupported if !flags.is_empty() => error
                        .with_kind(ErrorKind::InvalidInput)
                        .with_reason("the flags do not suit it"),
                    _ => error,
                })
            }
        }
    }

    /// The value of a key, `None` if the key is not there.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`].
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut value = vec![0; self.value_len()?];
        Ok(self.get_into(key, &mut value)?.then_some(value))
    }

    /// Removes a key and copies its value into `value`; `false` if the key was not there. A
    /// queue or a stack has no keys: pass an empty one to pop from it.
    ///
    /// Linux 4.20 for queues and stacks, 5.14 for hash maps.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`]; [`ErrorKind::Unsupported`] if maps of this type cannot do that.
    #[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_ELEM")]
    pub fn take_into(&self, key: &[u8], value: &mut [u8]) -> Result<bool> {
        match self.fd().take(key, value, 0) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.explain("taking from", errno, key.len(), Some(value.len()))),
        }
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongSize`] if key or value are not of the map's sizes, [`ErrorKind::Full`] if
    /// there is no room for another key, [`ErrorKind::AlreadyExists`] and [`ErrorKind::NotFound`]
    /// as `flags` say, [`ErrorKind::ReadOnly`] if the map is frozen or was opened read-only, and
    /// what the kernel says otherwise.
    #[doc(alias = "BPF_MAP_UPDATE_ELEM")]
    pub fn set(&self, key: &[u8], value: &[u8], flags: UpdateFlags) -> Result<()> {
        self.fd()
            .update(key, value, flags.bits())
            .map_err(|errno| self.explain_set(errno, key, value.len(), flags))
    }

    /// Removes a key; `false` if it was not there.
    ///
    /// # Errors
    ///
    /// As [`Map::set`]; [`ErrorKind::Unsupported`] if nothing can be removed from maps of this
    /// type, such as arrays.
    #[doc(alias = "BPF_MAP_DELETE_ELEM")]
    pub fn remove(&self, key: &[u8]) -> Result<bool> {
        match self.fd().delete(key) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.explain("removing from", errno, key.len(), None)),
        }
    }

    /// Copies into `next` the key that follows `key`, or the first one; `false` after the last.
    ///
    /// If `key` is not there any more, hash maps begin again with their first key.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`]; [`ErrorKind::Unsupported`] if maps of this type cannot tell.
    #[doc(alias = "BPF_MAP_GET_NEXT_KEY")]
    pub fn next_key_into(&self, key: Option<&[u8]>, next: &mut [u8]) -> Result<bool> {
        match self.fd().next_key(key, next) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => {
                let key_len = key.map_or(next.len(), <[u8]>::len);
                Err(self.explain("going through", errno, key_len, None))
            }
        }
    }

    pub(super) fn explain_set(
        &self,
        errno: Errno,
        key: &[u8],
        value_len: usize,
        flags: UpdateFlags,
    ) -> Error {
        let error = self.explain("writing to", errno, key.len(), Some(value_len));
        match errno {
            _ if error.kind() == ErrorKind::WrongSize => error,
            Errno::TOOBIG if self.is_indexed() => self.bad_index(error, key),
            Errno::TOOBIG => self.full(error),
            // What a trie says when it is full.
            Errno::NOSPC if self.map_type() == MapType::LPM_TRIE => self.full(error),
            Errno::EXIST if self.is_array() => {
                error.with_reason("the entries of an array exist from the start")
            }
            Errno::EXIST => error.with_reason("the key is there already"),
            Errno::NOENT if flags.contains(UpdateFlags::EXIST) => {
                error.with_reason("the key is not there")
            }
            Errno::INVAL => error
                .with_kind(ErrorKind::InvalidInput)
                .with_reason("the value or the flags do not suit it"),
            _ => error,
        }
    }

    fn full(&self, error: Error) -> Error {
        error.with_kind(ErrorKind::Full).with_reason(format!(
            "it is full: it has room for {} entries",
            self.max_entries()
        ))
    }

    /// An error for an index beyond the end of an array.
    pub(super) fn bad_index(&self, error: Error, key: &[u8]) -> Error {
        let index = key
            .first_chunk()
            .map_or(0, |index| u32::from_ne_bytes(*index));
        error.with_kind(ErrorKind::BadIndex).with_reason(format!(
            "there is no index {index}: it has {} entries",
            self.max_entries()
        ))
    }

    /// Whether keys are indices of entries that are all there from the start.
    pub(super) fn is_array(&self) -> bool {
        matches!(
            self.map_type(),
            MapType::ARRAY
                | MapType::PERCPU_ARRAY
                | MapType::PROG_ARRAY
                | MapType::PERF_EVENT_ARRAY
                | MapType::CGROUP_ARRAY
                | MapType::ARRAY_OF_MAPS
        )
    }

    /// Whether keys are indices, of entries that may be empty.
    pub(super) fn is_indexed(&self) -> bool {
        self.is_array()
            || matches!(
                self.map_type(),
                MapType::DEVMAP
                    | MapType::SOCKMAP
                    | MapType::CPUMAP
                    | MapType::XSKMAP
                    | MapType::REUSEPORT_SOCKARRAY
                    | MapType::INSN_ARRAY
            )
    }

    /// The error for an element operation that was answered with `errno`.
    #[cold]
    pub(super) fn explain(
        &self,
        doing: &str,
        errno: Errno,
        key_len: usize,
        value_len: Option<usize>,
    ) -> Error {
        let doing = format!("{doing} {self}");
        if key_len != self.key_size() as usize {
            return Error::new(ErrorKind::WrongSize, doing).with_reason(format!(
                "its keys have {} bytes, {key_len} were given",
                self.key_size()
            ));
        }
        if let Some(given) = value_len {
            match self.value_len() {
                Ok(len) if len != given => {
                    return Error::new(ErrorKind::WrongSize, doing)
                        .with_reason(format!("its values have {len} bytes, {given} were given"));
                }
                Ok(_) => {}
                Err(unknown) => return unknown.context(doing),
            }
        }
        let error = Error::syscall(errno, doing);
        match errno {
            Errno::PERM if self.is_frozen() => error
                .with_kind(ErrorKind::ReadOnly)
                .with_reason("it is frozen"),
            Errno::PERM if self.is_one_way() => error
                .with_kind(ErrorKind::ReadOnly)
                .with_reason("it was made or opened for the other direction only"),
            // Before 6.0, the use of what is open took a capability, too.
            Errno::PERM => denied::with_remedy(error, CapabilitySet::BPF),
            Errno::INVAL | Errno::OPNOTSUPP => self.cannot(error),
            e if e.raw_os_error() == ENOTSUPP => self.cannot(error),
            _ => error,
        }
    }

    /// Whether this descriptor, or all of them, can only read or only write.
    fn is_one_way(&self) -> bool {
        let is_whole = |flags: OFlags| flags & OFlags::RWMODE == OFlags::RDWR;
        self.flags().intersects(MapFlags::RDONLY | MapFlags::WRONLY)
            || !fcntl_getfl(self).is_ok_and(is_whole)
    }

    fn cannot(&self, error: Error) -> Error {
        error
            .with_kind(ErrorKind::Unsupported)
            .with_reason(format!("maps of type {} cannot do that", self.map_type()))
    }
}
