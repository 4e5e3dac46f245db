//! Mounts that the command makes, before the container's first process exists:
//! those that need the host's privileges.
//!
//! Root of a user namespace may not reach a bind mount's source (the
//! directories of Kubernetes' volumes are closed to others), so in one the
//! command opens it too, for the case that it is needed.
//!
//! An id-mapped mount (mount_setattr(2), `MOUNT_ATTR_IDMAP`) takes its map from a
//! user namespace. That of the container may not exist yet, and a mount may have
//! a map of its own: a process that does nothing holds one as long as it takes.
//! The first process inherits the detached mounts, and moves them to their
//! places.

use super::channel;
use crate::error::{Context, Error, Result};
use crate::named;
use crate::namespace::idmap::IdMaps;
use crate::plan::{Op, Plan};
use crate::process::spawn::reap;
use crate::rootfs::mount::Mount;
use crate::rootfs::tree::{Recursion, clone_tree};
use crate::sys::clone::{Side, clone};
use crate::sys::exec::Strings;
use crate::sys::fd::AsFd;
use crate::sys::mount::{Attributes, mount_idmap, mount_setattr};
use crate::text;
use linux_raw_sys::general::{CLONE_NEWUSER, MS_SLAVE};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::OFlags;
use rustix::io::Errno;

/// Makes the mounts of the plan that are the command's to make. Namespaces to
/// join must be open.
///
/// # Errors
/// The kernel's, with what it lacks.
pub fn prepare(plan: &mut Plan, environment: &Strings) -> Result<()> {
    let joined = plan.namespaces.join.iter().find(|join| join.kind == CLONE_NEWUSER);
    let joined = joined.and_then(|join| join.fd.as_ref()).map(AsFd::as_fd);
    for op in &mut plan.ops {
        if let Op::Mount(mount) = op
            && mount.by_command
        {
            match make(mount, joined, environment) {
                Ok(tree) => mount.tree = Some(tree),
                // The first process will come as far itself, or say why not.
                Err(_) if mount.id_map.is_none() => {}
                Err(error) => return Err(error.within(text!("{mount}"))),
            }
        }
    }
    Ok(())
}

/// One of them, detached.
///
/// # Errors
/// The kernel's, with what it lacks.
pub fn make(
    mount: &Mount,
    joined: Option<BorrowedFd<'_>>,
    environment: &Strings,
) -> Result<OwnedFd> {
    let recursion = mount.bind.unwrap_or(Recursion::One);
    let tree = clone_tree(mount.source, recursion).context(|| "open_tree")?;
    // In the container's own mount namespace it would be one already.
    let slave = Attributes { propagation: u64::from(MS_SLAVE), ..Attributes::default() };
    mount_setattr(tree.as_fd(), slave, true)
        .and_then(|()| mount.set_attributes(tree.as_fd()))
        .context(|| "mount_setattr")?;
    if let Some(map) = &mount.id_map {
        let namespace;
        let namespace = match (&map.maps, joined) {
            (Some(maps), _) => {
                namespace = user_namespace(maps, environment)?;
                namespace.as_fd()
            }
            (None, Some(joined)) => joined,
            (None, None) => return Err(Error::new("idmap: there is no user namespace")),
        };
        mount_idmap(tree.as_fd(), namespace, map.recursion == Recursion::All).map_err(|errno| {
            let error = Error::os("map the owners", errno);
            match errno {
                Errno::INVAL => error.hint("this file system cannot be mapped on this kernel"),
                Errno::PERM => error.hint("it needs root, and a file system of the host"),
                Errno::NOSYS => error.hint("it needs Linux 5.12"),
                _ => error,
            }
        })?;
    }
    Ok(tree)
}

/// A user namespace with these maps.
fn user_namespace(maps: &IdMaps, environment: &Strings) -> Result<OwnedFd> {
    let what = || "make a user namespace for the map";
    let (ours, theirs) = channel::pair().context(what)?;
    match clone(CLONE_NEWUSER, None).context(what)? {
        Side::Child => {
            drop(ours);
            let _ = theirs.wait_go();
            crate::sys::exit(0)
        }
        Side::Parent(pid) => {
            let path = text!("/proc/{}/ns/user", pid.as_raw_nonzero());
            let made = maps
                .write(pid, environment)
                .and_then(|()| named::open(path, OFlags::RDONLY).context(what));
            // It ends when it hears that we are gone.
            drop((ours, theirs));
            let _ = reap(pid);
            made
        }
    }
}
