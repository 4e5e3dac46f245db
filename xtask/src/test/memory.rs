//! The unit tests with something that watches memory: Miri for the pure
//! modules, or AddressSanitizer for all of them where Miri is not installed.

use super::parts::tests;
use super::tally::Tally;
use crate::fuzz::sanitizer;
use crate::process::step;
use crate::workspace::{cargo, host, root};
use std::process::{Command, Stdio};

/// What Miri runs: modules that make no system call.
const PURE: &[&str] = &[
    "json::",
    "spec::",
    "seccomp::tests::refusals",
    "dbus::address",
    "dbus::message",
    "dbus::read",
    "dbus::value",
    "network::netlink",
    "act::report",
    "command::parse",
    "command::quantity",
    "container::id",
    "container::state",
    "cgroup::text",
    "errno",
    "fault",
];

/// The tests.
pub fn unit(tally: &mut Tally) {
    match miri() {
        Ok(()) => {
            step("unit tests of the pure modules under Miri");
            let mut command = nightly(&["test", "-p", "ocinit", "--lib", "--"]);
            tests(command.args(PURE), &None, "unit, Miri", tally);
        }
        Err(why) => {
            tally.left_out("Miri", &why);
            sanitized(tally);
        }
    }
}

/// Whether Miri is installed; the error says what is missing.
fn miri() -> Result<(), String> {
    let mut version = nightly(&["--version"]);
    match version.stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err("no nightly toolchain with the component miri is installed".into()),
    }
}

/// Miri is a part of nightly toolchains only, whichever is pinned.
fn nightly(args: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "miri"]).args(args).current_dir(root());
    // Those of the cargo that called us are of another toolchain.
    for variable in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "RUSTFLAGS"] {
        command.env_remove(variable);
    }
    command
}

fn sanitized(tally: &mut Tally) {
    let Some(host) = host().ok().filter(|_| sanitizer()) else {
        return tally.left_out("AddressSanitizer", "this toolchain has no library for it");
    };
    step("unit tests with AddressSanitizer");
    let mut command = cargo(&["test", "--no-fail-fast", "-p", "ocinit", "--lib"]);
    // With a target given, the flags are not for build scripts.
    command.args(["--target", &host]).env("RUSTC_BOOTSTRAP", "1");
    command.env("CARGO_ENCODED_RUSTFLAGS", "-Zsanitizer=address");
    // A command that lives for milliseconds leaks on purpose.
    command.env("ASAN_OPTIONS", "detect_leaks=0");
    // Those that compute long, without touching memory otherwise than the rest.
    command.args(["--", "--skip", "seccomp::tests::sweep", "--skip", "seccomp::tests::libseccomp"]);
    tests(&mut command, &None, "unit, AddressSanitizer", tally);
}
