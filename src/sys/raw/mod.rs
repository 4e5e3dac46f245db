//! One system call by number, as `Result`.
//!
//! The numbers come from linux-raw-sys, the instruction from `sc`. Each
//! architecture without `sc` support has a file of its own beside this one
//! with the same `syscall6`: the value as the kernel gives it, a negative errno
//! included.

use rustix::io::Errno;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use sc::syscall6;

#[cfg_attr(target_arch = "powerpc64", path = "powerpc64.rs")]
#[cfg_attr(target_arch = "sparc64", path = "sparc64.rs")]
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod arch;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use arch::syscall6;

/// The largest errno, as a negative number read as unsigned (`MAX_ERRNO` of the
/// kernel's include/linux/err.h).
const LAST_ERRNO: usize = -4095isize as usize;

/// Makes system call `number` with up to six arguments.
///
/// # Safety
/// The arguments must be what this system call takes: pointers valid for what
/// the kernel reads and writes through them.
pub unsafe fn syscall(number: u32, arguments: [usize; 6]) -> Result<usize, Errno> {
    // SAFETY: the caller's promise.
    result(unsafe { syscall_here(number, arguments) })
}

/// What the kernel gave.
pub fn result(value: usize) -> Result<usize, Errno> {
    if value >= LAST_ERRNO {
        return Err(Errno::from_raw_os_error(-(value as isize) as i32));
    }
    Ok(value)
}

/// The same in the caller's own code, for who must not touch another page: the
/// value as the kernel gives it.
///
/// # Safety
/// See [`syscall`].
#[inline(always)]
pub unsafe fn syscall_here(number: u32, arguments: [usize; 6]) -> usize {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the caller's promise.
    unsafe { syscall6(number as usize, a, b, c, d, e, f) }
}
