//! The end of the board: everything unmounted or read-only, everything on disk,
//! then power off, reboot or halt.

use super::image;
use super::settings::Ending;
use super::task::Board;
use super::watchdog::Watchdog;
use alloc::ffi::CString;
use alloc::string::String;
use core::fmt;
use linux_raw_sys::general::{MS_RDONLY, MS_REMOUNT};
use rustix::mount::{UnmountFlags, unmount};
use rustix::system::{RebootCommand, reboot};

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ending::PowerOff => "powering off",
            Ending::Reboot => "rebooting",
            Ending::Halt => "halting",
        })
    }
}

/// Does it all, in a process of its own: who calls reboot(2) may end by it, and
/// the end of the first process is a panic of the kernel. Returns when the
/// kernel did not do it.
pub fn carry_out(board: &Board, how: Ending, watchdog: Option<&Watchdog>) -> u8 {
    image::unmount_all();
    if board.whole {
        leave_file_systems();
        rustix::fs::sync();
    }
    if let Some(watchdog) = watchdog {
        // We are the last who have it open. Whatever hangs before this line
        // ends by its reset.
        watchdog.disarm();
        crate::sys::descriptor::close_inherited(watchdog.device());
    }
    let command = match how {
        Ending::PowerOff => RebootCommand::PowerOff,
        Ending::Reboot => RebootCommand::Restart,
        Ending::Halt => RebootCommand::Halt,
    };
    if let Err(errno) = reboot(command) {
        board.voice.error(format_args!("{how}: reboot: {}", crate::errno::Described(errno)));
    }
    1
}

/// Unmounts every file system that is on a device, the last mounted first, or
/// makes it read-only where it is in use.
fn leave_file_systems() {
    let text = crate::act::bundle::read_config("/proc/self/mountinfo").unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    for line in text.lines().rev() {
        let Some((point, fstype, source)) = mounted(line) else { continue };
        if !source.starts_with('/') {
            continue;
        }
        let (Ok(point), Ok(fstype), Ok(source)) =
            (CString::new(point), CString::new(fstype), CString::new(source))
        else {
            continue;
        };
        if unmount(&*point, UnmountFlags::NOFOLLOW).is_err() {
            let flags = (MS_REMOUNT | MS_RDONLY).into();
            let _ = crate::sys::mount::mount(&source, &point, &fstype, flags, None);
        }
    }
}

/// Mount point, type and source of a line of mountinfo.
fn mounted(line: &str) -> Option<(&str, &str, &str)> {
    let (left, right) = line.split_once(" - ")?;
    let mut right = right.split(' ');
    Some((left.split(' ').nth(4)?, right.next()?, right.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_mountinfo() {
        let line = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        assert_eq!(mounted(line), Some(("/mnt2", "ext3", "/dev/root")));
        assert_eq!(mounted("36 35"), None);
        assert_eq!(mounted("1 2 3:4 / /x rw - tmpfs"), None);
    }
}
