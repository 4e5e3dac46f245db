//! `start`: the program of a created container.

use crate::command::{Command, Invocation};
use crate::container;
use crate::error::Result;

/// The declaration.
pub static COMMAND: Command = Command {
    name: "start",
    arguments: "<container-id>",
    summary: "execute the program of a created container",
    description: "",
    flags: &[],
    min: 1,
    max: 1,
    verbatim: false,
    failure: 1,
    run,
};

fn run(invocation: &Invocation) -> Result<u8> {
    let id = invocation.id()?;
    let root = invocation.root()?;
    let directory = root.container(&id)?;
    let lock = directory.lock()?;
    let state = directory.state()?;
    container::start(&lock, &state)?;
    // The hooks may take their time: nobody else has to wait for them.
    drop(lock);
    container::hooks::poststart(&state, invocation.environment).or_else(|error| {
        container::end(&state)?;
        Err(error)
    })?;
    Ok(0)
}
