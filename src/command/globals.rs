//! The flags before the command, and the default place of the state.

use alloc::borrow::Cow;
use core::ffi::CStr;
use rustix::fs::{Mode, OFlags};

use crate::command::flag::Flag;
use crate::command::invocation::variable;
use crate::command::parse::Values;
use crate::error;
use crate::error::{Error, Result};

/// The declarations, in the order of the help.
pub static FLAGS: &[&Flag] = &[
    &Flag::switch("debug", "enable debug logging"),
    &Flag::value("log", "FILE", "append logs to FILE instead of writing them to stderr"),
    &Flag::value("log-format", "FORMAT", "set the log format: text or json").default("text"),
    &Flag::value("log-level", "LEVEL", "log from this level on: error, warning, info or debug")
        .default("info"),
    &Flag::value("root", "DIR", "directory for the state of containers (should be on tmpfs)"),
    &Flag::switch("systemd-cgroup", "ask systemd for cgroups: cgroupsPath is slice:prefix:name"),
    &Flag::value("cgroup-manager", "MANAGER", "cgroupfs, systemd or disabled").default("cgroupfs"),
    &Flag::value("rootless", "WHEN", "ignore cgroup permission errors: true, false or auto")
        .default("auto"),
    &Flag::value("criu", "FILE", "ignored").hidden(),
];

/// Who makes the cgroups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CgroupManager {
    /// We do, in the file system.
    Cgroupfs,
    /// systemd does, asked over D-Bus.
    Systemd,
    /// Nobody: the container stays in the caller's cgroup.
    Disabled,
}

/// The flags before the command, checked.
#[derive(Debug)]
pub struct Globals {
    /// The directory of the containers' directories. Not yet looked at.
    pub root: Cow<'static, str>,
    /// `--root` was given: no default directory is made or marked.
    pub root_given: bool,
    /// The default root is below `$XDG_RUNTIME_DIR`: it gets the sticky bit
    /// when it is made, so that nobody's clean-up removes it.
    pub root_sticky: bool,
    /// Who makes cgroups.
    pub cgroup_manager: CgroupManager,
    /// `--rootless`: `None` is auto.
    pub rootless: Option<bool>,
}

impl Globals {
    /// Checks the values.
    ///
    /// # Errors
    /// A value is not one of those that its flag takes.
    pub fn new(program: &str, values: &Values, environment: &[&'static CStr]) -> Result<Globals> {
        let cgroup_manager = match values.value("cgroup-manager") {
            Some("systemd") => CgroupManager::Systemd,
            Some("disabled") => CgroupManager::Disabled,
            None if values.flag("systemd-cgroup") => CgroupManager::Systemd,
            None | Some("cgroupfs") => CgroupManager::Cgroupfs,
            Some(other) => return Err(error!("invalid cgroup-manager: {other}")),
        };
        let rootless = match values.value("rootless") {
            None | Some("auto") => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(other) => return Err(error!("invalid rootless option: {other}")),
        };
        let (root, root_sticky): (Cow<'static, str>, bool) = match values.value("root") {
            Some(root) => {
                if root.bytes().all(|byte| byte == b'/') {
                    return Err(Error::new("--root must be a directory other than /"));
                }
                (Cow::Borrowed(root), false)
            }
            None => match runtime_directory(environment) {
                Some(runtime) => (Cow::Owned(alloc::format!("{runtime}/{program}")), true),
                None => (Cow::Owned(alloc::format!("/run/{program}")), false),
            },
        };
        Ok(Globals {
            root,
            root_given: values.value("root").is_some(),
            root_sticky,
            cgroup_manager,
            rootless,
        })
    }
}

/// `$XDG_RUNTIME_DIR` where it is to be used: by ordinary users, and by root
/// of a user namespace that some tool made for an ordinary user (runc's rule:
/// such a tool leaves USER as it was).
fn runtime_directory(environment: &[&'static CStr]) -> Option<&'static str> {
    let directory = variable(environment, "XDG_RUNTIME_DIR").filter(|value| !value.is_empty())?;
    let root = rustix::process::geteuid().is_root();
    if root && (variable(environment, "USER") == Some("root") || !in_user_namespace()) {
        return None;
    }
    Some(directory)
}

/// Whether we are in a user namespace other than the initial one: its map is
/// not the identity over all 2³²-1 ids. Without /proc the answer is no.
pub fn in_user_namespace() -> bool {
    let mut buffer = [0; 64];
    let read =
        rustix::fs::open("/proc/self/uid_map", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .and_then(|map| rustix::io::read(&map, &mut buffer));
    let Ok(length) = read else { return false };
    let map = core::str::from_utf8(&buffer[..length]).unwrap_or_default();
    !map.split_ascii_whitespace().eq(["0", "0", "4294967295"])
}
