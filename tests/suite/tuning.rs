//! How a container's processes are scheduled, and where their memory comes from.

use ocinit_tests::{Lab, json, oci};
use std::fs;

ocinit_tests::isolate!();

#[test]
fn the_scheduler_is_what_the_document_says() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    for (name, number, nice) in
        [("SCHED_BATCH", 3, 5), ("SCHED_OTHER", 0, -3), ("SCHED_IDLE", 5, 0)]
    {
        bundle.config["process"]["scheduler"] =
            json!({"policy": name, "nice": nice, "flags": ["SCHED_FLAG_RESET_ON_FORK"]});
        let seen = lab.report(&bundle)["scheduling"].clone();
        assert_eq!((&seen["policy"], &seen["nice"]), (&json!(number), &json!(nice)), "{name}");
        assert_eq!(seen["flags"], 1);
    }
    // `exec` with the document's process.
    bundle.waits();
    let c = lab.container(&bundle);
    c.run_waiting();
    assert_eq!(c.exec_report(&[])["scheduling"]["policy"], 5);
}

#[test]
fn a_real_time_scheduler_works_or_says_what_it_needs() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["scheduler"] = json!({"policy": "SCHED_FIFO", "priority": 7});
    let out = lab.container(&bundle).on_bundle("run", &[]).run();
    if out.code == 0 {
        assert_eq!(out.json()["scheduling"]["policy"], 1);
        assert_eq!(out.json()["scheduling"]["priority"], 7);
    } else {
        out.code_is(1).one_line().says("process.scheduler").says("cpu.rt_runtime_us");
    }
    lab.assert_clean();
    bundle.config["process"]["scheduler"] = json!({"policy": "SCHED_ISO"});
    let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
    out.says("process.scheduler").says("EINVAL");
    lab.assert_clean();
}

#[test]
fn the_scheduler_works_in_a_user_namespace() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    ocinit_tests::spec::add_user_namespace(&mut bundle.config);
    bundle.config["process"]["scheduler"] = json!({"policy": "SCHED_OTHER", "nice": -7});
    bundle.config["process"]["ioPriority"] = json!({"class": "IOPRIO_CLASS_RT", "priority": 3});
    let seen = lab.report(&bundle)["scheduling"].clone();
    assert_eq!((&seen["nice"], &seen["io"]), (&json!(-7), &json!(1 << 13 | 3)));
}

#[test]
fn the_io_priority_is_what_the_document_says() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    for (number, name) in [(1, "IOPRIO_CLASS_RT"), (2, "IOPRIO_CLASS_BE"), (3, "IOPRIO_CLASS_IDLE")]
    {
        bundle.config["process"]["ioPriority"] = json!({"class": name, "priority": 6});
        let seen = lab.report(&bundle);
        assert_eq!(seen["scheduling"]["io"], number << 13 | 6, "{name}");
    }
}

#[test]
fn the_personality_is_that_of_every_process() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["personality"] = json!({"domain": "LINUX32"});
    assert_eq!(lab.report(&bundle)["personality"], "00000008");
    bundle.waits();
    let c = lab.container(&bundle);
    c.run_waiting();
    assert_eq!(c.exec_report(&[])["personality"], "00000008");
    bundle.config["linux"]["personality"] = json!({"domain": "LINUX"});
    bundle.args(&["/bin/guest", "report"]);
    assert_eq!(lab.report(&bundle)["personality"], "00000000");
}

#[test]
fn the_memory_policy_is_that_of_every_process() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    if lab.report(&bundle)["memory_policy"].is_null() {
        ocinit_tests::skip!("this kernel has no memory policies");
    }
    for (mode, nodes, seen) in [
        ("MPOL_BIND", "0", json!([2, 1])),
        ("MPOL_INTERLEAVE", "0", json!([3, 1])),
        ("MPOL_PREFERRED", "0", json!([1, 1])),
        ("MPOL_LOCAL", "", json!([4, 0])),
        ("MPOL_DEFAULT", "", json!([0, 0])),
    ] {
        bundle.config["linux"]["memoryPolicy"] = json!({"mode": mode, "nodes": nodes});
        assert_eq!(lab.report(&bundle)["memory_policy"], seen, "{mode}");
    }
    bundle.config["linux"]["memoryPolicy"] =
        json!({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]});
    assert_eq!(lab.report(&bundle)["memory_policy"], json!([2 | 1 << 15, 1]));
    bundle.waits();
    let c = lab.container(&bundle);
    c.run_waiting();
    assert_eq!(c.exec_report(&[])["memory_policy"], json!([2 | 1 << 15, 1]));

    for (nodes, why) in [("900", "EINVAL"), ("1024", "up to 1023")] {
        bundle.config["linux"]["memoryPolicy"] = json!({"mode": "MPOL_BIND", "nodes": nodes});
        let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
        out.says("linux.memoryPolicy").says(why);
    }
}

#[test]
fn the_cpus_of_exec_are_the_final_ones() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let free = {
        let mut one = lab.bundle();
        one.args(&["/bin/guest", "report"]);
        lab.report(&one)["cpus"].clone()
    };
    let c = lab.container(&bundle);
    c.run_waiting();
    let process = lab.dir().join("process.json");
    for (affinity, seen) in [
        (json!({"initial": "0"}), &free),
        (json!({"initial": "0", "final": "0"}), &json!("0")),
        (json!({"final": "0"}), &json!("0")),
        (json!({}), &free),
    ] {
        let mut document = bundle.config["process"].clone();
        document["args"] = json!(["/bin/guest", "report"]);
        document["execCPUAffinity"] = affinity.clone();
        std::fs::write(&process, document.to_string()).unwrap();
        let out = lab.oci(["exec", "--process"]).arg(&process).arg(c.id()).ok();
        assert_eq!(&out.json()["cpus"], seen, "{affinity}");
    }
    for (affinity, why) in [
        (json!({"initial": "900"}), "process.execCPUAffinity.initial"),
        (json!({"final": "900"}), "process.execCPUAffinity.final"),
        (json!({"final": "4096"}), "up to 1023"),
    ] {
        let mut document = bundle.config["process"].clone();
        document["execCPUAffinity"] = affinity;
        std::fs::write(&process, document.to_string()).unwrap();
        let out = lab.oci(["exec", "--process"]).arg(&process).arg(c.id()).fails(255);
        out.one_line().says(why);
    }
}

/// A false resctrl: what real one would do with the files of a new group is done by hand.
const RESCTRL: &str = r#"
set -e
mkdir "$DIR/fs" "$DIR/fs/cgroup" "$DIR/fs/resctrl" "$DIR/fs/resctrl/mon_groups"
printf 'L3:0=7ff;1=7ff\nMB:0=100;1=100\n' > "$DIR/fs/resctrl/schemata"
mount --rbind /sys/fs/cgroup "$DIR/fs/cgroup"
mount --rbind "$DIR/fs" /sys/fs
mkdir /sys/fs/resctrl/gold
printf 'L3:0=f\n' > /sys/fs/resctrl/gold/schemata
mkdir /sys/fs/resctrl/gold/mon_groups
"$OCINIT" --root "$ROOT" create --bundle "$BUNDLE" "$ID" > /dev/null
cd "/sys/fs/resctrl/$CLASS"
cat schemata tasks
echo
if [ -e "mon_groups/$ID" ]; then cat "mon_groups/$ID/tasks"; echo; rm "mon_groups/$ID/tasks"; fi
if [ "$CLASS" = "$ID" ]; then rm schemata tasks; fi
"$OCINIT" --root "$ROOT" delete --force "$ID"
cd /sys/fs/resctrl
ls -d "$CLASS" "$CLASS/mon_groups/$ID" 2> /dev/null || true
"#;

#[test]
fn intel_rdt_makes_and_removes_groups_of_resctrl() {
    if fs::exists("/sys/fs/resctrl/schemata").unwrap() {
        ocinit_tests::skip!("there is a real resctrl, which this would hide");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    for (rdt, class, expect) in [
        (
            json!({"l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=20"}),
            None,
            &["L3:0=f", "MB:0=20", "PID"][..],
        ),
        (
            json!({"closID": "gold", "enableMonitoring": true, "l3CacheSchema": "L3:0=f"}),
            Some("gold"),
            &["L3:0=f", "PID", "PID", "gold"],
        ),
    ] {
        bundle.config["linux"]["intelRdt"] = rdt;
        let c = lab.container(&bundle);
        bundle.save();
        let class = class.unwrap_or(c.id());
        let dir = lab.dir().join(format!("resctrl-{class}"));
        fs::create_dir(&dir).unwrap();
        let out = lab
            .program("/usr/bin/unshare".as_ref())
            .args(["--mount", "sh", "-c", RESCTRL])
            .env("DIR", &dir)
            .env("OCINIT", oci::find_binary().unwrap())
            .env("ROOT", lab.state_root())
            .env("BUNDLE", c.bundle())
            .env("ID", c.id())
            .env("CLASS", class)
            .ok()
            .quiet();
        let pid = |line: &str| line.parse::<u32>().is_ok();
        let lines = out.stdout.lines().map(|line| if pid(line) { "PID" } else { line });
        assert_eq!(lines.collect::<Vec<_>>(), expect);
    }
    lab.assert_clean();
}
