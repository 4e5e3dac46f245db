//! What a plan is made from beside the configuration.

use super::Host;
use crate::cgroup::{Cgroups, Layout};
#[cfg(doc)]
use crate::container::notify;
use core::ffi::CStr;

/// What the command line and the host add to the configuration.
pub struct Request<'a> {
    /// The container's id.
    pub id: &'a str,
    /// The bundle's directory, absolute.
    pub bundle: &'a str,
    /// The root file system's directory, absolute.
    pub rootfs: &'a str,
    /// MS_MOVE instead of pivot_root(2).
    pub no_pivot: bool,
    /// The caller's session keyring stays.
    pub no_new_keyring: bool,
    /// Descriptors from 3 on that the program keeps.
    pub preserve_fds: u32,
    /// Variables that the runtime adds to the environment (LISTEN_FDS).
    pub extra_env: &'a [&'static str],
    /// The runtime's own environment, for hooks that have none.
    pub environment: &'static [&'static CStr],
    /// Facts of the host.
    pub host: Host,
    /// The host's cgroups.
    pub layout: &'a Layout,
    /// The container's cgroups.
    pub cgroups: &'a Cgroups,
    /// The directory of the notify socket, absolute, to be shown on
    /// [`notify::INSIDE`].
    pub notify: Option<&'a str>,
    /// The mount point that holds the root file system, where its mounts stay
    /// shared with the host.
    pub shared_parent: Option<&'a str>,
}
