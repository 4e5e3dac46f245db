//! One place for the whole process: where the words of an error are put when
//! nothing may be allocated.

/// Bytes of text that are kept; what is longer is cut.
pub const SIZE: usize = 512;

/// A buffer for them.
pub type Buffer = heapless::Vec<u8, SIZE>;

/// The place.
pub struct Scratch {
    /// The words.
    pub words: Buffer,
    /// The remedy; `None` and not `""`, so that an empty place is all zeros and no
    /// bytes of the file.
    pub hint: Option<&'static str>,
}

const EMPTY: Scratch = Scratch { words: Buffer::new(), hint: None };

/// Runs `work` on the place. `work` must not come back here.
#[cfg(not(test))]
pub fn with<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    use core::cell::UnsafeCell;

    struct Place(UnsafeCell<Scratch>);

    // SAFETY: the process has one thread, always; a child after clone has a copy
    // of its own.
    unsafe impl Sync for Place {}

    static SCRATCH: Place = Place(UnsafeCell::new(EMPTY));

    // SAFETY: one thread, and the caller does not come back here from `work`, so
    // this is the only reference while it lives.
    work(unsafe { &mut *SCRATCH.0.get() })
}

/// Runs `work` on the place; under the test harness each thread has its own.
#[cfg(test)]
pub fn with<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    extern crate std;
    std::thread_local! {
        static SCRATCH: core::cell::RefCell<Scratch> =
            const { core::cell::RefCell::new(EMPTY) };
    }
    SCRATCH.with(|scratch| work(&mut scratch.borrow_mut()))
}
