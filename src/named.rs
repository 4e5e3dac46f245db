//! Files of the host by a name that is a text, from where the process is; what a
//! container names is the affair of `rootfs::path`. One place, because each such
//! call makes a C string of the text.

use crate::text::c_string;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, openat, renameat, statat, unlinkat};
use rustix::io::{Errno, Result};

/// Opens what is there already, close-on-exec.
///
/// # Errors
/// Those of open(2); `EINVAL` for a text with a null byte.
pub fn open(path: &str, flags: OFlags) -> Result<OwnedFd> {
    openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty())
}

/// stat(2).
///
/// # Errors
/// Those of stat(2); `EINVAL` for a text with a null byte.
pub fn stat(path: &str) -> Result<Stat> {
    statat(CWD, path, AtFlags::empty())
}

/// rename(2).
///
/// # Errors
/// Those of rename(2); `EINVAL` for a text with a null byte.
pub fn rename(from: &str, to: &str) -> Result<()> {
    let (from, to) = c_string(from).zip(c_string(to)).ok_or(Errno::INVAL)?;
    renameat(CWD, from, CWD, to)
}

/// unlink(2).
///
/// # Errors
/// Those of unlink(2); `EINVAL` for a text with a null byte.
pub fn unlink(path: &str) -> Result<()> {
    unlinkat(CWD, path, AtFlags::empty())
}
