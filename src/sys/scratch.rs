//! One text buffer for the whole process: where the words of an error are put
//! when nothing may be allocated.

/// Bytes of text that are kept; what is longer is cut.
pub const SIZE: usize = 512;

/// The buffer.
pub type Buffer = heapless::Vec<u8, SIZE>;

/// Runs `work` on the buffer. `work` must not come back here.
#[cfg(not(test))]
pub fn with<R>(work: impl FnOnce(&mut Buffer) -> R) -> R {
    use core::cell::UnsafeCell;

    struct Scratch(UnsafeCell<Buffer>);

    // SAFETY: the process has one thread, always; a child after clone has a copy
    // of its own.
    unsafe impl Sync for Scratch {}

    static SCRATCH: Scratch = Scratch(UnsafeCell::new(Buffer::new()));

    // SAFETY: one thread, and the caller does not come back here from `work`, so
    // this is the only reference while it lives.
    work(unsafe { &mut *SCRATCH.0.get() })
}

/// Runs `work` on the buffer; under the test harness each thread has its own.
#[cfg(test)]
pub fn with<R>(work: impl FnOnce(&mut Buffer) -> R) -> R {
    extern crate std;
    std::thread_local! {
        static SCRATCH: core::cell::RefCell<Buffer> =
            const { core::cell::RefCell::new(Buffer::new()) };
    }
    SCRATCH.with(|buffer| work(&mut buffer.borrow_mut()))
}
