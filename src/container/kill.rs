//! Signals to containers.

use rustix::io::Errno;
use rustix::process::Signal;

use crate::container::process::Process;
use crate::container::{Directory, State, Status};
use crate::error::{Error, Result};
use crate::text;

/// Sends a signal to the container's init; with `all` to all its processes,
/// and then a stopped container is fine. No signal only asks whether there is
/// somebody to get one, as signal 0 of kill(2).
///
/// A container without a pid namespace of its own has processes that outlive
/// its init: SIGKILL then goes to all of them in any case.
///
/// # Errors
/// `container not running`; or the signal is refused.
pub fn kill(directory: &Directory<'_>, signal: Option<Signal>, all: bool) -> Result<()> {
    let state = directory.load()?;
    let status = directory.status(state.as_deref())?;
    let Some(state) = state.filter(|_| status != Status::Creating) else {
        return if all { Ok(()) } else { Err(not_running()) };
    };
    let Some(signal) = signal else {
        let alive = all || Process::is_alive(state.pid, state.start_time)?;
        return if alive { Ok(()) } else { Err(not_running()) };
    };
    let fatal = signal == Signal::KILL;
    if all || fatal && !state.has_own_pids() {
        let others = !state.cgroups.pids()?.is_empty();
        if others {
            state.cgroups.kill_all(signal)?;
            return thaw(state, fatal && status == Status::Paused);
        }
    }
    // Where nobody made cgroups, init is all that is known.
    let init = match Process::find(state.pid, state.start_time)? {
        Some(init) => init,
        None if all => return Ok(()),
        None => return Err(not_running()),
    };
    match init.signal(signal) {
        Ok(()) => thaw(state, fatal && status == Status::Paused),
        Err(Errno::SRCH) if all => Ok(()),
        Err(Errno::SRCH) => Err(not_running()),
        Err(errno) => Err(Error::os(text!("signal process {}", state.pid), errno)),
    }
}

/// On cgroup v1 a frozen process does not even die before it is thawed. On v2 it
/// does, and systemd may have taken the cgroup away by then.
fn thaw(state: &State, needed: bool) -> Result<()> {
    if !needed {
        return Ok(());
    }
    match state.cgroups.freeze(false) {
        Err(_) if !state.cgroups.is_frozen()? => Ok(()),
        result => result,
    }
}

fn not_running() -> Error {
    Error::new("container not running")
}
