//! sched_setattr(2), ioprio_set(2), sched_setaffinity(2), sched_getaffinity(2) and
//! getcpu(2).

use super::raw::syscall;
use linux_raw_sys::general::{
    __NR_getcpu, __NR_ioprio_set, __NR_sched_getaffinity, __NR_sched_setaffinity,
    __NR_sched_setattr,
};
use rustix::io::Result;
use rustix::process::Pid;

/// A set of up to 1024 CPUs or NUMA nodes: bit N of word M is number 64 M + N.
pub type Mask = [u64; 16];

/// `struct sched_attr` of include/uapi/linux/sched/types.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct SchedulerAttributes {
    /// Its size; filled in by [`set_scheduler`].
    pub size: u32,
    /// `SCHED_*`.
    pub policy: u32,
    /// `SCHED_FLAG_*`.
    pub flags: u64,
    /// Of the ordinary policies.
    pub nice: i32,
    /// Of the real-time policies.
    pub priority: u32,
    /// Of SCHED_DEADLINE, in nanoseconds.
    pub runtime: u64,
    /// See `runtime`.
    pub deadline: u64,
    /// See `runtime`.
    pub period: u64,
    /// The least utilisation to assume.
    pub util_min: u32,
    /// The largest.
    pub util_max: u32,
}

/// Sets how a process is scheduled.
pub fn set_scheduler(pid: Pid, attributes: SchedulerAttributes) -> Result<()> {
    let size = size_of::<SchedulerAttributes>() as u32;
    let attributes = SchedulerAttributes { size, ..attributes };
    let at = &raw const attributes as usize;
    // SAFETY: the structure lives across the call and says its size.
    unsafe { syscall(__NR_sched_setattr, [number(pid), at, 0, 0, 0, 0]) }.map(drop)
}

/// Sets the I/O priority of a process: the class from bit 13 on, and the
/// priority within it.
pub fn set_io_priority(pid: Pid, value: u32) -> Result<()> {
    /// `IOPRIO_WHO_PROCESS` of include/uapi/linux/ioprio.h.
    const PROCESS: usize = 1;
    // SAFETY: takes numbers only.
    unsafe { syscall(__NR_ioprio_set, [PROCESS, number(pid), value as usize, 0, 0, 0]) }.map(drop)
}

/// Whether this process may run on more than one CPU; yes where it may on more than a
/// mask has.
pub fn has_several_cpus() -> bool {
    let mut cpus: Mask = [0; 16];
    let at = cpus.as_mut_ptr() as usize;
    // SAFETY: the kernel writes no more than the size given, and any bits are a mask.
    let got = unsafe { syscall(__NR_sched_getaffinity, [0, size_of::<Mask>(), at, 0, 0, 0]) };
    let (mut all, mut several) = (0, got.is_err());
    for word in cpus {
        // More than one bit of it, or one beside those before.
        several |= word & word.wrapping_sub(1) != 0 || all != 0 && word != 0;
        all |= word;
    }
    several
}

/// The CPU that this process is on; it may be another one the next moment.
pub fn current_cpu() -> Option<u32> {
    let mut cpu = 0u32;
    let at = &raw mut cpu as usize;
    // SAFETY: the kernel writes one number there, and nothing for the node.
    unsafe { syscall(__NR_getcpu, [at, 0, 0, 0, 0, 0]) }.is_ok().then_some(cpu)
}

/// Sets the CPUs that this process may run on; those outside of its cpuset do
/// not count.
pub fn set_affinity(cpus: &Mask) -> Result<()> {
    let at = cpus.as_ptr() as usize;
    // SAFETY: the mask lives across the call and has the size given.
    unsafe { syscall(__NR_sched_setaffinity, [0, size_of::<Mask>(), at, 0, 0, 0]) }.map(drop)
}

fn number(pid: Pid) -> usize {
    pid.as_raw_nonzero().get() as usize
}
