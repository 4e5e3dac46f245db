//! `run`: create and start in one step.

use crate::act::create::{Until, create as make};
use crate::command::create;
use crate::command::{Command, Flag, Invocation};
use crate::error::Result;

/// The declaration.
pub static COMMAND: Command = Command {
    text: "run <container-id>\n\
        create and run a container\n\
        Does what `create` and `start` do. Unless detached, it stays until the\n\
        program ends, passes signals on, deletes the container and exits with the\n\
        program's status (128+N when signal N killed it).",
    flags: &[
        create::BUNDLE,
        create::CONFIG,
        create::CONSOLE_SOCKET,
        Flag("detach, -d: leave the program running and return"),
        Flag("keep: do not delete the container after it exits"),
        create::PIDFD_SOCKET,
        create::PID_FILE,
        create::NO_SUBREAPER,
        create::NO_PIVOT,
        create::NO_NEW_KEYRING,
        create::PRESERVE_FDS,
    ],
    min: 1,
    max: 1,
    verbatim: false,
    failure: 1,
    run,
};

fn run(invocation: &Invocation) -> Result<u8> {
    make(invocation, &create::options(invocation)?, Until::Running)
}
