//! `cargo xtask size`: what the binary costs, now and as last recorded.

use crate::error::Result;
use crate::footprint::{HOST, of_run, print, sections};
use crate::process::{is_root, step};
use crate::{build, test};

/// The command.
pub fn command(mut parser: lexopt::Parser) -> Result<bool> {
    use lexopt::prelude::*;
    let mut write = false;
    while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
        match argument {
            Long("record") => write = true,
            other => return Err(other.unexpected().to_string()),
        }
    }
    let built = build::release()?;
    let mut figures = sections(&built.path)?;
    if is_root() {
        test::setup()?;
        step("measuring a run of busybox's true");
        figures.extend(of_run(&built.path)?);
    } else if write {
        return Err("the memory and the system calls of a run are measured as root".into());
    } else {
        println!("(not root: sections only)");
    }
    print(&figures, &HOST.read()?);
    if write {
        HOST.write(&figures)?;
        step("recorded in xtask/footprint.txt");
    }
    Ok(true)
}
