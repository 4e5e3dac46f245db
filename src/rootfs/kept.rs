//! The container's procfs and sysfs, kept by descriptor.
//!
//! Who can write to the root directory while a container is made (another one
//! on the same root) can exchange its `/proc` for another directory for a
//! moment. What is to be masked in `/proc` would then not be found, and the
//! procfs be whole again later. So a path in it is looked up from the mount.

use super::over_proc::Place;
use super::path;
use crate::sys::fd::AsFd;
use core::ffi::CStr;
use linux_raw_sys::general::{PROC_SUPER_MAGIC, SYSFS_MAGIC};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::fstatfs;
use rustix::io::{Result, fcntl_dupfd_cloexec};

/// What is mounted on `/proc` and `/sys`, as far as that is known.
#[derive(Default)]
pub struct Kept {
    proc: Option<OwnedFd>,
    sys: Option<OwnedFd>,
}

impl Kept {
    /// Something is mounted there now; `None` where it has no descriptor.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn keep(&mut self, place: Place, mount: Option<BorrowedFd<'_>>) -> Result<()> {
        let slot = match place {
            Place::Proc => &mut self.proc,
            Place::Sys => &mut self.sys,
            Place::Elsewhere => return Ok(()),
        };
        *slot = None;
        *slot = mount.map(|mount| fcntl_dupfd_cloexec(mount, 3)).transpose()?;
        Ok(())
    }

    /// A mount was made there, at a place that was not looked at.
    pub fn hidden_by(&mut self, destination: &CStr) {
        if within(destination, "/sys/").is_none() {
            *self = Kept::default();
        }
    }

    /// Opens what is to be covered, or bound to itself.
    ///
    /// # Errors
    /// As [`path::open_in`].
    pub fn open(&mut self, root: BorrowedFd<'_>, path: &CStr) -> Result<OwnedFd> {
        for (slot, name) in [(&self.proc, "/proc/"), (&self.sys, "/sys/")] {
            if let Some(mount) = slot
                && let Some(rest) = within(path, name)
            {
                return path::open_in(mount.as_fd(), rest);
            }
        }
        let found = path::open_in(root, path)?;
        let kind = fstatfs(&found)?.f_type as u64;
        if [PROC_SUPER_MAGIC, SYSFS_MAGIC].map(u64::from).contains(&kind) {
            // What comes upon it hides what was kept.
            *self = Kept::default();
        }
        Ok(found)
    }
}

/// The path below `name`, where it goes down all the way.
fn within<'p>(path: &'p CStr, name: &str) -> Option<&'p CStr> {
    let rest = path.to_bytes_with_nul().strip_prefix(name.as_bytes())?;
    let rest = CStr::from_bytes_until_nul(rest).ok()?;
    let mut parts = rest.to_bytes().split(|byte| *byte == b'/');
    let down = parts.clone().any(|part| !part.is_empty() && part != b".");
    (down && parts.all(|part| part != b"..")).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::within;
    use alloc::ffi::CString;

    #[test]
    fn paths_that_go_down() {
        for (path, expect) in [
            ("/proc/kcore", Some("kcore")),
            ("/proc/sys/net", Some("sys/net")),
            ("/proc//sys/./x", Some("/sys/./x")),
            ("/proc", None),
            ("/proc/", None),
            ("/proc/.", None),
            ("/proc/sys/../../etc", None),
            ("/process/x", None),
            ("/x/proc/y", None),
            ("proc/kcore", None),
        ] {
            let path = CString::new(path).unwrap();
            let found = within(&path, "/proc/").map(|rest| rest.to_str().unwrap());
            assert_eq!(found, expect, "{path:?}");
        }
    }
}
