//! Signals: names and numbers, who gets them, and when there is nobody.

use ocinit_tests::isolate::{View, view};
use ocinit_tests::{Lab, eventually, spec};
use std::fs;

ocinit_tests::isolate!();

#[test]
fn the_default_signal_is_term() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let out = c.run_waiting();
    c.call("kill", &[]).ok().quiet();
    c.wait_for("stopped");
    assert!(out.stdout_now().contains("signal 15"));
}

#[test]
fn signals_have_names_in_any_case_and_numbers() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let out = c.run_waiting();
    let known = [
        ("HUP", 1),
        ("SIGUSR1", 10),
        ("usr2", 12),
        ("sigint", 2),
        ("SigQuit", 3),
        ("28", 28),
        ("37", 37),
        ("SIGRTMIN+5", 39),
        ("RTMAX-1", 63),
        ("64", 64),
    ];
    for (name, number) in known {
        c.kill(name);
        let line = format!("signal {number}\n");
        eventually(&format!("{name} as {line}"), || out.stdout_now().contains(&line));
    }
    assert_eq!(c.status(), "running");
}

#[test]
fn an_unknown_signal_is_refused() {
    let lab = Lab::new();
    let c = lab.waiting();
    for name in ["NOSUCH", "SIG", "-1", "0x9", "65", "1000"] {
        let out = c.call("kill", &[]).args(["--", name]).fails(1).one_line();
        assert!(out.stderr.contains("signal"), "{}", out.stderr);
    }
    c.call("kill", &[]).arg("SIGNOSUCH").fails(1).says("unknown signal").says("SIGNOSUCH");
    assert_eq!(c.status(), "running");
}

#[test]
fn kill_stops_a_container_that_has_not_been_started() {
    let lab = Lab::new();
    for signal in ["KILL", "TERM", "INT", "HUP", "QUIT"] {
        let c = lab.created();
        c.kill(signal);
        c.wait_for("stopped");
        c.call("start", &[]).fails(1).says("cannot start a container that has stopped");
        c.delete();
    }
    lab.assert_clean();
}

#[test]
fn a_container_that_waits_takes_no_notice_of_other_signals() {
    let lab = Lab::new();
    let c = lab.created();
    for signal in ["USR1", "CHLD", "WINCH", "URG"] {
        c.kill(signal);
    }
    assert_eq!(c.status(), "created");
    c.start();
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn kill_of_a_stopped_container_says_so() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/true"]);
    let c = lab.container(&bundle);
    c.run_detached();
    c.wait_for("stopped");
    for signal in ["TERM", "KILL", "9"] {
        c.call("kill", &[]).arg(signal).fails(1).says("container not running").one_line();
    }
}

#[test]
fn kill_all_of_a_stopped_container_is_no_error() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/true"]);
    let c = lab.container(&bundle);
    c.run_detached();
    c.wait_for("stopped");
    c.call("kill", &["--all"]).arg("9").ok().quiet();
    c.call("kill", &["-a"]).arg("KILL").ok().quiet();
}

#[test]
fn kill_reaches_only_init_without_all() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle
        .shell("/bin/guest wait & trap 'echo init' USR1; echo ready; while :; do sleep 0.02; done");
    let c = lab.container(&bundle);
    let out = c.run_waiting();
    eventually("both are ready", || out.stdout_now().matches("ready").count() == 2);
    c.kill("USR1");
    eventually("init has the signal", || out.stdout_now().contains("init"));
    assert!(!out.stdout_now().contains("signal 10"), "only init gets it");
}

#[test]
fn kill_all_reaches_every_process() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("/bin/guest wait & exec /bin/guest wait");
    let c = lab.container(&bundle);
    let out = c.run_waiting();
    eventually("both are ready", || out.stdout_now().matches("ready").count() == 2);
    c.call("kill", &["--all"]).arg("USR1").ok();
    eventually("both have it", || out.stdout_now().matches("signal 10").count() == 2);
}

#[test]
fn kill_all_ends_what_a_dead_init_left_in_a_shared_pid_namespace() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("/bin/guest wait & exec /bin/guest wait");
    spec::drop_namespace(&mut bundle.config, "pid");
    let c = lab.container(&bundle);
    let out = c.run_waiting();
    eventually("both are ready", || out.stdout_now().matches("ready").count() == 2);
    let cgroup = own_cgroup(c.pid());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(c.pid()), nix::sys::signal::SIGKILL).unwrap();
    c.wait_for("stopped");
    assert_eq!(ocinit_tests::cgroups::processes(&cgroup).len(), 1, "the other lives on");
    c.call("kill", &["--all"]).arg("9").ok();
    eventually("nobody is left", || ocinit_tests::cgroups::processes(&cgroup).is_empty());
    c.delete();
    lab.assert_clean();
}

#[test]
fn delete_force_ends_what_a_dead_init_left_in_a_shared_pid_namespace() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("/bin/guest wait & exec /bin/guest wait");
    spec::drop_namespace(&mut bundle.config, "pid");
    let c = lab.container(&bundle);
    let out = c.run_waiting();
    eventually("both are ready", || out.stdout_now().matches("ready").count() == 2);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(c.pid()), nix::sys::signal::SIGKILL).unwrap();
    c.wait_for("stopped");
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn a_killed_frozen_container_can_be_deleted() {
    let lab = Lab::new();
    let c = lab.waiting();
    let frozen = ocinit_tests::cgroups::freeze(c.pid());
    c.kill("KILL");
    drop(frozen);
    c.wait_for("stopped");
    c.delete();
    lab.assert_clean();
}

#[test]
fn delete_force_takes_a_frozen_container() {
    let lab = Lab::new();
    let c = lab.waiting();
    let _frozen = ocinit_tests::cgroups::freeze(c.pid());
    c.delete_force();
    lab.assert_clean();
}

/// Whoever made the cgroup, systemd say, removes it once the processes are dead, which on v2
/// they are before anybody thaws them. Here that happens while the signal is being sent.
#[test]
fn a_frozen_container_is_killed_when_its_cgroup_goes_away_meanwhile() {
    if view() != View::V2 {
        ocinit_tests::skip!("on cgroup v1 frozen processes do not die before they are thawed");
    }
    ocinit_tests::packages::install_missing().unwrap();
    let lab = Lab::new();
    let c = lab.waiting();
    let cgroup = own_cgroup(c.pid());
    let frozen = ocinit_tests::cgroups::freeze(c.pid());
    let strace = lab.program("/usr/bin/strace".as_ref()).args(["-f", "-o", "/dev/null", "-e"]);
    let kill = strace
        .arg("inject=pidfd_send_signal:delay_exit=3000000")
        .arg(ocinit_tests::oci::find_binary().unwrap())
        .arg("--root")
        .arg(lab.state_root())
        .args(["kill", c.id(), "KILL"])
        .spawn();
    eventually("the cgroup is gone", || {
        let _ = fs::remove_dir(&cgroup);
        !cgroup.exists()
    });
    let of_kill = fs::read(format!("/proc/{}/cmdline", kill.pid())).unwrap();
    assert!(!of_kill.is_empty(), "it has ended and not come to thawing before");
    kill.wait().code_is(0).quiet();
    drop(frozen);
    c.wait_for("stopped");
    c.delete();
    lab.assert_clean();
}

/// A cgroup directory of the process that its container has for itself.
fn own_cgroup(pid: i32) -> std::path::PathBuf {
    let all = ocinit_tests::cgroups::hierarchies();
    let deep = all.iter().filter_map(|h| h.directory_of(pid));
    let dir = deep.max_by_key(|d| d.components().count()).expect("a cgroup");
    assert!(fs::metadata(&dir).is_ok(), "{} is a directory", dir.display());
    dir
}

/// As with crun: an extended regular expression, and what fails is a warning.
#[test]
fn regex_reaches_all_that_fit() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let containers: Vec<_> = (0..3).map(|_| lab.container(&bundle)).collect();
    containers[..2].iter().for_each(|c| drop(c.run_waiting()));
    containers[2].on_bundle("create", &[]).ok();
    let expression = format!("^({}|{})$", containers[0].id(), containers[2].id());
    lab.oci(["kill", "--regex"]).arg(&expression).arg("KILL").ok().quiet();
    containers[0].wait_for("stopped");
    containers[2].wait_for("stopped");
    assert_eq!(containers[1].status(), "running");
    let out = lab.oci(["kill", "-r"]).arg(&expression).arg("KILL").ok();
    assert_eq!(out.stderr.lines().count(), 2, "{}", out.stderr);
    out.says(containers[0].id()).says("container not running");
    lab.oci(["kill", "--regex", "no-such-id"]).ok().quiet();
    lab.oci(["kill", "--regex", "(", "KILL"])
        .fails(1)
        .one_line()
        .says("invalid regular expression");

    let all = containers.iter().map(|c| c.id()).collect::<Vec<_>>().join("|");
    let out = lab.oci(["delete", "--regex"]).arg(format!("^({all})$")).ok().one_line();
    out.says(containers[1].id()).says("that is not stopped: running");
    containers[0].call("state", &[]).fails(1).says("does not exist");
    assert_eq!(containers[1].status(), "running");
    lab.oci(["delete", "--force", "-r"]).arg(format!("^({all})$")).ok().quiet();
    lab.assert_clean();
}
