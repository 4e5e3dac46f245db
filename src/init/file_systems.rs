//! The file systems that every Linux has.
//!
//! What is mounted already stays. A kernel without one of them is no reason to
//! stop: each says which option it lacks.

use crate::error::{Error, Result};
use crate::fault::Quoted;
use crate::named;
use crate::sys::mount::mount;
use crate::text;
use alloc::format;
use core::ffi::CStr;
use linux_raw_sys::general::{MS_NODEV, MS_NOEXEC, MS_NOSUID};
use rustix::fs::{CWD, FileType, Mode, makedev, mkdirat, mknodat, symlinkat};
use rustix::io::Errno;

/// A file system and its place.
pub struct Place {
    fstype: &'static CStr,
    target: &'static CStr,
    flags: u32,
    data: Option<&'static CStr>,
    option: &'static str,
}

/// For file systems without programs and devices.
pub const QUIET: u32 = MS_NOSUID | MS_NODEV | MS_NOEXEC;

/// A file system that is to be mounted at `target`.
pub const fn place(
    fstype: &'static CStr,
    target: &'static CStr,
    flags: u32,
    data: Option<&'static CStr>,
    option: &'static str,
) -> Place {
    Place { fstype, target, flags, data, option }
}

/// Where processes are seen: first of all, since much is found through it.
const PROC: Place = place(c"proc", c"/proc", QUIET, None, "CONFIG_PROC_FS");

const DEV: Place = place(c"devtmpfs", c"/dev", MS_NOSUID, Some(c"mode=755"), "CONFIG_DEVTMPFS");

/// The others, in their order.
const PLACES: [Place; 5] = [
    place(c"sysfs", c"/sys", QUIET, None, "CONFIG_SYSFS"),
    place(
        c"devpts",
        c"/dev/pts",
        MS_NOSUID | MS_NOEXEC,
        Some(c"mode=620,ptmxmode=666"),
        "CONFIG_UNIX98_PTYS",
    ),
    place(c"tmpfs", c"/dev/shm", MS_NOSUID | MS_NODEV, Some(c"mode=1777"), "CONFIG_TMPFS"),
    place(c"tmpfs", c"/run", MS_NOSUID | MS_NODEV, Some(c"mode=755"), "CONFIG_TMPFS"),
    place(c"tmpfs", c"/tmp", MS_NOSUID | MS_NODEV, Some(c"mode=1777"), "CONFIG_TMPFS"),
];

/// Mounts /proc.
///
/// # Errors
/// The kernel has none, or there is no directory.
pub fn mount_proc() -> Result<()> {
    PROC.mount()
}

/// Mounts all the others; `complain` gets what does not work.
#[inline(never)]
pub fn mount_all(complain: &mut dyn FnMut(Error)) {
    if let Err(error) = DEV.mount() {
        let lacks = error.errno == Some(Errno::NODEV);
        complain(error);
        if lacks {
            make_devices().unwrap_or_else(&mut *complain);
        }
    }
    for place in &PLACES {
        place.mount().unwrap_or_else(&mut *complain);
    }
}

impl Place {
    /// Mounts it, if nothing is there yet.
    ///
    /// # Errors
    /// The kernel has none, or there is no directory.
    pub fn mount(&self) -> Result<()> {
        match mkdirat(CWD, self.target, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => {
                return Err(Error::os(text!("make directory {}", Quoted(self.target)), errno));
            }
        }
        if is_mount_point(self.target) {
            return Ok(());
        }
        match mount(self.fstype, self.target, self.fstype, self.flags.into(), self.data) {
            Ok(()) | Err(Errno::BUSY) => Ok(()),
            Err(errno) => {
                let what = text!("mount {} on {}", Quoted(self.fstype), Quoted(self.target));
                let error = Error::os(what, errno);
                Err(if errno == Errno::NODEV { error.hint(self.option) } else { error })
            }
        }
    }
}

/// Whether something is mounted there: it is on another device than what is
/// above it.
pub fn is_mount_point(path: &CStr) -> bool {
    let above = format!("{}/..", crate::text::lossy(path.to_bytes()));
    match (rustix::fs::stat(path), named::stat(&above)) {
        (Ok(here), Ok(there)) => here.st_dev != there.st_dev,
        _ => false,
    }
}

/// The devices that programs count on, where the kernel makes none itself.
/// Numbers: Documentation/admin-guide/devices.txt.
fn make_devices() -> Result<()> {
    const DEVICES: [(&str, u32, u32, u32); 10] = [
        ("null", 1, 3, 0o666),
        ("zero", 1, 5, 0o666),
        ("full", 1, 7, 0o666),
        ("random", 1, 8, 0o666),
        ("urandom", 1, 9, 0o666),
        ("kmsg", 1, 11, 0o644),
        ("tty", 5, 0, 0o666),
        ("console", 5, 1, 0o600),
        ("ptmx", 5, 2, 0o666),
        ("watchdog", 10, 130, 0o600),
    ];
    place(c"tmpfs", c"/dev", MS_NOSUID, Some(c"mode=755"), "CONFIG_TMPFS").mount()?;
    for (name, major, minor, mode) in DEVICES {
        let path = format!("/dev/{name}");
        let (kind, device) = (FileType::CharacterDevice, makedev(major, minor));
        match mknodat(CWD, &*path, kind, Mode::from_raw_mode(mode), device) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(Error::os(text::about("make device \"{}\"", &path), errno)),
        }
    }
    for (name, target) in [("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0")] {
        let _ = symlinkat(target, CWD, format!("/dev/{name}"));
    }
    Ok(())
}
