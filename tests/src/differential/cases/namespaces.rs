//! Namespaces: subsets, joined ones, user and time namespaces, host names.

use super::Case;
use crate::spec;
use serde_json::{Value, json};

const KINDS: [&str; 5] = ["pid", "network", "ipc", "uts", "cgroup"];

/// All of them.
pub fn all() -> Vec<Case> {
    let case = |name: &str| Case::new("namespaces", name);
    let mut all = Vec::new();
    // Each alone kept, each alone left out, none, and pairs left out.
    for kind in KINDS {
        all.push(case(&format!("without-{kind}")).with(|c| without(c, &[kind])));
        let others: Vec<&str> = KINDS.iter().copied().filter(|k| *k != kind).collect();
        all.push(case(&format!("only-{kind}")).with(|c| without(c, &others)));
    }
    all.push(case("only-mount").with(|c| without(c, &KINDS)));
    for pair in KINDS.windows(2) {
        let name = format!("without-{}-and-{}", pair[0], pair[1]);
        all.push(case(&name).with(|c| without(c, pair)));
    }
    for (kind, file) in
        [("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroup"), ("pid", "pid")]
    {
        all.push(case(&format!("join-{kind}")).with(|c| {
            join(c, kind, file);
            if kind == "uts" {
                no_name(c);
            }
        }));
    }
    all.push(case("join-several").with(|c| {
        no_name(c);
        for (kind, file) in [("network", "net"), ("ipc", "ipc"), ("uts", "uts")] {
            join(c, kind, file);
        }
    }));
    all.push(case("join-uts-and-name-it").with(|c| join(c, "uts", "uts")));
    all.push(case("order-reversed").with(|c| {
        c["linux"]["namespaces"].as_array_mut().expect("list").reverse();
    }));
    all.extend(users());
    all.extend(names());
    all.extend([
        case("time").with(|c| spec::set_namespace(c, json!({"type": "time"}))),
        case("time-offsets").with(|c| {
            spec::set_namespace(c, json!({"type": "time"}));
            c["linux"]["timeOffsets"] =
                json!({"monotonic": {"secs": 100, "nanosecs": 5}, "boottime": {"secs": 7}});
        }),
        case("twice").with(|c| {
            c["linux"]["namespaces"].as_array_mut().expect("list").push(json!({"type": "pid"}));
        }),
        case("unknown-kind").with(|c| spec::set_namespace(c, json!({"type": "nosuch"}))),
        case("path-missing")
            .with(|c| spec::set_namespace(c, json!({"type": "network", "path": "/no/such"}))),
        case("path-of-another-kind").with(|c| {
            spec::set_namespace(c, json!({"type": "network", "path": "/proc/self/ns/uts"}))
        }),
    ]);
    all
}

/// Takes namespaces out, with what needs them.
fn without(c: &mut Value, kinds: &[&str]) {
    for kind in kinds {
        spec::drop_namespace(c, kind);
        match *kind {
            "uts" => no_name(c),
            // It would be the host's queue file system.
            "ipc" => spec::drop_mount(c, "/dev/mqueue"),
            _ => {}
        }
    }
}

fn no_name(c: &mut Value) {
    c.as_object_mut().expect("an object").remove("hostname");
}

fn join(c: &mut Value, kind: &str, file: &str) {
    spec::set_namespace(c, json!({"type": kind, "path": format!("/proc/@PEER@/ns/{file}")}));
}

fn users() -> Vec<Case> {
    // The root file system belongs to the host's root: nothing may be made in it.
    let case = |name: &str, map: Value| {
        Case::new("namespaces", &format!("user-{name}")).with(|c| {
            spec::set_namespace(c, json!({"type": "user"}));
            c["linux"]["uidMappings"] = map.clone();
            c["linux"]["gidMappings"] = map;
        })
    };
    let one = |inside: u32, outside: u32, size: u32| json!({"containerID": inside, "hostID": outside, "size": size});
    let wide = || json!([one(0, 100_000, 65_536)]);
    let probes = ["stat:/etc/passwd", "stat:/proc/self/status", "setuid:1000", "sethostname:x"];
    vec![
        case("one-map", wide()).probes(&probes),
        case("identity", json!([one(0, 0, 65_536)])).probes(&probes),
        case("two-maps", json!([one(0, 100_000, 1), one(1, 200_000, 1000)])),
        case("five-maps", json!((0..5).map(|n| one(n, 100_000 + 7 * n, 1)).collect::<Vec<_>>())),
        case("maps-with-a-hole", json!([one(0, 100_000, 10), one(1000, 101_000, 10)]))
            .process("user", json!({"uid": 1000, "gid": 1001, "additionalGids": [3]})),
        case("unordered-maps", json!([one(10, 100_010, 10), one(0, 100_000, 10)])),
        case("root-to-root", json!([one(0, 0, 1)])),
        case("not-root", wide()).process("user", json!({"uid": 5, "gid": 6})).probes(&probes),
        case("unmapped-uid", wide()).process("user", json!({"uid": 70_000, "gid": 0})),
        case("overlapping-maps", json!([one(0, 100_000, 10), one(5, 200_000, 10)])),
        case("without-network", wide()).with(|c| {
            spec::drop_namespace(c, "network");
        }),
        case("without-cgroup", wide()).with(|c| without(c, &["cgroup"])),
        case("without-pid", wide()).with(|c| without(c, &["pid"])),
        case("read-write", wide()).with(|c| c["root"]["readonly"] = json!(false)),
        case("different-gids", wide()).linux("gidMappings", json!([one(0, 300_000, 70_000)])),
        case("devices", wide()).linux(
            "devices",
            json!([{"type": "c", "path": "/dev/full", "major": 1, "minor": 7, "fileMode": 438}]),
        ),
        case("ptmx", wide())
            .linux("devices", json!([{"type": "c", "path": "/dev/ptmx", "major": 5, "minor": 2}]))
            .probes(&["link:/dev/ptmx"]),
        Case::new("namespaces", "user-without-maps")
            .with(|c| spec::set_namespace(c, json!({"type": "user"}))),
    ]
}

fn names() -> Vec<Case> {
    let case = |name: &str, host: &str| {
        Case::new("namespaces", &format!("hostname-{name}")).with(|c| c["hostname"] = json!(host))
    };
    vec![
        case("with-dots", "a.example.org"),
        case("longest", &"h".repeat(64)),
        case("too-long", &"h".repeat(65)),
        case("empty", ""),
        case("without-uts", "guest").with(|c| spec::drop_namespace(c, "uts")),
        Case::new("namespaces", "domainname").with(|c| c["domainname"] = json!("example")),
    ]
}
