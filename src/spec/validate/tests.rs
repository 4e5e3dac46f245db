//! One line a rule: a property added to (or replacing one of) a good
//! configuration, and the error it must give. The last of two properties with
//! one name counts, so that appending replaces.

use alloc::format;
use alloc::string::{String, ToString};

use super::warnings;
use crate::json::Document;
use crate::spec::{Process, Resources, Spec};

const ALL: &str = r#""namespaces":[{"type":"pid"},{"type":"mount"},{"type":"uts"},{"type":"ipc"},{"type":"network"}]"#;

/// A good configuration with properties appended to its parts.
fn config(top: &str, process: &str, linux: &str) -> String {
    let more = |text: &str| if text.is_empty() { String::new() } else { format!(",\n{text}") };
    format!(
        "{{\"ociVersion\":\"1.3.0\",\"root\":{{\"path\":\"rootfs\"}},\
         \"process\":{{\"cwd\":\"/\",\"args\":[\"sh\"]{}}},\"linux\":{{{ALL}{}}}{}}}",
        more(process),
        more(linux),
        more(top)
    )
}

fn error(text: &str) -> String {
    let document = Document::parse(text.as_bytes(), "config.json").unwrap();
    Spec::read(&document).err().map_or(String::new(), |error| error.to_string())
}

#[track_caller]
fn compare(text: &str, expect: &str) {
    let error = error(text);
    let fits = if expect.is_empty() { error.is_empty() } else { error.contains(expect) };
    assert!(fits, "{text}\n got: {error}\nwant: {expect}");
    assert!(error.is_empty() || error.starts_with("config.json:"), "{error}");
}

#[track_caller]
fn top(added: &str, expect: &str) {
    compare(&config(added, "", ""), expect);
}

#[track_caller]
fn process(added: &str, expect: &str) {
    compare(&config("", added, ""), expect);
}

#[track_caller]
fn linux(added: &str, expect: &str) {
    compare(&config("", "", added), expect);
}

#[track_caller]
fn resources(added: &str, expect: &str) {
    linux(&format!("\"resources\":{{{added}}}"), expect);
    let text = format!("{{{added}}}");
    let document = Document::parse(text.as_bytes(), "-").unwrap();
    let error = Resources::read(&document).err().map_or(String::new(), |error| error.to_string());
    assert_eq!(error.is_empty(), expect.is_empty(), "{error}");
    assert!(!error.contains("linux"), "{error}");
}

#[test]
fn the_base_is_good() {
    top("", "");
    top(r#""unknown":{"a":[1]},"vm":{"hypervisor":1},"windows":7"#, "");
    linux(r#""unknown":1"#, "");
}

#[test]
fn versions() {
    for good in
        ["1.0.0", "1.0.2-dev", "1.0.0-rc5", "1.1.0+dev", "1.2.1", "1.3.0", "1.3.7", "1.0.0-a.b+c-d"]
    {
        top(&format!("\"ociVersion\":\"{good}\""), "");
    }
    for bad in [
        "abc",
        "1",
        "1.0",
        "2.0.0",
        "1.99.0",
        "1.4.0",
        "0.6.0",
        "01.0.0",
        "1.00.0",
        "v1.0.0",
        "1.0.0.0",
        "1.0.0-",
        "1.0.0+",
        "1.0.0-a..b",
        "1.0.-1",
        " 1.0.0",
    ] {
        top(&format!("\"ociVersion\":\"{bad}\""), "2:1: ociVersion: not a supported version");
    }
    compare(
        "{\"root\":{\"path\":\"r\"}}",
        "config.json:1:1: ociVersion: required property is missing",
    );
    top(r#""ociVersion":"""#, "ociVersion: must not be empty");
    top(r#""ociVersion":1"#, "ociVersion: expected a string, found a number");
}

#[test]
fn root_and_names() {
    top(r#""root":null"#, "root: required property is missing");
    top(r#""root":{}"#, "root.path: required property is missing");
    top(r#""hostname":"h","domainname":"d""#, "");
    let no_uts = r#""namespaces":[{"type":"mount"}]"#;
    compare(&config(r#""hostname":"h""#, "", no_uts), "3:1: hostname: needs a uts namespace");
    compare(&config(r#""domainname":"h""#, "", no_uts), "domainname: needs a uts namespace");
    compare(&config(r#""hostname":"""#, "", no_uts), "");
    top(&format!("\"hostname\":\"{}\"", "x".repeat(65)), "hostname: longer than 64 bytes");
    top(r#""annotations":{"a":1}"#, "annotations.a: expected a string, found a number");
}

#[test]
fn processes() {
    top(r#""process":null"#, "");
    process(r#""args":[]"#, "process.args: must name a program");
    process(r#""args":null"#, "process.args: must name a program");
    process(r#""args":[""]"#, "process.args: must name a program");
    process(r#""args":["a",2]"#, "2:13: process.args[1]: expected a string, found a number");
    process(r#""cwd":"tmp""#, "2:1: process.cwd: Cwd must be an absolute path");
    process(r#""env":["A=b","C"]"#, "process.env[1]: must be NAME=value");
    process(r#""env":["=b"]"#, "process.env[0]: must be NAME=value");
    process(r#""user":{"uid":"0"}"#, "process.user.uid: expected an integer, found a string");
    process(r#""user":{"uid":-1}"#, "process.user.uid: out of range");
    process(r#""user":{"umask":63}"#, "");
    process(r#""user":{"umask":512}"#, "process.user.umask: out of range");
    process(r#""consoleSize":{"height":24,"width":80}"#, "");
    process(r#""oomScoreAdj":-1000"#, "");
    process(r#""oomScoreAdj":1001"#, "process.oomScoreAdj: out of range");
    process(r#""capabilities":{"bounding":["CAP_NEW"]}"#, "");
    process(
        r#""capabilities":{"bounding":"CAP_KILL"}"#,
        "process.capabilities.bounding: expected an array, found a string",
    );
}

#[test]
fn rlimits() {
    let limit = r#"{"type":"RLIMIT_NOFILE","soft":1,"hard":2}"#;
    process(&format!("\"rlimits\":[{limit}]"), "");
    process(&format!("\"rlimits\":[{limit},{limit}]"), "process.rlimits[1].type: the same type");
    process(
        r#""rlimits":[{"type":"RLIMIT_X","soft":1,"hard":2}]"#,
        "process.rlimits[0].type: unknown value \"RLIMIT_X\"; known are: RLIMIT_AS RLIMIT_CORE",
    );
    process(
        r#""rlimits":[{"type":"RLIMIT_CPU","soft":3,"hard":2}]"#,
        "process.rlimits[0].soft: must not be more than hard",
    );
    process(
        r#""rlimits":[{"type":"RLIMIT_CPU","soft":3}]"#,
        "process.rlimits[0].hard: required property is missing",
    );
}

#[test]
fn schedulers() {
    let check = |added: &str, expect| process(&format!("\"scheduler\":{{{added}}}"), expect);
    check("", "process.scheduler.policy: required");
    check(r#""policy":"SCHED_X""#, "process.scheduler.policy: unknown value");
    check(r#""policy":"SCHED_OTHER","nice":-20"#, "");
    check(r#""policy":"SCHED_OTHER","nice":100"#, "process.scheduler.nice: out of range");
    check(r#""policy":"SCHED_OTHER","flags":["X"]"#, "process.scheduler.flags[0]: unknown value");
    check(r#""policy":"SCHED_OTHER","flags":["SCHED_FLAG_RESET_ON_FORK"]"#, "");
    check(r#""policy":"SCHED_BATCH","priority":1"#, "process.scheduler.priority: only");
    check(r#""policy":"SCHED_FIFO","priority":100"#, "process.scheduler.priority: out of range");
    check(r#""policy":"SCHED_RR","priority":99"#, "");
    check(r#""policy":"SCHED_RR","priority":1,"runtime":5"#, "process.scheduler.runtime: only");
    check(r#""policy":"SCHED_DEADLINE","runtime":10,"deadline":20,"period":30"#, "");
    check(r#""policy":"SCHED_DEADLINE","runtime":10,"deadline":20"#, "");
    check(
        r#""policy":"SCHED_DEADLINE","runtime":10,"deadline":5"#,
        "process.scheduler: SCHED_DEADLINE needs",
    );
}

#[test]
fn io_priority_and_affinity() {
    process(r#""ioPriority":{"class":"IOPRIO_CLASS_BE","priority":7}"#, "");
    process(
        r#""ioPriority":{"class":"IOPRIO_CLASS_BE","priority":9}"#,
        "process.ioPriority.priority",
    );
    process(r#""ioPriority":{"class":"X","priority":1}"#, "process.ioPriority.class: unknown");
    process(r#""execCPUAffinity":{"initial":"0-3,7","final":""}"#, "");
    process(r#""execCPUAffinity":{"initial":"x"}"#, "process.execCPUAffinity.initial: not a list");
    process(r#""execCPUAffinity":{"final":"3-1"}"#, "process.execCPUAffinity.final: not a list");
}

#[test]
fn exec_documents() {
    let text = "{\n\"cwd\":\"x\",\"args\":[\"a\"]}";
    let document = Document::parse(text.as_bytes(), "p.json").unwrap();
    assert_eq!(
        Process::read(&document).unwrap_err().to_string(),
        "p.json:2:1: cwd: Cwd must be an absolute path"
    );
}

#[test]
fn mounts() {
    let check = |added: &str, expect| {
        top(&format!("\"mounts\":[{{\"destination\":\"/a\",{added}}}]"), expect);
    };
    let ids = r#"[{"containerID":0,"hostID":1000,"size":10}]"#;
    check(r#""type":"tmpfs","options":["mode=755"]"#, "");
    check(r#""destination":"a/b","type":"tmpfs""#, "");
    check(r#""destination":"","type":"tmpfs""#, "mounts[0].destination: must not be empty");
    check(r#""source":"x""#, "mounts[0].type: required property is missing");
    check(r#""options":["bind"]"#, "mounts[0].source: required property is missing");
    check(r#""type":"bind","source":"x""#, "");
    check(r#""source":"x","options":["rbind","rro"]"#, "");
    check(r#""source":"x","options":["rbind","mode=1"]"#, "mounts[0].options[1]: unknown option");
    let bind = r#""source":"x","options":["bind"]"#;
    check(&format!("{bind},\"uidMappings\":{ids}"), "2:11: mounts[0]: needs both uidMappings and");
    check(&format!("{bind},\"gidMappings\":{ids}"), "mounts[0]: needs both uidMappings and");
    check(&format!("{bind},\"uidMappings\":{ids},\"gidMappings\":{ids}"), "");
    check(r#""source":"x","options":["bind","idmap"]"#, "mounts[0].options: idmap needs");
    let zero = r#"[{"containerID":0,"hostID":1000}]"#;
    check(
        &format!("{bind},\"uidMappings\":{ids},\"gidMappings\":{zero}"),
        "mounts[0].gidMappings[0].size: must be at least 1",
    );
}

#[test]
fn hooks() {
    let check = |added: &str, expect| {
        top(&format!("\"hooks\":{{\"poststop\":[{{\"path\":\"/h\"}},{{{added}}}]}}"), expect);
    };
    check(r#""path":"/x","timeout":1"#, "");
    check(r#""path":"x""#, "hooks.poststop[1].path: must be an absolute path");
    check(r#""args":["x"]"#, "hooks.poststop[1].path: required property is missing");
    check(r#""path":"/x","timeout":0"#, "hooks.poststop[1].timeout: must be more than 0");
    check(r#""path":"/x","timeout":-1"#, "hooks.poststop[1].timeout: must be more than 0");
}

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
fn devices() {
    let check = |added: &str, expect| linux(&format!("\"devices\":[{{{added}}}]"), expect);
    check(r#""path":"/dev/x","type":"c","major":1,"minor":3"#, "");
    check(r#""path":"/dev/x","type":"u","major":1,"minor":3,"fileMode":8630"#, "");
    check(r#""path":"/dev/x","type":"p""#, "");
    check(
        r#""path":"/dev/x","type":"x","major":1,"minor":3"#,
        "linux.devices[0].type: unknown value",
    );
    check(r#""path":"/dev/x","type":"b","major":1"#, "linux.devices[0].minor: required");
    check(r#""path":"dev/x","type":"p""#, "linux.devices[0].path: must be an absolute path");
    check(
        r#""path":"/dev/x","type":"c","major":-1,"minor":3"#,
        "linux.devices[0].major: out of range",
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

#[test]
fn paths_and_propagation() {
    linux(r#""maskedPaths":["/proc/kcore"],"readonlyPaths":["/proc/sys"]"#, "");
    linux(r#""namespaces":[],"maskedPaths":["/a"]"#, "linux.maskedPaths: needs a mount namespace");
    linux(
        r#""namespaces":[],"readonlyPaths":["/a"]"#,
        "linux.readonlyPaths: needs a mount namespace",
    );
    linux(r#""maskedPaths":["/a","b"]"#, "linux.maskedPaths[1]: must be an absolute path");
    linux(r#""rootfsPropagation":"rslave""#, "");
    linux(r#""rootfsPropagation":"""#, "");
    linux(
        r#""rootfsPropagation":"bogus""#,
        "linux.rootfsPropagation: unknown value \"bogus\"; known are: shared",
    );
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

#[test]
fn seccomp() {
    let check = |added: &str, expect| {
        linux(&format!("\"seccomp\":{{\"defaultAction\":\"SCMP_ACT_ALLOW\",{added}}}"), expect);
    };
    let rule = |added: &str, expect| {
        let rule = format!("\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",{added}");
        check(&format!("\"syscalls\":[{{{rule}}}]"), expect);
    };
    check(r#""architectures":["SCMP_ARCH_X86_64"],"flags":[]"#, "");
    check(r#""defaultAction":"X""#, "linux.seccomp.defaultAction: unknown value");
    check(r#""architectures":["X"]"#, "linux.seccomp.architectures[0]: unknown value");
    check(r#""flags":["X"]"#, "linux.seccomp.flags[0]: unknown value");
    check(r#""defaultErrnoRet":1"#, "linux.seccomp.defaultErrnoRet: only SCMP_ACT_ERRNO");
    check(r#""defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1"#, "");
    check(
        r#""defaultAction":"SCMP_ACT_NOTIFY","listenerPath":"/x""#,
        "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY would make",
    );
    check(r#""listenerMetadata":"x""#, "linux.seccomp.listenerMetadata: needs listenerPath");
    check(r#""listenerPath":"/x","listenerMetadata":"x""#, "");
    rule(r#""errnoRet":38"#, "");
    rule(r#""errnoRet":4096"#, "linux.seccomp.syscalls[0].errnoRet: out of range");
    rule(r#""action":"SCMP_ACT_TRACE","errnoRet":4096"#, "");
    rule(r#""action":"SCMP_ACT_ALLOW","errnoRet":1"#, "linux.seccomp.syscalls[0].errnoRet: only");
    rule(r#""names":[]"#, "linux.seccomp.syscalls[0].names: needs at least one entry");
    rule(r#""names":["no_such_call"]"#, "");
    rule(
        r#""action":"SCMP_ACT_NOTIFY""#,
        "linux.seccomp.syscalls[0].action: SCMP_ACT_NOTIFY needs",
    );
    rule(
        r#""args":[{"index":6,"value":1,"op":"SCMP_CMP_EQ"}]"#,
        "linux.seccomp.syscalls[0].args[0].index",
    );
    rule(
        r#""args":[{"index":0,"value":1,"op":"X"}]"#,
        "linux.seccomp.syscalls[0].args[0].op: unknown",
    );
    let notify =
        r#""listenerPath":"/x","syscalls":[{"names":["write"],"action":"SCMP_ACT_NOTIFY"}]"#;
    check(notify, "linux.seccomp.syscalls[0].names: SCMP_ACT_NOTIFY cannot be used for write");
}

#[test]
fn only_warnings() {
    let text = config(
        r#""mounts":[{"destination":"a","type":"proc"}],"annotations":{"run.oci.handler":"krun",
        "run.oci.systemd.subgroup":"","run.oci.keep_original_groups":"1","x":"y"}"#,
        r#""capabilities":{"bounding":["CAP_X","CAP_KILL"],"ambient":["CAP_X","cap_kill"]}"#,
        "",
    );
    let document = Document::parse(text.as_bytes(), "config.json").unwrap();
    let spec = Spec::read(&document).unwrap();
    assert_eq!(
        warnings(&spec),
        [
            "process.capabilities: ignoring unknown capability \"CAP_X\"",
            "process.capabilities: ignoring unknown capability \"cap_kill\"",
            "annotations: ignoring \"run.oci.handler\", which only crun knows",
            "mounts[0].destination: relative paths are deprecated, taken from /",
        ]
    );
}
