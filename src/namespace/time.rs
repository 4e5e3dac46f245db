//! A new time namespace with offsets (time_namespaces(7)).

use crate::fault::{Act, Detail, Fault};
use crate::sys::clone::unshare;
use linux_raw_sys::general::CLONE_NEWTIME;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

/// Makes the children of this process be born in a new time namespace. `offsets`
/// are lines of `CLOCK SECONDS NANOSECONDS`; they can only be set while nobody
/// is in it.
pub fn unshare_time(offsets: Option<&str>) -> Act {
    unshare(CLONE_NEWTIME).map_err(|errno| {
        let hint = match errno {
            Errno::INVAL => "time namespaces need Linux 5.6 and CONFIG_TIME_NS",
            _ => "",
        };
        Fault::from(errno).hint(hint).detail("unshare")
    })?;
    if let Some(offsets) = offsets {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(CWD, c"/proc/self/timens_offsets", flags, Mode::empty())
            .detail("open \"/proc/self/timens_offsets\"")?;
        rustix::io::write(&file, offsets.as_bytes())
            .detail("write \"/proc/self/timens_offsets\"")?;
    }
    Ok(())
}
