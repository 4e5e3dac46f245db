//! `mounts`: other mounts for a container that runs (crun's command).

use crate::act::mounts::{Change, change};
use crate::command::{Command, Invocation};
use crate::container::ContainerId;
use crate::error::{Error, Result};

/// The declaration.
pub static COMMAND: Command = Command {
    text: "mounts add|remove <container-id> <file>\n\
        add mounts to a container that runs, or remove them\n\
        FILE, or stdin for -, has a list as mounts of config.json. Only bind mounts can be\n\
        added; of those to remove only the destination counts.",
    flags: &[],
    min: 3,
    max: 3,
    verbatim: false,
    failure: 1,
    run,
};

fn run(invocation: &Invocation) -> Result<u8> {
    let argument = |index| Ok(invocation.positional(index)?.unwrap_or_default());
    let what = match argument(0)? {
        "add" => Change::Add,
        "remove" => Change::Remove,
        other => return Err(Error::about_quoted("mounts: {} is neither add nor remove", other)),
    };
    let id = ContainerId::new(argument(1)?)?;
    let root = invocation.root()?;
    change(invocation, &root.container(&id)?, argument(2)?, what)?;
    Ok(0)
}
