//! `--systemd-cgroup`: the container is a scope of systemd.

use ocinit_tests::machine::Machine;
use ocinit_tests::{Lab, json};

ocinit_tests::isolate!();

#[test]
fn a_container_is_a_scope_in_its_slice() {
    let lab = Lab::new();
    let machine = Machine::boot(&lab, |_| ());
    machine.edit(|c| c["linux"]["cgroupsPath"] = json!("system.slice:oci:one"));
    let mut story = Vec::new();
    let mut step = |line: &str| {
        let out = machine.sh(line);
        story.push(format!("{line}: {}\n{}{}", out.code, out.stdout, out.stderr));
        out
    };
    // The container keeps what it inherits: it must not be this call's stdout.
    let flags = "--detach --bundle /mycontainer --pid-file /run/one.pid";
    let run = step(&format!(
        "ocinit --systemd-cgroup run {flags} one > /tmp/out 2>&1; s=$?; cat /tmp/out; exit $s"
    ));
    let cgroup = step("cat /proc/$(cat /run/one.pid)/cgroup");
    let active = step("systemctl is-active oci-one.scope");
    let description = step("systemctl show --property=Description oci-one.scope");
    let exec = step("ocinit --systemd-cgroup exec one /bin/guest report");
    let kill = step(
        "ocinit --systemd-cgroup kill one KILL; sleep 0.5; ocinit --systemd-cgroup delete one",
    );
    let after = step("systemctl is-active oci-one.scope");
    let left = step("find /sys/fs/cgroup -name '*oci-one*'");
    let story = story.join("\n");
    machine.power_off();
    assert_eq!(run.code, 0, "{story}");
    assert!(cgroup.stdout.contains("/system.slice/oci-one.scope"), "{story}");
    assert_eq!(active.stdout, "active\n", "{story}");
    assert!(!description.stdout.is_empty(), "{story}");
    assert_eq!(exec.code, 0, "{story}");
    assert_eq!(kill.code, 0, "{story}");
    assert_ne!(after.stdout, "active\n", "{story}");
    assert_eq!(left.stdout, "", "{story}");
}

#[test]
fn a_path_that_is_no_slice_is_refused() {
    let lab = Lab::new();
    let machine = Machine::boot(&lab, |_| ());
    machine.edit(|c| c["linux"]["cgroupsPath"] = json!("/some/path"));
    let create = "ocinit --systemd-cgroup create --bundle /mycontainer two";
    let out = machine.sh(&format!("{create} > /tmp/out 2>&1; s=$?; cat /tmp/out >&2; exit $s"));
    let left = machine.sh("ocinit list -q");
    machine.power_off();
    out.code_is(1).one_line();
    assert_eq!(left.stdout, "");
}
