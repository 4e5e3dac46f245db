//! The change of root: propagation, the root file system as a mount of its own,
//! pivot_root(2), or MS_MOVE and chroot(2) where that cannot work.

use super::path;
use super::revealing::take_away;
use super::tree::{Recursion, clone_tree, remount_readonly};
use crate::fault::{Act, Detail, Fault};
use crate::sys::clone::setns;
use crate::sys::fd::AsFd;
use crate::sys::mount::{Attributes, mount_setattr};
use core::ffi::CStr;
use linux_raw_sys::general::{CLONE_NEWNS, MOUNT_ATTR_RDONLY, MS_PRIVATE};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, mount_move, unmount};
use rustix::process::{PidfdFlags, chdir, chroot, fchdir, getpid, pidfd_open, pivot_root};

/// Sets the propagation of every mount of the new mount namespace, so that
/// nothing done here is seen outside (unless `linux.rootfsPropagation` asks for
/// that).
pub fn set_propagation(flags: u64) -> Act {
    // rustix has another type for them with a C library.
    Ok(mount_change(c"/", MountPropagationFlags::from_bits_retain(flags as _))?)
}

/// Makes `rootfs` a private mount of its own, on itself, and opens it.
///
/// `shared_parent` is the mount point that holds it, given only when mounts stay
/// shared with the host: it must be private for pivot_root(2).
pub fn bind_root(rootfs: &CStr, shared_parent: Option<&CStr>) -> Result<OwnedFd, Fault> {
    if let Some(parent) = shared_parent {
        mount_change(parent, MountPropagationFlags::PRIVATE).detail("make its parent private")?;
    }
    let tree = match clone_tree(rootfs, Recursion::All) {
        Err(Errno::NOSYS) => {
            rustix::mount::mount_bind_recursive(rootfs, rootfs).detail("bind")?;
            mount_change(rootfs, MountPropagationFlags::PRIVATE).detail("make private")?;
            return Ok(open_directory(rootfs)?);
        }
        result => result.detail("open_tree")?,
    };
    let attributes = Attributes { propagation: u64::from(MS_PRIVATE), ..Attributes::default() };
    match mount_setattr(tree.as_fd(), attributes, false) {
        Ok(()) | Err(Errno::NOSYS) => {}
        Err(errno) => return Err(errno).detail("make private"),
    }
    let target = open_directory(rootfs).detail("open")?;
    path::attach(tree.as_fd(), target.as_fd()).detail("move_mount")?;
    Ok(tree)
}

/// Opens a directory of the host with `O_PATH`.
pub fn open_directory(path: &CStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty())
}

/// Makes the root of our mount namespace our root, if it is not already since
/// the caller was in a chroot: what is above would stay, out of sight, and who
/// enters the namespace or has CAP_SYS_CHROOT comes out there.
fn leave_chroot(proc: BorrowedFd<'_>) -> Act {
    // A pidfd stands for the process's namespaces too since Linux 5.8.
    let entered =
        pidfd_open(getpid(), PidfdFlags::empty()).and_then(|own| setns(own.as_fd(), CLONE_NEWNS));
    let entered = match entered {
        Err(Errno::NOSYS | Errno::INVAL) => {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            let own = openat(proc, c"self/ns/mnt", flags, Mode::empty());
            setns(own.detail("open \"self/ns/mnt\"")?.as_fd(), CLONE_NEWNS)
        }
        result => result,
    };
    match entered {
        // Without CAP_SYS_CHROOT.
        Err(Errno::PERM) => Ok(()),
        result => result.detail("enter the own mount namespace"),
    }
}

/// Makes `root` the root of the mount namespace and takes the old one away.
/// `proc` is the host's procfs.
pub fn pivot(root: BorrowedFd<'_>, proc: BorrowedFd<'_>) -> Act {
    leave_chroot(proc)?;
    let old = open_directory(c"/")?;
    fchdir(root).detail("fchdir")?;
    // Old and new on the same place: the old root is then on top of the new
    // one, and is unmounted from there; no directory in the image is needed.
    pivot_root(c".", c".").map_err(|errno| match errno {
        Errno::INVAL => Fault::from(errno).hint(
            "the host's root may be the initramfs, which cannot be pivoted before Linux 7.0: \
             use --no-pivot",
        ),
        _ => errno.into(),
    })?;
    fchdir(&old).detail("fchdir")?;
    // The unmount must not reach the host through a shared mount.
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change(c".", flags).detail("make the old root a slave")?;
    unmount(c".", UnmountFlags::DETACH).detail("unmount the old root")?;
    Ok(chdir(c"/")?)
}

/// As [`pivot`], by moving the mount over the root: the host's mounts stay
/// below it, out of reach, but for the `revealing` ones, which go.
pub fn move_root(root: BorrowedFd<'_>, proc: BorrowedFd<'_>, revealing: &[&'static CStr]) -> Act {
    leave_chroot(proc)?;
    take_away(revealing)?;
    fchdir(root).detail("fchdir")?;
    mount_move(c".", c"/").detail("move over \"/\"")?;
    chroot(c".").detail("chroot")?;
    Ok(chdir(c"/")?)
}

/// Without a mount namespace: only the view changes.
pub fn change_root(root: BorrowedFd<'_>) -> Act {
    fchdir(root).detail("fchdir")?;
    chroot(c".").detail("chroot")?;
    Ok(chdir(c"/")?)
}

/// `root.readonly`.
pub fn make_root_readonly() -> Act {
    let root = open_directory(c"/")?;
    let attributes = Attributes { set: u64::from(MOUNT_ATTR_RDONLY), ..Attributes::default() };
    match mount_setattr(root.as_fd(), attributes, false) {
        Err(Errno::NOSYS) => Ok(remount_readonly(root.as_fd())?),
        result => Ok(result?),
    }
}
