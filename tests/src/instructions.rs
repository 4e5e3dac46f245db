//! Counting instructions: how many a command executes in user mode. The machine's
//! clock and load do not matter, so a few per cent more are a change of the
//! program. valgrind counts; it cannot follow a process into namespaces, so
//! only commands that make no process are counted.

use std::path::Path;
use std::process::Command;

/// Runs a command of the binary with these words under callgrind.
///
/// # Panics
/// It fails, or valgrind does not say what it counted.
pub fn count(binary: &Path, state: &Path, words: &[&str]) -> u64 {
    let mut command = Command::new("/usr/bin/valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(binary);
    // The machine's cgroups must not count.
    command.args(["--cgroup-manager", "disabled", "--root"]).arg(state).args(words);
    // What is on the stack counts: the environment is walked through.
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let out = command.output().expect("start valgrind");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{words:?} under valgrind: {said}");
    let line = said.lines().find_map(|line| line.split_once("Collected :"));
    let count = line.and_then(|(_, count)| count.trim().parse().ok());
    count.unwrap_or_else(|| panic!("valgrind counted nothing: {said}"))
}
