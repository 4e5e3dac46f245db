//! What single commands are asked to do.

use alloc::vec::Vec;
use core::ffi::CStr;

use crate::container::ContainerId;

/// What `create` and `run` are asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateOptions {
    /// The container to make.
    pub id: ContainerId,
    /// The bundle's directory, as given; `.` when it was not.
    pub bundle: &'static str,
    /// The configuration's path when it is not `config.json` in the bundle.
    pub config: Option<&'static str>,
    /// The AF_UNIX socket that gets the terminal's master.
    pub console_socket: Option<&'static str>,
    /// The AF_UNIX socket that gets the pidfd.
    pub pidfd_socket: Option<&'static str>,
    /// The file that gets the process id, digits only.
    pub pid_file: Option<&'static str>,
    /// MS_MOVE and chroot instead of pivot_root.
    pub no_pivot: bool,
    /// No new session keyring.
    pub no_new_keyring: bool,
    /// Descriptors to hand on after stdio and those of LISTEN_FDS.
    pub preserve_fds: u32,
    /// `run` only: do not wait for the program.
    pub detach: bool,
    /// `run` only: leave the stopped container behind.
    pub keep: bool,
    /// Do not become a subreaper.
    pub no_subreaper: bool,
}

/// What `exec` is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOptions {
    /// The container.
    pub id: ContainerId,
    /// The program and its arguments: what follows the id.
    pub arguments: Vec<&'static CStr>,
    /// A file with the process as JSON, which replaces everything else.
    pub process: Option<&'static str>,
    /// The AF_UNIX socket that gets the terminal's master.
    pub console_socket: Option<&'static str>,
    /// The AF_UNIX socket that gets the pidfd.
    pub pidfd_socket: Option<&'static str>,
    /// The file that gets the process id, digits only.
    pub pid_file: Option<&'static str>,
    /// The working directory.
    pub cwd: Option<&'static str>,
    /// `NAME=VALUE` on top of the configuration's.
    pub env: Vec<&'static str>,
    /// A terminal.
    pub tty: bool,
    /// `UID[:GID]`, not yet parsed.
    pub user: Option<&'static str>,
    /// Supplementary groups, not yet parsed.
    pub additional_gids: Vec<&'static str>,
    /// Return at once.
    pub detach: bool,
    /// The SELinux label.
    pub process_label: Option<&'static str>,
    /// The AppArmor profile.
    pub apparmor: Option<&'static str>,
    /// no_new_privs; given explicitly as false it is `Some(false)`.
    pub no_new_privs: Option<bool>,
    /// Capabilities to add, by name.
    pub capabilities: Vec<&'static str>,
    /// Descriptors to hand on after stdio.
    pub preserve_fds: u32,
    /// `[CONTROLLER[,CONTROLLER]:]PATH` each.
    pub cgroups: Vec<&'static str>,
    /// Also in a paused container.
    pub ignore_paused: bool,
}
