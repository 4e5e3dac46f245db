//! `process`: identity, capabilities, limits and the rest.

use super::Case;
use serde_json::{Value, json};

/// Users, groups, umask.
pub fn ids() -> Vec<Case> {
    let case = |name: &str, user: Value| Case::new("ids", name).process("user", user);
    vec![
        case("user", json!({"uid": 1000, "gid": 1000})),
        case("without-entry", json!({"uid": 4242, "gid": 4343})),
        case("group-only", json!({"uid": 0, "gid": 5})),
        case("additional-groups", json!({"uid": 0, "gid": 0, "additionalGids": [10, 5, 7]})),
        case(
            "additional-groups-of-user",
            json!({"uid": 1000, "gid": 1000, "additionalGids": [1000, 5, 5]}),
        ),
        case(
            "many-groups",
            json!({"uid": 0, "gid": 0, "additionalGids": (1..100).collect::<Vec<_>>()}),
        ),
        case("highest", json!({"uid": 4294967294u32, "gid": 4294967294u32})),
        case("umask-077", json!({"uid": 0, "gid": 0, "umask": 0o77})),
        case("umask-0", json!({"uid": 0, "gid": 0, "umask": 0})),
        case("umask-0777", json!({"uid": 0, "gid": 0, "umask": 0o777})),
        case("user-name-is-ignored", json!({"uid": 1000, "gid": 1000, "username": "root"})),
        case("home-of-user", json!({"uid": 1000, "gid": 1000}))
            .process("env", json!(["PATH=/bin", "HOME="])),
        case("home-given", json!({"uid": 1000, "gid": 1000}))
            .process("env", json!(["PATH=/bin", "HOME=/else"])),
        case("home-without-entry", json!({"uid": 4242, "gid": 0})).process("env", json!([])),
        case("no-passwd", json!({"uid": 1000, "gid": 0}))
            .setup(|root| std::fs::remove_file(root.join("etc/passwd")).expect("remove")),
        case("files-of-user", json!({"uid": 1000, "gid": 1000})).probes(&[
            "write:/etc/passwd",
            "read:/proc/kcore",
            "create:/tmp/x",
            "create:/dev/shm/x",
            "list:/root",
            "setuid:0",
        ]),
    ]
}

/// Sets of capabilities.
pub fn capabilities() -> Vec<Case> {
    let case =
        |name: &str, sets: Value| Case::new("capabilities", name).process("capabilities", sets);
    let user = |case: Case| case.process("user", json!({"uid": 1000, "gid": 1000}));
    let two = ["CAP_KILL", "CAP_CHOWN"];
    let all = || {
        json!({
            "bounding": two, "effective": two, "permitted": two, "inheritable": two, "ambient": two
        })
    };
    let basic = || json!({"bounding": two, "effective": two, "permitted": two});
    vec![
        case("none", json!({})),
        case(
            "empty-sets",
            json!({"bounding": [], "effective": [], "permitted": [],
            "inheritable": [], "ambient": []}),
        ),
        Case::new("capabilities", "absent")
            .with(|c| drop(c["process"].as_object_mut().expect("object").remove("capabilities"))),
        case("all-sets", all()),
        case("basic", basic()),
        case("bounding-only", json!({"bounding": two})),
        case(
            "inheritable",
            json!({"bounding": two, "effective": two, "permitted": two,
            "inheritable": ["CAP_KILL"]}),
        ),
        case(
            "permitted-more-than-effective",
            json!({"bounding": two, "effective": ["CAP_KILL"],
            "permitted": two}),
        ),
        case(
            "ambient-one",
            json!({"bounding": two, "effective": two, "permitted": two,
            "inheritable": two, "ambient": ["CAP_CHOWN"]}),
        ),
        user(case("user-basic", basic())),
        user(case("user-all-sets", all())),
        user(case(
            "user-ambient",
            json!({"bounding": two, "effective": two, "permitted": two,
            "inheritable": two, "ambient": ["CAP_KILL"]}),
        )),
        case(
            "new-ones",
            json!({"bounding": ["CAP_BPF", "CAP_PERFMON", "CAP_CHECKPOINT_RESTORE"],
            "permitted": ["CAP_BPF", "CAP_PERFMON", "CAP_CHECKPOINT_RESTORE"],
            "effective": ["CAP_BPF", "CAP_PERFMON", "CAP_CHECKPOINT_RESTORE"]}),
        ),
        case("unknown", json!({"bounding": ["CAP_KILL", "CAP_NOSUCH"]})),
        case(
            "beyond-the-callers",
            json!({"bounding": ["CAP_SYS_RESOURCE"],
            "permitted": ["CAP_SYS_RESOURCE"], "effective": ["CAP_SYS_RESOURCE"]}),
        ),
        case(
            "twice",
            json!({"bounding": ["CAP_KILL", "CAP_KILL"], "permitted": ["CAP_KILL"],
            "effective": ["CAP_KILL"]}),
        ),
        user(case("user-privileges-kept", basic())).process("noNewPrivileges", json!(false)),
    ]
}

/// Resource limits; hard ones may only be lowered where the tests run.
pub fn rlimits() -> Vec<Case> {
    let case = |name: &str, list: Value| Case::new("rlimits", name).process("rlimits", list);
    let one = |kind: &str, soft: u64, hard: u64| {
        let kind = format!("RLIMIT_{kind}");
        json!({"type": kind, "soft": soft, "hard": hard})
    };
    let mut all: Vec<Case> = [
        ("CPU", 500, 1000),
        ("FSIZE", 1 << 30, 1 << 31),
        ("DATA", 1 << 30, 1 << 31),
        ("STACK", 1 << 22, 1 << 23),
        ("CORE", 0, 4096),
        ("RSS", 1 << 30, 1 << 31),
        ("NPROC", 500, 1000),
        ("NOFILE", 100, 200),
        ("MEMLOCK", 4096, 8192),
        ("AS", 1 << 32, 1 << 33),
        ("LOCKS", 10, 20),
        ("SIGPENDING", 50, 60),
        ("MSGQUEUE", 8192, 8192),
        ("NICE", 0, 0),
        ("RTPRIO", 0, 0),
        ("RTTIME", 100_000, 200_000),
    ]
    .iter()
    .map(|(kind, soft, hard)| case(&kind.to_lowercase(), json!([one(kind, *soft, *hard)])))
    .collect();
    all.extend([
        case("several", json!([one("CORE", 0, 0), one("NOFILE", 64, 128), one("CPU", 9, 10)])),
        case("zero-files", json!([one("NOFILE", 0, 0)])),
        case("no-limit", json!([one("CORE", u64::MAX, u64::MAX)])),
        case("soft-above-hard", json!([one("CORE", 2, 1)])),
        case("unknown", json!([one("NOSUCH", 1, 1)])),
        case("twice", json!([one("CORE", 1, 1), one("CORE", 2, 2)])),
        case("raised", json!([one("NOFILE", 50_000, 50_000)])),
    ]);
    all
}

/// Environment, directory, and single properties.
pub fn rest() -> Vec<Case> {
    let case = |name: &str| Case::new("process", name);
    let env = |name: &str, list: Value| case(name).process("env", list);
    let cwd = |name: &str, dir: &str| case(name).process("cwd", json!(dir));
    vec![
        env("env-empty", json!([])),
        env("env-twice", json!(["PATH=/bin", "A=1", "B=2", "A=3"])),
        env("env-without-sign", json!(["PATH=/bin", "NOTHING"])),
        env("env-empty-value", json!(["PATH=/bin", "EMPTY="])),
        env("env-empty-name", json!(["PATH=/bin", "=x"])),
        env("env-signs", json!(["PATH=/bin", "A=b=c", "UTF8=ä€\u{1F600}", "LINES=a\nb", "S= x "])),
        env("env-order", json!(["Z=1", "PATH=/bin", "A=2", "M=3"])),
        env("env-long", json!(["PATH=/bin", format!("LONG={}", "x".repeat(50_000))])),
        env("env-null", Value::Null),
        cwd("cwd", "/etc"),
        cwd("cwd-missing", "/new/deep").probes(&["stat:/new/deep"]),
        cwd("cwd-missing-as-user", "/new")
            .process("user", json!({"uid": 1000, "gid": 1000}))
            .probes(&["stat:/new"]),
        cwd("cwd-relative", "etc"),
        cwd("cwd-empty", ""),
        cwd("cwd-dots", "/etc/../tmp/."),
        cwd("cwd-a-file", "/etc/passwd"),
        cwd("cwd-link", "/lnk")
            .setup(|root| std::os::unix::fs::symlink("etc", root.join("lnk")).expect("link")),
        cwd("cwd-closed-to-user", "/root")
            .setup(|root| {
                use std::os::unix::fs::PermissionsExt;
                let mode = std::fs::Permissions::from_mode(0o700);
                std::fs::set_permissions(root.join("root"), mode).expect("chmod");
            })
            .process("user", json!({"uid": 1000, "gid": 1000})),
        cwd("cwd-in-a-mount", "/x/sub").mount("/x", "bind", "@TREE@", &["rbind"]),
        case("no-new-privileges-off").process("noNewPrivileges", json!(false)),
        case("oom-500").process("oomScoreAdj", json!(500)),
        case("oom-1000").process("oomScoreAdj", json!(1000)),
        case("oom-0").process("oomScoreAdj", json!(0)),
        case("oom-too-much").process("oomScoreAdj", json!(1001)),
        case("terminal-false-with-size").process("consoleSize", json!({"height": 10, "width": 20})),
        case("scheduler").process("scheduler", json!({"policy": "SCHED_BATCH", "nice": 5})),
        case("scheduler-idle").process("scheduler", json!({"policy": "SCHED_IDLE"})),
        case("io-priority")
            .process("ioPriority", json!({"class": "IOPRIO_CLASS_BE", "priority": 6})),
        case("io-priority-idle")
            .process("ioPriority", json!({"class": "IOPRIO_CLASS_IDLE", "priority": 0})),
        case("personality").linux("personality", json!({"domain": "LINUX32"})),
        case("personality-linux").linux("personality", json!({"domain": "LINUX"})),
        case("memory-policy").linux("memoryPolicy", json!({"mode": "MPOL_BIND", "nodes": "0"})),
        case("exec-affinity").process("execCPUAffinity", json!({"initial": "0", "final": "0"})),
        case("apparmor").process("apparmorProfile", json!("nosuch")),
        case("selinux").process("selinuxLabel", json!("system_u:system_r:x:s0")),
        case("mount-label").linux("mountLabel", json!("system_u:object_r:x:s0")),
        case("net-devices-missing").linux("netDevices", json!({"nosuch0": {}})),
        case("rdt").linux("intelRdt", json!({"closID": "x", "l3CacheSchema": "L3:0=f"})),
    ]
}
