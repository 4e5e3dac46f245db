//! Signal masks and signalfd(2).

use super::raw::syscall;
use linux_raw_sys::general::{
    __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_signalfd4, O_CLOEXEC, O_NONBLOCK, SIG_BLOCK,
    SIG_SETMASK, SIGCHLD,
};
use rustix::fd::{FromRawFd, OwnedFd};
use rustix::io::Result;
use rustix::process::Signal;

/// The kernel's signal set: bit N-1 for signal N, 64 signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set(pub u64);

impl Set {
    /// Every signal.
    pub const ALL: Set = Set(!0);
    /// No signal.
    pub const NONE: Set = Set(0);

    /// The set without this signal number.
    #[must_use]
    pub fn without(self, signal: i32) -> Set {
        Set(self.0 & !(1 << (signal - 1)))
    }
}

const SET_SIZE: usize = size_of::<Set>();

fn change(how: u32, set: Set) -> Set {
    let mut old = Set(0);
    let (new_at, old_at) = (&raw const set as usize, &raw mut old as usize);
    // SAFETY: both sets live across the call and have the size given. The call
    // cannot fail with these arguments.
    let _ = unsafe { syscall(__NR_rt_sigprocmask, [how as usize, new_at, old_at, SET_SIZE, 0, 0]) };
    old
}

/// Blocks these signals too; returns the mask as it was.
pub fn block(set: Set) -> Set {
    change(SIG_BLOCK, set)
}

/// Sets the mask.
pub fn set_mask(set: Set) {
    change(SIG_SETMASK, set);
}

/// Gives all signals their default action again. An ignored one stays ignored
/// across exec, and a shell cannot even trap it: a program should not start with
/// SIGPIPE ignored because an engine ignores it, nor with SIGHUP after `nohup`.
pub fn set_default() {
    for number in 1..=SET_SIZE * 8 {
        default(number);
    }
}

/// Gives SIGCHLD its default action again: of the children of who ignores it
/// nobody hears how they ended, nor that they did (wait(2), "NOTES").
pub fn hear_of_children() {
    default(SIGCHLD as usize);
}

fn default(number: usize) {
    // The kernel's struct sigaction, all zero: SIG_DFL, no flags, empty mask.
    let action = [0u64; 4];
    let at = action.as_ptr() as usize;
    // SAFETY: the structure lives across the call, and is at least as large as
    // the kernel's on every architecture; SIGKILL and SIGSTOP give EINVAL.
    // sparc64 has a restorer as the fourth argument, which SIG_DFL does not
    // need, and the size as the fifth.
    let arguments = [number, at, 0, SET_SIZE, SET_SIZE, 0];
    let _ = unsafe { syscall(__NR_rt_sigaction, arguments) };
}

/// The size of what [`signalfd`] gives for one signal: `struct signalfd_siginfo`.
pub const RECORD: usize = 128;

/// The number of the signal, which is the record's first word.
pub fn number(record: &[u8; RECORD]) -> i32 {
    i32::from_ne_bytes([record[0], record[1], record[2], record[3]])
}

/// A descriptor from which blocked signals of the set can be read, a [`RECORD`] each.
pub fn signalfd(set: Set) -> Result<OwnedFd> {
    let at = &raw const set as usize;
    // SFD_CLOEXEC and SFD_NONBLOCK are the O_ flags (include/uapi/linux/signalfd.h).
    let flags = (O_CLOEXEC | O_NONBLOCK) as usize;
    // SAFETY: the set lives across the call; the descriptor is new and ours.
    unsafe {
        let fd = syscall(__NR_signalfd4, [usize::MAX, at, SET_SIZE, flags, 0, 0])?;
        Ok(OwnedFd::from_raw_fd(fd as i32))
    }
}

/// Signal `number`, 1 to 64.
pub fn from_number(number: i32) -> Option<Signal> {
    // SAFETY: the number is a signal of the kernel's. Those that a libc keeps
    // for itself are free: there is none.
    (1..=64).contains(&number).then(|| unsafe { Signal::from_raw_unchecked(number) })
}

/// kill(2) with any signal number, real-time ones included.
pub fn send(pid: rustix::process::Pid, number: i32) -> Result<()> {
    use linux_raw_sys::general::__NR_kill;
    let pid = pid.as_raw_nonzero().get() as usize;
    // SAFETY: takes two numbers.
    unsafe { syscall(__NR_kill, [pid, number as usize, 0, 0, 0, 0]) }.map(drop)
}

/// kill(2) of every process that we may signal, but for us and the first one.
pub fn send_to_all(number: i32) -> Result<()> {
    use linux_raw_sys::general::__NR_kill;
    // SAFETY: takes two numbers.
    unsafe { syscall(__NR_kill, [-1isize as usize, number as usize, 0, 0, 0, 0]) }.map(drop)
}
