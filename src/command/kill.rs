//! `kill`: a signal to a container.

use crate::command::several::{REGEX, for_each};
use crate::command::{Command, Flag, Invocation};
use crate::container;
use crate::error::{Error, Result};
use crate::spec;
use crate::sys::signal::from_number;

/// The declaration.
pub static COMMAND: Command = Command {
    text: "kill <container-id> [signal]\n\
        send a signal (default: SIGTERM) to the init of a container\n\
        The signal is a number or a name, with or without SIG.",
    flags: &[Flag("all, -a: to all processes; a stopped container is no error"), REGEX],
    min: 1,
    max: 2,
    verbatim: false,
    failure: 1,
    run,
};

fn run(invocation: &Invocation) -> Result<u8> {
    let name = invocation.positional(1)?.filter(|name| !name.is_empty()).unwrap_or("SIGTERM");
    let number =
        spec::signal::number(name).ok_or_else(|| Error::about("unknown signal \"{}\"", name))?;
    // Signal 0 is none: it only asks.
    let signal = from_number(number as i32);
    let all = invocation.flag("all");
    if invocation.flag("regex") {
        return for_each(invocation, invocation.positional(0)?.unwrap_or_default(), &|id| {
            container::kill(&invocation.root()?.container(id)?, signal, all)
        });
    }
    let id = invocation.id()?;
    container::kill(&invocation.root()?.container(&id)?, signal, all)?;
    Ok(0)
}
