//! keyctl(2): a session keyring of the container's own.

use super::raw::syscall;
use core::ffi::CStr;
use linux_raw_sys::general::__NR_keyctl;
use rustix::io::{Errno, Result};

const KEYCTL_JOIN_SESSION_KEYRING: usize = 1;

const KEYCTL_SETPERM: usize = 5;

/// What a new session keyring allows (all to its possessor; view, read and link
/// to its owner; keyrings(7)), and that its owner may find it by its name.
const SEARCHABLE: usize = 0x3f1b_0000;

/// Gives the process the session keyring of this name, a new one where there is
/// none that it may search (keyctl(2), `KEYCTL_JOIN_SESSION_KEYRING`), and lets
/// other processes of its owner join it. `ENOSYS` where the kernel has no keys.
pub fn join_session_keyring(name: &CStr) -> Result<()> {
    let join = [KEYCTL_JOIN_SESSION_KEYRING, name.as_ptr() as usize, 0, 0, 0, 0];
    // SAFETY: the name lives across the call.
    let keyring = unsafe { syscall(__NR_keyctl, join) }?;
    // SAFETY: takes numbers.
    match unsafe { syscall(__NR_keyctl, [KEYCTL_SETPERM, keyring, SEARCHABLE, 0, 0, 0]) } {
        // One that was joined may not be ours to change, and allows it already.
        Ok(_) | Err(Errno::ACCESS) => Ok(()),
        Err(errno) => Err(errno),
    }
}
