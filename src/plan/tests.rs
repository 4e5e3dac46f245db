//! Plans of whole configurations, by the text of their operations.

use super::Request;
use super::container::plan;
use super::{Host, Op, Plan};
use crate::cgroup::{Cgroups, Layout};
use crate::error::Result;
use crate::json::Document;
use crate::rootfs::id_map::IdMap;
use crate::rootfs::mount::Mount;
use crate::rootfs::tree::Recursion;
use crate::spec::Spec;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const HOST: Host = Host::ROOT;

/// The plan for a configuration with these properties of `process`, `linux` and
/// the top, each as JSON members.
fn planned(process: &str, linux: &str, top: &str) -> Result<&'static mut Plan> {
    planned_on(HOST, process, linux, top, None)
}

fn planned_on(
    host: Host,
    process: &str,
    linux: &str,
    top: &str,
    notify: Option<&str>,
) -> Result<&'static mut Plan> {
    let part = |text: &str| if text.is_empty() { String::new() } else { format!(",{text}") };
    // Of two properties with one name the later counts.
    let namespaces = r#""namespaces":[{"type":"mount"},{"type":"network"}]"#;
    let text = format!(
        r#"{{"ociVersion":"1.3.0","root":{{"path":"r"}},"process":{{"cwd":"/","args":["a"]{}}},
        "linux":{{{namespaces}{}}}{}}}"#,
        part(process),
        part(linux),
        part(top)
    );
    let document = Document::parse(text.as_bytes(), "config.json")?;
    let spec = Spec::read(&document)?;
    let request = Request {
        id: "c",
        bundle: "/b",
        rootfs: "/b/r",
        no_pivot: false,
        no_new_keyring: false,
        preserve_fds: 0,
        extra_env: &[],
        environment: &[],
        host,
        layout: &Layout::default(),
        cgroups: &Cgroups::default(),
        notify,
        shared_parent: None,
    };
    plan(spec, &request)
}

/// The operations whose text has `word` in it.
fn operations(plan: Result<&'static mut Plan>, word: &str) -> Vec<String> {
    let plan = plan.unwrap_or_else(|error| panic!("{error}"));
    plan.ops.iter().map(ToString::to_string).filter(|text| text.contains(word)).collect()
}

fn refused(plan: Result<&'static mut Plan>) -> String {
    plan.err().expect("an error").to_string()
}

#[test]
fn domains_and_memory_policies() {
    let check = |linux, word, expect: &[&str]| {
        assert_eq!(operations(planned("", linux, ""), word), expect, "{linux}");
    };
    check("", "linux.", &[]);
    let set = "linux.personality: set the execution domain ";
    check(r#""personality":{"domain":"LINUX32"}"#, set, &[&format!("{set}0x8")]);
    check(r#""personality":{"domain":"LINUX"}"#, set, &[&format!("{set}0x0")]);
    let set = "linux.memoryPolicy: set the policy ";
    let policy =
        r#""memoryPolicy":{"mode":"MPOL_BIND","nodes":"0-1","flags":["MPOL_F_STATIC_NODES"]}"#;
    check(policy, set, &[&format!("{set}0x8002")]);
    check(r#""memoryPolicy":{"mode":"MPOL_LOCAL","nodes":""}"#, set, &[&format!("{set}0x4")]);
    let far = r#""memoryPolicy":{"mode":"MPOL_BIND","nodes":"5000"}"#;
    assert!(refused(planned("", far, "")).starts_with("linux.memoryPolicy.nodes"));
}

#[test]
fn scheduling_is_kept_for_the_end() {
    let process = r#""scheduler":{"policy":"SCHED_BATCH","nice":4},
        "ioPriority":{"class":"IOPRIO_CLASS_BE","priority":1},"execCPUAffinity":{"final":"0"}"#;
    let plan = planned(process, "", "").unwrap();
    assert_eq!(plan.scheduler.unwrap().nice, 4);
    assert_eq!(plan.io_priority.unwrap().priority, 1);
    // It is only for `exec`.
    assert!(plan.first_cpus.is_none());
    assert!(operations(Ok(plan), "execCPUAffinity").is_empty());
}

#[test]
fn owners_of_bind_mounts_are_mapped() {
    let maps = |plan: &mut Plan| -> Vec<_> {
        let mount = |op: Op| match op {
            Op::Mount(mount) => Some(mount),
            _ => None,
        };
        let map = |mount: Box<Mount>| (mount.by_command, mount.id_map);
        plan.ops.drain(..).filter_map(mount).map(map).collect()
    };
    let own = r#""uidMappings":[{"containerID":0,"hostID":5,"size":1}],
        "gidMappings":[{"containerID":0,"hostID":6,"size":1}]"#;
    let mount = |more: &str| {
        format!(r#""mounts":[{{"destination":"/d","source":"/s","type":"tmpfs",{more}}}]"#)
    };
    let user = r#""namespaces":[{"type":"mount"},{"type":"user"}],
        "uidMappings":[{"containerID":0,"hostID":7,"size":9}],
        "gidMappings":[{"containerID":0,"hostID":8,"size":9}]"#;
    let check = |linux: &str, more: &str, expect: Option<(u32, Recursion)>| {
        let found = maps(planned("", linux, &mount(more)).unwrap());
        let [(by_command, map)] = found.as_slice() else { panic!("one mount") };
        let first = |map: &IdMap| (map.maps.as_ref().unwrap().uid[0].host, map.recursion);
        assert_eq!(map.as_ref().map(first), expect, "{more}");
        assert_eq!(*by_command, expect.is_some() || linux == user);
    };
    check("", r#""options":["bind"]"#, None);
    check("", &format!(r#""options":["bind"],{own}"#), Some((5, Recursion::One)));
    check("", &format!(r#""options":["rbind","ridmap"],{own}"#), Some((5, Recursion::All)));
    check(user, r#""options":["bind"]"#, None);
    check(user, r#""options":["bind","idmap"]"#, Some((7, Recursion::One)));
    for options in ["", r#""bind","remount""#] {
        let top = mount(&format!(r#""options":[{options}],{own}"#));
        assert!(refused(planned("", "", &top)).contains("only a bind mount"), "{options}");
    }
}

#[test]
fn new_file_systems_get_the_label() {
    const LABEL: &str = "system_u:object_r:container_file_t:s0:c1,c2";
    let linux = format!(r#""mountLabel":"{LABEL}""#);
    let check = |mount: &str, legacy: &str| {
        let top = format!(r#""mounts":[{{"destination":"/d",{mount}}}]"#);
        let plan = planned_on(Host { selinux: true, ..HOST }, "", &linux, &top, None).unwrap();
        let mount = plan.ops.iter().find_map(|op| match op {
            Op::Mount(mount) => Some(mount),
            _ => None,
        });
        let mount = mount.expect("a mount");
        assert_eq!(mount.legacy_data.to_str(), Ok(legacy), "{top}");
        let has = mount.data.iter().any(|(key, _)| *key == c"context");
        assert_eq!(has, legacy.contains("context"));
        let root = mount.root_label.as_ref().map(|label| label.to_str().unwrap());
        assert_eq!(root, top.contains("mqueue").then_some(LABEL));
    };
    let quoted = format!("context=\"{LABEL}\"");
    check(r#""type":"tmpfs""#, &quoted);
    check(r#""type":"tmpfs","options":["size=1"]"#, &format!("size=1,{quoted}"));
    check(r#""type":"tmpfs","options":["context=x"]"#, "context=x");
    check(r#""type":"proc""#, "");
    check(r#""type":"mqueue""#, "");
    check(r#""source":"/s","options":["bind"]"#, "");
    let selinux = Host { selinux: true, ..HOST };
    let option = |value: &str| {
        let top = format!(
            r#""mounts":[{{"destination":"/d","type":"tmpfs"}}],
            "annotations":{{"run.oci.mount_context_type":"{value}"}}"#
        );
        planned_on(selinux, "", &linux, &top, None)
    };
    assert!(refused(option("other")).contains("run.oci.mount_context_type"));
    assert!(option("rootcontext").is_ok() && option("").is_ok());
    assert!(refused(planned("", &linux, "")).contains("SELinux is not enabled"));
}

/// Where the kernel takes them (attr of proc(5)): before the keyring is made, and
/// before the program is executed.
#[test]
fn programs_and_keyrings_get_the_label() {
    let selinux = Host { selinux: true, ..HOST };
    let label = r#""selinuxLabel":"u:r:t:s0""#;
    let shown = operations(planned_on(selinux, label, "", "", None), "");
    let place = |text: &str| shown.iter().position(|one| one.contains(text)).expect(text);
    let keys = place(r#"write "u:r:t:s0" to `/proc/self/attr/keycreate`"#);
    assert_eq!(keys + 1, place("session keyring"));
    assert!(place(r#"write "u:r:t:s0" to `/proc/self/attr/exec`"#) < place("pivot_root"));
    assert!(refused(planned(label, "", "")).contains("SELinux is not enabled"));
    let none = operations(planned_on(selinux, r#""selinuxLabel":"""#, "", "", None), "write ");
    assert_eq!(none, [""; 0]);
}

#[test]
fn the_notify_socket_is_the_last_mount() {
    let top = r#""mounts":[{"destination":"/run","type":"tmpfs"}]"#;
    let plan = planned_on(HOST, "", "", top, Some("/s/c/notify"));
    let mounts = operations(plan, "mount ");
    assert_eq!(mounts, [r#"mount "tmpfs" on "/run""#, r#"mount "/s/c/notify" on "/run/notify""#]);
}

#[test]
fn devices_are_made_before_the_process_waits() {
    let order = |more: &str| -> Vec<String> {
        let mounts = format!(
            r#""mounts":[{{"type":"tmpfs","source":"t","destination":"/dev"}},
            {{"type":"sysfs","source":"s","destination":"/sys"}}{more}]"#
        );
        let words = ["on \"/sys\"", "on \"/dev\"", "device \"/dev/null\""];
        let all = operations(planned("", "", &mounts), "\"/");
        let found = |text: &String| words.iter().find(|word| text.contains(*word)).copied();
        all.iter().filter_map(found).map(String::from).collect()
    };
    let bind =
        |at| format!(r#",{{"type":"bind","source":"/s","destination":"{at}","options":["bind"]}}"#);
    let early = ["on \"/dev\"", "device \"/dev/null\"", "on \"/sys\""];
    let late = ["on \"/dev\"", "on \"/sys\"", "device \"/dev/null\""];
    assert_eq!(order(""), early);
    assert_eq!(order(&bind("/data")), early);
    assert_eq!(order(&bind("/dev/net")), early);
    assert_eq!(order(&bind("/dev/urandom")), early);
    // What is mounted there would hide the device, or perhaps.
    assert_eq!(order(r#",{"type":"tmpfs","destination":"/dev/."}"#), late);
    assert_eq!(order(&bind("/x/../y")), late);
}

#[test]
fn no_device_is_made_where_something_is_mounted() {
    let made = |mounts: &[(&str, &str)]| -> Vec<String> {
        let entry = |(at, option): &(&str, &str)| {
            format!(r#"{{"source":"/s","destination":"{at}","options":["bind","{option}"]}}"#)
        };
        let mounts: Vec<_> = mounts.iter().map(entry).collect();
        let top = format!(r#""mounts":[{}]"#, mounts.join(","));
        let devices = r#""devices":[{"type":"p","path":"/dev//tty"},{"type":"p","path":"/x/p"}]"#;
        operations(planned("", devices, &top), "create device")
    };
    let all = made(&[]);
    assert_eq!(all.len(), 8);
    let without = |mounts: &[(&str, &str)], path: &str| {
        let rest = all.iter().filter(|text| !text.contains(path)).cloned().collect::<Vec<_>>();
        assert_eq!(made(mounts), rest, "{mounts:?}");
    };
    without(&[("/dev/null", "ro")], "\"/dev/null\"");
    without(&[("dev/./tty/", "ro")], "tty\"");
    without(&[("/x/p", "ro"), ("/dev/pts", "ro")], "\"/x/p\"");
    without(&[("/dev/null", "ro"), ("/dev/null/", "remount")], "\"/dev/null\"");
    for mounts in [&[("/x", "ro")][..], &[("/x/p", "ro"), ("/x", "ro")], &[("/x/p", "remount")]] {
        assert_eq!(made(mounts), all, "{mounts:?}");
    }
}

#[test]
fn limits_hold_for_what_fills_memory_and_for_programs() {
    let needs =
        |top: &str| planned("", "", top).unwrap_or_else(|error| panic!("{error}")).needs_limits();
    let tmpfs = |options| {
        format!(
            r#""mounts":[{{"type":"tmpfs","source":"t","destination":"/t","options":[{options}]}}]"#
        )
    };
    assert!(!needs(""));
    assert!(!needs(&tmpfs("\"nosuid\"")));
    assert!(needs(&tmpfs("\"tmpcopyup\"")));
    assert!(needs(r#""hooks":{"createContainer":[{"path":"/h"}]}"#));
    assert!(!needs(r#""hooks":{"createRuntime":[{"path":"/h"}]}"#));
}
