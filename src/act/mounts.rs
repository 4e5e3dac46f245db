//! `mounts`: mounts of a container that runs, added and removed.
//!
//! A new mount is made detached on our side, where its source is; a process that
//! has joined the container's mount namespace, and nothing else that the
//! container could see it through, moves it to its place.

use super::bundle::{read_config, read_document};
use super::channel::{self, Channel};
use super::prepare;
use super::protect;
use super::report::{self, Report};
use crate::container::process::Process;
use crate::container::{Directory, State, Status};
use crate::error;
use crate::error::{Context, Error, Result};
use crate::fault::{Act, Detail, Fault};
use crate::json::Document;
use crate::namespace;
use crate::namespace::join::{Join, join_all, of_init};
use crate::plan::mounts::{id_map, mount};
use crate::process::identity::become_root;
use crate::process::spawn::reap;
use crate::request::Caller;
use crate::rootfs::mount::Mount;
use crate::rootfs::{path, tree};
use crate::spec;
use crate::sys::clone::{Side, clone};
use crate::sys::descriptor::standard;
use crate::sys::exec::Strings;
use crate::sys::fd::AsFd;
use crate::text;
use alloc::vec::Vec;
use linux_raw_sys::general::{CLONE_NEWNS, CLONE_NEWUSER};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The listed bind mounts are made.
    Add,
    /// What is mounted at the destinations of those listed is unmounted.
    Remove,
}

/// Changes the mounts of a container as `file` (`-` is stdin) lists them: the
/// value of `mounts` of a configuration, or an object with that property.
///
/// # Errors
/// The file is not such a list; the container does not run; the kernel refuses a
/// mount: then none of the list is added.
#[inline(never)]
pub fn change(
    caller: &Caller,
    directory: &Directory<'_>,
    file: &str,
    change: Change,
) -> Result<()> {
    drop(protect::run_protected(caller.arguments, caller.environment)?);
    let (text, name) = match file {
        "-" => (read_document(standard(0), "-", 4096)?, "stdin"),
        file => (read_config(file)?, file),
    };
    let document = Document::parse(text, name)?;
    let lock = directory.lock()?;
    let state = directory.state()?;
    if matches!(lock.status(Some(state))?, Status::Stopped | Status::Creating) {
        return Err(Error::new("container not running"));
    }
    let joins = of_init(state.pid, CLONE_NEWNS | CLONE_NEWUSER, 0)?;
    // What was opened is only good if init was still init.
    if !Process::is_alive(state.pid, state.start_time)? {
        return Err(Error::new("container not running"));
    }
    if !joins.iter().any(|join| join.kind == CLONE_NEWNS) {
        return Err(Error::new("the container has no mount namespace: its mounts are the host's"));
    }
    let user = joins.iter().find(|join| join.kind == CLONE_NEWUSER);
    let has_user = (change == Change::Add).then_some(user.is_some());
    let mut mounts = Vec::new();
    for entry in &spec::Mount::read_list(&document, has_user)? {
        let mut mount = mount(entry, state.bundle)?;
        if change == Change::Add {
            mount.id_map = id_map(entry, &mount, &namespace::Plan::default())?;
            if mount.bind.is_none() || mount.remount {
                return Err(error!(
                    "{mount}: only bind mounts can be added to a container that runs"
                ));
            }
            mount.tree = Some(make(caller, &mount, user)?);
        }
        mounts.push(mount);
    }
    in_container(state, &joins, &mut mounts, change)
}

fn make(caller: &Caller, mount: &Mount, user: Option<&Join>) -> Result<OwnedFd> {
    let environment = Strings::new(caller.environment);
    let user = user.and_then(|join| join.fd.as_ref()).map(AsFd::as_fd);
    prepare::make(mount, user, &environment).map_err(|error| error.within(text!("{mount}")))
}

/// Has a process in the container's namespaces carry it out.
fn in_container(state: &State, joins: &[Join], mounts: &mut [Mount], change: Change) -> Result<()> {
    let what = || text!("enter container {}", state.id);
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let proc = openat(CWD, c"/proc", flags, Mode::empty()).context(|| "open \"/proc\"")?;
    let (ours, theirs) = channel::pair().context(what)?;
    match clone(0, None).context(what)? {
        Side::Child => {
            drop(ours);
            // Who shares our pid namespace must not look into us.
            let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
            carry_out(&theirs, proc.as_fd(), joins, mounts, change);
            crate::sys::exit(0)
        }
        Side::Parent(pid) => {
            drop(theirs);
            let mut packet = [0; report::MAX];
            let received = ours.receive(&mut packet);
            let ended = reap(pid).context(what)?;
            match received.context(what)?.0 {
                0 if ended.exit_status() == Some(0) => Ok(()),
                0 => Err(error!("{}: the process that did it died", what())),
                length => Err(report::decode(&packet[..length])),
            }
        }
    }
}

/// The other side: from here on nothing is allocated.
fn carry_out(
    channel: &Channel,
    proc: BorrowedFd<'_>,
    joins: &[Join],
    mounts: &mut [Mount],
    change: Change,
) {
    let entered = || -> core::result::Result<OwnedFd, Fault> {
        join_all(joins.iter())?;
        if joins.iter().any(|join| join.kind == CLONE_NEWUSER) {
            become_root()?;
        }
        // What is made has the modes that are given.
        rustix::process::umask(Mode::empty());
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(openat(CWD, c"/", flags, Mode::empty())?)
    };
    let root = match entered() {
        Ok(root) => root,
        Err(fault) => {
            let _ = channel.send(&Report::failed(&"enter the container", &fault));
            return;
        }
    };
    for index in 0..mounts.len() {
        let mount = &mounts[index];
        let result = match change {
            Change::Add => add(root.as_fd(), mount),
            Change::Remove => remove(root.as_fd(), proc, mount),
        };
        if let Err(fault) = result {
            let _ = match change {
                Change::Add => channel.send(&Report::failed(mount, &fault)),
                Change::Remove => {
                    let place = format_args!("unmount {}", crate::fault::Quoted(mount.destination));
                    channel.send(&Report::failed(&place, &fault))
                }
            };
            if change == Change::Add {
                let added = mounts[..index].iter().rev().filter_map(|mount| mount.tree.as_ref());
                for tree in added {
                    let _ = tree::unmount(proc, tree.as_fd());
                }
            }
            return;
        }
    }
}

fn add(root: BorrowedFd<'_>, mount: &Mount) -> Act {
    let tree = mount.tree.as_ref().ok_or(Errno::BADF)?;
    mount.place(root, tree.as_fd(), "").map(drop)
}

fn remove(root: BorrowedFd<'_>, proc: BorrowedFd<'_>, mount: &Mount) -> Act {
    let mounted = path::open_in(root, mount.destination).detail("open the mount point")?;
    tree::unmount(proc, mounted.as_fd()).map_err(|errno| match errno {
        Errno::INVAL => Fault::from(errno).hint("nothing is mounted there, or it is locked"),
        _ => errno.into(),
    })
}
