//! Commands on all containers whose ids fit an expression: the flag `--regex` of crun.

use crate::command::pattern::Pattern;
use crate::command::{Flag, Invocation};
use crate::container::{ContainerId, Root};
use crate::error::Result;
use alloc::vec::Vec;

/// The id is an expression.
pub const REGEX: Flag =
    Flag("regex, -r: the id is an extended regular expression: of all containers that fit");

/// Does something with every container whose id fits. As with crun, what fails
/// with one of them is a warning, and the others are gone on with.
///
/// # Errors
/// The expression is not valid, or the containers cannot be listed.
pub fn for_each(
    invocation: &Invocation,
    expression: &str,
    what: &dyn Fn(&ContainerId) -> Result<()>,
) -> Result<u8> {
    let pattern = Pattern::new(expression)?;
    let ids =
        Root::open(invocation.globals.root)?.map_or(Ok(Vec::new()), |root| root.ids())?.leak();
    for id in ids.iter().filter(|id| pattern.fits(id.as_str())) {
        if let Err(error) = what(id) {
            invocation.log.warning(format_args!("container {id}: {error}"));
        }
    }
    Ok(0)
}
