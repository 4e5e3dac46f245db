//! prlimit64(2) by the kernel's number of the resource.

use super::raw::syscall;
use linux_raw_sys::general::{__NR_prlimit64, rlimit64};
use rustix::io::Result;
use rustix::process::Pid;

/// Sets a resource limit of a process; `u64::MAX` is none.
pub fn set(pid: Pid, resource: u32, soft: u64, hard: u64) -> Result<()> {
    let limit = rlimit64 { rlim_cur: soft, rlim_max: hard };
    let pid = pid.as_raw_nonzero().get() as usize;
    // SAFETY: the structure lives across the call, and no old value is asked for.
    unsafe { syscall(__NR_prlimit64, [pid, resource as usize, &raw const limit as usize, 0, 0, 0]) }
        .map(drop)
}
