//! A new process that borrows the caller's memory until it executes a program or
//! ends, as vfork(2)'s does: nothing is copied, and no page of either is copied
//! again when it is written to. The caller stands still meanwhile.
//!
//! The kernel knows such a process: it is no victim when memory runs out, and its
//! `oom_score_adj` is its own (mm/oom_kill.c: `in_vfork`; fs/proc/base.c:
//! `__set_oom_adj`). A time namespace it cannot join (kernel/time/namespace.c:
//! `timens_install`).
//!
//! Each architecture's file has the call itself, since the two sides come back on
//! different stacks.

use super::clone::{Side, clone};
use core::convert::Infallible;
use rustix::fd::BorrowedFd;
use rustix::io::{Errno, Result};
use rustix::process::Pid;

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "powerpc64", path = "powerpc64.rs")]
#[cfg_attr(target_arch = "sparc64", path = "sparc64.rs")]
mod arch;

/// How far below the caller's stack pointer the lowest byte of the stack is that
/// the kernel hears of: a number that one instruction can take away everywhere.
const BELOW: usize = 1 << 16;

/// What stays free beneath the caller's stack pointer: the red zone of the
/// architecture that has the largest (288 bytes), and a frame's head.
const FREE: usize = 512;

/// What becomes of the caller's memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// The new process gets a copy, as by fork(2).
    Copied,
    /// It borrows it.
    Lent,
}

/// Clones the process with the given `CLONE_NEW*` flags, into `cgroup` if that is
/// given (as [`clone`], with the same errors), for `work`. Of lent memory the caller
/// comes back when `work` has executed a program or ended.
///
/// `work` has descriptors of its own and perhaps the caller's memory: it may close
/// what it borrows, and must not drop what the caller goes on to use. Where the
/// kernel (or QEMU's user mode) lacks clone3(2), and on sparc64, memory is copied.
///
/// # Errors
/// Those of clone3(2).
pub fn clone_for(
    memory: Memory,
    flags: u32,
    cgroup: Option<BorrowedFd<'_>>,
    work: &mut dyn FnMut() -> Infallible,
) -> Result<Pid> {
    if memory == Memory::Lent {
        match lend(flags, cgroup, work) {
            Err(Errno::NOSYS) => {}
            result => return result,
        }
    }
    match clone(flags, cgroup)? {
        Side::Parent(pid) => Ok(pid),
        Side::Child => run(work),
    }
}

fn lend(
    flags: u32,
    cgroup: Option<BorrowedFd<'_>>,
    mut work: &mut dyn FnMut() -> Infallible,
) -> Result<Pid> {
    use linux_raw_sys::general::{CLONE_VFORK, CLONE_VM};
    let mut arguments = super::clone::arguments(flags | CLONE_VM | CLONE_VFORK, cgroup);
    arguments.stack_size = (BELOW - FREE) as u64;
    // SAFETY: the arguments are clone3's, the closure is there until the new
    // process has executed or ended, since this one stands still so long, and has
    // no handler of a signal that could use the stack meanwhile.
    let value = unsafe { arch::clone(&mut arguments, begin, &mut work) };
    super::raw::result(value).and_then(|pid| Pid::from_raw(pid as i32).ok_or(Errno::INVAL))
}

/// A pointer to the closure, in one word.
type Work<'a> = &'a mut dyn FnMut() -> Infallible;

/// What the new process begins with.
extern "C" fn begin(work: &mut Work<'_>) -> ! {
    run(*work)
}

fn run(work: &mut dyn FnMut() -> Infallible) -> ! {
    match work() {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::spawn::reap;

    /// Not on sparc64, nor in QEMU's user mode.
    fn can_be_lent() -> bool {
        match lend(0, None, &mut || super::super::exit(0)) {
            Err(Errno::NOSYS) => false,
            pid => reap(pid.unwrap()).is_ok(),
        }
    }

    #[test]
    fn memory_is_the_callers_and_descriptors_are_not() {
        let (ours, theirs) = rustix::pipe::pipe().unwrap();
        let mut left = [0u8; 3000];
        let mut work = || {
            left.fill(7);
            super::super::descriptor::close_inherited(rustix::fd::AsFd::as_fd(&ours));
            super::super::exit(left[0] - 4)
        };
        let pid = clone_for(Memory::Lent, 0, None, &mut work).unwrap();
        assert_eq!(reap(pid).unwrap().exit_status(), Some(3));
        assert_eq!(left, [if can_be_lent() { 7 } else { 0 }; 3000]);
        rustix::io::write(&theirs, b"x").expect("the reading end is open here");
    }

    #[test]
    fn what_cannot_be_cloned_is_an_error() {
        let file = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDONLY, 0.into()).unwrap();
        let cgroup = Some(rustix::fd::AsFd::as_fd(&file));
        let mut ran = false;
        let mut work = || {
            ran = true;
            super::super::exit(0)
        };
        assert!(clone_for(Memory::Lent, 0, cgroup, &mut work).is_err());
        assert!(!ran);
    }
}
