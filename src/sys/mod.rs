//! Everything unsafe of the library: the system calls that rustix lacks, with
//! typed arguments, and nothing that knows what a container is.

#![allow(unsafe_code)]

pub mod board;
pub mod bpf;
pub mod clock;
pub mod clone;
pub mod descriptor;
pub mod domain;
pub mod exec;
pub mod fd;
pub mod image;
mod ioctl;
pub mod keyring;
pub mod lend;
pub mod limit;
pub mod mount;
pub mod namespace;
pub mod network;
pub mod probe;
mod raw;
pub mod schedule;
pub mod scratch;
pub mod seccomp;
pub mod signal;
pub mod terminal;

use crate::cut;
use linux_raw_sys::general::__NR_exit_group;
use rustix::fd::BorrowedFd;

/// The exit status of an internal error (a panic).
pub const PANIC_STATUS: u8 = 101;

/// Ends the process at once.
pub fn exit(status: u8) -> ! {
    loop {
        // SAFETY: exit_group takes a number and does not return.
        let _ = unsafe { raw::syscall(__NR_exit_group, [usize::from(status), 0, 0, 0, 0, 0]) };
    }
}

/// Descriptor 1.
pub fn stdout() -> BorrowedFd<'static> {
    // SAFETY: the start of the program makes sure that 0, 1 and 2 are open, and
    // nothing closes them.
    unsafe { rustix::stdio::stdout() }
}

/// Descriptor 2.
pub fn stderr() -> BorrowedFd<'static> {
    // SAFETY: the start of the program makes sure that 0, 1 and 2 are open, and
    // nothing closes them.
    unsafe { rustix::stdio::stderr() }
}

/// getcwd(2) into `buffer`: the path, without its end. One that is not below the
/// root starts with `(unreachable)`; `ERANGE` when the buffer is too small.
pub fn current_directory(buffer: &mut [u8]) -> rustix::io::Result<&[u8]> {
    use linux_raw_sys::general::__NR_getcwd;
    let at = buffer.as_mut_ptr() as usize;
    // SAFETY: the kernel writes at most as many bytes as the buffer has.
    let length = unsafe { raw::syscall(__NR_getcwd, [at, buffer.len(), 0, 0, 0, 0]) }?;
    Ok(cut::first(buffer, length.saturating_sub(1)))
}
