//! Control groups: the forms of a path, and every limit, on v1 and on v2.

use super::Case;
use crate::{cgroups, spec};
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
    limits("resources")
}

/// The same on a machine with cgroup v2 alone, and its own files.
pub fn unified() -> Vec<Case> {
    on_v2("unified", "/@ID@")
}

/// The same where systemd makes the cgroup.
pub fn scopes() -> Vec<Case> {
    on_v2("scopes", "system.slice:oci:@ID@")
}

fn on_v2(group: &str, path: &str) -> Vec<Case> {
    let mut all = limits(group);
    for (name, file, value) in [
        ("memory-high", "memory.high", "100000000"),
        ("memory-min-max", "memory.min", "max"),
        ("memory-oom-group", "memory.oom.group", "1"),
        ("cpu-max", "cpu.max", "20000 50000"),
        ("cpu-max-percents", "cpu.max", "33333 70000"),
        ("cpu-weight", "cpu.weight", "42"),
        ("cpuset-cpus", "cpuset.cpus", "0"),
        ("pids-max", "pids.max", "max"),
        ("io-weight", "io.weight", "default 250"),
        ("hugetlb-max", "hugetlb.2MB.max", "2097152"),
        ("unknown-file", "memory.nosuch", "1"),
        ("unknown-controller", "nosuch.max", "1"),
        ("bad-name", "memory", "1"),
        ("bad-path", "../cgroup.procs", "1"),
        ("bad-value", "memory.max", "much"),
    ] {
        let case = Case::new(group, &format!("file-{name}")).observed();
        all.push(case.with(|c| c["linux"]["resources"]["unified"] = json!({file: value})));
    }
    let several = json!([{"pageSize": "2MB", "limit": 4_194_304}, {"pageSize": "1GB", "limit": 0}]);
    all.push(Case::new(group, "hugepages-two").observed().with(|c| {
        c["linux"]["resources"]["hugepageLimits"] = several;
    }));
    all.push(Case::new(group, "file-over-limit").observed().with(|c| {
        c["linux"]["resources"]["pids"] = json!({"limit": 20});
        c["linux"]["resources"]["unified"] = json!({"pids.max": "30"});
    }));
    all.into_iter().map(|case| case.linux("cgroupsPath", json!(path))).collect()
}

/// Whether a group is for the layout and the driver at hand.
pub fn fit(group: &str) -> bool {
    match group {
        "unified" => cgroups::is_unified() && !cgroups::by_systemd(),
        "scopes" => cgroups::is_unified() && cgroups::by_systemd(),
        _ => false,
    }
}

fn limits(group: &str) -> Vec<Case> {
    let case = |name: &str, key: &str, value: Value| {
        Case::new(group, name).with(|c| c["linux"]["resources"][key] = value).observed()
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
