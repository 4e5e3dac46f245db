//! `delete`: frees what containers hold.

use crate::command::flag::MANY;
use crate::command::parse::text;
use crate::command::several::{REGEX, for_each};
use crate::command::{Command, Flag, Invocation};
use crate::container::{self, ContainerId, Root};
use crate::error::{Error, Result};

/// The declaration.
pub static COMMAND: Command = Command {
    text: "delete <container-id>...\n\
        delete containers that are stopped or not yet started",
    flags: &[Flag("force, -f: kill it if it runs; a missing container is no error"), REGEX],
    min: 1,
    max: MANY,
    verbatim: false,
    failure: 1,
    run,
};

fn run(invocation: &Invocation) -> Result<u8> {
    if invocation.flag("regex") {
        for argument in invocation.positionals() {
            for_each(invocation, text(argument)?, &|id| delete(invocation, id))?;
        }
        return Ok(0);
    }
    let mut result = Ok(0);
    for argument in invocation.positionals() {
        let deleted =
            text(argument).and_then(ContainerId::new).and_then(|id| delete(invocation, &id));
        if let Err(error) = deleted {
            // The caller reports the last failure.
            if let Err(earlier) = core::mem::replace(&mut result, Err(error)) {
                invocation.log.error(&earlier);
            }
        }
    }
    result
}

fn delete(invocation: &Invocation, id: &ContainerId) -> Result<()> {
    let force = invocation.flag("force");
    let path = &invocation.globals.root;
    let state = match Root::open(path)? {
        Some(root) => container::delete(&root, id, force)?,
        None if force => None,
        None => return Err(Error::about("container does not exist: no directory {}", path)),
    };
    if let Some(state) = state {
        container::hooks::poststop(state, invocation.environment, &mut |error| {
            invocation.log.warning(format_args!("{error}"));
        });
    }
    Ok(())
}
