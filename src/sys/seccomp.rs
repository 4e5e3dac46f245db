//! seccomp(2): loading a filter, and what the kernel knows of it.

use super::raw::syscall;
use linux_raw_sys::general::__NR_seccomp;
use rustix::fd::{FromRawFd, OwnedFd};
use rustix::io::Result;

/// `SECCOMP_SET_MODE_FILTER` of include/uapi/linux/seccomp.h.
const SET_MODE_FILTER: usize = 1;
/// `SECCOMP_GET_ACTION_AVAIL`.
const GET_ACTION_AVAIL: usize = 2;
/// `SECCOMP_FILTER_FLAG_NEW_LISTENER`: the call returns the notify descriptor.
pub const NEW_LISTENER: u32 = 1 << 3;

/// One instruction of classic BPF: `struct sock_filter` of
/// include/uapi/linux/filter.h.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub code: u16,
    /// How many instructions a jump skips where its condition holds.
    pub jump_true: u8,
    /// How many it skips where the condition does not hold.
    pub jump_false: u8,
    /// The operand.
    pub k: u32,
}

/// `struct sock_fprog`.
#[repr(C)]
struct Program {
    length: u16,
    instructions: *const Instruction,
}

/// Adds a filter to the calling thread's (seccomp(2), `SECCOMP_SET_MODE_FILTER`)
/// and gives the notify descriptor, which is close-on-exec, where `flags` has
/// [`NEW_LISTENER`].
///
/// # Errors
/// `EINVAL` also for more instructions than a `struct sock_fprog` can count.
pub fn load(instructions: &[Instruction], flags: u32) -> Result<Option<OwnedFd>> {
    let length = u16::try_from(instructions.len()).map_err(|_| rustix::io::Errno::INVAL)?;
    let program = Program { length, instructions: instructions.as_ptr() };
    // SAFETY: `program` describes the instructions of the slice and lives, as
    // they do, across the call, which copies them; the kernel checks them.
    let fd = unsafe {
        syscall(
            __NR_seccomp,
            [SET_MODE_FILTER, flags as usize, &raw const program as usize, 0, 0, 0],
        )
    }?;
    if flags & NEW_LISTENER == 0 {
        return Ok(None);
    }
    // SAFETY: with this flag the call returns a new descriptor of ours.
    Ok(Some(unsafe { OwnedFd::from_raw_fd(fd as i32) }))
}

/// Whether the kernel has filters and knows the action `SECCOMP_RET_*`
/// (seccomp(2), `SECCOMP_GET_ACTION_AVAIL`, Linux 4.14).
pub fn knows_action(action: u32) -> bool {
    // SAFETY: the call reads one u32, which lives across it.
    unsafe { syscall(__NR_seccomp, [GET_ACTION_AVAIL, 0, &raw const action as usize, 0, 0, 0]) }
        .is_ok()
}

/// Whether the kernel has filters and knows all these flags
/// (`SECCOMP_FILTER_FLAG_*`): it looks at them before it looks for the filter.
pub fn knows_flags(flags: u32) -> bool {
    // SAFETY: a null pointer is no filter: nothing can be loaded.
    let result = unsafe { syscall(__NR_seccomp, [SET_MODE_FILTER, flags as usize, 0, 0, 0, 0]) };
    result == Err(rustix::io::Errno::FAULT)
}
