//! `plan`: what `create` would do, without doing it.

use crate::act::preview::preview;
use crate::command::create::with_id;
use crate::command::create::{BUNDLE, CONFIG, NO_NEW_KEYRING, NO_PIVOT, PRESERVE_FDS};
use crate::command::output::print;
use crate::command::{Command, Flag, Invocation};
use crate::container::ContainerId;
use crate::error::Result;
use crate::request::CreateOptions;

/// For programs.
pub const JSON: Flag = Flag("json: print JSON");

/// The declaration.
pub static COMMAND: Command = Command {
    text: "plan [container-id]\n\
        show what create would do for a bundle\n\
        Nothing is made, and no privilege is needed: the plan is that of the user who\n\
        asks. The id, which matters for the path of cgroups, is ID where none is given.",
    flags: &[BUNDLE, CONFIG, JSON, NO_PIVOT, NO_NEW_KEYRING, PRESERVE_FDS],
    min: 0,
    max: 1,
    verbatim: false,
    failure: 1,
    run,
};

/// The options of `create` with which a bundle is looked at.
///
/// # Errors
/// The id or a number is not one.
pub fn options(invocation: &Invocation) -> Result<CreateOptions> {
    let id = ContainerId::new(invocation.positional(0)?.unwrap_or("ID"))?;
    with_id(invocation, id)
}

fn run(invocation: &Invocation) -> Result<u8> {
    let options = options(invocation)?;
    let preview = preview(invocation, &options)?;
    print(&preview.text(options.id.as_str(), invocation.flag("json")))?;
    Ok(0)
}
