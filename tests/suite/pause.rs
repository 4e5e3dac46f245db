//! `pause`, `resume` and `ps`.

use ocinit_tests::{Bundle, Container, Lab, Value, eventually, json, oci};
use std::fs;

ocinit_tests::isolate!();

fn waiting<'a>(lab: &'a Lab, bundle: &mut Bundle) -> Container<'a> {
    bundle.waits();
    let c = lab.container(bundle);
    c.run_waiting();
    c
}

#[test]
fn a_paused_container_does_nothing_until_it_is_resumed() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("echo ready; while :; do echo tick; sleep 0.02; done");
    let c = lab.container(&bundle);
    let out = c.run_waiting();
    c.call("pause", &[]).ok().quiet();
    assert_eq!(c.status(), "paused");
    let before = out.stdout_now();
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(out.stdout_now(), before);
    c.call("resume", &[]).ok().quiet();
    assert_eq!(c.status(), "running");
    eventually("it goes on", || out.stdout_now().len() > before.len());
}

#[test]
fn pause_and_resume_know_the_state() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    c.call("resume", &[]).fails(1).one_line().says("container not paused");
    c.kill("KILL");
    c.wait_for("stopped");
    c.call("pause", &[]).fails(1).one_line().says("container not running");
    c.call("resume", &[]).fails(1).one_line().says("container not paused");
    for command in ["pause", "resume"] {
        lab.oci([command, "nobody"]).fails(1).one_line().says("does not exist");
    }
}

#[test]
fn a_paused_container_is_killed_and_deleted() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    c.call("pause", &[]).ok();
    c.kill("KILL");
    c.call("resume", &[]).run();
    c.wait_for("stopped");
    c.delete();
    lab.assert_clean();
    let c = waiting(&lab, &mut lab.bundle());
    c.call("pause", &[]).ok();
    c.call("delete", &[]).fails(1).says("that is not stopped: paused");
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn ps_has_the_hosts_pids_as_json() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("sleep 100 & echo ready; wait");
    let c = lab.container(&bundle);
    c.run_waiting();
    for flags in [["--format", "json"], ["-f", "json"]] {
        let mut pids = Vec::new();
        eventually("two processes", || {
            let Value::Array(all) = c.call("ps", &flags).ok().quiet().json() else { return false };
            pids = all;
            pids.len() == 2
        });
        assert!(pids.contains(&json!(c.pid())));
        for pid in &pids {
            let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
            assert!(["sh\n", "sleep\n"].contains(&comm.as_str()), "{comm}");
        }
    }
}

#[test]
fn ps_has_the_hosts_table() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let pid = c.pid().to_string();
    let table = c.call("ps", &[]).ok().quiet().stdout;
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 2, "{table}");
    assert!(rows[0].contains("PID") && rows[1].split_whitespace().any(|w| w == pid), "{table}");
    let other = c.call("ps", &[]).args(["-o", "pid,comm"]).ok().stdout;
    let words: Vec<&str> = other.split_whitespace().collect();
    assert_eq!(words, ["PID", "COMMAND", &pid, "guest"]);
    lab.oci(["ps", "nobody"]).fails(1).one_line().says("does not exist");
}

#[test]
fn ps_of_a_stopped_container_is_empty() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    c.kill("KILL");
    c.wait_for("stopped");
    let pids = c.call("ps", &["--format", "json"]).ok().quiet().json();
    assert!(pids.is_null() || pids == json!([]), "{pids}");
}

#[test]
fn without_cgroups_there_is_none() {
    if !oci::is_ocinit() {
        ocinit_tests::skip!("runc has no --cgroup-manager");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"].as_object_mut().unwrap().remove("resources");
    bundle.waits().save();
    let id = lab.id();
    let disabled = |args: &[&str]| lab.oci(["--cgroup-manager", "disabled"]).args(args);
    let dir = bundle.dir().to_str().unwrap();
    let out = disabled(&["run", "--detach", "--bundle", dir, &id]).ok().quiet();
    eventually("ready", || out.stdout_now().contains("ready"));
    assert_eq!(ocinit_tests::cgroups::named(lab.tag()), Vec::<std::path::PathBuf>::new());
    disabled(&["kill", &id, "TERM"]).ok().quiet();
    eventually("stopped", || disabled(&["state", &id]).ok().json()["status"] == "stopped");
    disabled(&["delete", &id]).ok().quiet();
    lab.assert_clean();
}
