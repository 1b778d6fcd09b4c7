//! An allocator that counts what each thread holds.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Passes everything on to the system, and remembers how much a thread held at most.
#[derive(Debug)]
pub struct Cap;

/// Zeroed memory of this size comes from the kernel when it is touched, and not before. It is counted apart as well.
const LARGE: usize = 1 << 20;

/// More than this at a time is refused, so that a reader which asks for it ends instead of the machine.
const MAX_REQUEST: usize = 8 << 30;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static ZEROED: Cell<usize> = const { Cell::new(0) };
}

impl Cap {
    /// Begins anew on this thread: what it holds now counts as nothing.
    pub fn reset() {
        HELD.set(0);
        PEAK.set(0);
        ZEROED.set(0);
    }

    /// How many bytes this thread held at most since it began.
    #[must_use]
    pub fn peak() -> usize {
        usize::try_from(PEAK.get()).unwrap_or_default()
    }

    /// How many bytes this thread asked for in large pieces of zeros, which it did not touch.
    #[must_use]
    pub fn zeroed() -> usize {
        ZEROED.get()
    }

    fn count(more: usize, less: usize) {
        let held = HELD
            .get()
            .wrapping_add_unsigned(more)
            .wrapping_sub_unsigned(less);
        HELD.set(held);
        if held > PEAK.get() {
            PEAK.set(held);
        }
    }
}

// SAFETY: passes everything on to the system's allocator, or refuses it.
unsafe impl GlobalAlloc for Cap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > MAX_REQUEST {
            return std::ptr::null_mut();
        }
        Self::count(layout.size(), 0);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() > MAX_REQUEST {
            return std::ptr::null_mut();
        }
        Self::count(layout.size(), 0);
        if layout.size() >= LARGE {
            ZEROED.set(ZEROED.get().saturating_add(layout.size()));
        }
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        Self::count(0, layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size > MAX_REQUEST {
            return std::ptr::null_mut();
        }
        Self::count(size, layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(ptr, layout, size) }
    }
}
