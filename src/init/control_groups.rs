//! The control groups: version 2 with all controllers in one tree, or version 1
//! with a tree for each.
//!
//! Nobody has mounted any when a board comes up, so either can be had of a kernel
//! that has both. Unless the settings say which, it is version 2; but an old
//! kernel lacks controllers there: io, memory and pids came with it (Linux 4.5),
//! cpu with 4.15, cpuset with 5.0. A limit that holds is worth more than the
//! newer interface.

use super::file_systems::{QUIET, is_mount_point, place};
use super::settings::Version;
use crate::act::bundle::read_config;
use crate::error;
use crate::error::{Context, Error, Result};
use crate::sys::mount::mount;
use crate::text::{self, c_string};
use alloc::vec::Vec;
use core::ffi::CStr;
use rustix::fs::{CWD, Mode, mkdirat};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};

const PLACE: &CStr = c"/sys/fs/cgroup";

/// What most limits are made with: the names in version 1 and in version 2. Huge
/// pages, in version 2 since Linux 5.6, are for few, and no reason to give it up.
const COMMON: [(&str, &str); 5] =
    [("blkio", "io"), ("cpu", "cpu"), ("cpuset", "cpuset"), ("memory", "memory"), ("pids", "pids")];

/// Mounts them, if there are none yet; `complain` gets what does not work. A
/// version that is wanted and cannot be had is said, and the other one is taken.
///
/// Without a whole machine we are in a container: what version 2 lacks there was
/// not given to us, or others have it in version 1.
pub fn mount_all(wanted: Option<Version>, whole: bool, complain: &mut dyn FnMut(Error)) {
    if is_mount_point(PLACE) {
        return;
    }
    if wanted != Some(Version::First) {
        match mount_second() {
            Ok(()) if wanted.is_some() || !whole => return,
            Ok(()) if !first_has_more(of_second(), of_first) => return,
            // As good as nothing, but better than nothing.
            Ok(()) if unmount(PLACE, UnmountFlags::empty()).is_err() => return,
            Err(error) if wanted.is_some() || error.errno != Some(Errno::NODEV) => complain(error),
            _ => {}
        }
    }
    let controllers = of_first();
    if !controllers.is_empty() {
        return mount_first(&controllers, complain);
    }
    complain(error!("this kernel has no controllers for cgroup v1").hint("CONFIG_CGROUPS"));
    if wanted == Some(Version::First) {
        mount_second().unwrap_or_else(complain);
    }
}

/// Whether version 2, which has the controllers in the text, lacks one that is
/// common and that version 1 has.
fn first_has_more(second: &str, first: impl FnOnce() -> Vec<&'static str>) -> bool {
    let has = |name: &str| second.split_ascii_whitespace().any(|other| other == name);
    let lacks = || COMMON.iter().filter(|(_, name)| !has(name));
    // Newer kernels log it when somebody asks for the others.
    lacks().next().is_some() && {
        let first = first();
        lacks().any(|(name, _)| first.iter().any(|other| other == name))
    }
}

fn mount_second() -> Result<()> {
    let mount = |data| mount(c"cgroup2", PLACE, c"cgroup2", QUIET.into(), data);
    match mount(Some(c"nsdelegate")) {
        // Before Linux 4.13 it takes no options.
        Err(Errno::INVAL) => mount(None),
        // There is no such directory in a sysfs without control groups.
        Err(Errno::NOENT) => Err(Errno::NODEV),
        result => result,
    }
    .context(|| "mount \"cgroup2\" on \"/sys/fs/cgroup\"")
}

/// Mounts a tree for each controller; without one the others are still of use.
fn mount_first(controllers: &[&str], complain: &mut dyn FnMut(Error)) {
    if let Err(error) = place(c"tmpfs", PLACE, QUIET, Some(c"mode=755"), "CONFIG_TMPFS").mount() {
        return complain(error);
    }
    for name in controllers {
        let path = text::about("/sys/fs/cgroup/{}", name);
        let mounted = mkdirat(CWD, path, Mode::from_raw_mode(0o755)).and_then(|()| {
            let (target, name) = c_string(path).zip(c_string(name)).ok_or(Errno::INVAL)?;
            mount(c"cgroup", target, c"cgroup", QUIET.into(), Some(name))
        });
        mounted.context(|| text::about("mount cgroup \"{}\"", path)).unwrap_or_else(&mut *complain);
    }
}

/// The controllers of version 2, where it is mounted.
fn of_second() -> &'static str {
    read("/sys/fs/cgroup/cgroup.controllers")
}

/// The controllers that version 1 may have.
fn of_first() -> Vec<&'static str> {
    switched_on(read("/proc/cgroups"))
}

fn read(path: &str) -> &'static str {
    core::str::from_utf8(read_config(path).unwrap_or_default()).unwrap_or_default()
}

/// The names in the text of /proc/cgroups: `NAME HIERARCHY CGROUPS ENABLED`.
fn switched_on(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| !line.starts_with('#') && line.ends_with("\t1"))
        .filter_map(|line| line.split('\t').next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_of_version_1() {
        let text = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n\
            cpu\t3\t1\t1\nmemory\t0\t1\t0\npids\t0\t1\t1\n";
        assert_eq!(switched_on(text), ["cpu", "pids"]);
        assert!(switched_on("").is_empty());
    }

    #[test]
    fn version_1_where_it_can_do_more() {
        let all = ["cpuset", "cpu", "blkio", "memory", "devices", "freezer", "hugetlb", "pids"];
        for (second, first, more) in [
            // Linux 4.9 and 4.19.
            ("io memory pids\n", &all[..], true),
            ("cpu io memory pids rdma\n", &all, true),
            // The same without cpusets.
            ("cpu io memory pids rdma\n", &["cpu", "blkio", "memory", "pids"], false),
            // Linux 5.4: huge pages alone are missing.
            ("cpuset cpu io memory pids rdma\n", &all, false),
            ("cpuset cpu io memory hugetlb pids rdma misc\n", &all, false),
            // Switched off, in both then; a kernel without version 1.
            ("cpuset cpu io pids\n", &["cpuset", "cpu", "blkio", "pids"], false),
            ("cpuset cpu io pids\n", &[], false),
            ("", &[], false),
        ] {
            assert_eq!(first_has_more(second, || first.to_vec()), more, "{second:?} {first:?}");
        }
        let never = || -> Vec<&'static str> { panic!("nothing is missing") };
        assert!(!first_has_more("cpuset cpu io memory pids\n", never));
    }
}
