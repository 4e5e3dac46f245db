//! CRIU itself, where it works: for tests that save and restore processes.

use crate::packages;
use nix::mount::{MsFlags, mount, umount};
use std::fs;
use std::process::Command;
use std::sync::OnceLock;

/// Why criu cannot work on this machine.
pub fn impossible() -> Option<&'static str> {
    static WHY: OnceLock<Option<String>> = OnceLock::new();
    let why = WHY.get_or_init(|| {
        packages::install_missing().unwrap();
        forget_cgroup_options();
        let check = Command::new("criu").arg("check").output();
        match check {
            Ok(out) if out.status.success() => None,
            Ok(out) => {
                let said = String::from_utf8_lossy(&out.stderr);
                let line = said.lines().find(|line| line.contains("Error")).unwrap_or("no reason");
                Some(format!("criu check fails: {line}"))
            }
            Err(error) => Some(format!("criu cannot be run: {error}")),
        }
    });
    why.as_deref()
}

/// criu mounts cgroup2 for a moment, without options, and so takes away those of all its mounts: that must not look as
/// if a container had done it.
fn forget_cgroup_options() {
    let at = std::env::temp_dir().join(format!("criu-cgroup2-{}", std::process::id()));
    fs::create_dir(&at).unwrap();
    if mount(None::<&str>, &at, Some("cgroup2"), MsFlags::empty(), None::<&str>).is_ok() {
        umount(&at).unwrap();
    }
    fs::remove_dir(&at).unwrap();
}
