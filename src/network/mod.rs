//! Network devices of the container (runtime-spec, config-linux.md "Network
//! Devices").

pub mod devices;
pub mod netlink;
