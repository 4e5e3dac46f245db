//! The binaries of all targets: that they build, what they must be, that they
//! are handed out whole (`dist` does the same with builds from nothing), and that
//! they start, on the machine or in QEMU's user mode. QEMU lacks many of the
//! calls that a container takes, so only what is computed is compared: the
//! documents that do not depend on the machine have to be the same everywhere.

use super::tally::Tally;
use crate::error::{Context, Result};
use crate::footprint::{TARGETS as RECORD, file_size, print};
use crate::process::{output, step};
use crate::target::{TARGETS, Target};
use crate::{binary, build, dist};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Builds and checks them, and prints their sizes.
pub fn all(tally: &mut Tally) {
    let (mut sizes, mut paths) = (Vec::new(), Vec::new());
    let mut first = None;
    for target in &TARGETS {
        let mut check = |what: &str, result: Result| {
            let name = format!("{}: {what}", target.name);
            tally.check(&name, result.is_ok(), &result.err().unwrap_or_default());
        };
        let built = match build::release_for(target) {
            Ok(built) => built,
            Err(why) => {
                check("builds", Err(why));
                continue;
            }
        };
        let warnings = format!("{} warnings", built.warnings);
        check("builds without warnings", holds(built.warnings == 0, &warnings));
        match binary::checks(&built.path, target.is_pie) {
            Ok(checks) => checks.iter().for_each(|c| check(c.name, holds(c.holds, "it does not"))),
            Err(why) => check("can be read", Err(why)),
        }
        let said = says(target, &built.path);
        check("starts", said.as_ref().map(drop).map_err(Clone::clone));
        let said = said.unwrap_or_default();
        let same = said == *first.get_or_insert_with(|| said.clone());
        check("says what the others say", holds(same, &said));
        sizes.extend(file_size(target.name, &built.path));
        paths.push((target.name, built.path));
    }
    let built = |target: &Target| match paths.iter().find(|(name, _)| *name == target.name) {
        Some((_, path)) => Ok(path.clone()),
        None => Err(format!("{} was not built", target.name)),
    };
    let whole = dist::lay_out(built).and_then(|directory| dist::check(&directory));
    let why = whole.as_ref().err().cloned().unwrap_or_default();
    tally.check("what is handed out is whole, with its checksums", whole.is_ok(), &why);
    step("how large the binaries are");
    match RECORD.read() {
        Ok(recorded) => print(&sizes, &recorded),
        Err(why) => tally.check("the recorded sizes can be read", false, &why),
    }
}

fn holds(good: bool, why: &str) -> Result {
    if good { Ok(()) } else { Err(why.into()) }
}

/// What the binary says of itself, and the configuration that it writes.
fn says(target: &Target, binary: &Path) -> Result<String> {
    let bundle = crate::workspace::target().join("targets-bundle");
    let _ = fs::remove_dir_all(&bundle);
    fs::create_dir_all(bundle.join("rootfs")).context(bundle.display())?;
    let runner = target.runner()?;
    let ocinit = |arguments: &[&str]| {
        let mut command = match runner {
            Some(emulator) => Command::new(emulator),
            None => Command::new(binary),
        };
        command.args(runner.map(|_| binary)).args(arguments).current_dir(&bundle);
        output(&mut command)
    };
    let version = ocinit(&["--version"])?;
    let version = version.lines().next().unwrap_or_default();
    ocinit(&["spec"])?;
    ocinit(&["plan"])?;
    ocinit(&["features"])?;
    let config = bundle.join("config.json");
    let config = fs::read_to_string(&config).context(config.display())?;
    Ok(format!("{version}\n{config}"))
}
