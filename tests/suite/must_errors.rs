//! The documents that the specification wants refused, and those that it wants accepted.
//!
//! Each row changes the default document and runs `true`. All rows of a table
//! are tried before the test gives its verdict, so that one run shows them all.

use ocinit_tests::isolate::{View, view};
use ocinit_tests::{Lab, Value, json, spec};
use std::fs;
use std::path::Path;

ocinit_tests::isolate!();

#[derive(Clone, Copy, Debug, PartialEq)]
enum Want {
    Error,
    Runs,
    /// Runs, and says something on stderr.
    Warns,
}
use Want::{Error, Runs, Warns};

type Row = (&'static str, Want, fn(&mut Value));

fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    for (name, want, change) in rows {
        bundle.config = spec::default();
        bundle.args(&["/bin/true"]);
        change(&mut bundle.config);
        let out = lab.container(&bundle).on_bundle("run", &[]).run();
        let lines = out.stderr.lines().count();
        let good = match want {
            Error => out.code == 1 && lines == 1,
            Runs => out.code == 0,
            Warns => out.code == 0 && lines >= 1,
        };
        if !good {
            wrong.push(format!(
                "{name}: want {want:?}, got {}: {}",
                out.code,
                out.stderr.trim_end()
            ));
        }
        let left = lab.left();
        if !left.is_empty() {
            wrong.push(format!("{name}: left behind: {}", left.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

fn hook(c: &mut Value, kind: &str, hook: Value) {
    c["hooks"] = json!({kind: [hook]});
}

fn namespaces(c: &mut Value) -> &mut Vec<Value> {
    c["linux"]["namespaces"].as_array_mut().unwrap()
}

#[test]
fn the_frame_of_the_document() {
    check(&[
        ("baseline", Runs, |_| ()),
        ("ociVersion not semver", Error, |c| c["ociVersion"] = json!("abc")),
        ("ociVersion 2.0.0", Error, |c| c["ociVersion"] = json!("2.0.0")),
        ("ociVersion 1.99.0", Error, |c| c["ociVersion"] = json!("1.99.0")),
        ("no root", Error, |c| drop(c.as_object_mut().unwrap().remove("root"))),
        ("no process", Error, |c| drop(c.as_object_mut().unwrap().remove("process"))),
        ("unknown top-level property", Runs, |c| c["unknown"] = json!({"x": [1]})),
        ("unknown linux property", Runs, |c| c["linux"]["unknown"] = json!(["x"])),
        ("wrong JSON type", Error, |c| c["process"]["user"]["uid"] = json!("0")),
        ("annotation that is no text", Error, |c| c["annotations"] = json!({"a": 5})),
        ("vm section", Runs, |c| c["vm"] = json!({"kernel": {"path": "/x"}})),
    ]);
}

#[test]
fn the_process() {
    check(&[
        ("args empty", Error, |c| c["process"]["args"] = json!([])),
        ("cwd relative", Error, |c| c["process"]["cwd"] = json!("tmp")),
        ("cwd empty", Error, |c| c["process"]["cwd"] = json!("")),
        ("rlimit unknown", Error, |c| {
            c["process"]["rlimits"] = json!([{"type": "RLIMIT_X", "soft": 1, "hard": 1}])
        }),
        ("rlimit twice", Error, |c| {
            let one = json!({"type": "RLIMIT_CORE", "soft": 1, "hard": 1});
            c["process"]["rlimits"] = json!([one, one])
        }),
        ("rlimit soft > hard", Error, |c| {
            c["process"]["rlimits"] = json!([{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}])
        }),
        ("capability unknown", Warns, |c| {
            c["process"]["capabilities"]["bounding"] = json!(["CAP_KILL", "CAP_X"])
        }),
        ("apparmor profile without apparmor", Error, |c| {
            if !Path::new("/sys/module/apparmor").exists() {
                c["process"]["apparmorProfile"] = json!("some")
            } else {
                c["process"]["apparmorProfile"] = json!("no-such-profile")
            }
        }),
        ("selinux label without selinux", Error, |c| {
            c["process"]["selinuxLabel"] = json!("system_u:system_r:x:s0")
        }),
        ("umask", Runs, |c| c["process"]["user"]["umask"] = json!(63)),
        ("consoleSize without terminal", Runs, |c| {
            c["process"]["consoleSize"] = json!({"height": 5, "width": 6})
        }),
        ("oomScoreAdj out of range", Error, |c| c["process"]["oomScoreAdj"] = json!(1001)),
    ]);
}

#[test]
fn the_namespaces() {
    check(&[
        ("namespace twice", Error, |c| namespaces(c).push(json!({"type": "pid"}))),
        ("namespace unknown", Error, |c| namespaces(c).push(json!({"type": "x"}))),
        ("path of another type", Error, |c| {
            spec::set_namespace(c, json!({"type": "network", "path": "/proc/self/ns/uts"}))
        }),
        ("path relative", Error, |c| {
            spec::set_namespace(c, json!({"type": "network", "path": "proc/self/ns/net"}))
        }),
        ("path missing", Error, |c| {
            spec::set_namespace(c, json!({"type": "network", "path": "/no/such"}))
        }),
        ("path to no namespace", Error, |c| {
            spec::set_namespace(c, json!({"type": "network", "path": "/etc/passwd"}))
        }),
        ("hostname without uts", Error, |c| spec::drop_namespace(c, "uts")),
        ("userns without mappings", Error, |c| spec::set_namespace(c, json!({"type": "user"}))),
        ("timeOffsets without timens", Error, |c| {
            c["linux"]["timeOffsets"] = json!({"monotonic": {"secs": 1}})
        }),
        ("timeOffsets of a bad clock", Error, |c| {
            spec::set_namespace(c, json!({"type": "time"}));
            c["linux"]["timeOffsets"] = json!({"realtime": {"secs": 1}})
        }),
        ("sysctl that is not namespaced", Error, |c| {
            c["linux"]["sysctl"] = json!({"vm.swappiness": "1"})
        }),
        ("sysctl of the host's network", Error, |c| {
            spec::drop_namespace(c, "network");
            c["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1"})
        }),
        ("sysctl of ipc without ipc", Error, |c| {
            spec::drop_namespace(c, "ipc");
            c["linux"]["sysctl"] = json!({"kernel.msgmax": "8192"})
        }),
        ("sysctl kernel.hostname", Error, |c| {
            c["linux"]["sysctl"] = json!({"kernel.hostname": "x"})
        }),
        ("sysctl out of the tree", Error, |c| {
            c["linux"]["sysctl"] = json!({"net/../vm/swappiness": "1"})
        }),
        ("maskedPaths without a mount namespace", Error, |c| spec::drop_namespace(c, "mount")),
    ]);
}

#[test]
fn the_mounts_and_devices() {
    fn mount(c: &mut Value, kind: &str, source: &str, options: &[&str]) {
        spec::add_mount(
            c,
            json!({"destination": "/x", "type": kind, "source": source, "options": options}),
        );
    }
    check(&[
        ("only uidMappings", Error, |c| {
            let map = json!([{"containerID": 0, "hostID": 1, "size": 1}]);
            spec::add_mount(
                c,
                json!({"destination": "/x", "type": "bind", "source": "/tmp",
                "options": ["bind"], "uidMappings": map}),
            )
        }),
        ("idmap without mappings and user namespace", Error, |c| {
            mount(c, "bind", "/tmp", &["bind", "idmap"])
        }),
        ("bind with data", Error, |c| mount(c, "bind", "/tmp", &["bind", "size=5"])),
        ("unknown file system", Error, |c| mount(c, "nosuchfs", "none", &[])),
        ("relative destination", Runs, |c| {
            spec::add_mount(c, json!({"destination": "x/y", "type": "tmpfs", "source": "tmpfs"}))
        }),
        ("no destination", Error, |c| {
            spec::add_mount(c, json!({"type": "tmpfs", "source": "tmpfs"}))
        }),
        ("source missing", Error, |c| mount(c, "bind", "/no/such", &["bind"])),
        ("rootfsPropagation unknown", Error, |c| c["linux"]["rootfsPropagation"] = json!("bogus")),
        ("mount over /proc that is no procfs", Error, |c| {
            spec::add_mount(
                c,
                json!({"destination": "/proc", "type": "bind", "source": "/tmp", "options": ["bind"]}),
            )
        }),
        ("device over another file", Error, |c| {
            c["linux"]["devices"] =
                json!([{"type": "c", "path": "/etc/passwd", "major": 1, "minor": 3}])
        }),
        ("device of an unknown type", Error, |c| {
            c["linux"]["devices"] = json!([{"type": "x", "path": "/dev/x", "major": 1, "minor": 3}])
        }),
        ("device with a relative path", Error, |c| {
            c["linux"]["devices"] = json!([{"type": "c", "path": "dev/x", "major": 1, "minor": 3}])
        }),
        ("device that is there already", Runs, |c| {
            c["linux"]["resources"] = json!({});
            c["linux"]["devices"] =
                json!([{"type": "c", "path": "/dev/null", "major": 1, "minor": 3}])
        }),
    ]);
}

#[test]
fn the_hooks() {
    check(&[
        ("path relative", Error, |c| hook(c, "createRuntime", json!({"path": "bin/true"}))),
        ("no path", Error, |c| hook(c, "createRuntime", json!({"args": ["true"]}))),
        ("timeout 0", Error, |c| {
            hook(c, "createRuntime", json!({"path": "/bin/true", "timeout": 0}))
        }),
        ("timeout -1", Error, |c| {
            hook(c, "createRuntime", json!({"path": "/bin/true", "timeout": -1}))
        }),
        ("prestart fails", Error, |c| hook(c, "prestart", json!({"path": "/bin/false"}))),
        ("createRuntime fails", Error, |c| hook(c, "createRuntime", json!({"path": "/bin/false"}))),
        ("createContainer fails", Error, |c| {
            hook(c, "createContainer", json!({"path": "/bin/false"}))
        }),
        ("startContainer fails", Error, |c| {
            hook(c, "startContainer", json!({"path": "/bin/false"}))
        }),
        ("poststart fails", Error, |c| {
            c["process"]["args"] = json!(["sleep", "5"]);
            hook(c, "poststart", json!({"path": "/bin/false"}))
        }),
        ("poststop fails", Warns, |c| hook(c, "poststop", json!({"path": "/bin/false"}))),
        ("unknown kind", Runs, |c| hook(c, "nosuch", json!({"path": "/bin/false"}))),
    ]);
}

#[test]
fn the_resources() {
    if view() != View::V2 {
        check(&[("unified on v1", Error, |c| {
            c["linux"]["resources"]["unified"] = json!({"memory.high": "100000000"})
        })]);
    }
    check(&[
        ("burst above the quota", Error, |c| {
            c["linux"]["resources"]["cpu"] =
                json!({"quota": 10_000, "period": 100_000, "burst": 20_000})
        }),
        ("page size unknown", Error, |c| {
            c["linux"]["resources"]["hugepageLimits"] = json!([{"pageSize": "3KB", "limit": 0}])
        }),
        ("unified with a path", Error, |c| {
            c["linux"]["resources"]["unified"] = json!({"../cgroup.procs": "0"})
        }),
    ]);
}

#[test]
fn later_subjects() {
    check(&[
        ("scheduler policy", Error, |c| c["process"]["scheduler"] = json!({"policy": "SCHED_X"})),
        ("scheduler flag", Error, |c| {
            c["process"]["scheduler"] = json!({"policy": "SCHED_BATCH", "flags": ["SCHED_FLAG_X"]})
        }),
        ("scheduler nice 100", Error, |c| {
            c["process"]["scheduler"] = json!({"policy": "SCHED_OTHER", "nice": 100})
        }),
        ("ioPriority class", Error, |c| {
            c["process"]["ioPriority"] = json!({"class": "IOPRIO_CLASS_X", "priority": 1})
        }),
        ("ioPriority 9", Error, |c| {
            c["process"]["ioPriority"] = json!({"class": "IOPRIO_CLASS_BE", "priority": 9})
        }),
        ("execCPUAffinity", Error, |c| c["process"]["execCPUAffinity"] = json!({"initial": "x"})),
        ("netDevices missing", Error, |c| c["linux"]["netDevices"] = json!({"nosuch0": {}})),
        ("netDevices without a network", Error, |c| {
            spec::drop_namespace(c, "network");
            c["linux"]["netDevices"] = json!({"lo": {}})
        }),
        ("memoryPolicy mode", Error, |c| {
            c["linux"]["memoryPolicy"] = json!({"mode": "MPOL_X", "nodes": "0"})
        }),
        ("memoryPolicy bind without nodes", Error, |c| {
            c["linux"]["memoryPolicy"] = json!({"mode": "MPOL_BIND", "nodes": ""})
        }),
        ("memoryPolicy default with nodes", Error, |c| {
            c["linux"]["memoryPolicy"] = json!({"mode": "MPOL_DEFAULT", "nodes": "0"})
        }),
        ("personality domain", Error, |c| c["linux"]["personality"] = json!({"domain": "X"})),
        ("personality flags", Error, |c| {
            c["linux"]["personality"] = json!({"domain": "LINUX", "flags": ["X"]})
        }),
    ]);
    if !fs::exists("/sys/fs/resctrl/schemata").unwrap() {
        check(&[("intelRdt without resctrl", Error, |c| {
            c["linux"]["intelRdt"] = json!({"closID": "x", "l3CacheSchema": "L3:0=f"})
        })]);
    }
}

#[test]
fn seccomp() {
    fn profile(c: &mut Value, extra: Value) {
        c["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW"});
        let profile = c["linux"]["seccomp"].as_object_mut().unwrap();
        profile.extend(extra.as_object().unwrap().clone());
    }
    check(&[
        ("plain profile", Runs, |c| {
            profile(c, json!({"syscalls": [{"names": ["reboot"], "action": "SCMP_ACT_ERRNO"}]}))
        }),
        ("unknown action", Error, |c| profile(c, json!({"defaultAction": "SCMP_ACT_X"}))),
        ("errnoRet with ALLOW", Error, |c| {
            profile(
                c,
                json!({"syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1}]}),
            )
        }),
        ("names empty", Error, |c| {
            profile(c, json!({"syscalls": [{"names": [], "action": "SCMP_ACT_ERRNO"}]}))
        }),
        ("unknown flag", Error, |c| profile(c, json!({"flags": ["SECCOMP_FILTER_FLAG_X"]}))),
        ("unknown architecture", Error, |c| profile(c, json!({"architectures": ["SCMP_ARCH_X"]}))),
        ("listenerMetadata without a path", Error, |c| {
            profile(c, json!({"listenerMetadata": "x"}))
        }),
        ("unknown system call", Runs, |c| {
            profile(c, json!({"syscalls": [{"names": ["nosuchcall"], "action": "SCMP_ACT_ERRNO"}]}))
        }),
    ]);
}
