//! `features`: what this build can do, for engines.

use crate::command::output::print;
use crate::command::{Command, Invocation};
use crate::error::Result;
use crate::spec::Abilities;

/// The declaration.
pub static COMMAND: Command = Command {
    text: "features\n\
        show what this runtime can do, as JSON",
    flags: &[],
    min: 0,
    max: 0,
    verbatim: false,
    failure: 1,
    run,
};

fn run(_: &Invocation) -> Result<u8> {
    let mut document = Abilities::BUILD.document();
    document.push('\n');
    print(&document)?;
    Ok(0)
}
