//! The end of the board: everything unmounted or read-only, everything on disk,
//! then power off, reboot or halt.

use super::board::Board;
use super::image;
use super::settings::Ending;
use super::sleep::{FOR_EVER, doze};
use super::watchdog::Watchdog;
use crate::mountinfo::Mounted;
use crate::sys::clock::monotonic;
use crate::sys::signal;
use crate::sys::signal::RECORD;
use crate::text::{self, c_string};
use alloc::vec::Vec;
use core::fmt;
use linux_raw_sys::general::{MS_RDONLY, MS_REMOUNT};
use rustix::event::{PollFd, PollFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
use rustix::process::{Signal, WaitOptions, wait};
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

/// How long everything else may take to end, in ms, before and after SIGKILL.
const LAST_WORDS: u64 = 1_000;
/// How long the process that ends the board may take, in ms.
const LAST_WORK: u64 = 60_000;

/// Ends everything that runs, and then the board: the first process's part. It
/// stays, whatever happens.
pub fn begin(
    board: &Board,
    how: Ending,
    watchdog: Option<Watchdog>,
    signals: Option<&OwnedFd>,
) -> ! {
    board.voice.notice(format_args!("{how}"));
    let _ = signal::send_to_all(Signal::TERM.as_raw());
    if !all_end_within(LAST_WORDS, signals) {
        let _ = signal::send_to_all(Signal::KILL.as_raw());
        all_end_within(LAST_WORDS, signals);
    }
    let ender = board.end(how, watchdog.as_ref());
    // From here on it is that process's alone, and counts.
    drop(watchdog);
    if ender.is_ok() {
        all_end_within(LAST_WORK, signals);
    }
    board.voice.error(format_args!("{how}: it did not work; the board stays as it is"));
    loop {
        all_end_within(FOR_EVER, signals);
    }
}

/// Reaps until there is no child any more, or time is up; whether there is none.
fn all_end_within(milliseconds: u64, signals: Option<&OwnedFd>) -> bool {
    let until = monotonic().saturating_add(milliseconds);
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => continue,
            Err(_) if milliseconds != FOR_EVER => return true,
            _ => {}
        }
        let now = monotonic();
        if now >= until {
            return false;
        }
        let left = if milliseconds == FOR_EVER { FOR_EVER } else { until - now };
        let Some(signals) = signals else {
            doze(&mut [], left);
            continue;
        };
        doze(&mut [PollFd::new(signals, PollFlags::IN)], left);
        let mut records = [0; 8 * RECORD];
        let _ = rustix::io::read(signals, &mut records[..]);
    }
}

/// Does the rest, in a process of its own: who calls reboot(2) may end by it, and
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
    let text = text::lossy(text);
    let mut mounts: Vec<&str> = text.lines().collect();
    while let Some(line) = mounts.pop() {
        let Some(mounted) = Mounted::parse(line) else { continue };
        if !mounted.source.starts_with('/') {
            continue;
        }
        let (Some(point), Some(fstype), Some(source)) =
            (c_string(mounted.point), c_string(mounted.fstype), c_string(mounted.source))
        else {
            continue;
        };
        if unmount(point, UnmountFlags::NOFOLLOW).is_err() {
            let flags = (MS_REMOUNT | MS_RDONLY).into();
            let _ = crate::sys::mount::mount(source, point, fstype, flags, None);
        }
    }
}
