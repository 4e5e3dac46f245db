//! The unit tests with something that watches memory: AddressSanitizer for all
//! of them, and Miri for the pure modules.

use super::parts::tests;
use super::tally::Tally;
use crate::fuzz::sanitizer;
use crate::process::{output, step};
use crate::workspace::{cargo, host, root, target};
use std::process::Command;

/// Miri is a part of nightly toolchains only. One of them, so that its words
/// about our code change when this line does.
const NIGHTLY: &str = "nightly-2026-05-20";

/// What Miri runs: modules that make no system call.
const PURE: &[&str] = &[
    "act::report",
    "cgroup::path",
    "cgroup::systemd",
    "cgroup::text",
    "cgroup::weight",
    "checkpoint::options",
    "checkpoint::protobuf",
    "command::globals",
    "command::parse",
    "command::pattern",
    "command::quantity",
    "container::id",
    "container::state",
    "cut::tests",
    "dbus::address",
    "dbus::message",
    "dbus::read",
    "dbus::value",
    "errno::tests",
    "error::tests",
    "fault::tests",
    "init::health",
    "init::parameters",
    "init::policy",
    "init::settings",
    "json::",
    "log::",
    "namespace::idmap",
    "network::",
    "plan::exec",
    "plan::mounts",
    "plan::tests",
    "quote::tests",
    "seccomp::tests::refusals",
    "spec::mount_options",
    "spec::ranges",
    "spec::signal",
    "spec::state",
];

/// Of these, what tries thousands of values or nests deep: an interpreter takes
/// minutes for each.
const LONG: &[&str] = &[
    "cgroup::weight::tests::as_with_floating_point",
    "dbus::message::tests::broken_messages",
    "json::tests::every_prefix_and_every_damaged_byte_is_diagnosed",
    "json::tests::nesting_does_not_recurse",
    "seccomp::tests::refusals::more_than_the_kernel_takes",
];

/// The tests.
pub fn unit(tally: &mut Tally) {
    sanitized(tally);
    if let Err(why) = install() {
        return tally.left_out("Miri", &why);
    }
    step("unit tests of the pure modules under Miri");
    let mut command = nightly(&["test", "-p", "ocinit", "--lib", "--"]);
    command.args(PURE).args(LONG.iter().flat_map(|test| ["--skip", *test]));
    // A command that lives for milliseconds leaks on purpose.
    command.env("MIRIFLAGS", "-Zmiri-ignore-leaks");
    command.env("CARGO_TARGET_DIR", target().join("miri"));
    tests(&mut command, &None, "unit, Miri", tally);
}

/// Installs Miri where it is missing; the error says why it cannot be had.
fn install() -> Result<(), String> {
    if output(&mut nightly(&["--version"])).is_ok() {
        return Ok(());
    }
    step(format_args!("installing Miri of {NIGHTLY}"));
    let mut rustup = Command::new("rustup");
    rustup.args(["toolchain", "install", NIGHTLY, "--profile", "minimal"]);
    rustup.args(["--component", "miri", "--component", "rust-src"]);
    output(&mut rustup).map(drop)
}

/// Miri of that toolchain, whichever is pinned.
fn nightly(args: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", NIGHTLY, "cargo", "miri"]).args(args).current_dir(root());
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
