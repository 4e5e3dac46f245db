//! `process.scheduler` and `process.ioPriority` (runtime-spec, config.md "Linux
//! Process").
//!
//! The command sets them on the process that is ready to become the program:
//! the privileges that they need are the host's, not a user namespace's, and
//! SCHED_DEADLINE would keep the set-up from running hooks.

use crate::error::{Error, Result};
use crate::spec::{IoPriority, Scheduler};
use crate::sys::schedule::{SchedulerAttributes, set_io_priority, set_scheduler};
use rustix::io::Errno;
use rustix::process::Pid;

/// Sets what is asked for.
///
/// # Errors
/// The kernel's, with what it wants.
pub fn schedule(pid: Pid, scheduler: Option<&Scheduler>, io: Option<IoPriority>) -> Result<()> {
    if let Some(it) = scheduler {
        let attributes = SchedulerAttributes {
            policy: it.policy as u32,
            flags: it.flags,
            nice: it.nice,
            priority: it.priority as u32,
            runtime: it.runtime,
            deadline: it.deadline,
            period: it.period,
            ..SchedulerAttributes::default()
        };
        set_scheduler(pid, attributes).map_err(|errno| {
            let error = Error::os("process.scheduler: sched_setattr", errno);
            match errno {
                Errno::PERM => error.hint(
                    "it needs CAP_SYS_NICE, and a real-time policy on cgroup v1 a cgroup with \
                     cpu.rt_runtime_us",
                ),
                Errno::BUSY => error.hint("there is not enough time left for SCHED_DEADLINE"),
                Errno::INVAL => error.hint("this kernel does not know the policy or a flag"),
                _ => error,
            }
        })?;
    }
    if let Some(io) = io {
        set_io_priority(pid, io_priority(io)).map_err(|errno| {
            let error = Error::os("process.ioPriority: ioprio_set", errno);
            match errno {
                Errno::PERM => error.hint("IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN"),
                _ => error,
            }
        })?;
    }
    Ok(())
}

/// As the kernel takes it (include/uapi/linux/ioprio.h): its classes count from
/// 1, and are above bit 13.
fn io_priority(io: IoPriority) -> u32 {
    (io.class as u32 + 1) << 13 | io.priority as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::IoPriorityClass;

    #[test]
    fn io_priorities() {
        let check = |class, priority, value| {
            assert_eq!(io_priority(IoPriority { class, priority }), value);
        };
        check(IoPriorityClass::RealTime, 0, 0x2000);
        check(IoPriorityClass::BestEffort, 7, 0x4007);
        check(IoPriorityClass::Idle, 0, 0x6000);
    }
}
