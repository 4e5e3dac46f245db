//! What is to be done, decided before anything is done.
//!
//! Planning is pure: configuration and facts of the host in, a [`Plan`] out. The
//! plan holds all memory that the container's first process needs, since that
//! one allocates nothing, and can be printed.

pub mod container;
pub mod devices;
pub mod document;
pub mod exec;
pub mod file_system;
pub mod identity;
pub mod labels;
pub mod mounts;
pub mod namespaces;
pub mod op;
pub mod request;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

pub use op::Op;
pub use request::Request;

use crate::hook::{Hooks, StateText};
use crate::network::devices::NetDevice;
use crate::process::identity::Identity;
use crate::process::program::Program;
use crate::rootfs::mask::Cover;
use crate::spec::{IoPriority, Rlimit, Scheduler};
use crate::sys::schedule::Mask;
use alloc::vec::Vec;
use core::ffi::CStr;

/// Facts about the host and about who calls, gathered once.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// The permitted capabilities, bit N for capability N.
    pub capabilities: u64,
    /// The caller is in a user namespace other than the initial one.
    pub in_user_namespace: bool,
    /// AppArmor is there and on.
    pub apparmor: bool,
    /// SELinux is there and on.
    pub selinux: bool,
}

#[cfg(test)]
impl Host {
    /// One where root has all rights and nothing else is there.
    pub const ROOT: Host = Host {
        uid: 0,
        gid: 0,
        capabilities: !0,
        in_user_namespace: false,
        apparmor: false,
        selinux: false,
    };
}

/// How a container, or a process in one, comes to be.
pub struct Plan {
    /// Its namespaces.
    pub namespaces: crate::namespace::Plan,
    /// What the first process does, in order, up to being ready.
    pub ops: Vec<Op>,
    /// What covers masked paths.
    pub cover: Cover,
    /// Who it is.
    pub identity: Identity,
    /// Where it starts.
    pub cwd: &'static CStr,
    /// What it becomes.
    pub program: Program,
    /// Who gets the container's cgroup of v2, as ids of the host.
    pub cgroup_owner: Option<(u32, u32)>,
    /// Limits, set just before the program.
    pub rlimits: Vec<Rlimit>,
    /// oom_score_adj, set by the parent at birth; `None` leaves it.
    pub oom_score_adj: Option<i32>,
    /// Network devices, moved by the parent when the process asks for them.
    pub net_devices: Vec<NetDevice>,
    /// The scheduling policy, set by the parent when the process is ready.
    pub scheduler: Option<Scheduler>,
    /// The I/O priority, set with it.
    pub io_priority: Option<IoPriority>,
    /// The CPUs of the runtime itself before the clone (`exec` only).
    pub first_cpus: Option<Mask>,
    /// Descriptors from 3 on that the program keeps.
    pub preserve_fds: u32,
    /// The system call filter, loaded last.
    pub seccomp: Option<crate::seccomp::Filter>,
    /// The container's state for hooks.
    pub state: StateText,
    /// Run by the parent before the change of root: prestart, createRuntime.
    pub runtime_hooks: [Hooks; 2],
    /// Run by the first process before the change of root.
    pub create_container: Hooks,
    /// Run by the first process just before the program.
    pub start_container: Hooks,
    /// What the user should know, one line each.
    pub warnings: Vec<&'static str>,
}

impl Plan {
    /// Whether the first process does something before it is ready that the limits of
    /// its cgroups have to hold for: it fills a tmpfs, or runs what is not ours.
    pub fn needs_limits(&self) -> bool {
        let fills = |op: &Op| matches!(op, Op::Mount(mount) if mount.copy_up);
        !self.create_container.is_empty() || self.ops.iter().any(fills)
    }
}
