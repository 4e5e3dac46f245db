//! What is asked of the program, and by whom: the command line and the
//! environment, understood.

mod options;

pub use options::{CreateOptions, ExecOptions};

use core::ffi::CStr;
use core::sync::atomic::{AtomicU8, Ordering};
use rustix::fs::{Mode, OFlags};

use crate::container::Root;
use crate::cut;
use crate::error::{Error, Result};
use crate::log::Log;

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
    pub root: &'static str,
    /// `--root` was given: no default directory is made or marked.
    pub root_given: bool,
    /// The default root is below `$XDG_RUNTIME_DIR`: it gets the sticky bit
    /// when it is made, so that nobody's clean-up removes it.
    pub root_sticky: bool,
    /// Who makes cgroups.
    pub cgroup_manager: CgroupManager,
    /// `--rootless`: `None` is auto.
    pub rootless: Option<bool>,
    /// `--criu`: a path, or a name to be found in the PATH.
    pub criu: Option<&'static str>,
}

impl Globals {
    /// Whether cgroups that cannot be had for want of permission are done
    /// without: as `--rootless` says; on auto for ordinary users and for root of
    /// a user namespace, unless systemd is to make them.
    pub fn is_rootless(&self) -> bool {
        self.rootless.unwrap_or_else(|| {
            self.cgroup_manager != CgroupManager::Systemd
                && (!rustix::process::geteuid().is_root() || in_user_namespace())
        })
    }
}

/// Who called the program, and how.
#[derive(Debug)]
pub struct Caller {
    /// The flags before the command.
    pub globals: Globals,
    /// Where warnings go.
    pub log: Log,
    /// All arguments, the program's name first.
    pub arguments: &'static [&'static CStr],
    /// The program's environment, `NAME=VALUE` each.
    pub environment: &'static [&'static CStr],
}

impl Caller {
    /// The state of the containers, for commands on one that exists.
    ///
    /// # Errors
    /// `container does not exist` when there is no such directory.
    pub fn root(&self) -> Result<Root> {
        let path = &self.globals.root;
        Root::open(path)?
            .ok_or_else(|| Error::about("container does not exist: no directory {}", path))
    }

    /// The value of an environment variable; `None` also when it is not UTF-8.
    pub fn variable(&self, name: &str) -> Option<&'static str> {
        variable(self.environment, name)
    }
}

/// The value of `name` in an environment; `None` also when it is not UTF-8.
pub fn variable(environment: &[&'static CStr], name: &str) -> Option<&'static str> {
    environment.iter().find_map(|entry| {
        let value = entry.to_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        core::str::from_utf8(value).ok()
    })
}

/// Whether we are in a user namespace other than the initial one: its map is
/// not the identity over all 2³²-1 ids. Without /proc the answer is no. The command
/// stays where it is: it looks once.
pub fn in_user_namespace() -> bool {
    static KNOWN: AtomicU8 = AtomicU8::new(2);
    match KNOWN.load(Ordering::Relaxed) {
        2 => {}
        known => return known == 1,
    }
    let found = has_other_ids();
    KNOWN.store(u8::from(found), Ordering::Relaxed);
    found
}

fn has_other_ids() -> bool {
    let mut buffer = [0; 64];
    let read =
        rustix::fs::open(c"/proc/self/uid_map", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .and_then(|map| rustix::io::read(&map, &mut buffer));
    let Ok(length) = read else { return false };
    let map = core::str::from_utf8(cut::first(&buffer, length)).unwrap_or_default();
    !map.split_ascii_whitespace().eq(["0", "0", "4294967295"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_found_by_its_whole_name() {
        let environment =
            [c"PATHS=1", c"PATH=/bin:/a=b", c"PATH=later", c"BAD=\xff", c"EMPTY=", c"X"];
        assert_eq!(variable(&environment, "PATH"), Some("/bin:/a=b"));
        assert_eq!(variable(&environment, "EMPTY"), Some(""));
        for none in ["BAD", "X", "PAT", "/bin"] {
            assert_eq!(variable(&environment, none), None, "{none}");
        }
    }
}
