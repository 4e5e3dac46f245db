//! Limits that the kernel refuses, and the places in a tree of cgroup v2 where they work.

use ocinit_tests::cgroups::{self, Hierarchy};
use ocinit_tests::{Bundle, Lab, Value, eventually, json};
use std::fs;
use std::path::PathBuf;

ocinit_tests::isolate!();

/// Where there is cgroup v2 alone, with these controllers, and the runtime makes its cgroups.
fn tree(controllers: &[&str]) -> Option<PathBuf> {
    let fit = cgroups::is_unified()
        && !cgroups::by_systemd()
        && controllers.iter().all(|name| cgroups::unified_has(name));
    let unified = cgroups::hierarchies().into_iter().find(Hierarchy::unified);
    unified.filter(|_| fit).map(|h| h.mount)
}

fn limited<'a>(bundle: &'a mut Bundle, resources: &Value) -> &'a mut Bundle {
    for (name, value) in resources.as_object().unwrap() {
        bundle.config["linux"]["resources"][name] = value.clone();
    }
    bundle
}

#[test]
fn what_the_kernel_refuses_is_named_with_file_value_and_errno() {
    // Controller, resources, and on v1 and on v2 the file, the value and the errno.
    let cases = [
        (
            "cpu",
            json!({"cpu": {"quota": 1, "period": 50_000}}),
            ["cpu.cfs_quota_us 1 EINVAL", "cpu.max 1|50000 EINVAL"],
        ),
        (
            "cpuset",
            json!({"cpu": {"cpus": "0-9999"}}),
            ["cpuset.cpus 0-9999 ERANGE", "cpuset.cpus 0-9999 ERANGE"],
        ),
        ("cpuset", json!({"cpu": {"mems": "x"}}), ["cpuset.mems x EINVAL", "cpuset.mems x EINVAL"]),
        ("pids", json!({"unified": {"pids.max": "few"}}), ["unified  ", "pids.max few EINVAL"]),
        (
            "io",
            json!({"blockIO": {"throttleReadBpsDevice": [{"major": 4095, "minor": 7, "rate": 1}]}}),
            ["", "io.max 4095:7|rbps=1 ENODEV"],
        ),
    ];
    let lab = Lab::new();
    let mut tried = 0;
    for (controller, resources, says) in cases {
        let v1 = cgroups::v1(controller).is_some();
        let v2 = cgroups::is_unified() && cgroups::unified_has(controller);
        if !v1 && !v2 {
            continue;
        }
        tried += 1;
        let mut bundle = lab.bundle();
        limited(bundle.args(&["/bin/true"]), &resources);
        let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
        for word in says[usize::from(!v1)].split(' ') {
            let word = word.replace('|', " ");
            assert!(out.stderr.contains(&word), "{word}: {}", out.stderr);
        }
        lab.assert_clean();
    }
    if tried == 0 {
        ocinit_tests::skip!("no cgroup tree of this machine has controllers");
    }
}

#[test]
fn controllers_are_enabled_down_to_the_container() {
    let Some(root) = tree(&["memory", "pids"]) else {
        ocinit_tests::skip!("no tree of cgroup v2 with controllers that is ours");
    };
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let path = format!("/deep{}/a/b", lab.tag());
    bundle.config["linux"]["cgroupsPath"] = json!(path);
    limited(bundle.waits(), &json!({"memory": {"limit": 50_331_648}, "pids": {"limit": 30}}));
    let c = lab.container(&bundle);
    c.run_waiting();
    let dir = root.join(&path[1..]);
    for (file, value) in [("memory.max", "50331648\n"), ("pids.max", "30\n")] {
        assert_eq!(fs::read_to_string(dir.join(file)).unwrap(), value);
    }
    c.delete_force();
    assert!(!dir.exists());
    cgroups::remove_named(lab.tag());
}

/// Only threads may be below a cgroup that has processes itself (cgroup-v2.rst, "Threads").
#[test]
fn below_a_group_with_processes_limits_of_threads_work() {
    let Some(root) = tree(&["memory", "pids"]) else {
        ocinit_tests::skip!("no tree of cgroup v2 with controllers that is ours");
    };
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let name = format!("busy{}", lab.tag());
    let dir = root.join(&name);
    fs::create_dir(&dir).unwrap();
    bundle.config["linux"]["cgroupsPath"] = json!(format!("/{name}/inner"));
    bundle.waits();
    // The runtime itself is one of the processes, as where an engine shares a service's cgroup.
    let script = format!(r#"echo 0 >{}/cgroup.procs && exec "$@""#, dir.display());
    let call = |command: &str, id: &str| {
        let call = lab.program("/bin/sh".as_ref()).args(["-c", &script, "sh"]);
        let call = call.arg(ocinit_tests::oci::find_binary().unwrap());
        let call = call.arg("--root").arg(lab.state_root()).arg(command);
        let on_bundle = if command == "run" { Some(bundle.dir()) } else { None };
        let call = match on_bundle {
            Some(dir) => call.arg("--detach").arg("--bundle").arg(dir),
            None => call,
        };
        call.arg(id)
    };
    let config = |resources: &Value| {
        let mut config = bundle.config.clone();
        for (name, value) in resources.as_object().unwrap() {
            config["linux"]["resources"][name] = value.clone();
        }
        fs::write(bundle.dir().join("config.json"), config.to_string()).unwrap();
    };
    config(&json!({"memory": {"limit": 50_331_648}}));
    call("run", &lab.id()).fails(1).one_line().says("memory.limit").says("inner");
    assert!(!dir.join("inner").exists());
    config(&json!({"pids": {"limit": 20}}));
    let id = lab.id();
    let out = call("run", &id).ok();
    eventually("the guest is ready", || out.stdout_now().contains("ready"));
    assert_eq!(fs::read_to_string(dir.join("inner/cgroup.type")).unwrap(), "threaded\n");
    assert_eq!(fs::read_to_string(dir.join("inner/pids.max")).unwrap(), "20\n");
    let listed = lab.oci(["ps", "--format", "json", &id]).ok().json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    lab.oci(["delete", "--force", &id]).ok();
    assert!(!dir.join("inner").exists());
    cgroups::remove_named(lab.tag());
}
