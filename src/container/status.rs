//! What a container is doing.
//!
//! - creating: `create` is at work and holds the lock;
//! - created: its init lives and waits for `start`;
//! - running: its program was executed and has not ended;
//! - paused: its processes are frozen;
//! - stopped: its init has ended, reaped or not, or never came to be.

use crate::container::process::Process;
use crate::container::{Directory, Lock, State, start};
use crate::error::Result;
pub use crate::spec::Status;

impl Directory<'_> {
    /// The status of a container whose saved state is `state`, seen from
    /// outside. Who holds the lock asks [`Lock::status`].
    ///
    /// # Errors
    /// It cannot be found out.
    pub fn status(&self, state: Option<&State>) -> Result<Status> {
        match state {
            Some(state) if state.pid != 0 => live(self, state),
            _ if self.is_locked()? => Ok(Status::Creating),
            _ => Ok(Status::Stopped),
        }
    }
}

impl Lock<'_> {
    /// The status of the locked container: never `Creating`, for the one who
    /// would be creating it has no lock.
    ///
    /// # Errors
    /// It cannot be found out.
    pub fn status(&self, state: Option<&State>) -> Result<Status> {
        match state {
            Some(state) if state.pid != 0 => live(self.directory, state),
            _ => Ok(Status::Stopped),
        }
    }
}

fn live(directory: &Directory<'_>, state: &State) -> Result<Status> {
    Ok(match without_socket(state)? {
        Status::Running if start::is_waiting(directory)? => Status::Created,
        status => status,
    })
}

/// The status of a container with a process, if that has no start socket.
pub(super) fn without_socket(state: &State) -> Result<Status> {
    Ok(if !Process::is_alive(state.pid, state.start_time)? {
        Status::Stopped
    } else if state.cgroups.is_frozen()? {
        Status::Paused
    } else {
        Status::Running
    })
}
