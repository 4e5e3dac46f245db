//! The cgroups of a container: where they are, their limits, their members, and
//! what the container sees of them.
//!
//! [`Layout`] says which hierarchies this host has: those of cgroup v1, the
//! unified one of v2, or both ("hybrid"). [`plan()`] decides, without a system
//! call, the directories and what is written into which file; [`Plan::begin`]
//! makes the one that the container's first process is born in,
//! [`Plan::complete`] does the rest; the process [`enter`]s the others. [`Cgroups`] is what is remembered in the state.
//!
//! Rules: a limit that was asked for is applied or is an error, never dropped;
//! an error names the file, the value and the errno; what was made is removed
//! when a later step fails. Kernel documents:
//! Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/*.rst.

mod create;
mod detached;
mod devices;
#[cfg(test)]
mod devices_tests;
mod devices_v1;
mod ebpf;
mod file;
mod freezer;
mod group;
mod hierarchy;
mod layout;
mod limits;
#[cfg(test)]
mod limits_tests;
mod limits_v1;
mod limits_v2;
mod members;
mod mount;
#[cfg(test)]
mod mount_tests;
mod oom;
mod open;
mod path;
mod plan;
mod remove;
#[cfg(test)]
mod rootless_tests;
mod stats;
mod stats_lists;
#[cfg(test)]
mod stats_tests;
pub mod systemd;
#[cfg(test)]
mod tests;
pub mod text;
mod update;
mod weight;
mod write;

pub use create::{Created, enter};
pub use group::{Cgroups, Group};
pub use layout::{Hierarchy, Layout};
pub use mount::CgroupMount;
pub use oom::OomWatch;
pub use plan::{Plan, plan};
pub use write::Write;
