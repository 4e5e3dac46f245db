//! The end of a container: processes, cgroups, directory.

use rustix::process::Signal;

use crate::cgroup::systemd::Unit;
use crate::container::process::Process;
use crate::container::root::missing;
use crate::container::{ContainerId, Directory, Lock, Root, State, Status};
use crate::error;
use crate::error::{Error, Result};

/// How long a killed process may take to end.
const END_MS: u32 = 10_000;

/// Deletes a container that is stopped or was not started yet; with `force` any
/// container, and one that does not exist is fine. Returns its last saved
/// state, for the hooks.
///
/// # Errors
/// `container does not exist`, `cannot delete container X that is not stopped`,
/// or something withstands; deleting again goes on from there.
pub fn delete(root: &Root, id: &ContainerId, force: bool) -> Result<Option<&'static mut State>> {
    let Some(directory) = root.find(id)? else {
        return if force { Ok(None) } else { Err(missing(root.path, id)) };
    };
    let lock = match directory.lock() {
        Ok(lock) => lock,
        // Somebody else deleted it meanwhile.
        Err(_) if force && root.find(id)?.is_none() => return Ok(None),
        Err(error) => return Err(error),
    };
    let state = directory.load()?;
    let status = lock.status(state.as_deref())?;
    if !force && !matches!(status, Status::Stopped | Status::Created) {
        let status = status.name();
        return Err(Error::about_both(
            "cannot delete container {} that is not stopped: {}",
            id.as_str(),
            status,
        ));
    }
    destroy(&directory, &lock, state.as_deref())?;
    Ok(state)
}

/// Ends all processes of the locked container, removes its cgroups and its
/// directory.
///
/// # Errors
/// A process does not end within 10 seconds, or something cannot be removed.
pub fn destroy(directory: &Directory<'_>, lock: &Lock<'_>, state: Option<&State>) -> Result<()> {
    if let Some(state) = state {
        let gone = end(state)?;
        state.rdt.remove()?;
        if !gone {
            let stopped = state.systemd.as_ref().map_or(Ok(()), Unit::stop);
            // A unit without its cgroups ends by itself, also where systemd could
            // not be asked.
            state.cgroups.remove().map_err(|error| stopped.err().unwrap_or(error))?;
        }
    }
    directory.remove(lock)
}

/// Kills all that runs in the container, and waits for the end of its init.
/// Without a pid namespace of its own, the others outlive init. Cgroups that are
/// found empty are removed. Whether all were, and no unit is left that made them.
///
/// # Errors
/// Init cannot be killed, or does not end within 10 seconds.
pub fn end(state: &State) -> Result<bool> {
    let init = Process::find(state.pid, state.start_time)?;
    // Where nothing is left there is nobody to kill.
    if init.is_none() && state.systemd.is_none() && state.cgroups.remove_empty() {
        return Ok(true);
    }
    if let Some(init) = &init {
        match init.signal(Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(errno) => return Err(Error::os("kill the container's init", errno)),
        }
    }
    state.cgroups.kill_all(Signal::KILL)?;
    // On cgroup v1 a frozen process is not killed before it is thawed.
    if state.cgroups.is_frozen()? {
        state.cgroups.freeze(false)?;
    }
    let Some(init) = init else { return Ok(false) };
    if !init.wait(END_MS) {
        return Err(error!(
            "container init still running: process {} did not end within {} s of SIGKILL",
            state.pid,
            END_MS / 1000
        ));
    }
    Ok(false)
}
