//! `pause` and `resume`: all processes of a container, frozen and thawed.

use crate::command::{Command, Invocation};
use crate::container::{State, Status};
use crate::error::{Error, Result};

/// The declaration of `pause`.
pub static PAUSE: Command = Command {
    text: "pause <container-id>\n\
        suspend all processes of a container",
    flags: &[],
    min: 1,
    max: 1,
    verbatim: false,
    failure: 1,
    run: pause,
};

/// The declaration of `resume`.
pub static RESUME: Command = Command {
    text: "resume <container-id>\n\
        let the processes of a paused container go on",
    flags: &[],
    min: 1,
    max: 1,
    verbatim: false,
    failure: 1,
    run: resume,
};

fn pause(invocation: &Invocation) -> Result<u8> {
    match look(invocation)? {
        (Some(state), Status::Running | Status::Created) => {
            state.cgroups.freeze(true)?;
            Ok(0)
        }
        _ => Err(Error::new("container not running")),
    }
}

fn resume(invocation: &Invocation) -> Result<u8> {
    match look(invocation)? {
        (Some(state), Status::Paused) => {
            state.cgroups.freeze(false)?;
            Ok(0)
        }
        _ => Err(Error::new("container not paused")),
    }
}

fn look(invocation: &Invocation) -> Result<(Option<&'static mut State>, Status)> {
    let id = invocation.id()?;
    let root = invocation.root()?;
    let directory = root.container(&id)?;
    let state = directory.load()?;
    let status = directory.status(state.as_deref())?;
    Ok((state, status))
}
