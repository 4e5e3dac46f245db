//! The parts of a test run.

use super::options::View;
use super::safety;
use super::tally::{Suite, Tally};
use crate::error::Result;
use crate::process::{is_root, run, step, watch};
use crate::workspace::{cargo, is_suite, target};
use crate::{binary, debian, fuzz, reproducible};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Formatting, and clippy without a warning.
pub fn lint(tally: &mut Tally) {
    step("formatting and clippy");
    let mut check = |name, result: Result| match result {
        Ok(()) => tally.check(name, true, ""),
        Err(why) => tally.check(name, false, &why),
    };
    let clippy = |args: &[&str]| {
        run(cargo(&["clippy", "-q", "--all-targets"]).args(args).args(["--", "-D", "warnings"]))
    };
    check("cargo fmt --check", run(&mut cargo(&["fmt", "--all", "--check"])));
    // The runtime alone: see `build` about features.
    check("clippy, the runtime", clippy(&["-p", "ocinit"]));
    let rest = ["--workspace", "--exclude", "ocinit", "--exclude", "ocinit-fuzz"];
    check("clippy, tools and tests", clippy(&rest));
    // Its library: the programs would take a C++ compiler.
    check("clippy, fuzzing", clippy(&["-p", "ocinit-fuzz", "--no-default-features"]));
    check("unsafe code is in src/sys only", safety::check());
}

/// The unit tests of the library and of this tool.
pub fn unit(name: &Option<String>, tally: &mut Tally) {
    // Filters are compared with libseccomp's, where that is installed.
    if is_root()
        && !Path::new("/usr/include/seccomp.h").exists()
        && let Err(why) = debian::install("libseccomp-dev")
    {
        println!("{why}");
    }
    let fuzz = ["-p", "ocinit-fuzz", "--no-default-features"];
    for package in [&["-p", "ocinit", "--lib"][..], &["-p", "xtask"], &fuzz] {
        step(format_args!("unit tests: {}", package[1]));
        let mut command = cargo(&["test", "--no-fail-fast"]);
        let skips = Skips::new(&mut command, package[1]);
        tests(command.args(package), name, &format!("unit, {}", package[1]), tally);
        skips.count(tally);
    }
}

/// Some seconds of each fuzz target.
pub fn fuzz(tally: &mut Tally) {
    if let Err(why) = fuzz::possible() {
        return tally.left_out("fuzz", &why);
    }
    match fuzz::all(None, fuzz::SECONDS) {
        Ok(outcomes) => {
            for fuzz::Outcome { target, result } in outcomes {
                let runs = result.as_ref().map_or(0, |runs| *runs);
                let why = result.as_ref().err().cloned().unwrap_or_default();
                tally.check(&format!("fuzz {target}, {runs} runs"), result.is_ok(), &why);
            }
        }
        Err(why) => tally.check("the fuzz targets build", false, &why),
    }
}

/// What the release binary must be.
pub fn binary(path: &Path, tally: &mut Tally) {
    step("the release binary");
    match binary::checks(path, true) {
        Ok(checks) => checks.iter().for_each(|c| tally.check(c.name, c.holds, "it does not")),
        Err(why) => tally.check("the release binary can be read", false, &why),
    }
    if let Err(why) = reproducible::possible() {
        return tally.left_out("a second build elsewhere", &why);
    }
    let same = reproducible::check(path);
    let why = same.as_ref().err().cloned().unwrap_or_default();
    tally.check("is the same when it is built elsewhere", same.is_ok(), &why);
}

/// The integration tests in one view of the cgroup trees.
pub fn integration(binary: &Path, view: View, name: &Option<String>, tally: &mut Tally) {
    let view = view.name();
    step(format_args!("integration tests, cgroups: {view}"));
    let mut command = cargo(&["test", "-p", "ocinit-tests", "--no-fail-fast"]);
    let skips = Skips::new(&mut command, view);
    command.env("OCINIT", binary).env("OCINIT_CGROUP_VIEW", view);
    // A name may be that of a whole file of tests.
    let place = format!("integration, {view}");
    match name.as_deref().filter(|name| is_suite(name)) {
        Some(suite) => tests(command.args(["--test", suite]), &None, &place, tally),
        None => tests(&mut command, name, &place, tally),
    }
    skips.count(tally);
}

/// Runs tests and counts them.
pub fn tests(command: &mut Command, name: &Option<String>, what: &str, tally: &mut Tally) {
    let mut suite = Suite::default();
    let good: Result<bool> = watch(command.args(name), |line| suite.line(line));
    tally.suite(what, suite, good);
}

/// The file in which tests write that they did not run, and why: libtest knows
/// no such outcome.
pub struct Skips(PathBuf);

impl Skips {
    /// Tells the command of an empty file.
    pub fn new(command: &mut Command, name: &str) -> Skips {
        let file = target().join(format!("skips-{name}"));
        let _ = std::fs::remove_file(&file);
        command.env("OCINIT_SKIPS", &file);
        Skips(file)
    }

    /// Counts what they have written.
    pub fn count(self, tally: &mut Tally) {
        tally.skipped(&std::fs::read_to_string(self.0).unwrap_or_default());
    }
}
