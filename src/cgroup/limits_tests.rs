//! Limits as tables: `linux.resources` in, files and values out.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::group::Group;
use super::limits::limits;
use super::write::Write;
use crate::json::Document;
use crate::spec::Resources;

const ALL_V1: &str = "cpu,cpuset,memory,pids,blkio,hugetlb,net_cls,net_prio,rdma";
const ALL_V2: &str = "cpu,cpuset,memory,pids,io,hugetlb,rdma";

fn group(unified: bool, controllers: &'static str) -> Group {
    Group { unified, controllers, directory: "/d" }
}

/// The writes as `FILE=VALUE`, with `?` before optional ones and `|FILE=VALUE`
/// for an alternative; or the error.
fn translate(json: &str, groups: &[Group]) -> Result<Vec<String>, String> {
    let document = Document::parse(json.as_bytes(), "resources").unwrap();
    let resources = document.read(Resources::parse).unwrap();
    let writes = limits(&resources, groups).map_err(|error| error.to_string())?;
    Ok(writes
        .iter()
        .map(|write| {
            let optional = if write.optional { "?" } else { "" };
            let other = write.alternative.as_ref().map(|(file, value)| format!("|{file}={value}"));
            format!("{optional}{}={}{}", write.file, write.value, other.unwrap_or_default())
        })
        .collect())
}

fn check(json: &str, v1: &[&str], v2: &[&str]) {
    assert_eq!(
        translate(json, &[group(false, ALL_V1)]).as_deref(),
        Ok(owned(v1).as_slice()),
        "{json}"
    );
    assert_eq!(
        translate(json, &[group(true, ALL_V2)]).as_deref(),
        Ok(owned(v2).as_slice()),
        "{json}"
    );
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn refused(json: &str, groups: &[Group], why: &str) {
    let error = translate(json, groups).unwrap_err();
    assert!(error.contains(why), "{json}: {error}");
}

#[test]
fn memory() {
    check("{}", &[], &[]);
    check(r#"{"memory":{"limit":0,"swap":0,"reservation":0,"kernelTCP":0}}"#, &[], &[]);
    check(
        r#"{"memory":{"limit":100,"swap":300,"reservation":50,"kernel":7,"kernelTCP":8,
            "swappiness":60,"disableOOMKiller":true,"useHierarchy":true}}"#,
        &[
            "?memory.use_hierarchy=1",
            "memory.limit_in_bytes=100",
            "memory.memsw.limit_in_bytes=300",
            "memory.soft_limit_in_bytes=50",
            "memory.kmem.tcp.limit_in_bytes=8",
            "memory.oom_control=1",
            "memory.swappiness=60",
        ],
        &["memory.swap.max=200", "memory.max=100", "memory.low=50"],
    );
    check(
        r#"{"memory":{"limit":-1}}"#,
        &["memory.limit_in_bytes=-1", "?memory.memsw.limit_in_bytes=-1"],
        &["?memory.swap.max=max", "memory.max=max"],
    );
    check(
        r#"{"memory":{"limit":5,"swap":5}}"#,
        &["memory.limit_in_bytes=5", "memory.memsw.limit_in_bytes=5"],
        &["?memory.swap.max=0", "memory.max=5"],
    );
    check(
        r#"{"memory":{"limit":5,"swap":-1}}"#,
        &["memory.limit_in_bytes=5", "?memory.memsw.limit_in_bytes=-1"],
        &["?memory.swap.max=max", "memory.max=5"],
    );
    let v2 = [group(true, ALL_V2)];
    refused(r#"{"memory":{"swap":5}}"#, &v2, "unable to set swap limit without memory limit");
    refused(r#"{"memory":{"limit":6,"swap":5}}"#, &v2, "should be >= memory limit 6");
    let v1 = [group(false, ALL_V1)];
    refused(r#"{"memory":{"swappiness":101}}"#, &v1, "101 is not between 0 and 100");
}

#[test]
fn cpu() {
    check(
        r#"{"cpu":{"shares":1024,"quota":50000,"period":100000,"burst":10,"cpus":"0-1","mems":"0"}}"#,
        &[
            "cpu.shares=1024",
            "cpu.cfs_period_us=100000",
            "cpu.cfs_quota_us=50000",
            "cpu.cfs_burst_us=10",
            "cpuset.cpus=0-1",
            "cpuset.mems=0",
        ],
        &[
            "cpu.weight=100",
            "cpu.max=50000 100000",
            "cpu.max.burst=10",
            "cpuset.cpus=0-1",
            "cpuset.mems=0",
        ],
    );
    check(
        r#"{"cpu":{"shares":0,"quota":0,"period":0,"realtimeRuntime":0,"realtimePeriod":0,"cpus":""}}"#,
        &[],
        &[],
    );
    check(r#"{"cpu":{"quota":-1}}"#, &["cpu.cfs_quota_us=-1"], &["cpu.max=max"]);
    check(r#"{"cpu":{"quota":7}}"#, &["cpu.cfs_quota_us=7"], &["cpu.max=7"]);
    check(r#"{"cpu":{"period":9}}"#, &["cpu.cfs_period_us=9"], &["cpu.max=max 9"]);
    check(r#"{"cpu":{"idle":1}}"#, &["cpu.idle=1"], &["cpu.idle=1"]);
    check(
        r#"{"cpu":{"idle":0,"burst":0}}"#,
        &["?cpu.cfs_burst_us=0", "?cpu.idle=0"],
        &["?cpu.max.burst=0", "?cpu.idle=0"],
    );
    let realtime = r#"{"cpu":{"realtimeRuntime":5,"realtimePeriod":9}}"#;
    let v1 = translate(realtime, &[group(false, ALL_V1)]).unwrap();
    assert_eq!(v1, ["cpu.rt_period_us=9", "cpu.rt_runtime_us=5"]);
    refused(realtime, &[group(true, ALL_V2)], "real-time limits need cgroup v1");
}

#[test]
fn pids() {
    for (limit, value) in [("5", "pids.max=5"), ("0", "pids.max=1"), ("-1", "?pids.max=max")] {
        check(&format!("{{\"pids\":{{\"limit\":{limit}}}}}"), &[value], &[value]);
    }
}

#[test]
fn block_io() {
    check(
        r#"{"blockIO":{"weight":100,
            "weightDevice":[{"major":8,"minor":0,"weight":500}],
            "throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1000}],
            "throttleWriteBpsDevice":[{"major":8,"minor":0,"rate":0}],
            "throttleReadIOPSDevice":[{"major":8,"minor":1,"rate":3}],
            "throttleWriteIOPSDevice":[{"major":8,"minor":1,"rate":4}]}}"#,
        &[
            "blkio.bfq.weight=100|blkio.weight=100",
            "blkio.bfq.weight_device=8:0 500|blkio.weight_device=8:0 500",
            "blkio.throttle.read_bps_device=8:0 1000",
            "blkio.throttle.write_bps_device=8:0 0",
            "blkio.throttle.read_iops_device=8:1 3",
            "blkio.throttle.write_iops_device=8:1 4",
        ],
        &[
            "io.bfq.weight=100|io.weight=910",
            "io.bfq.weight=8:0 500|io.weight=8:0 4950",
            "io.max=8:0 rbps=1000",
            "io.max=8:0 wbps=max",
            "io.max=8:1 riops=3",
            "io.max=8:1 wiops=4",
        ],
    );
    let leaf =
        r#"{"blockIO":{"leafWeight":10,"weightDevice":[{"major":1,"minor":2,"leafWeight":20}]}}"#;
    let v1 = translate(leaf, &[group(false, ALL_V1)]).unwrap();
    assert_eq!(v1, ["blkio.leaf_weight=10", "blkio.leaf_weight_device=1:2 20"]);
    refused(leaf, &[group(true, ALL_V2)], "leafWeight 10 needs cgroup v1");
    for weight in [1, 9, 1001] {
        let json = format!("{{\"blockIO\":{{\"weight\":{weight}}}}}");
        refused(&json, &[group(false, ALL_V1)], "is not between 10 and 1000");
        refused(&json, &[group(true, ALL_V2)], "is not between 10 and 1000");
    }
}

#[test]
fn huge_pages_networks_rdma() {
    check(
        r#"{"hugepageLimits":[{"pageSize":"2MB","limit":9}],"rdma":{"mlx":{"hcaHandles":3,"hcaObjects":4},"x":{}}}"#,
        &[
            "hugetlb.2MB.limit_in_bytes=9",
            "?hugetlb.2MB.rsvd.limit_in_bytes=9",
            "rdma.max=mlx hca_handle=3 hca_object=4",
        ],
        &["hugetlb.2MB.max=9", "?hugetlb.2MB.rsvd.max=9", "rdma.max=mlx hca_handle=3 hca_object=4"],
    );
    for size in ["MB", "2", "2mb", "../../x/2MB", "2TB", "2MBMB"] {
        let json = format!("{{\"hugepageLimits\":[{{\"pageSize\":\"{size}\",\"limit\":9}}]}}");
        refused(&json, &[group(false, ALL_V1)], "page size");
    }
    let network = r#"{"network":{"classID":1048577,"priorities":[{"name":"eth0","priority":5}]}}"#;
    let v1 = translate(network, &[group(false, ALL_V1)]).unwrap();
    assert_eq!(v1, ["net_cls.classid=1048577", "net_prio.ifpriomap=eth0 5"]);
    refused(
        network,
        &[group(true, ALL_V2)],
        "cannot set linux.resources.network.classID to 1048577: \
         this host has no cgroup controller \"net_cls\"",
    );
}

#[test]
fn unified() {
    let json = r#"{"pids":{"limit":3},"unified":{"pids.max":"4","io.max":"8:0 rbps=1\n8:1 rbps=2\n","cgroup.max.depth":"2"}}"#;
    let v2 = translate(json, &[group(true, ALL_V2)]).unwrap();
    assert_eq!(
        v2,
        [
            "pids.max=3",
            "cgroup.max.depth=2",
            "io.max=8:0 rbps=1",
            "io.max=8:1 rbps=2",
            "pids.max=4"
        ]
    );
    let v1 = "invalid configuration: cannot use unified on cgroup v1";
    let alone = r#"{"unified":{"pids.max":"4"}}"#;
    for groups in [&[][..], &[group(false, ALL_V1)], &[group(false, "cpu"), group(true, "pids")]] {
        refused(alone, groups, v1);
    }
    for (name, why) in [
        ("a/b.c", "without slashes"),
        ("nodot", "CONTROLLER.PARAMETER"),
        (".x", "CONTROLLER.PARAMETER"),
        ("misc.max", "does not have the controller"),
    ] {
        let json = format!("{{\"unified\":{{\"{name}\":\"1\"}}}}");
        refused(&json, &[group(true, ALL_V2)], why);
    }
}

#[test]
fn missing_controllers() {
    for (json, why) in [
        (
            r#"{"memory":{"limit":5}}"#,
            "memory.limit to 5: this host has no cgroup controller \"memory\"",
        ),
        (r#"{"pids":{"limit":5}}"#, "pids.limit to 5: this host has no cgroup controller \"pids\""),
        (r#"{"cpu":{"shares":5}}"#, "controller \"cpu\""),
        (r#"{"cpu":{"cpus":"0"}}"#, "controller \"cpuset\""),
    ] {
        for groups in [&[][..], &[group(false, "freezer")], &[group(true, "misc")]] {
            refused(json, groups, why);
        }
    }
    // What asks for nothing is done without the controller.
    for json in [r#"{"pids":{"limit":-1}}"#, r#"{"cpu":{"idle":0}}"#, r#"{"memory":{"limit":0}}"#] {
        assert_eq!(translate(json, &[]), Ok(Vec::new()), "{json}");
    }
    // In a hybrid host each controller speaks the language of its hierarchy.
    let hybrid = [group(false, "memory"), group(true, "hugetlb,pids")];
    let json = r#"{"memory":{"limit":5},"hugepageLimits":[{"pageSize":"1GB","limit":0}]}"#;
    assert_eq!(
        translate(json, &hybrid).unwrap(),
        ["memory.limit_in_bytes=5", "hugetlb.1GB.max=0", "?hugetlb.1GB.rsvd.max=0"]
    );
}

#[test]
fn writes_for_the_same_value() {
    let write = |group, file, value| Write {
        group,
        file,
        value,
        alternative: None,
        property: "",
        optional: false,
    };
    let one = write(0, "io.max", "8:0 rbps=1");
    for (other, same) in [
        (write(0, "io.max", "8:0 rbps=2"), true),
        (write(0, "io.max", "8:16 rbps=1"), false),
        (write(0, "io.weight", "8:0 1"), false),
        (write(1, "io.max", "8:0 rbps=1"), false),
    ] {
        assert_eq!(one.is_for_the_file_of(&other), same, "{other:?}");
    }
    let quota = write(0, "cpu.max", "max 100000");
    assert!(quota.is_for_the_file_of(&write(0, "cpu.max", "5000 40000")));
}
