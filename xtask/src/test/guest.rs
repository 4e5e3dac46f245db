//! The integration tests in the test machine: every program in one boot, one
//! machine for each manager of control groups, and one with SELinux for its tests.
//!
//! The machines run beside each other and beside what else is tested, and give
//! way to it: emulation takes long, and much of a test is waiting.

use super::options::{Guest, Options};
use super::tally::{Suite, Tally};
use crate::error::Result;
use crate::process::step;
use crate::programs::{self, Program};
use crate::vm::{self, Machine, Payload, selinux};
use crate::workspace::{cargo, is_suite};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

/// What runs in the guest.
const TESTS: &str = include_str!("../vm/guest/tests");

/// Several times what it takes on two processors, with everything else beside it.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// Programs that take long begin first, so that no one is left over at the end.
const LONG: [&str; 9] =
    ["faults", "differential", "pack", "caller", "load", "daemons", "engines", "crash", "systemd"];

/// The file of tests that wants SELinux.
const SELINUX: &str = "selinux";

/// The machines that run.
pub struct Runs(Vec<Run>);

/// One of them, and what is known before it ends.
struct Run {
    place: String,
    left_out: Vec<(String, &'static str)>,
    machine: JoinHandle<Outcome>,
}

/// What a machine has said: the tests, those skipped, and how it ended.
type Outcome = (Suite, String, Result<bool>);

/// Starts each of the machines.
pub fn start(binary: &Path, options: &Options, tally: &mut Tally) -> Runs {
    let Options { guests, name, .. } = options;
    let mut runs = Runs(Vec::new());
    if guests.is_empty() {
        return runs;
    }
    if let Err(why) = vm::possible() {
        for guest in guests {
            tally.left_out(&place(*guest), &why);
        }
        return runs;
    }
    let tests = match compiled(name) {
        Ok(tests) => tests,
        Err(why) => {
            tally.check("the tests for the guest build", false, &why);
            return runs;
        }
    };
    for guest in guests {
        let (left, tests): (Vec<&Program>, Vec<&Program>) = tests
            .iter()
            .filter(|test| is_for(&test.0, *guest))
            .partition(|test| left_out(&test.0, *guest).is_some());
        let left = left.iter().filter_map(|test| {
            left_out(&test.0, *guest).map(|why| (format!("{}.rs", test.0), why))
        });
        let left_out = left.collect();
        match prepare(binary, *guest, name, &tests) {
            Ok(machine) => {
                let place = place(*guest);
                step(format_args!("integration tests, {place}: begun beside the others"));
                let prefix = format!("[{place}] ");
                let machine = std::thread::spawn(move || run(&machine, &prefix));
                runs.0.push(Run { place, left_out, machine });
            }
            Err(why) => tally.check(&format!("{} can be made", place(*guest)), false, &why),
        }
    }
    runs
}

impl Runs {
    /// Waits for all of them, and counts.
    pub fn count(self, tally: &mut Tally) {
        for Run { place, left_out, machine } in self.0 {
            step(format_args!("integration tests, {place}: waiting for the rest"));
            let died = |_| (Suite::default(), String::new(), Err("its thread died".into()));
            let (suite, skips, good) = machine.join().unwrap_or_else(died);
            tally.suite(&place, suite, good);
            tally.skipped(&skips);
            for (file, why) in left_out {
                tally.left_out(&format!("{place}: {file}"), why);
            }
        }
    }
}

/// What the tests there are called.
pub fn place(guest: Guest) -> String {
    format!("guest, {}", guest.name())
}

/// Whether the machine is there for this file of tests: that with SELinux has none of the others.
fn is_for(name: &str, guest: Guest) -> bool {
    guest != Guest::Selinux || name == SELINUX
}

/// Why a file of tests does not run there.
fn left_out(name: &str, guest: Guest) -> Option<&'static str> {
    match (name, guest) {
        // It is about a systemd that it starts itself.
        ("systemd", Guest::Systemd) => Some("the same as with cgroupfs"),
        (SELINUX, Guest::Cgroupfs | Guest::Systemd) => Some("another machine has SELinux on"),
        ("properties", _) => Some("about the checkout and not about the machine"),
        _ => None,
    }
}

/// Boots the machine and shows what it says, with a word in front.
fn run(machine: &Machine, prefix: &str) -> Outcome {
    let mut suite = Suite::default();
    let mut skips = String::new();
    let status = machine.run(LIMIT, |line| {
        match line.strip_prefix("OCINIT-VM-SKIP ") {
            Some(skip) => skips.extend([skip, "\n"]),
            None => println!("{prefix}{line}"),
        }
        suite.line(line);
    });
    (suite, skips, status.map(|status| status == 0))
}

fn prepare(
    binary: &Path,
    guest: Guest,
    name: &Option<String>,
    tests: &[&Program],
) -> Result<Machine> {
    let payload = Payload::new(guest.name(), binary)?;
    for (name, program) in tests {
        payload.test(name, program)?;
    }
    let filter = name.as_deref().filter(|name| !is_suite(name)).unwrap_or_default();
    if filter.contains(|c: char| !c.is_ascii_alphanumeric() && !"_:".contains(c)) {
        return Err(format!("{filter:?} is not the name of a test"));
    }
    let names: Vec<&str> = tests.iter().map(|(name, _)| name.as_str()).collect();
    let (manager, names) = (guest.manager(), names.join(" "));
    let run = format!("bash /payload/run-tests {manager} '{filter}' {names}\n");
    payload.text("run-tests", TESTS)?;
    let (command, line) = match guest {
        Guest::Cgroupfs | Guest::Systemd => (run, ""),
        Guest::Selinux => (selinux::with_policy(&payload, &run)?, selinux::KERNEL),
    };
    payload.text("command", &command)?;
    Ok(Machine { patient: true, kernel_line: line, ..vm::machine(&payload)? })
}

/// Builds the tests, and returns those that are asked for.
fn compiled(name: &Option<String>) -> Result<Vec<Program>> {
    let mut command = cargo(&["test", "-p", "ocinit-tests", "--no-run"]);
    command.arg("--message-format=json-render-diagnostics");
    let mut tests = programs::built(&mut command)?;
    if let Some(suite) = name.as_deref().filter(|name| is_suite(name)) {
        tests.retain(|(name, _)| name == suite);
    }
    let rank = |name: &str| LONG.iter().position(|n| *n == name).unwrap_or(LONG.len());
    tests.sort_by_key(|(name, _)| (rank(name), name.clone()));
    Ok(tests)
}
