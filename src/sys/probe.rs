//! What the kernel knows, asked by calls that it must refuse: nothing changes.

use super::clone::{CLONE3, Side, clone};
use super::raw::syscall;
use linux_raw_sys::general::*;
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::{Errno, Result};

/// A call to ask for.
pub struct Call {
    /// What it is called.
    pub name: &'static str,
    /// Where it comes from.
    pub needs: &'static str,
    number: u32,
    arguments: [usize; 3],
    /// What the kernel says, beside `ENOSYS`, where it has the call but not
    /// this form of it.
    unknown: Errno,
}

/// No flag and no descriptor.
const NONE: usize = usize::MAX;
/// `LANDLOCK_CREATE_RULESET_VERSION` of include/uapi/linux/landlock.h.
const RULESET_VERSION: usize = 1;
/// `CLOSE_RANGE_CLOEXEC` of include/uapi/linux/close_range.h.
const RANGE_CLOEXEC: usize = 4;
const LAST: usize = u32::MAX as usize;

const fn call(name: &'static str, needs: &'static str, number: u32, arguments: [usize; 3]) -> Call {
    Call { name, needs, number, arguments, unknown: Errno::NOSYS }
}

/// The calls. What is passed is refused before anything is done: sizes of 0,
/// null pointers, all flags at once, descriptors that cannot be open.
pub const CALLS: [Call; 9] = [
    call("clone3", "Linux 5.3", CLONE3, [0, 0, 0]),
    call("openat2", "Linux 5.6", __NR_openat2, [NONE, 0, 0]),
    call("mount API", "Linux 5.2", __NR_open_tree, [NONE, 0, LAST]),
    call("mount_setattr", "Linux 5.12", __NR_mount_setattr, [NONE, 0, LAST]),
    call("pidfd_open", "Linux 5.3", __NR_pidfd_open, [0, 0, 0]),
    // No descriptor has this number, so none is marked.
    Call {
        unknown: Errno::INVAL,
        ..call("close_range", "Linux 5.11", __NR_close_range, [LAST, LAST, RANGE_CLOEXEC])
    },
    call("keyrings", "CONFIG_KEYS", __NR_keyctl, [LAST, 0, 0]),
    call("memory policies", "CONFIG_NUMA", __NR_get_mempolicy, [0, 0, 0]),
    // It answers with a version.
    Call {
        unknown: Errno::OPNOTSUPP,
        ..call(
            "landlock",
            "Linux 5.13, CONFIG_SECURITY_LANDLOCK, and lsm=landlock",
            __NR_landlock_create_ruleset,
            [0, 0, RULESET_VERSION],
        )
    },
];

impl Call {
    /// Whether the kernel has it.
    pub fn is_known(&self) -> bool {
        let [a, b, c] = self.arguments;
        // SAFETY: as `CALLS` says, no pointer but null is passed, and the calls
        // change nothing with these arguments.
        let result = unsafe { syscall(self.number, [a, b, c, 0, 0, 0]) };
        !result.is_err_and(|errno| errno == Errno::NOSYS || errno == self.unknown)
    }
}

/// Whether the kernel has the call of this name in [`CALLS`].
pub fn knows(name: &str) -> bool {
    CALLS.iter().any(|call| call.name == name && call.is_known())
}

/// Whether `CLONE_INTO_CGROUP` is known (Linux 5.7), by a clone into a cgroup
/// that no descriptor stands for. Only for a kernel that has cgroups: another
/// one may ignore the flag, and then there is a process for a moment.
pub fn clones_into_cgroup() -> bool {
    match super::descriptor::borrow(i32::MAX).map(|closed| clone(0, Some(closed))) {
        Some(Ok(Side::Child)) => super::exit(0),
        Some(Ok(Side::Parent(pid))) => {
            let _ = crate::process::spawn::reap(pid);
            false
        }
        Some(Err(errno)) => errno == Errno::BADF,
        None => false,
    }
}

/// The kind of the namespace that a file is (`CLONE_NEW*`; ioctl_ns(2)).
///
/// # Errors
/// `ENOTTY` where it is none.
pub fn namespace_kind(file: BorrowedFd<'_>) -> Result<u32> {
    let request = super::ioctl::NS_GET_NSTYPE as usize;
    // SAFETY: the request takes no pointer.
    unsafe { syscall(__NR_ioctl, [file.as_raw_fd() as usize, request, 0, 0, 0, 0]) }
        .map(|kind| kind as u32)
}
