//! Control groups and their limits, and what the processor shares.

use alloc::format;

use super::{linux, resources};

#[test]
fn cgroups() {
    linux(r#""cgroupsPath":"/a/b..c""#, "");
    linux(r#""cgroupsPath":"a.slice:x:y""#, "");
    linux(r#""cgroupsPath":"/a/../b""#, "linux.cgroupsPath: must not contain ..");
    linux(r#""cgroupsPath":"..""#, "linux.cgroupsPath: must not contain ..");
    resources(r#""memory":{"limit":100,"swap":100}"#, "");
    resources(r#""memory":{"limit":100,"swap":99}"#, "memory.swap: is memory and swap together");
    resources(r#""memory":{"limit":100,"swap":-1}"#, "");
    resources(r#""memory":{"limit":-2}"#, "memory.limit: must be a number of bytes, or -1");
    resources(r#""memory":{"swappiness":101}"#, "memory.swappiness: out of range");
    resources(r#""memory":{"swappiness":18446744073709551615}"#, "");
    resources(r#""cpu":{"quota":10,"burst":10}"#, "");
    resources(r#""cpu":{"quota":10,"burst":11}"#, "cpu.burst: must not be more than quota");
    resources(r#""cpu":{"quota":-1,"burst":11}"#, "");
    resources(r#""cpu":{"idle":2}"#, "cpu.idle: allowed are 0 and 1");
    resources(r#""pids":{"limit":0}"#, "");
    resources(r#""pids":{"limit":"5"}"#, "pids.limit: expected an integer, found a string");
    resources(r#""blockIO":{"weight":10,"leafWeight":1000}"#, "");
    resources(r#""blockIO":{"weight":9}"#, "blockIO.weight: out of range");
    resources(
        r#""blockIO":{"weightDevice":[{"major":8,"minor":0,"weight":1001}]}"#,
        "blockIO.weightDevice[0]: weights out",
    );
    resources(
        r#""blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0}]}"#,
        "blockIO.throttleReadBpsDevice[0].rate: required",
    );
    resources(r#""hugepageLimits":[{"pageSize":"2MB","limit":0}]"#, "");
    for bad in ["2M", "MB", "2mb", "B", "2 MB"] {
        resources(
            &format!("\"hugepageLimits\":[{{\"pageSize\":\"{bad}\",\"limit\":0}}]"),
            "hugepageLimits[0].pageSize: not a page size",
        );
    }
    resources(r#""unified":{"memory.high":"1"}"#, "");
    resources(r#""unified":{"../x.y":"1"}"#, "unified[\"../x.y\"]: must be the name of a file");
    resources(
        r#""unified":{"memory":"1"}"#,
        "unified.memory: must be the name of a file".split('.').next().unwrap(),
    );
    resources(r#""devices":[{"allow":true,"type":"x"}]"#, "devices[0].type: unknown value");
    resources(r#""devices":[{"allow":true,"access":"rx"}]"#, "devices[0]: access has letters");
    resources(r#""devices":[{"allow":true,"major":-2}]"#, "devices[0].major: out of range");
}

#[test]
fn rdt_memory_policy_and_personality() {
    linux(r#""intelRdt":{"closID":"/","schemata":["L3:0=f"]}"#, "");
    linux(r#""intelRdt":{"memBwSchema":"MB:0=20"}"#, "");
    linux(r#""intelRdt":{"memBwSchema":"0=20"}"#, "linux.intelRdt.memBwSchema: must be one line");
    linux(r#""intelRdt":{"closID":"a/b"}"#, "linux.intelRdt.closID: must be / or");
    linux(r#""intelRdt":{"closID":".."}"#, "linux.intelRdt.closID: must be / or");
    let policy = |added: &str, expect| linux(&format!("\"memoryPolicy\":{{{added}}}"), expect);
    policy(r#""mode":"MPOL_BIND","nodes":"0-1","flags":["MPOL_F_STATIC_NODES"]"#, "");
    policy(r#""mode":"MPOL_X""#, "linux.memoryPolicy.mode: unknown value");
    policy(r#""mode":"MPOL_BIND""#, "linux.memoryPolicy.nodes: this mode needs at least one node");
    policy(r#""mode":"MPOL_BIND","nodes":"x""#, "linux.memoryPolicy.nodes: not a list");
    policy(r#""mode":"MPOL_DEFAULT","nodes":"0""#, "linux.memoryPolicy.nodes: must be empty");
    policy(r#""mode":"MPOL_LOCAL","nodes":"""#, "");
    policy(r#""mode":"MPOL_PREFERRED""#, "");
    policy(r#""mode":"MPOL_DEFAULT","flags":["X"]"#, "linux.memoryPolicy.flags[0]: unknown value");
    policy(
        r#""mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_STATIC_NODES","MPOL_F_RELATIVE_NODES"]"#,
        "linux.memoryPolicy.flags: MPOL_F_RELATIVE_NODES and",
    );
    linux(r#""personality":{"domain":"LINUX32"}"#, "");
    linux(r#""personality":{"domain":"X"}"#, "linux.personality.domain: unknown value");
    linux(
        r#""personality":{"domain":"LINUX","flags":["X"]}"#,
        "linux.personality.flags: must be empty",
    );
}
