//! The writer's side of a user ring buffer's memory: the same layout as a ring buffer's, with the roles
//! exchanged.

use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering;

use zerocopy::IntoBytes;

use super::ring::{Corruption, HEADER, acquire, behind, total};
use super::{Access, Mapping, Result};

/// The memory of a user ring buffer, written by us alone.
#[derive(Debug)]
pub(crate) struct UserRingProducer {
    /// A page with the kernel's position.
    theirs: Mapping,
    /// A page with our position, then the data, twice.
    ours: Mapping,
    page: usize,
    size: usize,
    position: usize,
}

/// Room for a record that nobody sees before it is submitted.
#[derive(Debug)]
pub(crate) struct Room<'a> {
    producer: &'a mut UserRingProducer,
    len: usize,
    next: usize,
}

impl UserRingProducer {
    /// Maps the user ring buffer `fd` of `size` bytes, a power of two, and goes on where the last writer ended.
    ///
    /// The caller makes sure that there is no other writer.
    pub(crate) fn open(fd: BorrowedFd<'_>, size: usize) -> Result<Self> {
        let page = rustix::param::page_size();
        let len = behind(page, size)?;
        let theirs = Mapping::shared(fd, 0, page, Access::Read)?;
        let ours = Mapping::shared(fd, page as u64, len, Access::ReadWrite)?;
        let position = acquire(&ours, 0);
        Ok(Self {
            theirs,
            ours,
            page,
            size,
            position,
        })
    }

    /// Room for a record of `len` bytes; `None` as long as there is not enough.
    pub(crate) fn reserve(&mut self, len: usize) -> Result<Option<Room<'_>>, Corruption> {
        let read = acquire(&self.theirs, 0);
        let used = self.position.wrapping_sub(read);
        if used > self.size || self.position % 8 != 0 {
            return Err(Corruption::Positions {
                read: read as u64,
                written: self.position as u64,
                size: self.size as u64,
            });
        }
        let total = u32::try_from(len).map_or(u64::MAX, total);
        if total > (self.size - used) as u64 {
            return Ok(None);
        }
        let next = self.position.wrapping_add(total as usize);
        Ok(Some(Room {
            producer: self,
            len,
            next,
        }))
    }

    /// Where the header of the record at our position is.
    fn header(&self) -> usize {
        self.page + (self.position & (self.size - 1))
    }
}

impl Room<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        let at = self.producer.header() + HEADER;
        // SAFETY: the kernel reads only what was submitted and writes nothing here, and we are the only writer.
        unsafe { self.producer.ours.borrow(at, self.len) }.unwrap_or_default()
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        let at = self.producer.header() + HEADER;
        // SAFETY: as above.
        unsafe { self.producer.ours.borrow_mut(at, self.len) }.unwrap_or_default()
    }

    /// Lets programs see the record.
    pub(crate) fn submit(self) {
        let producer = self.producer;
        let at = producer.header();
        // The length, then a word that programs do not look at. There is room for both, as for all of the record.
        let _ = producer.ours.copy_in(at, [self.len as u32, 0].as_bytes());
        producer.position = self.next;
        if let Some(shared) = producer.ours.atomic_usize(0) {
            shared.store(self.next, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;

    #[test]
    fn room_is_what_the_reader_left() {
        let page = rustix::param::page_size();
        let fd = memfd_create("oxbpf-test", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&fd, 4 * page as u64).unwrap();
        let all = Mapping::shared(fd.as_fd(), 0, 4 * page, Access::ReadWrite).unwrap();
        let mut ring = UserRingProducer::open(fd.as_fd(), page).unwrap();

        assert!(ring.reserve(page - 7).unwrap().is_none());
        assert!(ring.reserve(usize::MAX).unwrap().is_none());
        assert!(ring.reserve(page - 8).unwrap().is_some());
        assert_eq!(all.load_usize(page), Some(0));

        let mut room = ring.reserve(5).unwrap().unwrap();
        room.bytes_mut().copy_from_slice(b"hello");
        assert_eq!(room.bytes(), b"hello");
        room.submit();
        assert_eq!(all.load_usize(page), Some(16));
        assert_eq!(all.load_u64(2 * page), Some(5));
        ring.reserve(page - 24).unwrap().unwrap().submit();
        assert!(ring.reserve(0).unwrap().is_none());
        assert!(all.copy_in(0, &usize::to_ne_bytes(16)));
        assert!(ring.reserve(8).unwrap().is_some());
        assert!(ring.reserve(9).unwrap().is_none());

        for read in [page + 8, 1 << 20] {
            assert!(all.copy_in(0, &usize::to_ne_bytes(read)));
            assert!(ring.reserve(0).is_err());
        }
    }
}
