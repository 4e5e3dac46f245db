//! keyctl(2): a session keyring of the container's own.

use super::raw::syscall;
use core::ffi::CStr;
use linux_raw_sys::general::__NR_keyctl;
use rustix::io::Result;

const KEYCTL_JOIN_SESSION_KEYRING: usize = 1;

/// Gives the process a new session keyring of this name (keyctl(2),
/// `KEYCTL_JOIN_SESSION_KEYRING`). `ENOSYS` where the kernel has no keys.
pub fn join_session_keyring(name: &CStr) -> Result<()> {
    // SAFETY: the name lives across the call.
    unsafe {
        syscall(__NR_keyctl, [KEYCTL_JOIN_SESSION_KEYRING, name.as_ptr() as usize, 0, 0, 0, 0])
    }
    .map(drop)
}
