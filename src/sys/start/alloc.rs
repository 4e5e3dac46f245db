//! A bump arena that never frees: the commands live for milliseconds, and the
//! last allocation can grow and shrink in place, which is what building a
//! string or a vector does.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

/// Bytes mapped at a time: untouched pages cost nothing.
const CHUNK: usize = 1 << 20;

struct Arena {
    next: Cell<usize>,
    end: Cell<usize>,
}

// SAFETY: the process has one thread, always; a child after clone has its own
// copy of the memory.
unsafe impl Sync for Arena {}

#[global_allocator]
static ARENA: Arena = Arena { next: Cell::new(0), end: Cell::new(0) };

impl Arena {
    /// Takes a new chunk; without one nothing can go on, nor be said by the
    /// ways of a command.
    fn grow(&self, bytes: usize) {
        let size = bytes.next_multiple_of(CHUNK);
        // Who has filled one fills most of the next, and the kernel gives its pages
        // for a fraction of as many page faults.
        let first = self.end.get() == 0;
        let populate = if first { MapFlags::empty() } else { MapFlags::POPULATE };
        // SAFETY: a new anonymous mapping touches no existing memory.
        let map = unsafe {
            mmap_anonymous(
                core::ptr::null_mut(),
                size,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | populate,
            )
        };
        match map {
            Ok(start) => {
                self.next.set(start as usize);
                self.end.set(start as usize + size);
            }
            Err(errno) => super::panic::out_of_memory(errno),
        }
    }
}

// SAFETY: every block handed out is inside a mapping of our own, is aligned as
// asked, and is never handed out again (`next` only moves past it, or back to
// the start of the block that is being grown in place).
unsafe impl GlobalAlloc for Arena {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut start = self.next.get().next_multiple_of(layout.align());
        if start + layout.size() > self.end.get() || self.end.get() == 0 {
            self.grow(layout.size() + layout.align());
            start = self.next.get().next_multiple_of(layout.align());
        }
        self.next.set(start + layout.size());
        start as *mut u8
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if block as usize + layout.size() == self.next.get() {
            self.next.set(block as usize);
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let start = block as usize;
        if start + layout.size() == self.next.get() && start + size <= self.end.get() {
            self.next.set(start + size);
            return block;
        }
        if size <= layout.size() {
            return block;
        }
        // SAFETY: `size` is not zero and does not overflow when rounded up to
        // the alignment: the caller's promise for realloc. The new block does
        // not overlap the old one, which is readable for its whole length.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            core::ptr::copy_nonoverlapping(block, new, layout.size());
            new
        }
    }
}
