//! `cargo xtask test`: every check and test, then the figures, then the totals.
//!
//! A part that fails does not stop the others. Only the release binary must be
//! there for the integration tests.

mod guest;
mod memory;
mod options;
mod parts;
mod safety;
mod tally;
mod targets;

use crate::error::Result;
use crate::process::{is_root, run, step};
use crate::workspace::cargo;
use crate::{build, footprint};
use options::{Manager, Options, View};
use tally::Tally;

/// The command.
pub fn command(parser: lexopt::Parser) -> Result<bool> {
    let options = Options::read(parser)?;
    let mut tally = Tally::default();
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
    if options.binary || options.integration() {
        with_binary(&options, &mut tally);
    }
    tally.print();
    Ok(tally.good())
}

fn with_binary(options: &Options, tally: &mut Tally) {
    let built = match build::release() {
        Ok(built) => built,
        Err(why) => return tally.check("the release binary builds", false, &why),
    };
    if options.binary {
        let warnings = format!("{} warnings", built.warnings);
        tally.check("the release binary builds without warnings", built.warnings == 0, &warnings);
        parts::binary(&built.path, tally);
    }
    if !options.integration() {
        return;
    }
    if !is_root() {
        let why = "they make namespaces and cgroups: run them as root";
        return tally.check("the integration tests can run", false, why);
    }
    if let Err(why) = setup() {
        return tally.check("the machine is set up for the integration tests", false, &why);
    }
    for view in &options.views {
        parts::integration(&built.path, *view, &options.name, tally);
    }
    guest::integration(&built.path, &options.managers, &options.name, tally);
    if options.views == View::ALL && options.name.is_none() {
        for manager in Manager::ALL.iter().filter(|manager| !options.managers.contains(manager)) {
            let name = manager.name();
            let why = format!("it takes long: `cargo xtask test --guest {name}` runs it");
            tally.left_out(&format!("guest, {name}"), &why);
        }
        step("what the binary and a run of busybox's true cost");
        if let Err(why) = footprint::show(&built.path) {
            tally.check("a run can be measured", false, &why);
        }
    }
}

/// Packages, root file systems and users of the integration tests.
pub fn setup() -> Result {
    step("packages and root file systems of the tests");
    run(&mut cargo(&["run", "-q", "-p", "ocinit-tests", "--bin", "setup"]))
}
