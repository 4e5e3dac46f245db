//! Control groups: the forms of a path, and every limit that v1 has.

use super::Case;
use crate::spec;
use serde_json::{Value, json};

/// `linux.cgroupsPath`.
pub fn places() -> Vec<Case> {
    let case = |name: &str| Case::new("cgroups", name).observed();
    let path = |name: &str, path: &str| case(name).linux("cgroupsPath", json!(path));
    vec![
        case("unset"),
        path("absolute", "/@ID@"),
        path("absolute-deep", "/a@ID@/b/c"),
        path("relative", "@ID@"),
        path("relative-deep", "a@ID@/b"),
        path("with-dots", "/a@ID@/../b@ID@"),
        path("with-double-slashes", "//a@ID@//b/"),
        path("with-signs", "/a@ID@ b:c=d"),
        path("empty", ""),
        case("without-namespace").with(|c| spec::drop_namespace(c, "cgroup")),
        case("without-mount").with(|c| spec::drop_mount(c, "/sys/fs/cgroup")),
        case("without-resources")
            .with(|c| drop(c["linux"].as_object_mut().expect("object").remove("resources"))),
    ]
}

/// `linux.resources`.
pub fn resources() -> Vec<Case> {
    let case = |name: &str, key: &str, value: Value| {
        Case::new("resources", name).with(|c| c["linux"]["resources"][key] = value).observed()
    };
    let memory = |name: &str, value: Value| case(&format!("memory-{name}"), "memory", value);
    let cpu = |name: &str, value: Value| case(&format!("cpu-{name}"), "cpu", value);
    let io = |name: &str, value: Value| case(&format!("io-{name}"), "blockIO", value);
    let pids =
        |name: &str, value: Value| case(&format!("pids-{name}"), "pids", json!({"limit": value}));
    let mb = 1u64 << 20;
    let throttle = |key: &str| io(key, json!({key: [{"major": 254, "minor": 0, "rate": 1048576}]}));
    let mut all = vec![
        memory("limit", json!({"limit": 100 * mb})),
        memory("limit-odd", json!({"limit": 100 * mb + 1})),
        memory("unlimited", json!({"limit": -1})),
        memory("zero", json!({"limit": 0})),
        memory("reservation", json!({"reservation": 50 * mb})),
        memory("swap", json!({"limit": 100 * mb, "swap": 200 * mb})),
        memory("swap-equal", json!({"limit": 100 * mb, "swap": 100 * mb})),
        memory("swap-unlimited", json!({"limit": 100 * mb, "swap": -1})),
        memory("swap-less-than-limit", json!({"limit": 100 * mb, "swap": 50 * mb})),
        memory("swap-alone", json!({"swap": 200 * mb})),
        memory("swappiness", json!({"swappiness": 10})),
        memory("swappiness-too-much", json!({"swappiness": 101})),
        memory("oom-killer-off", json!({"disableOOMKiller": true})),
        memory("oom-killer-on", json!({"disableOOMKiller": false})),
        memory("hierarchy", json!({"useHierarchy": true})),
        memory("kernel", json!({"kernel": 50 * mb})),
        memory("kernel-tcp", json!({"kernelTCP": 50 * mb})),
        memory("check-before-update", json!({"limit": 100 * mb, "checkBeforeUpdate": true})),
        cpu("shares", json!({"shares": 512})),
        cpu("shares-1", json!({"shares": 1})),
        cpu("shares-0", json!({"shares": 0})),
        cpu("quota", json!({"quota": 50_000})),
        cpu("quota-and-period", json!({"quota": 20_000, "period": 50_000})),
        cpu("period", json!({"period": 200_000})),
        cpu("quota-unlimited", json!({"quota": -1, "period": 100_000})),
        cpu("quota-too-small", json!({"quota": 10})),
        cpu("burst", json!({"quota": 50_000, "period": 100_000, "burst": 20_000})),
        cpu("cpuset", json!({"cpus": "0", "mems": "0"})),
        cpu("cpuset-range", json!({"cpus": "0-1"})),
        cpu("cpuset-missing-cpu", json!({"cpus": "0-9999"})),
        cpu("cpuset-nonsense", json!({"cpus": "x"})),
        cpu("realtime", json!({"realtimePeriod": 1_000_000, "realtimeRuntime": 0})),
        cpu("idle", json!({"idle": 1})),
        io("weight", json!({"weight": 500})),
        io("weight-too-much", json!({"weight": 2000})),
        io("leaf-weight", json!({"leafWeight": 300})),
        throttle("throttleReadBpsDevice"),
        throttle("throttleWriteBpsDevice"),
        throttle("throttleReadIOPSDevice"),
        throttle("throttleWriteIOPSDevice"),
        pids("limit", json!(50)),
        pids("unlimited", json!(-1)),
        pids("zero", json!(0)),
        case("hugepages", "hugepageLimits", json!([{"pageSize": "2MB", "limit": 4194304}])),
        case("hugepages-bad-size", "hugepageLimits", json!([{"pageSize": "3XB", "limit": 1}])),
        case("network-class", "network", json!({"classID": 1048577})),
        case(
            "network-priorities",
            "network",
            json!({"priorities": [{"name": "lo", "priority": 5}]}),
        ),
        case("rdma", "rdma", json!({"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}})),
        case("unified", "unified", json!({"memory.high": "100000000"})),
        case("empty-unified", "unified", json!({})),
    ];
    all.push(case("together", "memory", json!({"limit": 64 * mb})).with(|c| {
        c["linux"]["resources"]["cpu"] = json!({"shares": 100, "quota": 30_000, "cpus": "0"});
        c["linux"]["resources"]["pids"] = json!({"limit": 32});
    }));
    all
}
