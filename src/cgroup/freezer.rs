//! Freezing and thawing (cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst
//! `cgroup.freeze`).

use rustix::io::Errno;
use rustix::thread::{NanosleepRelativeResult, nanosleep};
use rustix::time::Timespec;

use super::file;
use super::group::{Cgroups, Group};
use crate::error;
use crate::error::{Error, Result};

/// How often the state is looked at before freezing is given up: with the
/// pauses below some 2 seconds.
const TRIES: u32 = 1000;

impl Cgroups {
    /// The cgroup that freezes: of the v1 freezer where there is one, else the
    /// unified one.
    fn freezer(&self) -> Option<&Group> {
        self.v1("freezer").or_else(|| self.unified())
    }

    /// The directory of the cgroup that freezes.
    pub fn freezer_directory(&self) -> Option<&str> {
        self.freezer().map(|group| group.directory)
    }

    /// Freezes or thaws all processes, and waits until they are.
    ///
    /// # Errors
    /// There is no freezer, or it did not obey; it is then left thawed.
    pub fn freeze(&self, frozen: bool) -> Result<()> {
        let Some(group) = self.freezer() else {
            return Err(Error::new("the container has no cgroup that could freeze it"));
        };
        let (file, value) = match (group.unified, frozen) {
            (false, false) => ("freezer.state", "THAWED"),
            (false, true) => ("freezer.state", "FROZEN"),
            (true, false) => ("cgroup.freeze", "0"),
            (true, true) => ("cgroup.freeze", "1"),
        };
        let directory = &group.directory;
        let write = |value| file::must_write(directory, file, value);
        write(value)?;
        for attempt in 0..TRIES {
            if complete(group, frozen)? {
                return Ok(());
            }
            pause(if attempt < 100 { 100 } else { 2000 });
            if !group.unified {
                // A process that forks while it is being frozen can escape for
                // long: let go and try again.
                if frozen && attempt % 50 == 49 {
                    write("THAWED")?;
                    pause(10_000);
                }
                write(value)?;
            }
        }
        if frozen {
            write(if group.unified { "0" } else { "THAWED" })?;
        }
        Err(error!("\"{directory}/{file}\" did not become {value}"))
    }

    /// Whether the processes are frozen, or being frozen.
    ///
    /// # Errors
    /// As [`state`].
    pub fn is_frozen(&self) -> Result<bool> {
        Ok(self.freezer().map(state).transpose()?.flatten() == Some(true))
    }
}

/// Whether the cgroup is frozen or being frozen; `None` where it has no freezer.
///
/// # Errors
/// The freezer cannot be read.
pub fn state(group: &Group) -> Result<Option<bool>> {
    let file = if group.unified { "cgroup.freeze" } else { "freezer.state" };
    if !group.unified && !group.has("freezer") {
        return Ok(None);
    }
    match file::read_in(group.directory, file) {
        Ok(state) => Ok(Some(!matches!(state.trim_ascii(), "0" | "THAWED"))),
        Err(Errno::NOENT | Errno::NODEV) => Ok(None),
        Err(errno) => Err(file::failed("read", group.directory, file, errno)),
    }
}

/// Whether all processes are in the state that was asked for.
fn complete(group: &Group, frozen: bool) -> Result<bool> {
    let file = if group.unified { "cgroup.events" } else { "freezer.state" };
    let text = match file::read_in(group.directory, file) {
        // Deleted meanwhile.
        Err(Errno::NODEV | Errno::NOENT) => return Ok(true),
        result => result.map_err(|errno| file::failed("read", group.directory, file, errno))?,
    };
    let expected = match (group.unified, frozen) {
        (false, false) => "THAWED",
        (false, true) => "FROZEN",
        (true, false) => "frozen 0",
        (true, true) => "frozen 1",
    };
    Ok(text.lines().any(|line| line == expected))
}

/// Sleeps for so many microseconds.
pub fn pause(microseconds: u32) {
    let mut left = Timespec {
        tv_sec: i64::from(microseconds / 1_000_000),
        tv_nsec: i64::from(microseconds % 1_000_000) * 1000,
    };
    while let NanosleepRelativeResult::Interrupted(rest) = nanosleep(&left) {
        left = rest;
    }
}
