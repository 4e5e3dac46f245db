//! Makes the cgroups, sets their limits, and puts the first process in.
//!
//! Writing a process id to `cgroup.procs` waits 8 to 14 ms for an RCU grace
//! period. Being born in the cgroup (`CLONE_INTO_CGROUP`, unified hierarchy) and
//! a process without threads writing `0` to `tasks` (v1) do not.

use crate::sys::fd::AsFd;
use alloc::string::String;
use alloc::vec::Vec;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, unlinkat};
use rustix::io::{Errno, write};
use rustix::process::Pid;

use super::file::{self, Path};
use super::group::{Cgroups, Group};
use super::plan::Plan;
use super::write::Write;
use super::{freezer, hierarchy, limits, members};
use crate::cut;
use crate::error;
use crate::error::{Context, Result};
use crate::fault::{Act, Detail};
use crate::text;

/// Cgroups that exist, and the descriptors by which they are entered.
#[derive(Debug, Default)]
pub struct Created {
    cgroups: Cgroups,
    unified: Option<OwnedFd>,
    /// That one was there before.
    existed: bool,
    entrances: Vec<OwnedFd>,
    /// A process that is in some of them already, and put into the others.
    inmate: Option<Pid>,
    made: Made,
}

/// Directories that we made, in that order; they go away with the value.
#[derive(Debug, Default)]
pub(super) struct Made(pub Vec<String>);

impl Drop for Made {
    fn drop(&mut self) {
        for directory in self.0.iter().rev() {
            // What somebody else uses meanwhile stays.
            let _ = remove_directory(directory);
        }
    }
}

pub(super) fn remove_directory(directory: &str) -> rustix::io::Result<()> {
    unlinkat(CWD, Path::new(directory, "")?.as_c_str(), AtFlags::REMOVEDIR)
}

fn make_directory(directory: &str) -> rustix::io::Result<()> {
    mkdirat(CWD, Path::new(directory, "")?.as_c_str(), Mode::from_raw_mode(0o755))
}

impl Plan {
    /// Makes sure that none of the cgroups is somebody else's: from then on they
    /// may be written down as the container's, to be killed and removed.
    ///
    /// # Errors
    /// `container's cgroup is not empty: N process(es) found`, `container's
    /// cgroup unexpectedly frozen`.
    pub fn check_unused(&self) -> Result<()> {
        for group in &self.cgroups.groups {
            let path = Path::new(group.directory, "").context(|| "cgroup path")?;
            if rustix::fs::access(path.as_c_str(), rustix::fs::Access::EXISTS).is_ok() {
                check_unused(group)?;
            }
        }
        Ok(())
    }

    /// Makes the directory that the first process is to be born in, that of the
    /// unified hierarchy: [`Plan::complete`] does the rest, while the process makes
    /// its namespaces.
    ///
    /// # Errors
    /// `container's cgroup is not empty: N process(es) found`, `container's
    /// cgroup unexpectedly frozen`, or the file, the value and the errno of what
    /// the kernel refused. What was made until then is removed.
    pub fn begin(&self) -> Result<Created> {
        self.birthplace(Created::default())
    }

    /// Makes the directories of v1 and writes all limits.
    ///
    /// # Errors
    /// As [`Plan::begin`], but what was made is there as long as the value is:
    /// whoever is in it has to end first.
    #[inline(never)]
    pub fn complete(&self, created: &mut Created) -> Result<()> {
        for (index, group) in self.cgroups.groups.iter().enumerate() {
            let done = match group.unified {
                true => self.limit_unified(index, created),
                false => self.make_v1(index, created),
            };
            self.unless_skipped(index, done)?;
        }
        Ok(())
    }

    /// Both where systemd has made the cgroups that it manages and put this
    /// process of the container there: makes the others, writes the limits, and
    /// puts the process into all of them.
    ///
    /// # Errors
    /// As [`Plan::begin`].
    pub fn adopt(&self, pid: Pid) -> Result<Created> {
        let mut created = self.birthplace(Created { inmate: Some(pid), ..Created::default() })?;
        self.complete(&mut created)?;
        Ok(created)
    }

    fn birthplace(&self, mut created: Created) -> Result<Created> {
        for (index, _) in self.cgroups.groups.iter().enumerate().filter(|(_, g)| g.unified) {
            self.unless_skipped(index, self.make_unified(index, &mut created))?;
        }
        Ok(created)
    }

    /// A rootless runtime goes on without a cgroup that it may not have, where
    /// nothing asked for is written into it.
    fn unless_skipped(&self, index: usize, done: Result<()>) -> Result<()> {
        let denied = |errno| matches!(errno, Errno::PERM | Errno::ACCESS | Errno::ROFS);
        match done {
            Err(error)
                if self.rootless && error.errno.is_some_and(denied) && !self.limited(index) =>
            {
                Ok(())
            }
            done => done,
        }
    }

    /// The directory and those above it; whether it was there. With an inmate it
    /// may be, and may have that one in it.
    fn make(&self, index: usize, created: &mut Created) -> Result<bool> {
        let (group, mount) = (&self.cgroups.groups[index], self.mounts[index]);
        let existed = make_all(mount, group.directory, &mut created.made.0).map_err(|error| {
            if self.rootless { error.hint("a limit needs a delegated cgroup") } else { error }
        })?;
        if existed && created.inmate.is_none() {
            check_unused(group)?;
        }
        Ok(existed)
    }

    /// The limits, and the inmate into it.
    fn fill(&self, index: usize, inmate: Option<Pid>) -> Result<()> {
        let group = &self.cgroups.groups[index];
        limits::apply(&self.writes_of(index), group.directory)?;
        inmate.map_or(Ok(()), |pid| move_into(group, pid))
    }

    fn make_unified(&self, index: usize, created: &mut Created) -> Result<()> {
        let group = &self.cgroups.groups[index];
        created.existed = self.make(index, created)?;
        hierarchy::enable_controllers(self.mounts[index], group, &self.writes_of(index))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        created.unified = Some(file::must_open(group.directory, "", flags)?);
        Ok(())
    }

    fn limit_unified(&self, index: usize, created: &mut Created) -> Result<()> {
        // There is none where it was skipped.
        let Some(directory) = &created.unified else { return Ok(()) };
        let group = &self.cgroups.groups[index];
        self.fill(index, created.inmate)?;
        if let Some(devices) = &self.devices {
            let (directory, existed) = (directory.as_fd(), created.existed);
            devices.apply_unified(index, group, directory, existed, self.rootless)?;
        }
        created.cgroups.groups.push(*group);
        Ok(())
    }

    fn make_v1(&self, index: usize, created: &mut Created) -> Result<()> {
        let group = &self.cgroups.groups[index];
        let before = created.made.0.len();
        self.make(index, created)?;
        if group.has("cpuset") {
            let made = &created.made.0[before..];
            hierarchy::inherit_cpuset(self.mounts[index], made, group.directory)?;
        }
        self.fill(index, created.inmate)?;
        if let Some(devices) = &self.devices {
            devices.apply_v1(index, group, self.rootless)?;
        }
        created.push(*group, file::must_open(group.directory, "tasks", OFlags::WRONLY)?);
        Ok(())
    }

    fn writes_of(&self, index: usize) -> Vec<&Write> {
        self.writes.iter().filter(|write| write.group == index).collect()
    }
}

/// Makes the directory and those between it and the mount point; whether it
/// existed.
fn make_all(mount: &str, directory: &str, made: &mut Vec<String>) -> Result<bool> {
    let mut make = |directory: &str| match make_directory(directory) {
        Ok(()) => {
            made.push(String::from(directory));
            Ok(false)
        }
        Err(Errno::EXIST) => Ok(true),
        Err(errno) => Err(errno),
    };
    let failed = |directory, errno| file::failed("make cgroup", directory, "", errno);
    match make(directory) {
        Err(Errno::NOENT) => {}
        result => return result.map_err(|errno| failed(directory, errno)),
    }
    let start = mount.trim_end_matches('/').len() + 1;
    for (slash, _) in cut::from(directory, start).match_indices('/') {
        let parent = cut::before(directory, start + slash);
        make(parent).map_err(|errno| failed(parent, errno))?;
    }
    make(directory).map_err(|errno| failed(directory, errno))
}

/// A cgroup that was there before must have no processes and not be frozen: the
/// container would share it, or hang.
fn check_unused(group: &Group) -> Result<()> {
    let pids = members::pids_below(group.directory)?;
    if !pids.is_empty() {
        let count = pids.len();
        return Err(error!("container's cgroup is not empty: {count} process(es) found"));
    }
    if freezer::state(group)? == Some(true) {
        return Err(error!("container's cgroup unexpectedly frozen")
            .hint(text!("thaw \"{}\"", group.directory)));
    }
    Ok(())
}

/// The file of the processes.
const PROCS: &str = "cgroup.procs";

/// Moves a process into a cgroup where it may be already: moving it again would
/// take as long.
fn move_into(group: &Group, pid: Pid) -> Result<()> {
    let pid = text!("{}", pid.as_raw_nonzero());
    let inside = file::read_in(group.directory, PROCS).unwrap_or_default();
    if inside.lines().any(|line| line == pid) {
        return Ok(());
    }
    file::must_write(group.directory, PROCS, pid)
}

impl Created {
    /// One more cgroup, with what it is entered by: the directory of the unified
    /// hierarchy, or `tasks`.
    pub(super) fn push(&mut self, group: Group, entrance: OwnedFd) {
        if group.unified {
            self.unified = Some(entrance);
        } else {
            self.entrances.push(entrance);
        }
        self.cgroups.groups.push(group);
    }

    /// The cgroups that exist now: what the state must remember.
    pub fn cgroups(&self) -> &Cgroups {
        &self.cgroups
    }

    /// The directory of the unified hierarchy, for `CLONE_INTO_CGROUP`.
    pub fn unified(&self) -> Option<BorrowedFd<'_>> {
        self.unified.as_ref().map(AsFd::as_fd)
    }

    /// The files into which the process writes `0` by [`enter`].
    pub fn entrances(&self) -> &[OwnedFd] {
        &self.entrances
    }

    /// The same, to be handed over.
    pub fn take_entrances(&mut self) -> Vec<OwnedFd> {
        core::mem::take(&mut self.entrances)
    }

    /// Moves a process into the unified hierarchy's cgroup, for a kernel without
    /// `CLONE_INTO_CGROUP` (before Linux 5.7) or a cgroup that cannot be entered
    /// at birth; it takes its time. Those of v1 are entered by [`enter`].
    ///
    /// # Errors
    /// The file, the process id and the errno.
    pub fn add(&self, pid: Pid) -> Result<()> {
        let Some(group) = self.cgroups.unified() else { return Ok(()) };
        file::must_write(group.directory, PROCS, text!("{}", pid.as_raw_nonzero()))
    }

    /// Gives the cgroup to the owner of the container's user namespace
    /// (cgroup-v2.rst, "Delegation Containment"): the directory and the files
    /// that /sys/kernel/cgroup/delegate lists. The unified hierarchy only.
    ///
    /// # Errors
    /// An owner cannot be changed.
    pub fn delegate(&self, uid: u32, gid: u32) -> Result<()> {
        match self.cgroups.unified() {
            Some(group) => hierarchy::delegate(group.directory, uid, gid),
            None => Ok(()),
        }
    }

    /// The cgroups stay: to be called when the container has been created.
    /// Before that, dropping the value removes all that was made, the
    /// directories above the container's too.
    pub fn keep(mut self) -> Cgroups {
        self.made.0.clear();
        core::mem::take(&mut self.cgroups)
    }
}

/// In the process itself, which has no other thread: enters the cgroups.
/// Allocates nothing.
///
/// # Errors
/// `ENOSPC`: a cpuset without CPUs or memory nodes; `EBUSY`: a cgroup of v2 that
/// gives controllers to children.
pub fn enter(files: &[OwnedFd]) -> Act {
    for file in files {
        write(file, b"0").detail("write \"0\" to the cgroup's file")?;
    }
    Ok(())
}
