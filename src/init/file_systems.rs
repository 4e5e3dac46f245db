//! The file systems that every Linux has, and the control groups.
//!
//! What is mounted already stays. A kernel without one of them is no reason to
//! stop: each says which option it lacks.

use crate::error::{Error, Result};
use crate::fault::Quoted;
use crate::sys::mount::mount;
use crate::text;
use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use linux_raw_sys::general::{MS_NODEV, MS_NOEXEC, MS_NOSUID};
use rustix::fs::{CWD, FileType, Mode, makedev, mkdirat, mknodat, stat, symlinkat};
use rustix::io::Errno;

/// A file system and its place.
struct Place {
    fstype: &'static CStr,
    target: &'static CStr,
    flags: u32,
    data: Option<&'static CStr>,
    option: &'static str,
}

const QUIET: u32 = MS_NOSUID | MS_NODEV | MS_NOEXEC;

const fn place(
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

const CGROUP: &CStr = c"/sys/fs/cgroup";

/// Mounts /proc.
///
/// # Errors
/// The kernel has none, or there is no directory.
pub fn mount_proc() -> Result<()> {
    PROC.mount()
}

/// Mounts all the others; `complain` gets what does not work.
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
    mount_cgroups().unwrap_or_else(complain);
}

impl Place {
    fn mount(&self) -> Result<()> {
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
fn is_mount_point(path: &CStr) -> bool {
    let above = format!("{}/..", path.to_string_lossy());
    match (stat(path), stat(&*above)) {
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
            Err(errno) => return Err(Error::os(text!("make device \"{path}\""), errno)),
        }
    }
    for (name, target) in [("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0")] {
        let _ = symlinkat(target, CWD, format!("/dev/{name}"));
    }
    Ok(())
}

/// Version 2, or where the kernel has only that each controller of version 1.
fn mount_cgroups() -> Result<()> {
    if is_mount_point(CGROUP) {
        return Ok(());
    }
    let none = |errno| Error::os("mount \"cgroup2\" on \"/sys/fs/cgroup\"", errno);
    let second = |data| mount(c"cgroup2", CGROUP, c"cgroup2", QUIET.into(), data);
    match second(Some(c"nsdelegate")) {
        // Before Linux 4.13 it takes no options.
        Err(Errno::INVAL) => return second(None).map_err(none),
        Err(Errno::NODEV | Errno::NOENT) => {}
        result => return result.map_err(none),
    }
    let controllers = controllers();
    if controllers.is_empty() {
        return Err(none(Errno::NODEV).hint("CONFIG_CGROUPS"));
    }
    place(c"tmpfs", CGROUP, QUIET, Some(c"mode=755"), "CONFIG_TMPFS").mount()?;
    for name in controllers {
        let path = format!("/sys/fs/cgroup/{}", name.to_string_lossy());
        let what = || text!("mount cgroup \"{path}\"");
        mkdirat(CWD, &*path, Mode::from_raw_mode(0o755))
            .map_err(|errno| Error::os(what(), errno))?;
        let Ok(target) = CString::new(&*path) else { continue };
        mount(c"cgroup", &target, c"cgroup", QUIET.into(), Some(&name))
            .map_err(|errno| Error::os(what(), errno))?;
    }
    Ok(())
}

/// The controllers of version 1 that are switched on.
fn controllers() -> Vec<CString> {
    let text = crate::act::bundle::read_config("/proc/cgroups").unwrap_or_default();
    switched_on(&alloc::string::String::from_utf8_lossy(&text))
}

/// The names in the text of /proc/cgroups: `NAME HIERARCHY CGROUPS ENABLED`.
fn switched_on(text: &str) -> Vec<CString> {
    text.lines()
        .filter(|line| !line.starts_with('#') && line.ends_with("\t1"))
        .filter_map(|line| CString::new(line.split('\t').next()?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_of_version_1() {
        let text = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n\
            cpu\t3\t1\t1\nmemory\t0\t1\t0\npids\t0\t1\t1\n";
        assert_eq!(switched_on(text), [c"cpu", c"pids"].map(CString::from));
        assert!(switched_on("").is_empty());
    }
}
