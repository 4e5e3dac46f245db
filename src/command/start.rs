//! `start`: the program of a created container.

use crate::command::{Command, Invocation};
use crate::container;
use crate::container::notify::Notify;
use crate::error::Result;

/// The declaration.
pub static COMMAND: Command = Command {
    text: "start <container-id>\n\
        execute the program of a created container",
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
    let notify = match invocation.variable("NOTIFY_SOCKET").filter(|path| !path.is_empty()) {
        Some(host) => Notify::bind(&directory, host).unwrap_or_else(|error| {
            invocation.log.warning(format_args!("{error}"));
            None
        }),
        None => None,
    };
    container::start(&lock, state)?;
    // The hooks may take their time: nobody else has to wait for them.
    drop(lock);
    container::hooks::poststart(state, invocation.environment).or_else(|error| {
        container::end(state)?;
        Err(error)
    })?;
    if let Some(notify) = notify {
        notify.wait(state.pid, state.start_time);
    }
    Ok(0)
}
