//! The mount calls that rustix lacks.

use super::raw::syscall;
use core::ffi::CStr;
use linux_raw_sys::general::{
    __NR_mount, __NR_mount_setattr, AT_EMPTY_PATH, AT_RECURSIVE, mount_attr,
};
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::Result;

/// What mount_setattr(2) changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attributes {
    /// `MOUNT_ATTR_*` to set.
    pub set: u64,
    /// `MOUNT_ATTR_*` to clear.
    pub clear: u64,
    /// `MS_PRIVATE`, `MS_SHARED`, `MS_SLAVE`, `MS_UNBINDABLE`, or 0.
    pub propagation: u64,
}

/// mount_setattr(2) on the mount that `fd` refers to, and on all below it when
/// `recursive`. Linux 5.12.
pub fn mount_setattr(fd: BorrowedFd<'_>, attributes: Attributes, recursive: bool) -> Result<()> {
    set_attributes(fd, attributes, 0, recursive)
}

/// mount_setattr(2) with `MOUNT_ATTR_IDMAP`: the mount (detached, and a new one)
/// shows the owners mapped by the user namespace `userns`. Linux 5.12.
pub fn mount_idmap(fd: BorrowedFd<'_>, userns: BorrowedFd<'_>, recursive: bool) -> Result<()> {
    let attributes = Attributes {
        set: u64::from(linux_raw_sys::general::MOUNT_ATTR_IDMAP),
        ..Attributes::default()
    };
    set_attributes(fd, attributes, userns.as_raw_fd() as u64, recursive)
}

fn set_attributes(fd: BorrowedFd<'_>, what: Attributes, userns: u64, all: bool) -> Result<()> {
    let attributes = mount_attr {
        attr_set: what.set,
        attr_clr: what.clear,
        propagation: what.propagation,
        userns_fd: userns,
    };
    let flags = AT_EMPTY_PATH | if all { AT_RECURSIVE } else { 0 };
    // SAFETY: the structure and the empty string live across the call.
    unsafe {
        syscall(
            __NR_mount_setattr,
            [
                fd.as_raw_fd() as usize,
                c"".as_ptr() as usize,
                flags as usize,
                &raw const attributes as usize,
                size_of::<mount_attr>(),
                0,
            ],
        )
    }
    .map(drop)
}

/// mount(2), every argument as the manual page has it.
pub fn mount(
    source: &CStr,
    target: &CStr,
    fstype: &CStr,
    flags: u64,
    data: Option<&CStr>,
) -> Result<()> {
    let data = data.map_or(0, |text| text.as_ptr() as usize);
    // SAFETY: C strings that live across the call, or null.
    unsafe {
        syscall(
            __NR_mount,
            [
                source.as_ptr() as usize,
                target.as_ptr() as usize,
                fstype.as_ptr() as usize,
                flags as usize,
                data,
                0,
            ],
        )
    }
    .map(drop)
}
