//! clone3(2), with clone(2) where the kernel (or QEMU's user mode) lacks it.

use super::raw::syscall;
use core::mem::size_of;
use linux_raw_sys::general::{
    __NR_clone, __NR_clone3, CLONE_INTO_CGROUP, CLONE_PARENT, SIGCHLD, clone_args,
};
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::{Errno, Result};
use rustix::process::Pid;

/// Which side of the clone this is.
pub enum Side {
    /// The caller, with the new process's id in the caller's pid namespace.
    Parent(Pid),
    /// The new process.
    Child,
}

/// Clones the process as fork(2) does, with the given `CLONE_*` flags (those of
/// namespaces, and `CLONE_PARENT`).
///
/// `cgroup` (a directory of cgroup v2) is entered at birth: an error of `ENOSYS`
/// or `EINVAL` then means that the kernel cannot do it, and the caller may try
/// again without.
///
/// Memory is copied, nothing is shared, so the child may go on as any process.
pub fn clone(flags: u32, cgroup: Option<BorrowedFd<'_>>) -> Result<Side> {
    let exit_signal = if flags & CLONE_PARENT == 0 { SIGCHLD } else { 0 };
    // SAFETY: all-zero is a valid clone_args: no pointer, no flag.
    let mut arguments: clone_args = unsafe { core::mem::zeroed() };
    arguments.flags = u64::from(flags);
    arguments.exit_signal = u64::from(exit_signal);
    if let Some(directory) = cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = directory.as_raw_fd() as u64;
    }
    let at = &raw const arguments as usize;
    // SAFETY: the structure lives across the call; without CLONE_VM and with no
    // stack given the child runs on a copy of this stack.
    match unsafe { syscall(__NR_clone3, [at, size_of::<clone_args>(), 0, 0, 0, 0]) } {
        Err(Errno::NOSYS) if cgroup.is_none() => old_clone(flags, exit_signal),
        result => result.map(side),
    }
}

fn old_clone(flags: u32, exit_signal: u32) -> Result<Side> {
    // SAFETY: as above; a null stack means a copy of this one. The other
    // arguments are only read with flags that are not given.
    unsafe { syscall(__NR_clone, [(flags | exit_signal) as usize, 0, 0, 0, 0, 0]) }.map(side)
}

fn side(value: usize) -> Side {
    Pid::from_raw(value as i32).map_or(Side::Child, Side::Parent)
}

/// unshare(2) of namespaces.
pub fn unshare(flags: u32) -> Result<()> {
    use linux_raw_sys::general::__NR_unshare;
    // SAFETY: takes a number; nothing is shared with another thread, because
    // there is none.
    unsafe { syscall(__NR_unshare, [flags as usize, 0, 0, 0, 0, 0]) }.map(drop)
}

/// setns(2): joins the namespace(s) that `fd` stands for; `kind` is the
/// `CLONE_NEW*` flag that it must be of (0: any).
pub fn setns(fd: BorrowedFd<'_>, kind: u32) -> Result<()> {
    use linux_raw_sys::general::__NR_setns;
    // SAFETY: takes two numbers.
    unsafe { syscall(__NR_setns, [fd.as_raw_fd() as usize, kind as usize, 0, 0, 0, 0]) }.map(drop)
}
