//! The binaries of all targets: that they build, what they must be, that they
//! are handed out whole (by `dist`, which without `--built` does the same with
//! builds from nothing), and that they start, on the machine or in QEMU's user
//! mode. QEMU lacks many of the calls that a container takes, so only what is
//! computed is compared: the documents that do not depend on the machine have to
//! be the same everywhere, and the library's unit tests have to pass. cross builds
//! them too, in containers, and what it makes has to be the same.

use super::emulated;
use super::tally::Tally;
use crate::cross::{Cross, Libraries};
use crate::error::{Context, Result};
use crate::footprint::{TARGETS as RECORD, file_size, print};
use crate::process::{is_root, output, run, step};
use crate::target::{TARGETS, Target};
use crate::{binary, build, dist};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds and checks them, and prints their sizes.
pub fn all(tally: &mut Tally) {
    let mut sizes = Vec::new();
    let mut first = None;
    for target in &TARGETS {
        let name = format!("{}: builds without warnings", target.name);
        let built = match build::release_for(target) {
            Ok(built) => built,
            Err(why) => {
                tally.check(&name, false, &why);
                continue;
            }
        };
        tally.check(&name, built.warnings == 0, &format!("{} warnings", built.warnings));
        try_out(target, &built.path, target.name, &mut first, tally);
        sizes.extend(file_size(target.name, &built.path));
    }
    let whole = handed_out();
    let why = whole.as_ref().err().cloned().unwrap_or_default();
    tally.check("`dist` hands out what is whole, with its checksums", whole.is_ok(), &why);
    TARGETS.iter().for_each(|target| emulated::unit(target, tally));
    let crossed = with_cross(&mut first, tally);
    step("how large the binaries are");
    match RECORD.read() {
        Ok(recorded) => print(&sizes, &recorded),
        Err(why) => tally.check("the recorded sizes can be read", false, &why),
    }
    for (target, path) in crossed {
        let size = fs::metadata(&path).map_or(0, |file| file.len());
        println!("{:32} {size:>9} bytes, built by cross", target.name);
    }
}

/// The command itself, which finds everything built.
fn handed_out() -> Result {
    let _ = fs::remove_dir_all(dist::directory());
    let this = std::env::current_exe().context("this program")?;
    run(Command::new(this).args(["dist", "--built"]))?;
    dist::check(&dist::directory())
}

/// The same with cross, where there are libraries for a target.
fn with_cross(first: &mut Option<String>, tally: &mut Tally) -> Vec<(&'static Target, PathBuf)> {
    if !is_root() {
        tally.left_out("cross", "its containers are run by podman, as root");
        return Vec::new();
    }
    let cross = match build::release().and_then(|runtime| Cross::new(&runtime.path)) {
        Ok(cross) => cross,
        Err(why) => {
            tally.check("cross can be tried", false, &why);
            return Vec::new();
        }
    };
    let mut paths = Vec::new();
    for target in &TARGETS {
        let libraries = match Libraries::fetch(target) {
            Ok(libraries) => libraries,
            Err(why) => {
                tally.left_out(&format!("cross, {}", target.name), &why);
                continue;
            }
        };
        let name = match libraries {
            Libraries::Made => format!("cross, {}", target.name),
            Libraries::Source => format!("cross, core and alloc along, {}", target.name),
        };
        let built = cross.build(target, libraries);
        let why = built.as_ref().err().cloned().unwrap_or_default();
        tally.check(&format!("{name}: builds"), built.is_ok(), &why);
        if let Ok(path) = built {
            try_out(target, &path, &name, first, tally);
            paths.push((target, path));
        }
    }
    paths
}

/// Whether the binary is what it must be, starts, and says what the first one
/// said.
fn try_out(
    target: &Target,
    binary: &Path,
    name: &str,
    first: &mut Option<String>,
    tally: &mut Tally,
) {
    let mut check = |what: &str, good: bool, why: &str| {
        tally.check(&format!("{name}: {what}"), good, why);
    };
    match binary::checks(binary, target.is_pie) {
        Ok(checks) => checks.iter().for_each(|c| check(c.name, c.holds, "it does not")),
        Err(why) => check("can be read", false, &why),
    }
    let said = says(target, binary);
    check("starts", said.is_ok(), said.as_ref().err().map_or("", |why| why));
    let said = said.unwrap_or_default();
    let same = said == *first.get_or_insert_with(|| said.clone());
    check("says what the others say", same, &said);
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
