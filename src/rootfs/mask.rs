//! `linux.maskedPaths` and `linux.readonlyPaths` (runtime-spec, config-linux.md).
//!
//! A masked file is covered by a null device whose device number was checked on
//! the very descriptor that is mounted (CVE-2025-31133); a masked directory by
//! one empty, read-only tmpfs that all of them share.

use super::kept::Kept;
use super::path::{self, FdPath};
use super::tree::{Recursion, bind_readonly, clone_object, cover};
use crate::fault::{Act, Detail, Fault};
use crate::sys::fd::AsFd;
use core::ffi::CStr;
use linux_raw_sys::general::{
    MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY,
};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, major, minor, openat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount,
    fsopen,
};

/// What covers masked paths, made when it is first needed.
#[derive(Default)]
pub struct Cover {
    /// The mount option and the SELinux label of what is made here.
    pub label: Option<(&'static CStr, &'static CStr)>,
    null: Option<OwnedFd>,
    empty: Option<OwnedFd>,
}

/// Opens the null device at `path` beneath `directory`, and makes sure that it
/// is one: character device 1:3.
pub fn open_null(directory: BorrowedFd<'_>, path: &CStr) -> Result<OwnedFd, Fault> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = openat(directory, path, flags, Mode::empty()).detail("open the null device")?;
    let stat = fstat(&fd)?;
    let device = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
        && (major(stat.st_rdev), minor(stat.st_rdev)) == (1, 3);
    if device { Ok(fd) } else { Err(Fault::new("/dev/null is not the null device")) }
}

impl Cover {
    /// Masks `path` beneath `root`; a path that does not exist is left alone.
    pub fn mask(&mut self, kept: &mut Kept, root: BorrowedFd<'_>, path: &CStr) -> Act {
        let target = match kept.open(root, path) {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
            result => result?,
        };
        if !path::is_directory(target.as_fd())? {
            // Read-only: the node is the host's, and its owner's to change, who is
            // root inside as well. Reading and writing the device are not hindered.
            let reopen = || path::open_in(root, path);
            return bind_readonly(self.null()?, target.as_fd(), Recursion::One, &reopen)
                .detail("bind the null device");
        }
        match self.empty() {
            Err(fault) if fault.errno == Some(Errno::NOSYS) => {
                Ok(cover(FdPath::new(target.as_fd()).as_c_str()).detail("mount")?)
            }
            cover => path::attach(cover?.as_fd(), target.as_fd()).detail("move_mount"),
        }
    }

    fn null(&mut self) -> Result<BorrowedFd<'_>, Fault> {
        if self.null.is_none() {
            self.null = Some(open_null(CWD, c"/dev/null")?);
        }
        self.null.as_ref().map(AsFd::as_fd).ok_or(Errno::BADF.into())
    }

    /// A mount of the shared empty directory that can be attached.
    fn empty(&mut self) -> Result<OwnedFd, Fault> {
        if let Some(attached) = &self.empty {
            return clone_object(attached.as_fd(), Recursion::One).detail("open_tree");
        }
        let context = fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).detail("fsopen")?;
        fsconfig_set_string(context.as_fd(), c"size", c"0").detail("size")?;
        fsconfig_set_string(context.as_fd(), c"mode", c"755").detail("mode")?;
        if let Some((option, label)) = &self.label {
            fsconfig_set_string(context.as_fd(), &**option, &**label).detail("label")?;
        }
        fsconfig_create(context.as_fd()).detail("fsconfig")?;
        let flags = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
        let attributes = MountAttrFlags::from_bits_retain(flags);
        let mount = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
            .detail("fsmount")?;
        let attached = rustix::io::dup(&mount)?;
        self.empty = Some(attached);
        Ok(mount)
    }
}

/// Makes `path` beneath `root` read-only, alone or with what is mounted below it;
/// a path that does not exist is left alone.
pub fn make_readonly(
    kept: &mut Kept,
    root: BorrowedFd<'_>,
    path: &CStr,
    recursion: Recursion,
) -> Act {
    let target = match kept.open(root, path) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
        target => target?,
    };
    let target = target.as_fd();
    Ok(bind_readonly(target, target, recursion, &|| path::open_in(root, path))?)
}
