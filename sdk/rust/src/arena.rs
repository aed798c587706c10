//! The guest's allocator: a decision lives for microseconds, and is charged for every page it
//! asks the host for.
//!
//! The first [`SIZE`] bytes come from a buffer that is mapped with the instance, by moving a
//! mark; only the newest of them is given back. Whatever does not fit goes to the ordinary
//! allocator, with everything that can do. So most decisions never grow their memory, which
//! would cost two changes of page protection each, and a policy that needs more loses nothing.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes of the buffer. Pages of it that are never touched cost nothing.
const SIZE: usize = 256 << 10;

#[repr(align(16))]
struct Buffer(UnsafeCell<[u8; SIZE]>);

// SAFETY: `Arena` hands out each byte once at a time; see `alloc` and `dealloc`.
unsafe impl Sync for Buffer {}

static BUFFER: Buffer = Buffer(UnsafeCell::new([0; SIZE]));

/// See the module.
pub struct Arena {
    /// Bytes of the buffer in use.
    mark: AtomicUsize,
}

impl Arena {
    /// An arena with nothing in it. There is one buffer, so there may be one arena.
    pub const fn new() -> Self {
        Self {
            mark: AtomicUsize::new(0),
        }
    }

    /// Where in the buffer a block lies, if it does.
    fn offset(block: *mut u8) -> Option<usize> {
        let offset = (block as usize).checked_sub(BUFFER.0.get() as usize)?;
        (offset < SIZE).then_some(offset)
    }
}

// SAFETY: blocks are aligned as asked, do not overlap (the mark only moves past what was handed
// out, and back only over the newest block, which its owner gave up), and stay where they are.
// A component has one thread, so nothing comes between reading the mark and moving it.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = BUFFER.0.get() as usize;
        let mark = base + self.mark.load(Relaxed);
        let start = mark.next_multiple_of(layout.align()) - base;
        match start.checked_add(layout.size()) {
            Some(end) if end <= SIZE => {
                self.mark.store(end, Relaxed);
                // SAFETY: `start` is within the buffer.
                unsafe { BUFFER.0.get().cast::<u8>().add(start) }
            }
            // SAFETY: the caller's promises are passed on.
            _ => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match Self::offset(block) {
            Some(start) if start + layout.size() == self.mark.load(Relaxed) => {
                self.mark.store(start, Relaxed);
            }
            Some(_) => {}
            // SAFETY: not of the buffer, so of `System`.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(start) = Self::offset(block) else {
            // SAFETY: not of the buffer, so of `System`.
            return unsafe { System.realloc(block, layout, size) };
        };
        // The newest block grows and shrinks where it is: what a `Vec` being filled is.
        if start + layout.size() == self.mark.load(Relaxed) && size <= SIZE - start {
            self.mark.store(start + size, Relaxed);
            return block;
        }
        // SAFETY: `GlobalAlloc::realloc` demands that `size` suits the alignment.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !new.is_null() {
            let kept = layout.size().min(size);
            // SAFETY: both blocks are at least `kept` bytes long and do not overlap.
            unsafe {
                std::ptr::copy_nonoverlapping(block, new, kept);
                self.dealloc(block, layout);
            }
        }
        new
    }
}
