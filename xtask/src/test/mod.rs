//! `cargo xtask test`: every check and test, then the figures, then the totals.
//!
//! A part that fails does not stop the others. Only the release binary must be
//! there for the integration tests.

mod boards;
mod emulated;
mod guest;
mod memory;
mod options;
mod parts;
mod safety;
mod situations;
mod tally;
mod targets;

use crate::error::Result;
use crate::process::{is_root, run, step};
use crate::workspace::cargo;
use crate::{build, footprint};
use options::{Guest, Options};
use std::path::PathBuf;
use tally::Tally;

/// The command.
pub fn command(parser: lexopt::Parser) -> Result<bool> {
    let options = Options::read(parser)?;
    let mut tally = Tally::default();
    let binary = match options.binary || options.integration() {
        true => release(&options, &mut tally),
        false => None,
    };
    let binary = binary.as_deref();
    let ready = binary.filter(|_| options.integration() && can_run(&mut tally));
    // They take longest, and run beside the rest.
    let guests = ready.map(|binary| guest::start(binary, &options, &mut tally));
    if options.lint {
        parts::lint(&mut tally);
    }
    if options.unit {
        parts::unit(&options.name, &mut tally);
    }
    if options.memory {
        memory::unit(&mut tally);
    }
    if options.fuzz {
        parts::fuzz(&mut tally);
    }
    if options.targets {
        targets::all(&mut tally);
    }
    if let Some(binary) = binary.filter(|_| options.binary) {
        parts::binary(binary, &mut tally);
    }
    for view in &options.views {
        if let Some(binary) = ready {
            parts::integration(binary, *view, &options.name, &mut tally);
        }
    }
    if let Some(guests) = guests {
        guests.count(&mut tally);
    }
    if let Some(why) = options.left_out() {
        Guest::ALL.iter().for_each(|guest| tally.left_out(&guest::place(*guest), why));
    }
    if let Some(binary) = binary.filter(|_| options.all && options.name.is_none()) {
        step("what the binary and a run of busybox's true cost");
        if let Err(why) = footprint::show(binary) {
            tally.check("a run can be measured", false, &why);
        }
    }
    if options.boards {
        boards::run(&options.name, &mut tally);
    }
    tally.print();
    Ok(tally.good())
}

/// Builds the release binary.
fn release(options: &Options, tally: &mut Tally) -> Option<PathBuf> {
    let built = match build::release() {
        Ok(built) => built,
        Err(why) => {
            tally.check("the release binary builds", false, &why);
            return None;
        }
    };
    if options.binary {
        let warnings = format!("{} warnings", built.warnings);
        tally.check("the release binary builds without warnings", built.warnings == 0, &warnings);
    }
    Some(built.path)
}

/// Whether the integration tests can run, on a machine that is made ready.
fn can_run(tally: &mut Tally) -> bool {
    if !is_root() {
        let why = "they make namespaces and cgroups: run them as root";
        tally.check("the integration tests can run", false, why);
        return false;
    }
    if let Err(why) = setup() {
        tally.check("the machine is set up for the integration tests", false, &why);
        return false;
    }
    true
}

/// Packages, root file systems and users of the integration tests.
pub fn setup() -> Result {
    step("packages and root file systems of the tests");
    run(&mut cargo(&["run", "-q", "-p", "ocinit-tests", "--bin", "setup"]))
}
