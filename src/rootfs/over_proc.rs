//! What may be mounted on /proc, and in it.

use crate::fault::Fault;
use core::ffi::CStr;
use linux_raw_sys::general::{PROC_SUPER_MAGIC, SYSFS_MAGIC};
use rustix::fd::BorrowedFd;
use rustix::fs::{fstat, fstatfs};

/// The inode of the root of every procfs (`PROC_ROOT_INO` of the kernel's
/// include/linux/proc_ns.h) and sysfs (the first that fs/kernfs/dir.c gives).
const ROOT_INO: u32 = 1;

/// Files of procfs over which a file can be mounted: what lxcfs and the like
/// show differently to each container.
const IN_PROC: [&str; 10] = [
    "cpuinfo",
    "diskstats",
    "meminfo",
    "stat",
    "swaps",
    "uptime",
    "loadavg",
    "slabinfo",
    "sys/kernel/ns_last_pid",
    "sys/crypto/fips_enabled",
];

/// The names in a path, without the dots.
fn components(path: &CStr) -> impl Iterator<Item = &[u8]> {
    path.to_bytes().split(|byte| *byte == b'/').filter(|name| !name.is_empty() && *name != b".")
}

/// Where a mount comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On /proc, or on the root of a procfs.
    Proc,
    /// On /sys, or on the root of a sysfs.
    Sys,
    /// Anywhere else.
    Elsewhere,
}

/// A false /proc would deceive whoever sets up the container, now and at
/// every `exec` (CVE-2019-16884): on /proc goes a procfs only, and in it only
/// files that are known to be shown differently to containers, by bind mounts
/// (`binds`). `destination` is the target's path in the container.
pub fn check(
    destination: &CStr,
    binds: bool,
    mount: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
) -> Result<Place, Fault> {
    let kind = |fd: BorrowedFd<'_>| -> Result<u64, Fault> { Ok(fstatfs(fd)?.f_type as u64) };
    let proc = u64::from(PROC_SUPER_MAGIC);
    let named = |name: &[u8]| components(destination).eq([name]);
    let below = kind(target)?;
    let is_root = || Ok::<bool, Fault>(fstat(target)?.st_ino == u64::from(ROOT_INO));
    if below != proc && !named(b"proc") {
        let sys = named(b"sys") || below == u64::from(SYSFS_MAGIC) && is_root()?;
        return Ok(if sys { Place::Sys } else { Place::Elsewhere });
    }
    if named(b"proc") || is_root()? {
        if kind(mount)? == proc {
            return Ok(Place::Proc);
        }
        return Err(Fault::new("only a procfs can be mounted on /proc"));
    }
    let allowed = |file: &&str| {
        let parts = core::iter::once("proc").chain(file.split('/'));
        components(destination).eq(parts.map(str::as_bytes))
    };
    if binds && IN_PROC.iter().any(allowed) {
        return Ok(Place::Elsewhere);
    }
    Err(Fault::new("it is inside /proc, where nothing can be mounted"))
}
