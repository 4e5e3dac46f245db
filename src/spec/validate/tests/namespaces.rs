//! Namespaces, and what lives in them.

use alloc::format;

use super::linux;

#[test]
fn namespaces() {
    let check = |list: &str, expect| linux(&format!("\"namespaces\":[{list}]"), expect);
    check(
        r#"{"type":"pid"},{"type":"pid"}"#,
        "2:31: linux.namespaces[1].type: malformed spec file: duplicated ns",
    );
    check(
        r#"{"type":"net"}"#,
        "linux.namespaces[0].type: unknown value \"net\"; known are: cgroup ipc",
    );
    check(r#"{"path":"/x"}"#, "linux.namespaces[0].type: required property is missing");
    check(
        r#"{"type":"pid","path":"proc/1/ns/pid"}"#,
        "linux.namespaces[0].path: must be an absolute",
    );
    check(r#"{"type":"pid","path":"/proc/1/ns/pid"}"#, "");
    check(r#"{"type":"user"}"#, "linux.uidMappings: a new user namespace needs");
    check(r#"{"type":"user","path":"/x"}"#, "");
}

#[test]
fn id_mappings() {
    let ids = r#"[{"containerID":0,"hostID":1000,"size":10}]"#;
    linux(&format!("\"uidMappings\":{ids}"), "");
    let user = r#""namespaces":[{"type":"user"}]"#;
    linux(&format!("{user},\"uidMappings\":{ids},\"gidMappings\":{ids}"), "");
    linux(&format!("{user},\"uidMappings\":{ids}"), "linux.gidMappings: a new user namespace");
    let wide = r#"[{"containerID":1,"hostID":0,"size":4294967295}]"#;
    linux(&format!("\"uidMappings\":{wide}"), "linux.uidMappings[0].size: must be");
    let whole = r#"[{"containerID":0,"hostID":0,"size":4294967295}]"#;
    linux(&format!("\"uidMappings\":{whole}"), "");
}

#[test]
fn time() {
    let time = r#""namespaces":[{"type":"time"}]"#;
    let joined = r#""namespaces":[{"type":"time","path":"/x"}]"#;
    let offsets = r#""timeOffsets":{"monotonic":{"secs":-5}}"#;
    linux(&format!("{time},{offsets}"), "");
    linux(offsets, "linux.timeOffsets: needs a new time namespace");
    linux(&format!("{joined},{offsets}"), "linux.timeOffsets: needs a new time namespace");
    linux(r#""timeOffsets":{}"#, "");
    linux(
        &format!("{time},\"timeOffsets\":{{\"realtime\":{{\"secs\":1}}}}"),
        "linux.timeOffsets.realtime: unknown clock",
    );
    linux(
        &format!("{time},\"timeOffsets\":{{\"boottime\":{{\"nanosecs\":1000000000}}}}"),
        "linux.timeOffsets.boottime.nanosecs: out of range",
    );
}

#[test]
fn net_devices() {
    linux(r#""netDevices":{"eth0":{"name":"eth%d"},"eth1":{}}"#, "");
    linux(r#""namespaces":[],"netDevices":{"eth0":{}}"#, "linux.netDevices: needs a network");
    for bad in ["a/b", "a:b", "a b", "sixteen-bytes-xx", "."] {
        let expect = format!("linux.netDevices[\"{bad}\"]: not a name");
        let expect = if bad == "sixteen-bytes-xx" { "linux.netDevices" } else { expect.as_str() };
        linux(&format!("\"netDevices\":{{\"{bad}\":{{}}}}"), expect);
        linux(&format!("\"netDevices\":{{\"e\":{{\"name\":\"{bad}\"}}}}"), "linux.netDevices");
    }
}

#[test]
fn sysctls() {
    let check = |key: &str, expect| linux(&format!("\"sysctl\":{{\"{key}\":\"1\"}}"), expect);
    for good in [
        "net.ipv4.ip_forward",
        "net/ipv4/ip_forward",
        "net/ipv4/conf/eth0.1/forwarding",
        "kernel.shm_rmid_forced",
        "kernel/sem",
        "fs.mqueue.msg_max",
        "kernel.domainname",
    ] {
        check(good, "");
    }
    for host in ["kernel.panic", "vm.swappiness", "fs.file-max", "net", "kernel.sem.x", "kernel"] {
        check(host, "not in a namespace");
    }
    check("kernel.panic", "2:11: linux.sysctl[\"kernel.panic\"]: not in a namespace");
    check("user.max_user_namespaces", "needs the namespace that it belongs to");
    check("kernel.hostname", "the property for it is hostname");
    check("kernel/hostname", "the property for it is hostname");
    for climbing in
        ["net/../kernel/panic", "net.ipv4/../../kernel", "net..x", "net/", "/net/x", "net/./x"]
    {
        check(climbing, "not the name of a kernel parameter");
    }
    let none = r#""namespaces":[],"sysctl":"#;
    for key in ["net.ipv4.ip_forward", "kernel.sem", "fs.mqueue.msg_max", "kernel.domainname"] {
        linux(&format!("{none}{{\"{key}\":\"1\"}}"), "needs the namespace that it belongs to");
    }
    linux(
        r#""sysctl":{"net.a.b":1}"#,
        "linux.sysctl[\"net.a.b\"]: expected a string, found a number",
    );
}
