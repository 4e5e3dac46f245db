//! Joining namespaces by path, or those of a running container.

use super::KINDS;
use crate::error;
use crate::error::{Context, Result};
use crate::fault::{Act, Fault, Quoted};
use crate::sys::clone::setns;
use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::fmt;
use linux_raw_sys::general::CLONE_NEWUSER;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat, stat};
use rustix::io::Errno;

/// Namespaces to join through one descriptor.
pub struct Join {
    /// The `CLONE_NEW*` flag; several for a pidfd.
    pub kind: u32,
    /// Where it is, for messages.
    pub path: CString,
    /// A file of `/proc/PID/ns` or a pidfd; `None` until it is opened.
    pub fd: Option<OwnedFd>,
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "join namespace {}", Quoted(&self.path))
    }
}

impl Join {
    /// Opens the file.
    ///
    /// # Errors
    /// Those of open(2), with the path.
    pub fn open(&mut self) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let opened = openat(CWD, &*self.path, flags, Mode::empty())
            .context(|| format!("open namespace {}", Quoted(&self.path)))?;
        self.fd = Some(opened);
        Ok(())
    }

    fn setns(&self) -> rustix::io::Result<()> {
        let fd = self.fd.as_ref().ok_or(Errno::BADF)?;
        setns(fd.as_fd(), self.kind)
    }

    /// Joins.
    pub fn act(&self) -> Act {
        self.setns().map_err(|errno| match errno {
            Errno::INVAL => Fault::from(errno).hint("the file is not a namespace of this type"),
            _ => errno.into(),
        })
    }
}

/// Joins all, those of the host's privileges first: what the caller may not
/// join as it is, it joins after the user namespace that owns it.
pub fn join_all(joins: &[Join]) -> Act {
    let mut waiting: heapless::Vec<&Join, 16> = heapless::Vec::new();
    let has_user = joins.iter().any(|join| join.kind & CLONE_NEWUSER != 0);
    for join in joins.iter().filter(|join| join.kind != CLONE_NEWUSER) {
        match join.setns() {
            Ok(()) => {}
            Err(Errno::PERM | Errno::ACCESS) if has_user => {
                waiting.push(join).map_err(|_| Fault::new("too many namespaces"))?;
            }
            Err(_) => join.act().map_err(|fault| name(join, fault))?,
        }
    }
    for join in joins.iter().filter(|join| join.kind == CLONE_NEWUSER) {
        join.act().map_err(|fault| name(join, fault))?;
    }
    for join in waiting {
        join.act().map_err(|fault| name(join, fault))?;
    }
    Ok(())
}

/// The namespaces of a container's init that are not those we are in, opened.
///
/// # Errors
/// They are out of reach. Whoever asks makes sure, after this, that init is still
/// there.
pub fn of_init(pid: i32) -> Result<Vec<Join>> {
    let mut joins = Vec::new();
    for (kind, name) in KINDS {
        let (theirs, ours) = (format!("/proc/{}/ns/{name}", pid), format!("/proc/self/ns/{name}"));
        let own = match stat(&*ours) {
            // A kernel without this kind has it for nobody.
            Err(Errno::NOENT) => continue,
            result => result.context(|| alloc::format!("look at {ours:?}"))?,
        };
        let found = stat(&*theirs).context(|| format!("look at {theirs:?}"))?;
        if (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino) {
            continue;
        }
        let path = CString::new(theirs).map_err(|_| error!("a path with a null byte"))?;
        let mut join = Join { kind, path, fd: None };
        join.open()?;
        joins.push(join);
    }
    Ok(joins)
}

fn name(join: &Join, fault: Fault) -> Fault {
    fault.detail(join)
}
