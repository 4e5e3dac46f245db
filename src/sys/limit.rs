//! prlimit64(2) by the kernel's number of the resource.

use super::raw::syscall;
use linux_raw_sys::general::{__NR_prlimit64, rlimit64};
use rustix::io::Result;

/// A resource limit; `u64::MAX` is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What holds.
    pub soft: u64,
    /// How far the soft one may be raised.
    pub hard: u64,
}

/// Sets a limit of this process.
pub fn set(resource: u32, limit: Limit) -> Result<()> {
    let limit = rlimit64 { rlim_cur: limit.soft, rlim_max: limit.hard };
    let at = &raw const limit as usize;
    // SAFETY: the structure lives across the call; no old value is asked for.
    unsafe { syscall(__NR_prlimit64, [0, resource as usize, at, 0, 0, 0]) }.map(drop)
}

/// A limit of this process.
pub fn get(resource: u32) -> Result<Limit> {
    let mut limit = rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let at = &raw mut limit as usize;
    // SAFETY: the kernel writes one structure, which lives across the call; no
    // new value is given.
    unsafe { syscall(__NR_prlimit64, [0, resource as usize, 0, at, 0, 0]) }?;
    Ok(Limit { soft: limit.rlim_cur, hard: limit.rlim_max })
}
