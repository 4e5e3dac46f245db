//! What a container is doing.

use core::fmt;

use crate::container::process::Process;
use crate::container::{Directory, Lock, State, start};

/// A container's status (runtime-spec, runtime.md, "State"; `paused` as runc
/// has it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `create` is at work.
    Creating,
    /// Its init waits for `start`.
    Created,
    /// Its program was executed and has not ended.
    Running,
    /// All its processes are frozen.
    Paused,
    /// Its init has ended, reaped or not, or never came to be.
    Stopped,
}

impl Status {
    /// The word in the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Creating => "creating",
            Status::Created => "created",
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Stopped => "stopped",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Directory<'_> {
    /// The status of a container whose saved state is `state`, seen from
    /// outside. Who holds the lock asks [`Lock::status`].
    pub fn status(&self, state: Option<&State>) -> Status {
        match state {
            Some(state) if state.pid != 0 => live(self, state),
            _ if self.is_locked() => Status::Creating,
            _ => Status::Stopped,
        }
    }
}

impl Lock<'_> {
    /// The status of the locked container: never `Creating`, for the one who
    /// would be creating it has no lock.
    pub fn status(&self, state: Option<&State>) -> Status {
        match state {
            Some(state) if state.pid != 0 => live(self.directory, state),
            _ => Status::Stopped,
        }
    }
}

fn live(directory: &Directory<'_>, state: &State) -> Status {
    if !Process::is_alive(state.pid, state.start_time) {
        Status::Stopped
    } else if state.cgroups.is_frozen() {
        Status::Paused
    } else if start::is_waiting(directory) {
        Status::Created
    } else {
        Status::Running
    }
}
