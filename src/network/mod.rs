//! Network devices of the container (runtime-spec, config-linux.md "Network
//! Devices").

pub mod devices;
pub mod netlink;

/// What a new network namespace begins with, as a step.
pub const LOOPBACK: &str = "bring up the loopback interface";
