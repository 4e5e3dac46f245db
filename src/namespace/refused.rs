//! Why a namespace could not be made, in words.

use super::KINDS;
use crate::fault::{Fault, Text};
use core::fmt::Write;
use linux_raw_sys::general::CLONE_NEWUSER;
use rustix::io::Errno;

/// Says which namespaces could not be made, and what to do.
pub fn refused(flags: u32, errno: Errno) -> Fault {
    let hint = match errno {
        Errno::PERM if flags & CLONE_NEWUSER == 0 => {
            "new namespaces need root, or a user namespace (see `ocinit spec --rootless`)"
        }
        Errno::PERM => {
            "user namespaces may be forbidden here: see sysctl \
            kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns"
        }
        Errno::NOSPC => "there are too many namespaces: see /proc/sys/user",
        Errno::INVAL => "this kernel may lack a kind of namespace (CONFIG_NAMESPACES)",
        _ => "",
    };
    let mut text = Text::EMPTY;
    let _ = text.write_str("create namespaces:");
    for (flag, name) in KINDS {
        if flags & flag != 0 {
            let _ = write!(text, " {name}");
        }
    }
    Fault::from(errno).hint(hint).detail(text).whole()
}
