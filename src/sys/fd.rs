//! Descriptors that are lent.

use rustix::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// rustix's trait of this name, for what we own: its `as_fd` of an [`OwnedFd`]
/// is a call that checks the number each time.
pub trait AsFd {
    /// The descriptor, lent.
    fn as_fd(&self) -> BorrowedFd<'_>;
}

impl AsFd for OwnedFd {
    #[inline(always)]
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: `BorrowedFd` is `repr(transparent)` over the number, and any but
        // -1 is valid. That of an `OwnedFd` is not -1: its one constructor,
        // `from_raw_fd`, asserts it (rustix 1.1, maybe_polyfill/no_std/os/fd/owned.rs).
        unsafe { core::mem::transmute::<RawFd, BorrowedFd<'_>>(self.as_raw_fd()) }
    }
}

impl AsFd for BorrowedFd<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        *self
    }
}
