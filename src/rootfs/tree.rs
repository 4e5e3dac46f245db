//! Copies of mounts, by descriptor: detached ones (open_tree(2), Linux 5.2), and
//! what mount(2) has in their place on older kernels.

use super::path::{FdPath, attach};
use crate::sys::fd::AsFd;
use crate::sys::mount::{Attributes, mount, mount_setattr};
use core::ffi::CStr;
use linux_raw_sys::general::{
    MOUNT_ATTR_RDONLY, MS_BIND, MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID,
    MS_RDONLY, MS_REC, MS_RELATIME, MS_REMOUNT,
};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{CWD, fstatfs};
use rustix::io::{Errno, Result};
use rustix::mount::{OpenTreeFlags, UnmountFlags, open_tree};

/// `ST_RELATIME` of statfs(2) (the kernel's include/linux/statfs.h); the other
/// `ST_` flags of mounts have the values of `MS_`.
const ST_RELATIME: u64 = 0x1000;

/// Whether what is mounted below is meant too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recursion {
    /// One mount.
    One,
    /// The mount and all below it.
    All,
}

/// A detached copy of the mount at `source` on the host.
pub fn clone_tree(source: &CStr, recursion: Recursion) -> Result<OwnedFd> {
    open_tree(CWD, source, clone_flags(recursion))
}

/// A detached copy of the mount with `object` as its root.
pub fn clone_object(object: BorrowedFd<'_>, recursion: Recursion) -> Result<OwnedFd> {
    open_tree(object, c"", clone_flags(recursion) | OpenTreeFlags::AT_EMPTY_PATH)
}

fn clone_flags(recursion: Recursion) -> OpenTreeFlags {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    match recursion {
        Recursion::One => flags,
        Recursion::All => flags | OpenTreeFlags::AT_RECURSIVE,
    }
}

/// Shows `object` at `target`: a bind mount.
pub fn bind(object: BorrowedFd<'_>, target: BorrowedFd<'_>, recursion: Recursion) -> Result<()> {
    match clone_object(object, recursion) {
        Err(Errno::NOSYS) => {
            let all = if recursion == Recursion::All { MS_REC } else { 0 };
            let (from, to) = (FdPath::new(object), FdPath::new(target));
            mount(from.as_c_str(), to.as_c_str(), c"", u64::from(MS_BIND | all), None)
        }
        copy => attach(copy?.as_fd(), target),
    }
}

/// Shows `object` on `target`, which may be itself, read-only, alone or with all that
/// is mounted below it. `reopen` opens the target again, then as the new mount's root.
///
/// Before Linux 5.12 what is mounted below stays as it is.
pub fn bind_readonly(
    object: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    recursion: Recursion,
    reopen: &dyn Fn() -> Result<OwnedFd>,
) -> Result<()> {
    let readonly = Attributes { set: u64::from(MOUNT_ATTR_RDONLY), ..Attributes::default() };
    match clone_object(object, Recursion::All) {
        Ok(copy) => match mount_setattr(copy.as_fd(), readonly, recursion == Recursion::All) {
            Err(Errno::NOSYS) => attach(copy.as_fd(), target)?,
            result => return result.and_then(|()| attach(copy.as_fd(), target)),
        },
        Err(Errno::NOSYS) => bind(object, target, Recursion::All)?,
        Err(errno) => return Err(errno),
    }
    remount_readonly(reopen()?.as_fd())
}

/// Shows an empty directory, read-only, in the place of `point`.
pub fn cover(point: &CStr) -> Result<()> {
    let flags = u64::from(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
    mount(c"tmpfs", point, c"tmpfs", flags, Some(c"size=0k,mode=755"))
}

/// Takes the mount with `mounted` as its root away, lazily. The descriptor is
/// named through `proc`, a procfs that is not the container's.
pub fn unmount(proc: BorrowedFd<'_>, mounted: BorrowedFd<'_>) -> Result<()> {
    rustix::process::fchdir(proc)?;
    let path = FdPath::new(mounted);
    let relative = path.as_c_str().to_bytes_with_nul().strip_prefix(b"/proc/").unwrap_or(b"\0");
    let relative = CStr::from_bytes_until_nul(relative).unwrap_or(c"");
    rustix::mount::unmount(relative, UnmountFlags::DETACH)
}

/// Makes one mount read-only by mount(2), which would take away the flags that
/// it is not told: in a user namespace that is an error.
pub fn remount_readonly(mounted: BorrowedFd<'_>) -> Result<()> {
    let now = fstatfs(mounted)?.f_flags as u64;
    let kept = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME;
    let relatime = if now & ST_RELATIME != 0 { MS_RELATIME } else { 0 };
    let flags = now & u64::from(kept) | u64::from(MS_BIND | MS_REMOUNT | MS_RDONLY | relatime);
    mount(c"", FdPath::new(mounted).as_c_str(), c"", flags, None)
}
