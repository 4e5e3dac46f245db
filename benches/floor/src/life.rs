//! `create`, `start` and `delete` as three programs: the process waits at a
//! named pipe in between.

use core::ffi::CStr;
use floor::{call, call::fail, must};
use linux_raw_sys::general::*;

/// Where the container's process waits.
#[derive(Clone, Copy)]
pub struct Gate {
    fifo: isize,
    /// A pipe on which it says that it waits.
    ready: [i32; 2],
}

impl Gate {
    /// Makes it, before the process.
    pub fn make(path: &CStr) -> Gate {
        must!(__NR_mknodat, AT_FDCWD, path.as_ptr(), S_IFIFO | 0o600, 0);
        // For both, so that opening does not wait and reading does.
        let fifo = must!(__NR_openat, AT_FDCWD, path.as_ptr(), O_RDWR | O_CLOEXEC);
        let mut ready = [0_i32; 2];
        must!(__NR_pipe2, ready.as_mut_ptr(), O_CLOEXEC);
        Gate { fifo, ready }
    }

    /// `create`: until the process waits.
    pub fn reached(self) {
        let mut byte = [0_u8];
        must!(__NR_close, self.ready[1]);
        if must!(__NR_read, self.ready[0], byte.as_mut_ptr(), 1) == 0 {
            fail("the process ended before it waited", 0)
        }
    }

    /// The process: until `start`.
    pub fn pass(self) {
        let mut byte = [0_u8];
        must!(__NR_write, self.ready[1], byte.as_ptr(), 1);
        must!(__NR_read, self.fifo, byte.as_mut_ptr(), 1);
    }

    /// `start`.
    pub fn open(path: &CStr) {
        let fifo = must!(__NR_openat, AT_FDCWD, path.as_ptr(), O_WRONLY | O_CLOEXEC);
        must!(__NR_write, fifo, b"0".as_ptr(), 1);
        call!(__NR_unlinkat, AT_FDCWD, path.as_ptr(), 0);
    }
}
