//! The cgroups of a first process: how it gets there, and when.
//!
//! To be born in a cgroup costs nothing, but only one of cgroup v2 can be a
//! birthplace. The others are entered by the process, through descriptors: those of
//! cgroups that exist it inherits, those that are made meanwhile it is sent.

use super::channel::{Channel, DESCRIPTORS};
use crate::cgroup::systemd::Driver;
use crate::cgroup::{self, Cgroups, Created, enter};
use crate::container::State;
use crate::error::Result;
use crate::fault::{Act, Detail};
use crate::sys::fd::AsFd;
use alloc::vec::Vec;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::Pid;

/// When the command does its part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// It has none.
    Never,
    /// Before the process does anything.
    First,
    /// While the process makes its namespaces: it waits at
    /// [`Op::Cgroups`](crate::plan::Op::Cgroups).
    Meanwhile,
    /// While the process makes its world: it is in its cgroups, and waits for their
    /// limits only where it does something that they are for
    /// ([`Plan::needs_limits`](crate::plan::Plan::needs_limits)).
    Beside,
}

/// The cgroups that a process is to be in.
pub trait Home {
    /// The directory of cgroup v2 to be born in.
    fn birthplace(&self) -> Option<BorrowedFd<'_>>;

    /// The `tasks` files of v1 that the process enters first of all.
    fn entrances(&self) -> &[OwnedFd] {
        &[]
    }

    /// When [`Home::settle`] is called; `born` tells whether the process is in the
    /// birthplace.
    fn when(&self, born: bool) -> When;

    /// The command's part takes no longer than the making of a network namespace.
    fn leaves_time(&self) -> bool {
        true
    }

    /// The command's part; returns the `tasks` files to be sent.
    ///
    /// # Errors
    /// A cgroup cannot be made, or the process not be moved. It is ended then.
    fn settle(&mut self, pid: Pid, born: bool) -> Result<Vec<OwnedFd>>;
}

/// The container's cgroups, which are made while its first process makes its
/// namespaces.
pub struct New<'a> {
    /// What is to be made.
    pub plan: &'a cgroup::Plan,
    /// What of it exists.
    pub created: Created,
    /// systemd, where that makes them.
    pub driver: Option<&'a mut Driver>,
    /// Where they are written down.
    pub state: &'a mut State,
    /// Who gets that of v2, as ids of the host.
    pub owner: Option<(u32, u32)>,
}

impl Home for New<'_> {
    fn birthplace(&self) -> Option<BorrowedFd<'_>> {
        self.created.unified()
    }

    fn when(&self, born: bool) -> When {
        if born && self.leaves_time() { When::Beside } else { When::Meanwhile }
    }

    fn leaves_time(&self) -> bool {
        self.driver.is_none() && self.plan.cgroups.groups.iter().all(|group| group.unified)
    }

    fn settle(&mut self, pid: Pid, born: bool) -> Result<Vec<OwnedFd>> {
        if let Some(driver) = &mut self.driver {
            driver.start(self.plan, pid).inspect_err(|_| {
                // There is no unit, or it is somebody else's.
                (self.state.cgroups, self.state.systemd) = (Cgroups::default(), None);
            })?;
            self.created = self.plan.adopt(pid)?;
        } else {
            self.plan.complete(&mut self.created).inspect_err(|_| {
                // What was made goes with the value; the rest was never ours.
                self.state.cgroups = Cgroups::default();
            })?;
            if !born {
                self.created.add(pid)?;
            }
        }
        // And where the owner may have them, they become that one's.
        self.state.cgroups = self.created.cgroups().clone();
        if let Some((uid, gid)) = self.owner {
            self.created.delegate(uid, gid)?;
        }
        // By systemd it has been put into all of them.
        Ok(if self.driver.is_some() { Vec::new() } else { self.created.take_entrances() })
    }
}

/// The container's cgroups, which exist.
pub struct Joined<'a> {
    /// Them, opened.
    pub cgroups: &'a Created,
    /// The container.
    pub state: &'a State,
}

impl Home for Joined<'_> {
    fn birthplace(&self) -> Option<BorrowedFd<'_>> {
        self.cgroups.unified()
    }

    fn entrances(&self) -> &[OwnedFd] {
        self.cgroups.entrances()
    }

    fn when(&self, born: bool) -> When {
        if born || self.birthplace().is_none() { When::Never } else { When::First }
    }

    fn settle(&mut self, pid: Pid, _born: bool) -> Result<Vec<OwnedFd>> {
        match (self.cgroups.add(pid), &self.state.systemd) {
            // Between two cgroups of a user only that one's systemd may move it.
            (Err(error), Some(unit)) if error.errno == Some(Errno::ACCESS) => {
                unit.attach(pid, self.cgroups.cgroups(), &self.state.cgroups)
            }
            (result, _) => result,
        }
        .map(|()| Vec::new())
    }
}

/// More follow, or these are the last.
const MORE: &[u8] = b"m";
const LAST: &[u8] = b"l";

/// Sends them to the process, which waits in [`receive`].
///
/// # Errors
/// `EPIPE`: it has ended.
pub fn send(channel: &Channel, entrances: &[OwnedFd]) -> rustix::io::Result<()> {
    let mut rest = entrances;
    loop {
        let (now, later) = rest.split_at(rest.len().min(DESCRIPTORS));
        let mut borrowed = heapless::Vec::<_, DESCRIPTORS>::new();
        borrowed.extend(now.iter().map(AsFd::as_fd));
        channel.send_with(if later.is_empty() { LAST } else { MORE }, &borrowed)?;
        if later.is_empty() {
            return Ok(());
        }
        rest = later;
    }
}

/// In the process: waits until the command has made the cgroups, and enters those
/// whose files it sends.
///
/// # Errors
/// As [`enter`].
pub fn receive(channel: &Channel) -> Act {
    loop {
        let mut kind = [0];
        let (length, files) = channel.receive_all(&mut kind).detail("wait for the cgroups")?;
        if length == 0 {
            // The command has ended, or reports the failure itself.
            crate::sys::exit(1);
        }
        enter(&files)?;
        match &kind[..] {
            LAST => return Ok(()),
            MORE => {}
            _ => return Err(Errno::PROTO.into()),
        }
    }
}
