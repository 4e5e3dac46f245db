//! Device rules of a container that runs: set in place, left alone by every other update, and what is said where the
//! kernel takes no programs.

use ocinit_tests::cgroups::{self, Hierarchy};
use ocinit_tests::isolate::{View, view};
use ocinit_tests::{Bundle, Call, Container, Lab, Value, eventually, json, oci, packages};
use std::path::PathBuf;

ocinit_tests::isolate!();

/// A bundle with a device beyond the default ones that every kernel has: the log, which is only opened.
fn bundle(lab: &Lab) -> Bundle {
    let mut bundle = lab.bundle();
    bundle.config["linux"]["devices"] =
        json!([{"type": "c", "path": "/dev/log1", "major": 1, "minor": 11, "fileMode": 0o666}]);
    bundle
}

const DENY_ALL: fn() -> Value = || json!({"allow": false, "access": "rwm"});

/// The rules that allow what every container may use, and the log or not.
fn rules(log: bool) -> Value {
    let log = json!({"allow": log, "type": "c", "major": 1, "minor": 11, "access": "rwm"});
    json!({"devices": [DENY_ALL(), log]})
}

/// An update with new rules for devices.
fn update(c: &Container, document: &Value) -> Call {
    c.call("update", &["--devices", "--resources", "-"]).stdin(document.to_string())
}

/// Whether a process that is in the container already may open the devices.
#[track_caller]
fn check(c: &Container, log: bool) {
    let words = ["/bin/guest", "probe", "write:/dev/log1", "write:/dev/full"];
    let log = if log { json!(true) } else { json!({"error": "EPERM"}) };
    let found = c.exec(&[], &words).ok().json();
    assert_eq!(found, json!({"write:/dev/log1": log, "write:/dev/full": true}));
}

/// The container's cgroup, where programs enforce its rules.
fn programmed(c: &Container) -> Option<PathBuf> {
    let unified = cgroups::hierarchies().into_iter().find(Hierarchy::unified)?;
    cgroups::v1("devices").is_none().then(|| unified.directory_of(c.pid()))?
}

#[track_caller]
fn check_one_program(c: &Container) {
    if let Some(dir) = programmed(c) {
        assert_eq!(cgroups::device_programs(&dir).unwrap(), 1);
    }
}

#[test]
fn rules_are_updated_in_place() {
    let lab = Lab::new();
    let mut bundle = bundle(&lab);
    // Devices that stay allowed may be opened at every moment.
    let busy = "while :; do : >/dev/null; done";
    bundle.shell(&format!("echo ready; sh -c '{busy}'; echo refused; exec sleep 60"));
    let c = lab.container(&bundle);
    let out = c.run_waiting();
    check(&c, false);
    for log in [true, false, true, false] {
        update(&c, &rules(log)).ok().quiet();
        check(&c, log);
        check_one_program(&c);
    }
    (0..40).for_each(|turn| drop(update(&c, &rules(turn % 2 == 0)).ok()));
    check(&c, false);
    check_one_program(&c);
    assert!(!out.stdout_now().contains("refused"), "{}", out.stdout_now());
    update(&c, &json!({"devices": [{"allow": true, "access": "rwm"}]})).ok().quiet();
    check(&c, true);
    check_one_program(&c);
    update(&c, &rules(false)).ok().quiet();
    check(&c, false);
    check_one_program(&c);
}

#[test]
fn rules_stay_with_other_updates() {
    let lab = Lab::new();
    let mut bundle = bundle(&lab);
    bundle.waits();
    // All but one: a list that systemd does not have.
    let rules = json!([{"allow": true, "access": "rwm"},
        {"allow": false, "type": "c", "major": 1, "minor": 11, "access": "rwm"}]);
    bundle.config["linux"]["resources"]["devices"] = rules;
    let c = lab.container(&bundle);
    c.run_waiting();
    check(&c, false);
    let document = |document: Value| c.call("update", &["-r", "-"]).stdin(document.to_string());
    let mut other = json!({"devices": [{"allow": true, "access": "rwm"}]});
    if cgroups::unified_has("memory") || cgroups::v1("memory").is_some() {
        other["memory"] = json!({"limit": 67_108_864});
    }
    for _ in 0..2 {
        // An engine sends the rules along with what it changes.
        document(other.clone()).ok().quiet();
        check(&c, false);
        check_one_program(&c);
    }
}

#[test]
fn an_update_without_rules_is_refused() {
    let lab = Lab::new();
    let mut bundle = bundle(&lab);
    let c = lab.container(bundle.waits());
    c.run_waiting();
    for document in [json!({}), json!({"devices": []}), json!({"pids": {"limit": 20}})] {
        update(&c, &document).fails(1).one_line().says("--devices").says("devices");
    }
    c.call("update", &["--devices"]).fails(1).one_line().says("--devices");
    update(&c, &json!({"devices": [{"allow": 1}]})).fails(1).one_line().says("devices[0].allow");
    check(&c, false);
}

/// Whether rules are programs here, or why this cannot be tried.
fn without_programs() -> Option<&'static str> {
    (view() != View::V2).then_some("no program enforces the rules of a v1 device cgroup")
}

const REFUSALS: [(&str, &str); 3] = [
    ("EPERM", "it takes CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN"),
    ("ENOSYS", "the kernel needs CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF"),
    ("EINVAL", "the kernel needs CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF"),
];

/// The runtime on a kernel whose bpf(2) says no.
fn without_bpf(lab: &Lab, errno: &str) -> Call {
    packages::install_missing().unwrap();
    let strace = lab.program("/usr/bin/strace".as_ref()).args(["-f", "-o", "/dev/null", "-e"]);
    let strace = strace.arg(format!("inject=bpf:error={errno}"));
    strace.arg(oci::find_binary().unwrap()).arg("--root").arg(lab.state_root())
}

#[test]
fn a_kernel_that_takes_no_programs_is_named() {
    if let Some(why) = without_programs() {
        ocinit_tests::skip!("{why}");
    }
    let lab = Lab::new();
    let mut bundle = bundle(&lab);
    bundle.waits();
    for (errno, hint) in REFUSALS {
        let c = lab.container(&bundle);
        let call = without_bpf(&lab, errno).args(["create", "--bundle"]).arg(c.bundle());
        let out = call.arg(c.id()).fails(1).one_line();
        out.says("linux.resources.devices").says("eBPF").says(errno).says(hint);
        lab.assert_clean();
    }
}

#[test]
fn rules_that_cannot_be_updated_stay() {
    if let Some(why) = without_programs() {
        ocinit_tests::skip!("{why}");
    }
    let lab = Lab::new();
    let mut bundle = bundle(&lab);
    let c = lab.container(bundle.waits());
    c.run_waiting();
    for (errno, hint) in REFUSALS {
        let call = without_bpf(&lab, errno).args(["update", "--devices", "-r", "-", c.id()]);
        let out = call.stdin(rules(true).to_string()).fails(1).one_line();
        out.says("linux.resources.devices").says("eBPF").says(errno).says(hint);
        check(&c, false);
        check_one_program(&c);
    }
    eventually("it still runs", || c.status() == "running");
}
