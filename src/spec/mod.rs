//! The runtime specification's documents (1.3, Linux): `config.json` in, the
//! state and features documents out.
//!
//! Everything here is pure: bytes in, typed values or an error out, and the
//! host is never looked at. The values borrow their strings from the
//! [`Document`](crate::json::Document) they were read from.
//!
//! Reading has two steps. The `read` functions check types and closed sets of
//! words; [`validate`] then checks what one property demands of another.
//! [`Spec::read`] does both. Unknown properties are ignored, as the
//! specification wants.
#![allow(
    clippy::field_reassign_with_default,
    reason = "values are filled in place: moving them costs more code than reading them"
)]

pub mod annotations;
pub mod capability;
mod config;
mod default;
pub mod features;
mod hooks;
mod linux;
pub mod mount_options;
mod mounts;
mod namespaces;
mod process;
pub mod ranges;
mod resources;
mod seccomp;
pub mod signal;
mod state;
pub mod validate;

pub use config::{Root, Spec};
pub use default::DefaultConfig;
pub use features::Abilities;
pub use hooks::{Hook, Hooks};
pub use linux::{
    Device, DeviceKind, IntelRdt, Linux, MemoryPolicy, MemoryPolicyMode, NetDevice, Personality,
    PersonalityDomain, Propagation,
};
pub use mount_options::{Attributes, MountOptions};
pub use mounts::Mount;
pub use namespaces::{IdMapping, Namespace, NamespaceKind, TimeOffset, TimeOffsets};
pub use process::{
    Capabilities, ConsoleSize, ExecCpuAffinity, IoPriority, IoPriorityClass, NO_ID, Process,
    Rlimit, Scheduler, SchedulerPolicy, User, is_variable,
};
pub use resources::{
    BlockIo, Cpu, DeviceAccess, DeviceRule, DeviceRuleKind, HugepageLimit, InterfacePriority,
    Memory, Network, Rdma, Resources, Throttle, WeightDevice,
};
pub use seccomp::{
    Seccomp, SeccompAction, SeccompArch, SeccompArgument, SeccompOperator, SeccompRule,
};
pub use state::{Details, State, Status};

/// The newest release of the specification that we implement.
pub const VERSION: &str = "1.3.0";
/// The oldest release of the specification that we accept.
pub const VERSION_MIN: &str = "1.0.0";

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wrong_types;
