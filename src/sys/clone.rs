//! clone3(2), with clone(2) where the kernel (or QEMU's user mode) lacks it.

use super::raw::syscall;
use core::mem::size_of;
use linux_raw_sys::general::{
    __NR_clone, CLONE_CHILD_SETTID, CLONE_INTO_CGROUP, CLONE_PARENT, SIGCHLD, clone_args,
};
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::{Errno, Result};
use rustix::process::Pid;

/// The number of clone3(2), which is the same on all architectures, as that of
/// every call since Linux 5.0. sparc64 has the call since Linux 7.0, and
/// linux-raw-sys has no number for it.
pub(super) const CLONE3: u32 = 435;

#[cfg(not(target_arch = "sparc64"))]
const _: () = assert!(CLONE3 == linux_raw_sys::general::__NR_clone3);

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
    // Which side this is the kernel tells in memory, of which each side has its
    // own: the child's id, written there. Not by a value of 0 everywhere: on
    // sparc64 the child gets its parent's id, and a 1 in another register.
    let mut own = 0u32;
    let own_at = &raw mut own;
    let flags = flags | CLONE_CHILD_SETTID;
    let mut arguments = arguments(flags, cgroup);
    arguments.child_tid = own_at as u64;
    arguments.exit_signal = u64::from(exit_signal);
    let at = &raw const arguments as usize;
    // SAFETY: the structure lives across the call; without CLONE_VM and with no
    // stack given the child runs on a copy of this stack, and writes to its copy
    // of `own`.
    let value = match unsafe { syscall(CLONE3, [at, size_of::<clone_args>(), 0, 0, 0, 0]) } {
        Err(Errno::NOSYS) if cgroup.is_none() => old_clone(flags | exit_signal, own_at)?,
        result => result?,
    };
    // SAFETY: `own` is above, and initialized.
    Ok(match unsafe { own_at.read_volatile() } {
        0 => Pid::from_raw(value as i32).map_or(Side::Child, Side::Parent),
        _ => Side::Child,
    })
}

/// The arguments for a child whose end is told by `SIGCHLD`.
pub(super) fn arguments(flags: u32, cgroup: Option<BorrowedFd<'_>>) -> clone_args {
    // SAFETY: all-zero is a valid clone_args: no pointer, no flag.
    let mut arguments: clone_args = unsafe { core::mem::zeroed() };
    arguments.flags = u64::from(flags);
    arguments.exit_signal = u64::from(SIGCHLD);
    if let Some(directory) = cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = directory.as_raw_fd() as u64;
    }
    arguments
}

/// clone(2) without a stack; the child's id goes to `own`.
fn old_clone(flags: u32, own: *mut u32) -> Result<usize> {
    // The place for the child's id is the fourth argument on some architectures
    // and the fifth on others (clone(2)); the other of them is only read with a
    // flag that is not given.
    let (flags, own) = (flags as usize, own as usize);
    // SAFETY: a null stack means a copy of this one; `own` is on it.
    unsafe { syscall(__NR_clone, [flags, 0, 0, own, own, 0]) }
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
