//! What a running container tells: `events`; and corners of `ps`, `pause` and
//! `resume`.

use ocinit_tests::cgroups::{self, Hierarchy};
use ocinit_tests::{Container, Lab, Value, eventually, json, oci};
use std::fs;
use std::path::{Path, PathBuf};

ocinit_tests::isolate!();

/// The directory of a controller, of v1 or of v2 where that has it.
fn controller(name: &str, pid: i32) -> Option<PathBuf> {
    if let Some(h) = cgroups::v1(name) {
        return h.directory_of(pid);
    }
    let dir = unified(pid)?;
    let has = fs::read_to_string(dir.join("cgroup.controllers")).ok()?;
    has.split_whitespace().any(|c| c == name).then_some(dir)
}

fn unified(pid: i32) -> Option<PathBuf> {
    cgroups::hierarchies().into_iter().find(Hierarchy::unified)?.directory_of(pid)
}

/// The statistics of now.
fn stats(c: &Container) -> Value {
    let out = c.call("events", &["--stats"]).ok().quiet();
    assert!(out.stdout.ends_with("}\n"), "{}", out.stdout);
    assert_eq!(out.stdout.lines().count(), 1);
    let mut event = out.json();
    assert_eq!(event["type"], "stats");
    assert_eq!(event["id"], c.id());
    event["data"].take()
}

#[test]
fn the_statistics_have_the_numbers_of_the_cgroups() {
    let lab = Lab::new();
    let c = lab.waiting();
    let data = stats(&c);
    assert_eq!(data["pids"]["current"], 1, "{data}");
    assert_eq!(data["network_interfaces"], Value::Null);
    assert_eq!(data["intel_rdt"], json!({}));
    assert!(data["cpu"]["usage"]["kernel"].is_u64() && data["cpu"]["usage"]["user"].is_u64());
    if let Some(dir) = controller("memory", c.pid()) {
        assert!(data["memory"]["usage"]["usage"].as_u64().unwrap() > 0, "{data}");
        assert!(data["memory"]["usage"]["limit"].as_u64().unwrap() > 1 << 40, "{data}");
        let text = fs::read_to_string(dir.join("memory.stat")).unwrap();
        let keys: Vec<&str> = text.lines().map(|l| l.split(' ').next().unwrap()).collect();
        assert!(keys.iter().all(|k| data["memory"]["raw"][k].is_u64()), "{data}");
    }
    if let Some(h) = cgroups::v1("cpuset") {
        let text = fs::read_to_string(h.directory_of(c.pid()).unwrap().join("cpuset.cpus"));
        let last = text.unwrap().trim().rsplit([',', '-']).next().unwrap().parse::<u64>().unwrap();
        assert_eq!(data["cpuset"]["cpus"].as_array().unwrap().last().unwrap(), last);
        assert_eq!(data["cpuset"]["sched_load_balance"], 1);
    }
}

#[test]
fn limits_are_in_the_statistics() {
    let lab = Lab::new();
    let mut bundle = lab.waiting_bundle();
    let here = std::process::id() as i32;
    for (name, limit) in [("memory", json!({"limit": 50_331_648})), ("pids", json!({"limit": 20}))]
    {
        if controller(name, here).is_none() {
            ocinit_tests::skip!("no cgroup tree of this machine has the {name} controller");
        }
        bundle.config["linux"]["resources"][name] = limit;
    }
    let c = lab.container(&bundle);
    c.run_waiting();
    let data = stats(&c);
    assert_eq!(data["memory"]["usage"]["limit"], 50_331_648);
    assert_eq!(data["pids"]["limit"], 20);
}

/// Pressure is told where the kernel counts it, which is in the cgroup2 tree.
#[test]
fn the_statistics_have_the_pressure() {
    let lab = Lab::new();
    let c = lab.waiting();
    let Some(dir) = unified(c.pid()).filter(|dir| dir.join("cpu.pressure").exists()) else {
        ocinit_tests::skip!("no cgroup2 tree with pressure stall information");
    };
    let data = stats(&c);
    let text = fs::read_to_string(dir.join("cpu.pressure")).unwrap();
    for kind in text.lines().map(|line| line.split(' ').next().unwrap()) {
        let psi = &data["cpu"]["psi"][kind];
        for key in ["avg10", "avg60", "avg300", "total"] {
            assert!(psi[key].is_number(), "{kind} {key}: {data}");
        }
    }
    assert!(data["memory"]["psi"].is_object() && data["blkio"]["psi"].is_object(), "{data}");
}

#[test]
fn the_statistics_have_the_shape_of_runc() {
    let runc = Path::new("/usr/sbin/runc");
    if !runc.exists() || !oci::is_ocinit() {
        ocinit_tests::skip!("there is no runc to compare with");
    }
    let lab = Lab::new();
    let c = lab.waiting();
    let ours = stats(&c);
    let root = lab.dir().join("runc");
    let call = |args: &[&str]| lab.program(runc).arg("--root").arg(&root).args(args);
    let id = lab.id();
    let bundle = c.bundle().to_str().unwrap();
    let run = call(&["run", "--detach", "--bundle", bundle, &id]).run();
    if run.code != 0 {
        ocinit_tests::skip!("runc cannot run a container here: {}", run.stderr);
    }
    let theirs = call(&["events", "--stats", &id]).run();
    call(&["delete", "--force", &id]).ok();
    let theirs = theirs.code_is(0).json();
    compare("", &theirs["data"], &ours);
}

/// All that they have we have with the same type. Numbers may be left out where
/// they are zero, and lists where they are empty.
fn compare(path: &str, theirs: &Value, ours: &Value) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (key, value) in theirs {
                let optional = value.is_number() || value.is_array();
                match ours.get(key) {
                    Some(our) => compare(&format!("{path}.{key}"), value, our),
                    None => assert!(optional, "{path}.{key} is missing"),
                }
            }
        }
        (Value::Number(_), Value::Number(_)) => {}
        (Value::Array(theirs), Value::Array(ours)) => {
            if let (Some(their), Some(our)) = (theirs.first(), ours.first()) {
                compare(&format!("{path}[]"), their, our);
            }
        }
        _ => assert_eq!(theirs, ours, "{path}"),
    }
}

#[test]
fn created_and_paused_containers_have_statistics() {
    let lab = Lab::new();
    let c = lab.created();
    assert_eq!(stats(&c)["pids"]["current"], 1);
    c.call("pause", &[]).ok();
    assert_eq!(stats(&c)["pids"]["current"], 1);
    c.call("resume", &[]).ok();
}

#[test]
fn statistics_come_each_interval_until_the_end() {
    let lab = Lab::new();
    let c = lab.waiting();
    let events = c.call("events", &["--interval", "50ms"]).spawn();
    eventually("three lines", || events.stdout().lines().count() >= 3);
    c.kill("KILL");
    let out = events.wait().code_is(0);
    for line in out.stdout.lines() {
        let event: Value = line.parse().unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(event["type"], "stats");
        assert!(event["data"]["cpu"]["usage"].is_object());
    }
}

#[test]
fn a_long_watch_takes_no_more_memory() {
    let lab = Lab::new();
    let c = lab.waiting();
    let events = c.call("events", &["--interval", "2ms"]).spawn();
    let lines = |wanted| eventually("lines", || events.stdout().lines().count() >= wanted);
    let resident = || {
        let status = fs::read_to_string(format!("/proc/{}/status", events.pid())).expect("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number")
    };
    lines(10);
    let before = resident();
    lines(210);
    let after = resident();
    assert!(after <= before + 64, "{before} KiB, then {after} after 200 more");
    c.kill("KILL");
    events.wait().code_is(0);
}

#[test]
fn a_watch_ends_when_nothing_can_be_written() {
    let lab = Lab::new();
    let c = lab.waiting();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let out = c.call("events", &["--interval", "20ms"]).fd(full, 1).run().code_is(1);
    assert!(out.stderr.contains("write to stdout: ENOSPC"), "{}", out.stderr);
}

#[test]
fn running_out_of_memory_is_told() {
    let lab = Lab::new();
    let mut bundle = lab.waiting_bundle();
    if controller("memory", std::process::id() as i32).is_none() {
        let c = lab.container(&bundle);
        c.run_waiting();
        let events = c.call("events", &["--interval", "1h"]).spawn();
        std::thread::sleep(std::time::Duration::from_millis(200));
        c.kill("KILL");
        events.wait().code_is(0).says("no OOM notifications").says("memory");
        ocinit_tests::skip!("no cgroup tree of this machine has the memory controller");
    }
    let memory = json!({"limit": 33_554_432, "swap": 33_554_432});
    bundle.config["linux"]["resources"]["memory"] = memory;
    let c = lab.container(&bundle);
    c.run_waiting();
    let events = c.call("events", &["--interval", "1h"]).spawn();
    let oom = format!("{{\"type\":\"oom\",\"id\":\"{}\"}}\n", c.id());
    eventually("the notification", || {
        // The first one may be before the command watches.
        let eat = c.exec(&[], &["sh", "-c", "dd if=/dev/zero of=/dev/null bs=200M count=1"]).run();
        assert_eq!(eat.code, 137, "{}", eat.stderr);
        events.stdout().starts_with(&oom)
    });
    assert_eq!(c.status(), "running");
    c.kill("KILL");
    let out = events.wait().code_is(0).quiet();
    assert!(out.stdout.lines().all(|line| format!("{line}\n") == oom), "{}", out.stdout);
}

#[test]
fn events_of_what_does_not_run_are_refused() {
    let lab = Lab::new();
    let c = lab.waiting();
    let id = c.id();
    let call = |flags: &[&str]| c.call("events", flags).fails(1);
    call(&["--interval", "0"]).one_line().says("duration interval must be greater than 0");
    call(&["--interval", "-1s"]).one_line().says("duration interval must be greater than 0");
    call(&["--interval", "5"]).one_line().says("for flag -interval: parse error");
    lab.oci(["events", "nosuch"]).fails(1).one_line().says("container does not exist");
    c.kill("KILL");
    c.wait_for("stopped");
    for flags in [&[][..], &["--stats"]] {
        call(flags).one_line().says(&format!("container with id {id} is not running"));
    }
}

#[test]
fn a_created_container_is_paused_and_resumed_too() {
    let lab = Lab::new();
    let c = lab.created();
    c.call("resume", &[]).fails(1).one_line().says("container not paused");
    c.call("pause", &[]).ok().quiet();
    assert_eq!(c.status(), "paused");
    c.call("pause", &[]).fails(1).one_line().says("container not running");
    c.call("resume", &[]).ok().quiet();
    assert_eq!(c.status(), "created");
    c.start();
    c.call("resume", &[]).fails(1).one_line().says("container not paused");
}

#[test]
fn what_ps_cannot_do_is_told() {
    let lab = Lab::new();
    let c = lab.waiting();
    let ps = |args: &[&str]| c.call("ps", &[]).args(args).fails(1).one_line();
    ps(&["-e", "-o", "comm"]).says("couldn't find PID field in ps output");
    ps(&["--nosuch"]).says("exit status");
    c.call("ps", &["--format", "xml"]).fails(1).one_line().says("invalid format option");
    c.kill("KILL");
    c.wait_for("stopped");
    eventually("no process", || c.call("ps", &["-f", "json"]).ok().quiet().stdout == "null\n");
}

#[test]
fn without_a_cgroup_the_processes_are_not_known() {
    if !oci::is_ocinit() {
        ocinit_tests::skip!("runc has no --cgroup-manager");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"].as_object_mut().unwrap().remove("resources");
    bundle.waits().save();
    let id = lab.id();
    let call = |args: &[&str]| lab.oci(["--cgroup-manager", "disabled"]).args(args);
    let run = call(&["run", "--detach", "--bundle", bundle.dir().to_str().unwrap(), &id]).ok();
    eventually("ready", || run.stdout_now().contains("ready"));
    for format in ["json", "table"] {
        call(&["ps", "-f", format, &id]).fails(1).one_line().says("no cgroup");
    }
    call(&["pause", &id]).fails(1).one_line().says("no cgroup");
    call(&["update", "--pids-limit", "9", &id]).fails(1).one_line().says("pids.limit");
    let stats = call(&["events", "--stats", &id]).ok().quiet().json();
    assert_eq!(stats["data"]["pids"], json!({}));
}
