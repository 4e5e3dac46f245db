//! `linux.memoryPolicy` and `process.execCPUAffinity` (runtime-spec, config-linux.md
//! "Memory policy", config.md "Linux Process"): where a process runs, and where it has
//! its memory.

use crate::fault::{Act, Fault};
use crate::sys::domain;
use crate::sys::schedule::{self, Mask};
use rustix::io::Errno;

/// set_mempolicy(2), with `nodes` as its mask.
///
/// # Errors
/// The kernel's, with what it wants.
pub fn set_memory_policy(mode: u32, nodes: &Mask) -> Act {
    domain::set_memory_policy(mode, nodes).map_err(|errno| {
        let fault = Fault::from(errno);
        match errno {
            Errno::NOSYS => fault.hint("this kernel has no memory policies (CONFIG_NUMA)"),
            Errno::INVAL => fault.hint(
                "a node is not here or not in the cpuset, or this kernel does not know the mode",
            ),
            _ => fault,
        }
    })
}

/// sched_setaffinity(2) of this process.
///
/// # Errors
/// `EINVAL`: none of the CPUs is in its cpuset.
pub fn set_affinity(cpus: &Mask) -> Act {
    schedule::set_affinity(cpus).map_err(|errno| match errno {
        Errno::INVAL => Fault::from(errno).hint("none of these CPUs is in the container's cpuset"),
        _ => errno.into(),
    })
}
