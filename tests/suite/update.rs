//! `update`: the limits of a running container, by flags and by documents.

use ocinit_tests::cgroups::{self, Hierarchy};
use ocinit_tests::isolate::{View, view};
use ocinit_tests::{Bundle, Container, Lab, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

ocinit_tests::isolate!();

fn waiting<'a>(lab: &'a Lab, bundle: &mut Bundle) -> Container<'a> {
    bundle.waits();
    let c = lab.container(bundle);
    c.run_waiting();
    c
}

/// Whether it is v1, and the directory of a controller.
fn controller(name: &str, pid: i32) -> Option<(bool, PathBuf)> {
    if let Some(h) = cgroups::v1(name) {
        return Some((true, h.directory_of(pid)?));
    }
    let dir = cgroups::hierarchies().into_iter().find(Hierarchy::unified)?.directory_of(pid)?;
    let has = fs::read_to_string(dir.join("cgroup.controllers")).ok()?;
    has.split_whitespace().any(|c| c == name).then_some((false, dir))
}

fn here(names: &[&str]) -> bool {
    names.iter().all(|name| controller(name, std::process::id() as i32).is_some())
}

fn value(dir: &Path, file: &str) -> String {
    let path = dir.join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.trim().to_string()
}

/// What is in force: memory, memory with swap, period and quota, shares.
fn in_force(c: &Container) -> (String, String, String, String) {
    let pid = c.pid();
    let (v1, memory) = controller("memory", pid).expect("a memory controller");
    let (_, cpu) = controller("cpu", pid).expect("a cpu controller");
    if v1 {
        let quota =
            format!("{} {}", value(&cpu, "cpu.cfs_quota_us"), value(&cpu, "cpu.cfs_period_us"));
        let limit = value(&memory, "memory.limit_in_bytes");
        let total = value(&memory, "memory.memsw.limit_in_bytes");
        return (limit, total, quota, value(&cpu, "cpu.shares"));
    }
    let limit = value(&memory, "memory.max");
    let swap = value(&memory, "memory.swap.max");
    let total = match (limit.parse::<u64>(), swap.parse::<u64>()) {
        (Ok(limit), Ok(swap)) => (limit + swap).to_string(),
        _ => swap,
    };
    (limit, total, value(&cpu, "cpu.max"), value(&cpu, "cpu.weight"))
}

#[track_caller]
fn check(c: &Container, limit: &str, total: &str, quota: &str, shares: &str) {
    let found = in_force(c);
    let weight = if shares == "512" { "59" } else { "100" };
    let shares = if cgroups::v1("cpu").is_some() { shares } else { weight };
    let expected = (limit.to_string(), total.to_string(), quota.to_string(), shares.to_string());
    assert_eq!(found, expected);
}

/// An update by a document on stdin.
fn document(c: &Container, document: &Value) -> ocinit_tests::Call {
    c.call("update", &["--resources", "-"]).stdin(document.to_string())
}

const NEEDED: &[&str] = &["memory", "cpu"];

#[test]
fn what_is_not_given_stays_and_later_updates_compose() {
    if !here(NEEDED) {
        ocinit_tests::skip!("no cgroup tree of this machine has memory and cpu controllers");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["resources"]["memory"] =
        json!({"limit": 67_108_864, "swap": 100_663_296});
    bundle.config["linux"]["resources"]["cpu"] = json!({"quota": 20_000, "period": 50_000});
    let c = waiting(&lab, &mut bundle);
    let update = |flags: &[&str]| c.call("update", flags).ok().quiet();
    check(&c, "67108864", "100663296", "20000 50000", "1024");
    // The total stays when only the memory changes.
    update(&["--memory", "32M"]);
    check(&c, "33554432", "100663296", "20000 50000", "1024");
    update(&["--memory-swap=67108864"]);
    check(&c, "33554432", "67108864", "20000 50000", "1024");
    update(&["--memory", "48m"]);
    check(&c, "50331648", "67108864", "20000 50000", "1024");
    update(&["--cpu-quota", "10000"]);
    check(&c, "50331648", "67108864", "10000 50000", "1024");
    update(&["--cpu-period", "40000"]);
    check(&c, "50331648", "67108864", "10000 40000", "1024");
    update(&["--cpu-share", "512", "--cpu-quota", "-1"]);
    let none = if cgroups::v1("cpu").is_some() { "-1 40000" } else { "max 40000" };
    check(&c, "50331648", "67108864", none, "512");
    // The documents of both ways compose, too.
    document(&c, &json!({"memory": {"limit": 41_943_040}, "cpu": {"quota": 5000}})).ok().quiet();
    check(&c, "41943040", "67108864", "5000 40000", "512");
    let file = lab.dir().join("limits.json");
    fs::write(&file, r#"{"memory":{"swap":46137344}}"#).unwrap();
    update(&["-r", file.to_str().unwrap(), "--memory", "1M"]);
    // systemd, asked for something else, writes the quota anew: in whole percents.
    check(&c, "41943040", "46137344", "5000 40000", "512");
}

#[test]
fn no_limit_of_memory_is_none_of_swap() {
    if !here(NEEDED) {
        ocinit_tests::skip!("no cgroup tree of this machine has memory and cpu controllers");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["resources"]["memory"] =
        json!({"limit": 67_108_864, "swap": 100_663_296});
    let c = waiting(&lab, &mut bundle);
    let none = in_force(&waiting(&lab, &mut lab.bundle())).0;
    c.call("update", &["--memory", "-1"]).ok().quiet();
    assert_eq!((in_force(&c).0, in_force(&c).1), (none.clone(), none.clone()));
    c.call("update", &["--memory", "64M"]).ok().quiet();
    assert_eq!((in_force(&c).0, in_force(&c).1), ("67108864".to_string(), none));
}

#[test]
fn every_flag_is_written() {
    let all = ["memory", "cpu", "pids"];
    if !here(&all) {
        ocinit_tests::skip!("no cgroup tree of this machine has the controllers {all:?}");
    }
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let flags = [
        ("--cpu-burst", "1000"),
        ("--cpu-idle", "1"),
        ("--cpu-period", "50000"),
        ("--cpu-quota", "20000"),
        ("--memory", "64M"),
        ("--memory-reservation", "33554432"),
        ("--memory-swap", "0.125G"),
        ("--pids-limit", "20"),
    ];
    let mut words: Vec<&str> = flags.iter().flat_map(|(flag, value)| [*flag, *value]).collect();
    if here(&["cpuset"]) {
        words.extend(["--cpuset-cpus", "0", "--cpuset-mems", "0"]);
    }
    c.call("update", &words).ok().quiet();
    let files: &[(&str, &str, &str, &str)] = &[
        ("cpu", "cpu.cfs_burst_us", "cpu.max.burst", "1000"),
        ("cpu", "cpu.idle", "cpu.idle", "1"),
        ("cpuset", "cpuset.cpus", "cpuset.cpus", "0"),
        ("cpuset", "cpuset.mems", "cpuset.mems", "0"),
        ("memory", "memory.limit_in_bytes", "memory.max", "67108864"),
        ("memory", "memory.soft_limit_in_bytes", "memory.low", "33554432"),
        ("pids", "pids.max", "pids.max", "20"),
    ];
    for (name, old, new, expect) in files {
        let Some((v1, dir)) = controller(name, c.pid()) else { continue };
        assert_eq!(value(&dir, if v1 { old } else { new }), *expect, "{old}");
    }
    assert_eq!(in_force(&c).1, "134217728");
    c.call("update", &["--pids-limit", "-1"]).ok().quiet();
    assert_eq!(value(&controller("pids", c.pid()).unwrap().1, "pids.max"), "max");
    if let Some(h) = cgroups::v1("blkio") {
        let dir = h.directory_of(c.pid()).unwrap();
        let file = ["blkio.bfq.weight", "blkio.weight"].into_iter().find(|f| dir.join(f).exists());
        if let Some(file) = file {
            c.call("update", &["--blkio-weight", "500"]).ok().quiet();
            assert_eq!(value(&dir, file), "500");
        }
    }
    // Real-time, where the kernel has it.
    let (v1, dir) = controller("cpu", c.pid()).unwrap();
    let out = c.call("update", &["--cpu-rt-runtime", "0", "--cpu-rt-period", "900000"]).run();
    match v1 && dir.join("cpu.rt_period_us").exists() {
        true => assert_eq!(value(&dir, "cpu.rt_period_us"), "900000", "{}", out.stderr),
        false => drop(out.code_is(1).one_line().says("cpu").says("real")),
    }
}

#[test]
fn devices_are_left_alone() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let list =
        cgroups::v1("devices").map(|h| h.directory_of(c.pid()).unwrap().join("devices.list"));
    let before = list.as_ref().map(|list| fs::read_to_string(list).unwrap());
    let devices = json!([{"allow": false, "access": "rwm"}]);
    document(&c, &json!({"devices": devices})).ok().quiet();
    assert_eq!(list.as_ref().map(|list| fs::read_to_string(list).unwrap()), before);
    c.exec(&[], &["sh", "-c", "echo > /dev/null"]).ok();
}

#[test]
fn a_limit_below_use_is_refused_and_undone() {
    if !here(NEEDED) {
        ocinit_tests::skip!("no cgroup tree of this machine has memory and cpu controllers");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["resources"]["memory"] = json!({"limit": 67_108_864});
    bundle.config["linux"]["resources"]["cpu"] = json!({"shares": 512});
    let c = waiting(&lab, &mut bundle);
    let before = in_force(&c);
    let words = json!({"memory": {"limit": 4096, "checkBeforeUpdate": true}});
    let text = match cgroups::v1("memory") {
        Some(_) => "unable to set memory limit",
        None => "rejecting memory limit",
    };
    document(&c, &words).fails(1).one_line().says(text);
    // The kernel refuses the quota after the shares were written.
    let words = json!({"cpu": {"shares": 1024, "quota": 1, "period": 50_000}});
    document(&c, &words).fails(1).one_line().says("linux.resources.cpu");
    let after = in_force(&c);
    assert_eq!((before.0, before.1, before.3), (after.0, after.1, after.3));
    // Nothing of it was remembered.
    c.call("update", &["--memory-reservation", "32M"]).ok().quiet();
    assert_eq!(c.status(), "running");
}

#[test]
fn a_limit_without_its_controller_is_refused() {
    if here(NEEDED) {
        ocinit_tests::skip!("the cgroup trees of this machine have all controllers");
    }
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    c.call("update", &["--memory", "64M"]).fails(1).one_line().says("memory");
    c.call("update", &["--cpu-share", "512"]).fails(1).one_line().says("cpu");
    c.call("update", &[]).ok().quiet();
    assert_eq!(c.status(), "running");
}

#[test]
fn what_is_wrong_is_named() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    for (flags, text) in [
        (["--memory", "64Q"], "invalid value for memory: invalid suffix: 'q'"),
        (["--memory", "M"], "invalid value for memory: invalid size: 'M'"),
        (["--memory-swap", "-2"], "invalid value for memory-swap: invalid size: '-2'"),
        (["--pids-limit", "many"], "invalid value for pids-limit: "),
        (["--cpu-share", "-1"], "cpu.shares: out of range"),
        (["--blkio-weight", "5"], "blockIO.weight"),
        (["--l3-cache-schema", "L3:0=f"], "Intel RDT/CAT: l3 cache schema is not enabled"),
        (["--resources", "/nosuch"], "ENOENT"),
    ] {
        c.call("update", &flags).fails(1).one_line().says(text);
    }
    let document = |text: &str| c.call("update", &["-r", "-"]).stdin(text).fails(1).one_line();
    document(r#"{"memory":{"limit":"1G"}}"#).says("stdin:1:12: memory.limit: expected an integer");
    document("").says("stdin:1:1");
    c.call("update", &["--kernel-memory", "1M"]).ok().says("ignored");
    let help = c.call("update", &["--help"]).ok().stdout;
    assert!(help.contains("--memory-swap") && !help.contains("kernel"), "{help}");
}

#[test]
fn only_a_container_that_runs_is_updated() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    c.call("update", &["--pids-limit", "20"]).fails(1).one_line().says("container does not exist");
    c.create();
    // On a tree without the controller there is nothing to be seen.
    let pids = controller("pids", c.pid());
    let update = |limit: &str| {
        if let Some((_, dir)) = &pids {
            c.call("update", &["--pids-limit", limit]).ok().quiet();
            assert_eq!(value(dir, "pids.max"), limit);
        }
    };
    update("21");
    c.start();
    update("22");
    c.call("pause", &[]).ok();
    update("23");
    c.call("resume", &[]).ok();
    c.kill("KILL");
    c.wait_for("stopped");
    c.call("update", &["--pids-limit", "20"]).fails(1).one_line().says("container not running");
    if view() == View::V2 && pids.is_none() {
        ocinit_tests::skip!("this cgroup2 tree has no pids controller");
    }
}
