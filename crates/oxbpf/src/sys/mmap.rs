//! Memory shared with the kernel.

use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
    AtomicUsize, Ordering,
};

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::Result;

/// What a [`Mapping`] may be used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Access {
    /// Reading only; a store answers `None`.
    Read,
    /// Reading and writing.
    ReadWrite,
}

/// Pages of a map or a ring that the kernel and its programs change at any moment.
///
/// So no reference to plain bytes is handed out: everything is copied in and out with relaxed
/// atomic accesses of up to 8 bytes, and what is longer may tear. Only a ring, whose protocol
/// says who may write where, borrows parts of it.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
    access: Access,
}

// SAFETY: the pages belong to the process, not to a thread, and are only accessed atomically.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes of `fd` from `offset` on, shared with everybody who has them.
    pub(crate) fn shared(
        fd: BorrowedFd<'_>,
        offset: u64,
        len: usize,
        access: Access,
    ) -> Result<Self> {
        let prot = match access {
            Access::Read => ProtFlags::READ,
            Access::ReadWrite => ProtFlags::READ | ProtFlags::WRITE,
        };
        // SAFETY: the kernel picks an address where nothing else is.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                len,
                prot,
                MapFlags::SHARED,
                fd,
                offset,
            )
        }?;
        let start = NonNull::new(start.cast()).ok_or(Errno::FAULT)?;
        Ok(Self { start, len, access })
    }

    /// Maps the first `len` bytes of `fd` at an address of the caller's choice, for reading and
    /// writing. EEXIST if something is there already. Linux 4.17.
    pub(crate) fn shared_at(fd: BorrowedFd<'_>, address: usize, len: usize) -> Result<Self> {
        let flags = MapFlags::SHARED | MapFlags::FIXED_NOREPLACE;
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let hint = std::ptr::without_provenance_mut(address);
        // SAFETY: the kernel maps where nothing else is, or not at all.
        let start = unsafe { mmap(hint, len, prot, flags, fd, 0) }?;
        let start = NonNull::new(start.cast()).ok_or(Errno::FAULT)?;
        let mapping = Self {
            start,
            len,
            access: Access::ReadWrite,
        };
        // Kernels that do not know the flag take the address for a wish.
        match mapping.address() == address {
            true => Ok(mapping),
            false => Err(Errno::EXIST),
        }
    }

    /// Where it is mapped in this process.
    pub(crate) fn address(&self) -> usize {
        self.start.as_ptr().addr()
    }

    /// How many bytes are mapped.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where `size` bytes at `offset` are, if they are inside and aligned to their size.
    #[inline]
    fn place(&self, offset: usize, size: usize) -> Option<NonNull<u8>> {
        if offset % size != 0 || offset.checked_add(size)? > self.len {
            return None;
        }
        // SAFETY: `offset` is inside the mapping, as just checked.
        Some(unsafe { self.start.add(offset) })
    }

    /// Bytes in place.
    ///
    /// # Safety
    ///
    /// Nobody may write to them as long as the reference lives.
    #[inline]
    pub(super) unsafe fn borrow(&self, offset: usize, len: usize) -> Option<&[u8]> {
        if offset.checked_add(len)? > self.len {
            return None;
        }
        // SAFETY: inside the mapping, which lives as long as `self`; not written to, as the caller promises.
        Some(unsafe { std::slice::from_raw_parts(self.start.add(offset).as_ptr(), len) })
    }

    /// Bytes in place, to be written.
    ///
    /// # Safety
    ///
    /// Nobody else may access them as long as the reference lives.
    pub(super) unsafe fn borrow_mut(&mut self, offset: usize, len: usize) -> Option<&mut [u8]> {
        if offset.checked_add(len)? > self.len || self.access == Access::Read {
            return None;
        }
        // SAFETY: inside the mapping, which lives as long as `self`; ours alone, as the caller promises.
        Some(unsafe { std::slice::from_raw_parts_mut(self.start.add(offset).as_ptr(), len) })
    }

    /// Copies bytes out, from `offset` on; `false` and nothing copied where they are not all
    /// inside. Aligned words of 8 bytes do not tear.
    #[must_use]
    pub(crate) fn copy_out(&self, offset: usize, into: &mut [u8]) -> bool {
        let Some(end) = offset
            .checked_add(into.len())
            .filter(|end| *end <= self.len)
        else {
            return false;
        };
        let (mut at, mut rest) = (offset, into);
        while at < end {
            let taken = match self.load_u64(at) {
                Some(word) if end - at >= 8 => {
                    rest[..8].copy_from_slice(&word.to_ne_bytes());
                    8
                }
                _ => {
                    rest[0] = self.load_u8(at).unwrap_or_default();
                    1
                }
            };
            at += taken;
            rest = &mut rest[taken..];
        }
        true
    }

    /// Copies bytes in, to `offset` and on; `false` and nothing copied where they do not fit or
    /// the mapping is read-only. Aligned words of 8 bytes do not tear.
    #[must_use]
    pub(crate) fn copy_in(&self, offset: usize, from: &[u8]) -> bool {
        let fits = offset
            .checked_add(from.len())
            .is_some_and(|end| end <= self.len);
        if !fits || self.access == Access::Read {
            return false;
        }
        let (mut at, mut rest) = (offset, from);
        while let Some(&byte) = rest.first() {
            let taken = match (rest.first_chunk(), self.atomic_u64(at)) {
                (Some(bytes), Some(word)) => {
                    word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
                    8
                }
                _ => {
                    if let Some(place) = self.atomic_u8(at) {
                        place.store(byte, Ordering::Relaxed);
                    }
                    1
                }
            };
            at += taken;
            rest = &rest[taken..];
        }
        true
    }
}

macro_rules! atomics {
    ($($atomic:ident $at:ident)*) => {
        impl Mapping {$(
            /// The word at `offset`, if it is inside, aligned and writable.
            #[inline]
            pub(crate) fn $at(&self, offset: usize) -> Option<&$atomic> {
                if self.access == Access::Read {
                    return None;
                }
                let place = self.place(offset, size_of::<$atomic>())?;
                // SAFETY: inside the mapping, aligned (mappings start at a page), writable,
                // mapped as long as `self` lives, and accessed by atomics only.
                Some(unsafe { place.cast::<$atomic>().as_ref() })
            }
        )*}
    };
}

atomics! {
    AtomicU8 atomic_u8
    AtomicU16 atomic_u16
    AtomicU32 atomic_u32
    AtomicU64 atomic_u64
    AtomicI8 atomic_i8
    AtomicI16 atomic_i16
    AtomicI32 atomic_i32
    AtomicI64 atomic_i64
    AtomicUsize atomic_usize
}

macro_rules! loads {
    ($($int:ident $atomic:ident $load:ident)*) => {
        impl Mapping {$(
            /// Loads the word at `offset`, if it is inside and aligned.
            #[inline]
            pub(super) fn $load(&self, offset: usize) -> Option<$int> {
                let place = self.place(offset, size_of::<$int>())?;
                // SAFETY: inside the mapping, aligned, mapped, and accessed by atomics only; a
                // plain load may be done on pages that are read-only.
                Some(unsafe { place.cast::<$atomic>().as_ref() }.load(Ordering::Relaxed))
            }
        )*}
    };
}

loads! {
    u8 AtomicU8 load_u8
    u32 AtomicU32 load_u32
    u64 AtomicU64 load_u64
    usize AtomicUsize load_usize
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `shared`, and nothing borrows from it any more.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// A read-only copy-on-write view of a sysfs file whose contents never change: kernel BTF.
#[derive(Debug)]
pub(crate) struct PrivateMapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the pages belong to the process, not to a thread, and nobody writes to them.
unsafe impl Send for PrivateMapping {}
// SAFETY: as above.
unsafe impl Sync for PrivateMapping {}

impl PrivateMapping {
    /// Maps a file of sysfs from its start on. A file of another file system could be changed
    /// or truncated under the view, so it is refused with EINVAL.
    pub(crate) fn of_sysfs(file: BorrowedFd<'_>, len: usize) -> Result<Self> {
        if rustix::fs::fstatfs(file)?.f_type as u64 != super::uapi::SYSFS_MAGIC {
            return Err(Errno::INVAL);
        }
        // SAFETY: the kernel picks an address where nothing else is.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                len,
                ProtFlags::READ,
                MapFlags::PRIVATE,
                file,
                0,
            )
        }?;
        let start = NonNull::new(start.cast()).ok_or(Errno::FAULT)?;
        Ok(Self { start, len })
    }
}

impl AsRef<[u8]> for PrivateMapping {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: mapped and readable as long as `self` lives; nobody writes to it.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for PrivateMapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `of_sysfs`, and nothing borrows from it any more.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, OwnedFd};

    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;

    const PAGE: usize = 4096;

    fn memory() -> OwnedFd {
        let fd = memfd_create("oxbpf-test", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&fd, PAGE as u64).unwrap();
        fd
    }

    #[test]
    fn mappings_of_the_same_memory_see_each_other() {
        let fd = memory();
        let writer = Mapping::shared(fd.as_fd(), 0, PAGE, Access::ReadWrite).unwrap();
        let reader = Mapping::shared(fd.as_fd(), 0, PAGE, Access::Read).unwrap();
        writer.atomic_u32(8).unwrap().store(7, Ordering::Relaxed);
        assert_eq!(reader.load_u64(8).map(u64::to_ne_bytes), {
            let mut bytes = [0; 8];
            bytes[..4].copy_from_slice(&7u32.to_ne_bytes());
            Some(bytes)
        });
        writer
            .atomic_u64(16)
            .unwrap()
            .fetch_add(5, Ordering::Relaxed);
        assert_eq!(reader.load_u64(16), Some(5));
        assert!(!reader.copy_in(8, &[1]));
        assert!(reader.atomic_u8(0).is_none());
    }

    #[test]
    fn a_chosen_address_is_taken_unless_something_is_there() {
        let fd = memory();
        let first = Mapping::shared(fd.as_fd(), 0, PAGE, Access::ReadWrite).unwrap();
        let address = first.address();
        let taken = Mapping::shared_at(fd.as_fd(), address, PAGE);
        assert_eq!(taken.err(), Some(Errno::EXIST));
        assert!(first.copy_in(0, &[7]));
        drop(first);
        let second = Mapping::shared_at(fd.as_fd(), address, PAGE).unwrap();
        assert_eq!(second.address(), address);
        let mut byte = [0];
        assert!(second.copy_out(0, &mut byte));
        assert_eq!(byte, [7]);
    }

    #[test]
    fn copies_are_whole_at_any_offset_and_length() {
        let fd = memory();
        let map = Mapping::shared(fd.as_fd(), 0, PAGE, Access::ReadWrite).unwrap();
        let bytes: Vec<u8> = (1..=40).collect();
        for offset in 0..9 {
            for len in 0..bytes.len() {
                assert!(map.copy_in(0, &[0; 64]));
                assert!(map.copy_in(offset, &bytes[..len]));
                let mut out = [0xff; 64];
                assert!(map.copy_out(0, &mut out));
                assert!(out[..offset].iter().all(|b| *b == 0));
                assert_eq!(&out[offset..offset + len], &bytes[..len]);
                assert!(out[offset + len..].iter().all(|b| *b == 0));
                let mut out = vec![0xff; len];
                assert!(map.copy_out(offset, &mut out));
                assert_eq!(out, &bytes[..len]);
            }
        }
    }

    #[test]
    fn nothing_outside_is_reached() {
        let fd = memory();
        let map = Mapping::shared(fd.as_fd(), 0, PAGE, Access::ReadWrite).unwrap();
        assert!(map.load_u64(PAGE - 8).is_some());
        for offset in [PAGE - 4, PAGE, usize::MAX - 7, 4] {
            assert_eq!(map.load_u64(offset), None);
            assert!(map.atomic_u64(offset).is_none());
        }
        assert!(map.copy_out(PAGE - 2, &mut [0; 2]));
        assert!(!map.copy_out(PAGE - 2, &mut [0; 3]));
        assert!(!map.copy_out(usize::MAX, &mut [0; 3]));
        assert!(!map.copy_in(PAGE - 2, &[0; 3]));
        assert!(!map.copy_in(usize::MAX, &[0; 3]));
    }

    #[test]
    fn only_sysfs_is_mapped_privately() {
        let fd = memory();
        assert_eq!(
            PrivateMapping::of_sysfs(fd.as_fd(), PAGE).err(),
            Some(Errno::INVAL)
        );
    }
}
