//! Namespaces: new, the host's, joined by path; user and time namespaces.

use ocinit_tests::container::{namespace, own_namespace};
use ocinit_tests::{Bundle, Container, Lab, cgroups, json, spec};
use std::fs;

ocinit_tests::isolate!();

/// The spec's names with those of /proc/PID/ns.
const KINDS: [(&str, &str); 5] =
    [("pid", "pid"), ("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroup")];

fn waiting<'a>(lab: &'a Lab, bundle: &mut Bundle) -> Container<'a> {
    bundle.waits();
    let c = lab.container(bundle);
    c.run_waiting();
    c
}

#[test]
fn listed_namespaces_are_new() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    for (_, kind) in KINDS {
        assert_ne!(namespace(c.pid(), kind), own_namespace(kind), "{kind}");
    }
    assert_ne!(namespace(c.pid(), "mnt"), own_namespace("mnt"));
    assert_eq!(namespace(c.pid(), "user"), own_namespace("user"));
}

#[test]
fn absent_namespaces_are_the_hosts() {
    let lab = Lab::new();
    for (name, kind) in KINDS {
        let mut bundle = lab.bundle();
        spec::drop_namespace(&mut bundle.config, name);
        if name == "uts" {
            bundle.config.as_object_mut().unwrap().remove("hostname");
        }
        if name == "ipc" {
            // mqueue belongs to the ipc namespace: its mount would be the host's.
            spec::drop_mount(&mut bundle.config, "/dev/mqueue");
        }
        let report = lab.report(&bundle);
        assert_eq!(report["namespaces"][kind], json!(own_namespace(kind)), "{kind}");
        for (_, other) in KINDS.iter().filter(|k| k.1 != kind) {
            assert_ne!(report["namespaces"][other], json!(own_namespace(other)), "{kind} {other}");
        }
    }
}

#[test]
fn without_a_pid_namespace_pids_are_the_hosts() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    spec::drop_namespace(&mut bundle.config, "pid");
    let c = waiting(&lab, &mut bundle);
    let report = c.exec_report(&[]);
    assert!(report["pid"].as_i64().unwrap() > 1);
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn namespaces_are_joined_by_path() {
    let lab = Lab::new();
    let first = waiting(&lab, &mut lab.bundle());
    for (name, kind) in KINDS {
        let mut bundle = lab.bundle();
        let path = format!("/proc/{}/ns/{kind}", first.pid());
        spec::set_namespace(&mut bundle.config, json!({"type": name, "path": path}));
        let report = lab.report(&bundle);
        assert_eq!(report["namespaces"][kind], json!(namespace(first.pid(), kind)), "{kind}");
        for (_, other) in KINDS.iter().filter(|k| k.1 != kind) {
            let theirs = json!(namespace(first.pid(), other));
            assert_ne!(report["namespaces"][other], theirs, "{kind} {other}");
        }
        assert_eq!(report["pid"] == 1, name != "pid", "{name}: pid {}", report["pid"]);
    }
}

#[test]
fn all_namespaces_of_a_pod_are_joined_at_once() {
    let lab = Lab::new();
    let first = waiting(&lab, &mut lab.bundle());
    let mut bundle = lab.bundle();
    for (name, kind) in KINDS {
        let path = format!("/proc/{}/ns/{kind}", first.pid());
        spec::set_namespace(&mut bundle.config, json!({"type": name, "path": path}));
    }
    bundle.config.as_object_mut().unwrap().remove("hostname");
    let c = waiting(&lab, &mut bundle);
    for (_, kind) in KINDS {
        assert_eq!(namespace(c.pid(), kind), namespace(first.pid(), kind), "{kind}");
    }
    assert_eq!(c.exec_report(&[])["hostname"], "guest", "the name of the joined namespace stays");
    c.delete_force();
    assert_eq!(first.status(), "running");
}

#[test]
fn a_namespace_bound_to_a_file_is_joined() {
    let lab = Lab::new();
    let first = waiting(&lab, &mut lab.bundle());
    let file = lab.dir().join("netns");
    fs::write(&file, "").unwrap();
    let source = format!("/proc/{}/ns/net", first.pid());
    let none = None::<&str>;
    nix::mount::mount(Some(source.as_str()), &file, none, nix::mount::MsFlags::MS_BIND, none)
        .unwrap();
    lab.owns_mount(&file);
    let expected = namespace(first.pid(), "net");
    first.delete_force();
    let mut bundle = lab.bundle();
    spec::set_namespace(&mut bundle.config, json!({"type": "network", "path": file}));
    assert_eq!(lab.report(&bundle)["namespaces"]["net"], json!(expected));
}

#[test]
fn the_loopback_of_a_new_network_is_up() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let interfaces = lab.report(&bundle)["interfaces"].clone();
    assert_eq!(interfaces["lo"], "up", "{interfaces}");
    bundle.args(&["/bin/guest", "probe", "listen:127.0.0.1:80", "listen:[::1]:80"]);
    let out = lab.container(&bundle).run().json();
    assert_eq!(out["listen:127.0.0.1:80"], true);
}

#[test]
fn on_one_processor_the_process_makes_its_network_itself() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    let call = lab.container(&bundle).run_by("/usr/bin/taskset", &["--cpu-list", "0"]);
    assert_eq!(call.ok().json()["interfaces"]["lo"], "up");
}

#[test]
fn the_hosts_network_is_left_as_it_is() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    spec::drop_namespace(&mut bundle.config, "network");
    let host = fs::read_to_string("/proc/net/dev").unwrap();
    let names: Vec<&str> =
        host.lines().skip(2).filter_map(|l| Some(l.split_once(':')?.0.trim())).collect();
    let seen = lab.report(&bundle)["interfaces"].clone();
    let mut seen: Vec<&String> = seen.as_object().unwrap().keys().collect();
    seen.sort();
    let mut names = names;
    names.sort_unstable();
    assert_eq!(seen, names);
}

#[test]
fn host_and_domain_names_are_set_inside_only() {
    let lab = Lab::new();
    let before = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let mut bundle = lab.bundle();
    bundle.config["hostname"] = json!("inside");
    bundle.config["domainname"] = json!("example.org");
    let report = lab.report(&bundle);
    assert_eq!(report["hostname"], "inside");
    assert_eq!(report["domainname"], "example.org");
    assert_eq!(fs::read_to_string("/proc/sys/kernel/hostname").unwrap(), before);
}

#[test]
fn a_new_cgroup_namespace_hides_the_way_to_the_cgroup() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let lines = lab.report(&bundle)["cgroup"].clone();
    for h in cgroups::hierarchies() {
        let start =
            if h.unified() { "0::".into() } else { format!(":{}:", h.controllers.join(",")) };
        let line = lines.as_array().unwrap().iter().find(|l| l.as_str().unwrap().contains(&start));
        let line = line.unwrap_or_else(|| panic!("no line for {start}: {lines}"));
        assert!(line.as_str().unwrap().ends_with(":/"), "{line}");
    }
    spec::drop_namespace(&mut bundle.config, "cgroup");
    let lines = lab.report(&bundle)["cgroup"].to_string();
    assert!(lines.contains(lab.tag()), "{lines}");
}

#[test]
fn a_user_namespace_maps_ids() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    spec::add_user_namespace(&mut bundle.config);
    let c = waiting(&lab, &mut bundle);
    let status = fs::read_to_string(format!("/proc/{}/status", c.pid())).unwrap();
    assert!(status.contains("Uid:\t100000\t100000\t100000\t100000"), "{status}");
    assert!(status.contains("Gid:\t100000\t"), "{status}");
    let report = c.exec_report(&[]);
    assert_eq!(report["uid"], json!([0, 0, 0, 0]));
    assert_ne!(report["namespaces"]["user"], json!(own_namespace("user")));
    let map = report["uid_map"][0].as_str().unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(map, ["0", "100000", "65536"]);
    assert_eq!(report["setgroups"], "allow");
    // The namespaces belong to the new user namespace, so its root may change them.
    let out = c.exec(&["--cap", "CAP_SYS_ADMIN"], &["/bin/guest", "probe", "sethostname:x"]);
    assert_eq!(out.ok().json()["sethostname:x"], true);
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn devices_are_there_in_a_user_namespace() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    spec::add_user_namespace(&mut bundle.config);
    bundle.shell("echo x > /dev/null && head -c 3 /dev/zero | wc -c; exec /bin/guest report");
    let out = lab.container(&bundle).run();
    let (count, report) = out.stdout.split_once('\n').unwrap();
    assert_eq!(count.trim(), "3");
    let report: ocinit_tests::Value = serde_json::from_str(report).unwrap();
    for (name, minor) in [("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)] {
        let device = &report["dev"][name];
        assert_eq!(
            (&device["type"], &device["major"], &device["minor"]),
            (&json!("c"), &json!(1), &json!(minor)),
            "{name}"
        );
    }
}

#[test]
fn an_ordinary_user_of_a_user_namespace_is_mapped_too() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    spec::add_user_namespace(&mut bundle.config);
    bundle.config["process"]["user"] = json!({"uid": 1000, "gid": 1000, "additionalGids": [44]});
    let c = waiting(&lab, &mut bundle);
    let status = fs::read_to_string(format!("/proc/{}/status", c.pid())).unwrap();
    assert!(status.contains("Uid:\t101000\t"), "{status}");
    assert!(status.contains("Gid:\t101000\t"), "{status}");
    assert!(status.lines().any(|l| l.starts_with("Groups:") && l.contains("100044")), "{status}");
}

#[test]
fn a_user_namespace_is_joined_by_path() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    spec::add_user_namespace(&mut bundle.config);
    let first = waiting(&lab, &mut bundle);
    let mut second = lab.bundle();
    for kind in [("user", "user"), ("network", "net")] {
        let path = format!("/proc/{}/ns/{}", first.pid(), kind.1);
        spec::set_namespace(&mut second.config, json!({"type": kind.0, "path": path}));
    }
    let report = lab.report(&second);
    assert_eq!(report["namespaces"]["user"], json!(namespace(first.pid(), "user")));
    assert_eq!(report["namespaces"]["net"], json!(namespace(first.pid(), "net")));
    assert_eq!(report["uid"], json!([0, 0, 0, 0]));
}

#[test]
fn a_time_namespace_has_its_offsets() {
    if !fs::exists("/proc/self/ns/time").unwrap() {
        ocinit_tests::skip!("this kernel has no time namespaces");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let host: f64 = uptime(&fs::read_to_string("/proc/uptime").unwrap());
    spec::set_namespace(&mut bundle.config, json!({"type": "time"}));
    bundle.config["linux"]["timeOffsets"] =
        json!({"boottime": {"secs": 100_000, "nanosecs": 5}, "monotonic": {"secs": 70_000}});
    let c = waiting(&lab, &mut bundle);
    let out = c.exec(&[], &["cat", "/proc/uptime"]).ok();
    let inside = uptime(&out.stdout);
    assert!((inside - host - 100_000.0).abs() < 100.0, "{inside} inside, {host} outside");
    let report = c.exec_report(&[]);
    assert_ne!(report["namespaces"]["time"], json!(own_namespace("time")));
    let offsets = report["timens_offsets"].to_string();
    assert!(offsets.contains("70000") && offsets.contains("100000"), "{offsets}");

    let mut second = lab.bundle();
    let path = format!("/proc/{}/ns/time", c.pid());
    spec::set_namespace(&mut second.config, json!({"type": "time", "path": path}));
    let joined = lab.report(&second);
    assert_eq!(joined["namespaces"]["time"], json!(namespace(c.pid(), "time")));
}

fn uptime(text: &str) -> f64 {
    text.split(' ').next().unwrap().parse().unwrap()
}
