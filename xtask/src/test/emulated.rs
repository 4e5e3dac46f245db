//! The unit tests of the library for targets of other architectures, in QEMU's
//! user mode. One of them is the only target whose bytes stand in the other order.

use super::parts::{Skips, tests};
use super::tally::Tally;
use crate::error::Result;
use crate::glibc::{Glibc, architecture};
use crate::process::step;
use crate::programs;
use crate::target::Target;
use crate::workspace::root;
use std::path::{Path, PathBuf};
use std::process::Command;

const NO_BPF: &str = "QEMU's user mode has no bpf(2), which the rules for devices take";
const NO_CLONE3: &str =
    "QEMU's user mode has no clone3(2), which a process is put in its cgroup by";
const NO_OPENAT2: &str =
    "QEMU's user mode has no openat2(2), without which nothing is seen at a glance";
const NO_FILTERS: &str = "QEMU's user mode has no system call filters";

/// How long all of them may take, in seconds: they take one minute.
const LIMIT: &str = "600";

/// What QEMU's user mode cannot run, and why.
const LACKING: &[(&str, &str)] = &[
    ("cgroup::mount_tests::bound_without_a_cgroup_namespace", NO_BPF),
    ("cgroup::mount_tests::mounted_in_a_cgroup_namespace", NO_BPF),
    ("cgroup::open::tests::beside_init_where_the_own_cgroup_is_full_of_cgroups", NO_BPF),
    ("cgroup::rootless_tests::a_delegated_cgroup_is_used", NO_BPF),
    ("cgroup::tests::exec_joins_and_descends", NO_CLONE3),
    ("cgroup::tests::frozen_cgroups_are_refused", NO_BPF),
    ("cgroup::tests::life_hybrid", NO_CLONE3),
    ("cgroup::tests::life_v2", NO_BPF),
    ("container::tests::a_glance_sees_what_the_directory_tells", NO_OPENAT2),
    ("seccomp::tests::kernel::a_listener_is_a_descriptor", NO_FILTERS),
    ("seccomp::tests::kernel::errors_and_arguments", NO_FILTERS),
    ("seccomp::tests::kernel::processes_die_of_sigsys", NO_FILTERS),
];

/// Builds and runs them for the target, where an emulator is needed for it: the
/// machine's own are a part of their own.
pub fn unit(target: &Target, tally: &mut Tally) {
    let place = format!("unit, {}", architecture(target.name));
    let emulator = match target.runner() {
        Ok(None) => return,
        Ok(Some(emulator)) => emulator,
        Err(why) => return tally.check(&format!("{place}: can be run"), false, &why),
    };
    step(format_args!("unit tests for {}", target.name));
    match built(target) {
        Ok(program) => run(emulator, &program, &place, tally),
        Err(why) => tally.check(&format!("{place}: builds"), false, &why),
    }
}

fn built(target: &Target) -> Result<PathBuf> {
    let glibc = Glibc::for_target(target.name)?;
    let programs = programs::built(glibc.tests().args(["-p", "ocinit", "--lib"]))?;
    let program = programs.into_iter().next().ok_or("cargo tells of no program with tests")?;
    Ok(program.1)
}

fn run(emulator: &Path, program: &Path, place: &str, tally: &mut Tally) {
    let mut command = Command::new("timeout");
    let skips = Skips::new(&mut command, place);
    command.args(["--kill-after=10", LIMIT]).arg(emulator).arg(program).current_dir(root());
    // A fork while another thread computes can leave QEMU's locks taken for ever.
    command.args(["--exact", "--test-threads=1"]);
    command.args(LACKING.iter().flat_map(|(test, _)| ["--skip", *test]));
    tests(&mut command, &None, place, tally);
    skips.count(tally);
    for (test, why) in LACKING {
        tally.left_out(&format!("{place}: {test}"), why);
    }
}

#[cfg(test)]
mod tests {
    use super::LACKING;
    use crate::workspace::root;
    use std::fs;

    /// The name of a test that is gone would be counted for ever.
    #[test]
    fn what_is_left_out_is_there() {
        for (test, _) in LACKING {
            let (place, name) = test.rsplit_once("::").unwrap();
            let path = place.trim_end_matches("::tests").replace("::", "/");
            let files = [format!("src/{path}.rs"), format!("src/{path}/tests.rs")];
            let texts = files.map(|file| fs::read_to_string(root().join(file)).unwrap_or_default());
            let declared = format!("fn {name}()");
            assert!(texts.iter().any(|text| text.contains(&declared)), "{test}");
        }
    }
}
