//! execve(2) and execveat(2), with argument vectors built before the clone.

use super::raw::syscall;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char};
use linux_raw_sys::general::{__NR_execve, __NR_execveat, AT_EMPTY_PATH};
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::Errno;

/// A null-terminated array of C strings, as execve(2) takes it. It stays, as text
/// does ([`crate::text`]).
pub struct Strings {
    strings: &'static [&'static CStr],
    /// Room for one more string that is known only after the clone.
    room: &'static mut [u8],
    pointers: &'static mut [*const c_char],
}

impl Strings {
    /// Builds the array.
    pub fn new(strings: &'static [&'static CStr]) -> Self {
        Strings::with_room(strings, 0)
    }

    /// As [`Strings::new`], with room for one more string of less than `room`
    /// bytes, given later by [`Strings::fill_room`].
    pub fn with_room(strings: &'static [&'static CStr], room: usize) -> Self {
        let mut pointers: Vec<*const c_char> = Vec::with_capacity(strings.len() + 2);
        pointers.extend(strings.iter().map(|string| string.as_ptr()));
        pointers.push(core::ptr::null());
        pointers.push(core::ptr::null());
        Strings { strings, room: alloc::vec![0; room].leak(), pointers: pointers.leak() }
    }

    /// Adds the last string, without allocation; what does not fit, or has a
    /// null byte, is left out.
    pub fn fill_room(&mut self, text: &[u8]) {
        let room = self.room.as_ptr().cast();
        if let Some((place, [null, ..])) = self.room.split_at_mut_checked(text.len())
            && let Some(last) = self.pointers.get_mut(self.strings.len())
            && !text.contains(&0)
        {
            place.copy_from_slice(text);
            *null = 0;
            *last = room;
        }
    }

    /// The strings, without the one in the room.
    pub fn as_slice(&self) -> &'static [&'static CStr] {
        self.strings
    }

    fn as_ptr(&self) -> usize {
        self.pointers.as_ptr() as usize
    }
}

/// Replaces the program by that at `path`; returns only on an error.
pub fn execve(path: &CStr, arguments: &Strings, environment: &Strings) -> Errno {
    // SAFETY: three null-terminated things that live across the call.
    let result = unsafe {
        syscall(
            __NR_execve,
            [path.as_ptr() as usize, arguments.as_ptr(), environment.as_ptr(), 0, 0, 0],
        )
    };
    result.err().unwrap_or(Errno::IO)
}

/// Replaces the program by the one that `fd` refers to; returns only on an error.
pub fn fexecve(fd: BorrowedFd<'_>, arguments: &Strings, environment: &Strings) -> Errno {
    // SAFETY: two null-terminated arrays that live across the call.
    unsafe { fexecve_raw(fd, arguments.as_ptr(), environment.as_ptr()) }
}

/// As [`fexecve`], with the addresses of the two arrays.
///
/// # Safety
/// Both must be null-terminated arrays of C strings.
pub unsafe fn fexecve_raw(fd: BorrowedFd<'_>, arguments: usize, environment: usize) -> Errno {
    // SAFETY: the caller's promise; an empty path with AT_EMPTY_PATH means `fd`.
    let result = unsafe {
        syscall(
            __NR_execveat,
            [
                fd.as_raw_fd() as usize,
                c"".as_ptr() as usize,
                arguments,
                environment,
                AT_EMPTY_PATH as usize,
                0,
            ],
        )
    };
    result.err().unwrap_or(Errno::IO)
}
