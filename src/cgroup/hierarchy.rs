//! What a hierarchy asks of a new cgroup before it is of use: controllers
//! enabled from the top down (v2), CPUs and memory nodes given to it (v1).

use alloc::borrow::ToOwned;
use alloc::string::String;
use rustix::fs::{AtFlags, CWD, Gid, OFlags, Uid, chownat};
use rustix::io::Errno;

use super::file::{self, Path};
use super::group::Group;
use super::write::Write;
use crate::cut;
use crate::error;
use crate::error::{Context, Result};
use crate::text;

/// Controllers that work for threads (cgroup-v2.rst, "Threads"): only these are
/// possible below a cgroup that has processes of its own.
const THREADED: &[&str] = &["cpu", "cpuset", "perf_event", "pids"];

/// Enables all controllers from the mount point down to the parent of the new
/// cgroup, as runc does: those without a limit give statistics.
///
/// What cannot be enabled is no error here: a limit that needs it fails with the
/// file's name.
pub fn enable_controllers(mount: &str, group: &Group, limits: &[&Write]) -> Result<()> {
    let Some((parent, _)) = cut::at_last(group.directory, b'/') else { return Ok(()) };
    let file = "cgroup.subtree_control";
    let mut in_domain = false;
    if !group.controllers.is_empty() {
        let enabled = file::read_in(parent, file).unwrap_or_default();
        // A cgroup that hands these on is a domain, as all above it, and what is
        // made in it is one.
        in_domain = enabled.split_ascii_whitespace().any(|name| !THREADED.contains(&name));
        let mut wanted = group.controllers.split(',');
        if !wanted.all(|name| enabled.split_ascii_whitespace().any(|other| other == name)) {
            let all = "+".to_owned() + &text::replaced(group.controllers, b',', " +");
            let start = mount.trim_end_matches('/').len();
            for (slash, _) in cut::from(group.directory, start).match_indices('/') {
                enable(cut::before(group.directory, start + slash), file, &all);
            }
        }
    }
    if in_domain {
        return Ok(());
    }
    // Below a cgroup with processes a new one is not usable as it is.
    let kind = file::read_in(group.directory, "cgroup.type").unwrap_or_default();
    if kind.trim_ascii() == "domain invalid" {
        if let Some(write) = limits.iter().find(|write| !THREADED.contains(&write.controller())) {
            return Err(error!(
                "set {} to {}: the cgroup \"{}\" is in an invalid state",
                write.property, write.value, group.directory
            )
            .hint("a cgroup above it has processes of its own: only limits of threads work here"));
        }
        file::must_write(group.directory, "cgroup.type", "threaded")?;
    }
    Ok(())
}

/// Enables the controllers in one cgroup, one by one where not all can be.
fn enable(directory: &str, file: &str, all: &str) {
    let Ok(file) = file::open(directory, file, OFlags::WRONLY) else { return };
    if file::write_value(&file, all).is_err() {
        for one in all.split(' ') {
            let _ = file::write_value(&file, one);
        }
    }
}

/// Gives new v1 cpusets the CPUs and memory nodes of the nearest cgroup above
/// that has some: without them no process can enter (cgroup-v1/cpusets.rst).
/// `made` are the new directories, parents first; a container's own that is not
/// among them may be empty all the same.
pub fn inherit_cpuset(mount: &str, made: &[String], directory: &str) -> Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let read = |directory: &str| file::must_read(directory, file);
        let existing = [directory.to_owned()];
        let made = if made.is_empty() {
            if !read(directory)?.trim_ascii().is_empty() {
                continue;
            }
            &existing
        } else {
            made
        };
        let mut above = made[0].as_str();
        let value = loop {
            let Some((parent, _)) = cut::at_last(above, b'/') else { return Ok(()) };
            above = parent;
            let value = read(above)?;
            if !value.trim_ascii().is_empty() || above.len() <= mount.len() {
                break value;
            }
        };
        let value = value.trim_ascii();
        for directory in made {
            file::must_write(directory, file, value)?;
        }
    }
    Ok(())
}

/// See [`super::Created::delegate`].
pub fn delegate(directory: &str, uid: u32, gid: u32) -> Result<()> {
    let listed = file::read_all("/sys/kernel/cgroup/delegate");
    let files =
        listed.as_deref().unwrap_or("cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n");
    for file in core::iter::once("").chain(files.lines()) {
        let path = Path::new(directory, file).context(|| "cgroup path")?;
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        match chownat(CWD, path.as_c_str(), uid, gid, AtFlags::SYMLINK_NOFOLLOW) {
            // The list has files of controllers that are not enabled.
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => {
                return Err(file::failed("change the owner of", directory, file, errno));
            }
        }
    }
    Ok(())
}
