//! Mounts of the host that would show what the container's own hide.
//!
//! Where the root is moved and not pivoted, the host's mounts stay in the container's
//! mount namespace, out of reach. But in a user namespace the kernel lets anybody
//! mount a new procfs or sysfs as long as there is a whole one that nothing covers
//! (fs/namespace.c: `mount_too_revealing`): without masks, and writable.

use super::tree::cover;
use crate::fault::{Act, Detail, Quoted};
use crate::mountinfo::{Mounted, unescape};
use crate::plan::mounts::is_below;
use crate::text::c_string;
use alloc::vec::Vec;
use core::ffi::CStr;
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};

/// Their places, the last mounted first; one for each mount there, since what is
/// mounted over them goes first.
pub fn revealing(mountinfo: &str, rootfs: &str) -> Vec<&'static CStr> {
    let mounts: Vec<_> = mountinfo.lines().filter_map(Mounted::parse).collect();
    let whole =
        |mount: &&Mounted<'_>| mount.root == "/" && matches!(mount.fstype, "proc" | "sysfs");
    let found: Vec<_> = mounts.iter().filter(whole).map(|mount| mount.point).collect();
    let all = mounts.iter().rev().map(|mount| mount.point);
    all.filter(|point| found.contains(point))
        .map(unescape)
        .filter(|point| *point != rootfs && !is_below(point, rootfs))
        .filter_map(c_string)
        .collect()
}

/// Takes them out of this mount namespace. What cannot be taken away, as in a user
/// namespace, is covered.
///
/// # Errors
/// One of them would be left.
pub fn take_away(points: &[&'static CStr]) -> Act {
    for point in points {
        // What is done here must not reach the host through a shared mount.
        let gone = mount_change(*point, MountPropagationFlags::PRIVATE)
            .and_then(|()| unmount(*point, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW));
        match gone {
            // It went with what it was mounted in.
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR) => Ok(()),
            Err(Errno::INVAL | Errno::PERM) => cover(point),
            Err(errno) => Err(errno),
        }
        .detail(format_args!("take {} away", Quoted(point)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_ones_of_the_host_with_what_is_on_top() {
        let mountinfo = "\
1 0 0:1 / / rw - ext4 /dev/vda rw
2 1 0:2 / /proc rw shared:1 - proc proc rw
3 2 0:3 / /proc/sys/fs/binfmt_misc rw - binfmt_misc none rw
4 1 0:4 / /a\\040b rw - sysfs sysfs rw
5 1 0:2 /sys /part rw - proc proc rw
6 1 0:2 / /r/proc rw - proc proc rw
7 1 0:5 / /proc rw - tmpfs none rw
8 1 0:2 / /rest/proc rw - proc proc rw
";
        assert_eq!(revealing(mountinfo, "/r"), [c"/rest/proc", c"/proc", c"/a b", c"/proc"]);
        assert!(revealing("", "/r").is_empty());
    }
}
