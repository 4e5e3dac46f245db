//! Joining namespaces by path, or those of a running container.

use crate::fault::{Act, Fault, Quoted};
use crate::sys::clone::setns;
use alloc::ffi::CString;
use core::fmt;
use linux_raw_sys::general::CLONE_NEWUSER;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
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
    pub fn open(&mut self) -> crate::error::Result<()> {
        use crate::error::Context;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let opened = openat(CWD, &*self.path, flags, Mode::empty())
            .context(|| alloc::format!("open namespace {}", Quoted(&self.path)))?;
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

fn name(join: &Join, fault: Fault) -> Fault {
    fault.detail(join)
}
