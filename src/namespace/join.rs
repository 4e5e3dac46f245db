//! Joining namespaces by path, or those of a running container.

use super::{KINDS, name as kind_name};
use crate::error;
use crate::error::{Context, Result};
use crate::fault::{Act, Fault, Quoted};
use crate::named;
use crate::sys::clone::setns;
use crate::sys::fd::AsFd;
use crate::sys::namespace::of_process;
use crate::text;
use crate::text::c_string;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt;
use linux_raw_sys::general::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWUTS,
};
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, Stat, fstat, openat};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};

/// Namespaces that setns(2) joins in one call through a pidfd. The others take
/// effect for children only, or decide about what may be joined.
const AT_ONCE: u32 = CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWNS;

/// Namespaces to join through one descriptor.
pub struct Join {
    /// The `CLONE_NEW*` flag; several for a pidfd.
    pub kind: u32,
    /// Where it is, for messages.
    pub path: &'static CStr,
    /// A file of `/proc/PID/ns` or a pidfd; `None` until it is opened.
    pub fd: Option<OwnedFd>,
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "join namespace {}", Quoted(self.path))
    }
}

impl Join {
    /// One whose file, or process, is open already.
    fn opened(kind: u32, path: &'static str, fd: OwnedFd) -> Result<Join> {
        let path = c_string(path).ok_or_else(|| error!("a path with a null byte"))?;
        Ok(Join { kind, path, fd: Some(fd) })
    }

    /// Opens the file, where that has not been done.
    ///
    /// # Errors
    /// Those of open(2), with the path.
    pub fn open(&mut self) -> Result<()> {
        if self.fd.is_some() {
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let opened = openat(CWD, self.path, flags, Mode::empty())
            .context(|| text!("open namespace {}", Quoted(self.path)))?;
        self.fd = Some(opened);
        Ok(())
    }

    /// Whether it is the one that we are in; it is open, and of one kind.
    pub fn is_ours(&self) -> bool {
        let ours = named::stat(text::about("/proc/self/ns/{}", kind_name(self.kind)));
        let theirs = self.fd.as_ref().ok_or(Errno::BADF).and_then(fstat);
        // Who cannot tell takes it for ours.
        ours.is_err() || theirs.is_err() || ours.ok().map(id) == theirs.ok().map(id)
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
pub fn join_all<'a>(joins: impl Iterator<Item = &'a Join> + Clone) -> Act {
    let mut waiting: heapless::Vec<&Join, 16> = heapless::Vec::new();
    let has_user = joins.clone().any(|join| join.kind & CLONE_NEWUSER != 0);
    for join in joins.clone().filter(|join| join.kind != CLONE_NEWUSER) {
        match join.setns() {
            Ok(()) => {}
            Err(Errno::PERM | Errno::ACCESS) if has_user => {
                waiting.push(join).map_err(|_| Fault::new("too many namespaces"))?;
            }
            Err(_) => join.act().map_err(|fault| name(join, fault))?,
        }
    }
    for join in joins.filter(|join| join.kind == CLONE_NEWUSER) {
        join.act().map_err(|fault| name(join, fault))?;
    }
    for join in waiting {
        join.act().map_err(|fault| name(join, fault))?;
    }
    Ok(())
}

/// The namespaces of these kinds (`CLONE_NEW*` flags) of a container's init that
/// are not those we are in, opened. Those that were made for the container, which
/// are `new`, are not compared with ours.
///
/// # Errors
/// They are out of reach. Whoever asks makes sure, after this, that init is still
/// there.
pub fn of_init(pid: i32, kinds: u32, new: u32) -> Result<Vec<Join>> {
    let open = |pid| pidfd_open(pid, PidfdFlags::empty()).ok();
    // Before Linux 5.3 there are none.
    let pidfds = open(getpid()).zip(Pid::from_raw(pid).and_then(open));
    let (mut joins, mut at_once) = (Vec::new(), 0);
    // A kernel that shows namespaces by a pidfd joins them by it (Linux 5.8).
    let mut shown = false;
    for (kind, name) in KINDS.into_iter().filter(|kind| kinds & kind.0 != 0) {
        if shown && new & kind & AT_ONCE != 0 {
            at_once |= kind;
            continue;
        }
        let path = || text!("/proc/{pid}/ns/{name}");
        let by_pidfd = match &pidfds {
            // Who is in it already may join it again, but for a user namespace.
            Some((_, theirs)) if new & kind & !CLONE_NEWUSER != 0 => {
                of_process(theirs.as_fd(), kind).map(Some)
            }
            Some((ours, theirs)) => by_pidfd(ours, theirs, kind),
            None => Err(Errno::NOTTY),
        };
        shown |= by_pidfd.is_ok();
        let found = match by_pidfd {
            // Before Linux 6.11.
            Err(Errno::NOTTY | Errno::INVAL) => by_path(name, path()),
            result => result,
        };
        let Some(fd) = found.context(|| text::about_quoted("look at {}", path()))? else {
            continue;
        };
        joins.push(Join::opened(kind, path(), fd)?);
    }
    if let Some((_, theirs)) = pidfds.filter(|_| at_once != 0) {
        joins.push(Join::opened(at_once, text!("/proc/{pid}/ns"), theirs)?);
    }
    Ok(joins)
}

/// Their namespace where it is not ours; a kernel without this kind has it for
/// nobody.
fn by_pidfd(ours: &OwnedFd, theirs: &OwnedFd, kind: u32) -> rustix::io::Result<Option<OwnedFd>> {
    let ours = match of_process(ours.as_fd(), kind) {
        Err(Errno::OPNOTSUPP) => return Ok(None),
        result => result?,
    };
    unless_same(fstat(&ours)?, of_process(theirs.as_fd(), kind)?)
}

/// As [`by_pidfd`], by the files of /proc.
fn by_path(name: &str, theirs: &str) -> rustix::io::Result<Option<OwnedFd>> {
    let ours = match named::stat(text::about("/proc/self/ns/{}", name)) {
        Err(Errno::NOENT) => return Ok(None),
        result => result?,
    };
    unless_same(ours, named::open(theirs, OFlags::RDONLY)?)
}

fn unless_same(ours: Stat, theirs: OwnedFd) -> rustix::io::Result<Option<OwnedFd>> {
    let same = id(fstat(&theirs)?) == id(ours);
    Ok((!same).then_some(theirs))
}

fn id(stat: Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

fn name(join: &Join, fault: Fault) -> Fault {
    fault.detail(join)
}
