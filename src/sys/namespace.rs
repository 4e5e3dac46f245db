//! The namespaces of a process, by a pidfd (Linux 6.11).

use super::raw::syscall;
use linux_raw_sys::general::{
    __NR_ioctl, CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID,
    CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWUTS,
};
use rustix::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use rustix::io::{Errno, Result};

/// `PIDFS_IOCTL_MAGIC` of include/uapi/linux/pidfd.h.
const MAGIC: u8 = 0xff;

/// The namespace of a kind (a `CLONE_NEW*` flag) in which the process of `pidfd`
/// is: `PIDFD_GET_*_NAMESPACE` of the same header.
///
/// # Errors
/// `ENOTTY` before Linux 6.11, `EOPNOTSUPP` where the kernel has no such kind,
/// `ESRCH` when the process has ended, `EACCES` when it is out of reach.
pub fn of_process(pidfd: BorrowedFd<'_>, kind: u32) -> Result<OwnedFd> {
    let number = match kind {
        CLONE_NEWCGROUP => 1,
        CLONE_NEWIPC => 2,
        CLONE_NEWNS => 3,
        CLONE_NEWNET => 4,
        CLONE_NEWPID => 5,
        CLONE_NEWTIME => 7,
        CLONE_NEWUSER => 9,
        CLONE_NEWUTS => 10,
        _ => return Err(Errno::INVAL),
    };
    let request = rustix::ioctl::opcode::none(MAGIC, number) as usize;
    // SAFETY: these take no argument but 0, and return a descriptor that is ours
    // alone, close-on-exec.
    unsafe {
        let fd = syscall(__NR_ioctl, [pidfd.as_raw_fd() as usize, request, 0, 0, 0, 0])?;
        Ok(OwnedFd::from_raw_fd(fd as i32))
    }
}
