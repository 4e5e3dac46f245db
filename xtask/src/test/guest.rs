//! The integration tests in the test machine: every program in one boot.

use super::options::Manager;
use super::tally::{Suite, Tally};
use crate::error::{Context, Result};
use crate::process::step;
use crate::vm::{self, Payload};
use crate::workspace::{cargo, is_suite};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// What runs in the guest.
const TESTS: &str = include_str!("../vm/guest/tests");

/// The whole suite takes a third of it.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Programs that take long begin first, so that no one is left over at the end.
const LONG: [&str; 6] = ["faults", "crash", "systemd", "tutorial", "engines", "hooks"];

/// Runs the tests with each of the managers.
pub fn integration(binary: &Path, managers: &[Manager], name: &Option<String>, tally: &mut Tally) {
    if managers.is_empty() {
        return;
    }
    if let Err(why) = vm::possible() {
        for manager in managers {
            tally.left_out(&format!("guest, {}", manager.name()), &why);
        }
        return;
    }
    let tests = match compiled(name) {
        Ok(tests) => tests,
        Err(why) => return tally.check("the tests for the guest build", false, &why),
    };
    for manager in managers {
        // The file of this name is about a systemd that it starts itself.
        let nested = |test: &&Test| test.0 == "systemd" && *manager == Manager::Systemd;
        if tests.iter().any(|test| nested(&test)) {
            tally.left_out("guest, systemd: systemd.rs", "the same as with cgroupfs");
        }
        let tests: Vec<&Test> = tests.iter().filter(|test| !nested(test)).collect();
        if tests.is_empty() {
            continue;
        }
        step(format_args!("integration tests in the guest, cgroups by {}", manager.name()));
        let mut suite = Suite::default();
        let mut skips = String::new();
        let good = run(binary, *manager, name, &tests, |line| {
            match line.strip_prefix("OCINIT-VM-SKIP ") {
                Some(skip) => skips.extend([skip, "\n"]),
                None => println!("{line}"),
            }
            suite.line(line);
        });
        tally.suite(&format!("guest, {}", manager.name()), suite, good);
        tally.skipped(&skips);
    }
}

/// A compiled file of tests.
type Test = (String, PathBuf);

fn run(
    binary: &Path,
    manager: Manager,
    name: &Option<String>,
    tests: &[&Test],
    line: impl FnMut(&str),
) -> Result<bool> {
    let payload = Payload::new(binary)?;
    for (name, program) in tests {
        payload.test(name, program)?;
    }
    let filter = name.as_deref().filter(|name| !is_suite(name)).unwrap_or_default();
    if filter.contains(|c: char| !c.is_ascii_alphanumeric() && !"_:".contains(c)) {
        return Err(format!("{filter:?} is not the name of a test"));
    }
    let names: Vec<&str> = tests.iter().map(|(name, _)| name.as_str()).collect();
    let (manager, names) = (manager.name(), names.join(" "));
    payload.text("command", &format!("bash /payload/run-tests {manager} '{filter}' {names}\n"))?;
    payload.text("run-tests", TESTS)?;
    let status = vm::machine(&payload)?.run(LIMIT, line)?;
    Ok(status == 0)
}

/// Builds the tests, and returns those that are asked for.
fn compiled(name: &Option<String>) -> Result<Vec<Test>> {
    let mut command = cargo(&["test", "-p", "ocinit-tests", "--no-run"]);
    command.arg("--message-format=json-render-diagnostics");
    let out = command.stderr(Stdio::inherit()).output().context("cargo test")?;
    if !out.status.success() {
        return Err("cargo test --no-run failed".into());
    }
    let mut tests: Vec<Test> =
        String::from_utf8_lossy(&out.stdout).lines().filter_map(executable).collect();
    if let Some(suite) = name.as_deref().filter(|name| is_suite(name)) {
        tests.retain(|(name, _)| name == suite);
    }
    let rank = |name: &str| LONG.iter().position(|n| *n == name).unwrap_or(LONG.len());
    tests.sort_by_key(|(name, _)| (rank(name), name.clone()));
    Ok(tests)
}

/// The executable of a test, from a line of cargo's JSON: its name is that of
/// the test, a minus and a hash.
fn executable(line: &str) -> Option<Test> {
    if !line.contains(r#""kind":["test"]"#) {
        return None;
    }
    let (_, rest) = line.split_once(r#""executable":""#)?;
    let path = PathBuf::from(rest.split_once('"')?.0);
    let (name, _) = path.file_name()?.to_str()?.rsplit_once('-')?;
    Some((name.to_string(), path))
}

#[cfg(test)]
mod tests {
    use super::executable;

    #[test]
    fn reads_cargos_lines() {
        let line = r#"{"reason":"compiler-artifact","target":{"kind":["test"],"name":"exec_refused"},"executable":"/t/deps/exec_refused-0a1","fresh":true}"#;
        let (name, path) = executable(line).unwrap();
        assert_eq!(
            (name.as_str(), path.to_str()),
            ("exec_refused", Some("/t/deps/exec_refused-0a1"))
        );
        assert!(executable(&line.replace("[\"test\"]", "[\"bin\"]")).is_none());
        assert!(executable(r#"{"reason":"build-finished","success":true}"#).is_none());
    }
}
