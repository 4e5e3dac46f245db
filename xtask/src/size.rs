//! `cargo xtask size`: what the binary costs, now and as last recorded.

use crate::error::Result;
use crate::footprint::{HOST, TARGETS as RECORD, file_size, of_run, print, sections};
use crate::process::{is_root, step};
use crate::target::TARGETS;
use crate::{build, test};

/// The command.
pub fn command(mut parser: lexopt::Parser) -> Result<bool> {
    use lexopt::prelude::*;
    let (mut write, mut all) = (false, false);
    while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
        match argument {
            Long("record") => write = true,
            Long("targets") => all = true,
            other => return Err(other.unexpected().to_string()),
        }
    }
    if all {
        return targets(write);
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

/// How large the binaries of all targets are.
fn targets(write: bool) -> Result<bool> {
    let mut figures = Vec::new();
    for target in &TARGETS {
        figures.push(file_size(target.name, &build::release_for(target)?.path)?);
    }
    print(&figures, &RECORD.read()?);
    if write {
        RECORD.write(&figures)?;
        step("recorded in xtask/targets.txt");
    }
    Ok(true)
}
