//! A new file system that is mounted nowhere yet (fsopen(2), Linux 5.2).

use crate::sys::fd::AsFd;
use crate::sys::mount::Attributes;
use core::ffi::CStr;
use rustix::fd::OwnedFd;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};

/// A detached mount of a file system.
pub fn make<'a>(
    fstype: &CStr,
    options: &mut dyn Iterator<Item = (&'a CStr, Option<&'a CStr>)>,
    attributes: Attributes,
) -> rustix::io::Result<OwnedFd> {
    let context = fsopen(fstype, FsOpenFlags::FSOPEN_CLOEXEC)?;
    // Only a name for /proc/mounts.
    fsconfig_set_string(context.as_fd(), c"source", fstype)?;
    for (key, value) in options {
        match value {
            Some(value) => fsconfig_set_string(context.as_fd(), key, value),
            None => fsconfig_set_flag(context.as_fd(), key),
        }?;
    }
    fsconfig_create(context.as_fd())?;
    let attributes = MountAttrFlags::from_bits_retain(attributes.set as u32);
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}
