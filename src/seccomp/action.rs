//! What a filter returns: `SECCOMP_RET_*` of include/uapi/linux/seccomp.h.

use crate::spec::SeccompAction;

/// The thread dies. Also what libseccomp answers to calls of an architecture
/// that the filter does not know.
pub const KILL_THREAD: u32 = 0;
/// The process dies.
pub const KILL_PROCESS: u32 = 0x8000_0000;
/// SIGSYS.
pub const TRAP: u32 = 0x0003_0000;
/// The call fails with the errno in the low half.
pub const ERRNO: u32 = 0x0005_0000;
/// The listener decides.
pub const USER_NOTIF: u32 = 0x7fc0_0000;
/// The tracer decides; it gets the low half.
pub const TRACE: u32 = 0x7ff0_0000;
/// The call is made, and logged.
pub const LOG: u32 = 0x7ffc_0000;
/// The call is made.
pub const ALLOW: u32 = 0x7fff_0000;

/// The call fails because the kernel does not have it.
pub const ENOSYS: u32 = ERRNO | linux_raw_sys::errno::ENOSYS;
const EPERM: u32 = 1;

/// The value that a filter returns for an action of the profile with its
/// `errnoRet`, of which the kernel takes 16 bits (seccomp(2)); unset is EPERM.
pub fn value(action: SeccompAction, errno: Option<u32>) -> u32 {
    let data = errno.unwrap_or(EPERM) & 0xffff;
    match action {
        SeccompAction::Allow => ALLOW,
        SeccompAction::Errno => ERRNO | data,
        SeccompAction::Kill | SeccompAction::KillThread => KILL_THREAD,
        SeccompAction::KillProcess => KILL_PROCESS,
        SeccompAction::Log => LOG,
        SeccompAction::Notify => USER_NOTIF,
        SeccompAction::Trace => TRACE | data,
        SeccompAction::Trap => TRAP,
    }
}
