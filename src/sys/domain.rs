//! What a process passes on to its program: personality(2) and set_mempolicy(2).

use super::raw::syscall;
use super::schedule::Mask;
use linux_raw_sys::general::{__NR_personality, __NR_set_mempolicy};
use rustix::io::Result;

/// Sets the execution domain, `PER_*` of include/uapi/linux/personality.h.
pub fn set_personality(domain: u32) -> Result<()> {
    // SAFETY: takes a number.
    unsafe { syscall(__NR_personality, [domain as usize, 0, 0, 0, 0, 0]) }.map(drop)
}

/// Sets where memory is taken from: an `MPOL_*` mode with `MPOL_F_*` flags, and
/// the NUMA nodes. `ENOSYS` without `CONFIG_NUMA`.
pub fn set_memory_policy(mode: u32, nodes: &Mask) -> Result<()> {
    // The kernel takes one bit less than it is told; no node at all is no mask.
    let none = nodes.iter().all(|word| *word == 0);
    let (at, bits) =
        if none { (0, 0) } else { (nodes.as_ptr() as usize, 8 * size_of::<Mask>() + 1) };
    // SAFETY: the mask lives across the call and has as many bits as given.
    unsafe { syscall(__NR_set_mempolicy, [mode as usize, at, bits, 0, 0, 0]) }.map(drop)
}
