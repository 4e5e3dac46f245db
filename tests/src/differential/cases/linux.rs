//! Devices, masked and read-only paths, sysctls.

use super::Case;
use crate::spec;
use serde_json::{Value, json};

fn device(kind: &str, path: &str, major: u32, minor: u32) -> Value {
    json!({"type": kind, "path": path, "major": major, "minor": minor})
}

/// `linux.devices`.
pub fn devices() -> Vec<Case> {
    let case =
        |name: &str, list: Vec<Value>| Case::new("devices", name).linux("devices", json!(list));
    let with = |name: &str, more: Value| {
        let mut one = device("c", "/dev/extra", 1, 5);
        one.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
        case(name, vec![one])
    };
    let allow = |access: &str| {
        json!([{"allow": false, "access": "rwm"},
            {"allow": true, "type": "c", "major": 1, "minor": 5, "access": access}])
    };
    vec![
        case("char", vec![device("c", "/dev/extra", 1, 5)]),
        case("unbuffered", vec![device("u", "/dev/extra", 1, 5)]),
        case("block", vec![device("b", "/dev/disk", 7, 99)]),
        case("fifo", vec![json!({"type": "p", "path": "/dev/fifo"})]),
        with("mode", json!({"fileMode": 0o640})),
        with("mode-0", json!({"fileMode": 0})),
        with("mode-sticky", json!({"fileMode": 0o1666})),
        with("owner", json!({"uid": 7, "gid": 8, "fileMode": 0o600})),
        with("owner-umask", json!({"uid": 7, "fileMode": 0o666}))
            .process("user", json!({"uid": 0, "gid": 0, "umask": 0o77})),
        case("deep", vec![device("c", "/dev/a/b/c", 1, 5)])
            .probes(&["stat:/dev/a", "devices:/dev/a/b"]),
        case("outside-dev", vec![device("c", "/x/null", 1, 3)]).probes(&["devices:/x"]),
        case("default-again", vec![device("c", "/dev/null", 1, 3)]),
        case(
            "default-with-mode",
            vec![json!({
                "type": "c", "path": "/dev/null", "major": 1, "minor": 3, "fileMode": 0o600, "uid": 4
            })],
        ),
        case("over-a-file", vec![device("c", "/etc/passwd", 1, 3)]),
        case("twice", vec![device("c", "/dev/extra", 1, 5), device("c", "/dev/extra", 1, 5)]),
        case("unknown-type", vec![device("x", "/dev/extra", 1, 5)]),
        case("no-path", vec![json!({"type": "c", "major": 1, "minor": 3})]),
        case("allowed", vec![device("c", "/dev/extra", 1, 5)])
            .with(|c| c["linux"]["resources"]["devices"] = allow("rwm"))
            .probes(&["write:/dev/extra", "read:/dev/extra"])
            .observed(),
        case("allowed-to-read", vec![device("c", "/dev/extra", 1, 5)])
            .with(|c| c["linux"]["resources"]["devices"] = allow("r"))
            .probes(&["write:/dev/extra"])
            .observed(),
        case("denied", vec![device("c", "/dev/kmsg", 1, 11)]).probes(&[
            "read:/dev/kmsg",
            "write:/dev/kmsg",
            "read:/dev/zero",
            "write:/dev/null",
        ]),
        case("all-allowed", vec![])
            .with(|c| {
                c["linux"]["resources"]["devices"] = json!([{"allow": true, "access": "rwm"}])
            })
            .observed(),
        case("no-rules", vec![]).with(|c| c["linux"]["resources"] = json!({})).observed(),
        case("wildcard-minor", vec![])
            .with(|c| {
                c["linux"]["resources"]["devices"] = json!([
                    {"allow": false, "access": "rwm"},
                    {"allow": true, "type": "c", "major": 10, "access": "rw"},
                    {"allow": true, "type": "b", "major": 7, "minor": 3, "access": "r"}
                ])
            })
            .observed(),
    ]
}

/// `linux.maskedPaths` and `linux.readonlyPaths`.
pub fn paths() -> Vec<Case> {
    let case = |name: &str, masked: Value, readonly: Value| {
        let case = Case::new("paths", name).linux("maskedPaths", masked);
        case.linux("readonlyPaths", readonly).with(|c| c["root"]["readonly"] = json!(false))
    };
    let none = || json!([]);
    let binds = |case: Case| case.mount("/x", "bind", "@BUNDLE@/data", &["bind"]);
    vec![
        case("masked-file", json!(["/etc/passwd"]), none()).probes(&[
            "read:/etc/passwd",
            "stat:/etc/passwd",
            "set:/etc/passwd=x",
        ]),
        case("masked-directory", json!(["/etc"]), none()).probes(&[
            "list:/etc",
            "stat:/etc",
            "create:/etc/new",
        ]),
        case("masked-twice", json!(["/etc", "/etc"]), none()).probes(&["list:/etc"]),
        case("masked-missing", json!(["/no/such", "/proc/nosuch"]), none()),
        case("masked-below-masked", json!(["/etc", "/etc/passwd"]), none()).probes(&["list:/etc"]),
        case("masked-link", json!(["/lnk"]), none())
            .setup(|root| std::os::unix::fs::symlink("etc/passwd", root.join("lnk")).expect("link"))
            .probes(&["read:/lnk", "read:/etc/passwd"]),
        case("masked-proc-files", json!(["/proc/kcore", "/proc/keys", "/proc/sys"]), none())
            .probes(&["read:/proc/keys", "list:/proc/sys"]),
        binds(case("masked-in-a-bind", json!(["/x/file", "/x/dir"]), none()))
            .probes(&["read:/x/file", "list:/x/dir"]),
        case("readonly-file", none(), json!(["/etc/passwd"])).probes(&[
            "read:/etc/passwd",
            "write:/etc/passwd",
            "create:/etc/new",
        ]),
        case("readonly-directory", none(), json!(["/etc"])).probes(&[
            "list:/etc",
            "create:/etc/new",
            "write:/etc/passwd",
        ]),
        case("readonly-missing", none(), json!(["/no/such"])),
        case("readonly-twice", none(), json!(["/etc", "/etc"])).probes(&["create:/etc/new"]),
        case("readonly-nested", none(), json!(["/etc", "/etc/passwd"])),
        binds(case("readonly-in-a-bind", none(), json!(["/x/dir"])))
            .probes(&["create:/x/new", "create:/x/dir/new"]),
        case("readonly-keeps-flags", none(), json!(["/dev/shm"])).probes(&["create:/dev/shm/x"]),
        case("readonly-tree", none(), json!(["/x"]))
            .mount("/x", "bind", "@TREE@", &["rbind"])
            .probes(&["create:/x/new", "create:/x/sub/new"]),
        case("both", json!(["/etc/passwd"]), json!(["/etc"]))
            .probes(&["read:/etc/passwd", "create:/etc/new"]),
    ]
}

/// `linux.sysctl`.
pub fn sysctl() -> Vec<Case> {
    let case = |name: &str, values: Value| Case::new("sysctl", name).linux("sysctl", values);
    let read = |name: &str| format!("read:/proc/sys/{name}");
    vec![
        case("network", json!({"net.ipv4.ip_forward": "1"}))
            .probes(&[&read("net/ipv4/ip_forward")]),
        case("with-slashes", json!({"net/ipv4/ip_forward": "1"}))
            .probes(&[&read("net/ipv4/ip_forward")]),
        case(
            "several",
            json!({"net.core.somaxconn": "77", "kernel.msgmax": "9000",
            "kernel.shm_rmid_forced": "1", "fs.mqueue.msg_max": "20"}),
        )
        .probes(&[
            &read("net/core/somaxconn"),
            &read("kernel/msgmax"),
            &read("kernel/shm_rmid_forced"),
            &read("fs/mqueue/msg_max"),
        ]),
        case("domain-name", json!({"kernel.domainname": "example"})),
        case("host-name", json!({"kernel.hostname": "example"})),
        case("semaphores", json!({"kernel.sem": "250 32000 32 129"}))
            .probes(&[&read("kernel/sem")]),
        case("interface-with-dot", json!({"net/ipv4/conf/lo/forwarding": "1"}))
            .probes(&[&read("net/ipv4/conf/lo/forwarding")]),
        case("not-of-a-namespace", json!({"vm.swappiness": "60"})),
        case("missing", json!({"net.nosuch": "1"})),
        case("refused-value", json!({"net.ipv4.ip_forward": "many"})),
        case("of-the-hosts-network", json!({"net.ipv4.ip_forward": "1"}))
            .with(|c| spec::drop_namespace(c, "network")),
        case("of-the-hosts-ipc", json!({"kernel.msgmax": "8192"})).with(|c| {
            spec::drop_namespace(c, "ipc");
            spec::drop_mount(c, "/dev/mqueue");
        }),
    ]
}
