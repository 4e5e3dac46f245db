//! Control groups: where the container is put, the limits, and what is removed.

use ocinit_tests::cgroups::{self, Hierarchy};
use ocinit_tests::isolate::{View, view};
use ocinit_tests::{Bundle, Container, Lab, eventually, json, spec};
use std::fs;
use std::path::{Path, PathBuf};

ocinit_tests::isolate!();

fn waiting<'a>(lab: &'a Lab, bundle: &mut Bundle) -> Container<'a> {
    bundle.waits();
    let c = lab.container(bundle);
    c.run_waiting();
    c
}

/// Where the process is in each hierarchy.
fn places(pid: i32) -> Vec<(Hierarchy, PathBuf)> {
    let all = cgroups::hierarchies().into_iter();
    all.map(|h| (h.clone(), h.directory_of(pid).expect("the process is there"))).collect()
}

/// The directory with the files of a controller: v1's, or v2's when it has it.
fn controller(name: &str, pid: i32) -> Option<(bool, PathBuf)> {
    if let Some(h) = cgroups::v1(name) {
        return Some((true, h.directory_of(pid)?));
    }
    let h = cgroups::hierarchies().into_iter().find(Hierarchy::unified)?;
    let has = fs::read_to_string(h.mount.join("cgroup.controllers")).ok()?;
    has.split_whitespace().any(|c| c == name).then(|| (false, h.directory_of(pid).unwrap()))
}

fn value(dir: &Path, file: &str) -> String {
    let path = dir.join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.trim().to_string()
}

#[test]
fn without_a_path_the_container_has_a_group_of_its_own() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    for (h, dir) in places(c.pid()) {
        assert!(dir.to_string_lossy().contains(c.id()), "{}: {}", h.mount.display(), dir.display());
        assert_eq!(cgroups::processes(&dir), [c.pid()], "{}", dir.display());
    }
    c.kill("KILL");
    c.wait_for("stopped");
    c.delete();
    assert_eq!(cgroups::named(lab.tag()), Vec::<PathBuf>::new());
}

#[test]
fn an_absolute_path_is_below_each_hierarchys_mount() {
    if cgroups::by_systemd() {
        ocinit_tests::skip!("systemd takes no path");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let path = format!("/top{}/sub", lab.tag());
    bundle.config["linux"]["cgroupsPath"] = json!(path);
    let c = waiting(&lab, &mut bundle);
    for (h, dir) in places(c.pid()) {
        assert_eq!(dir, h.mount.join(&path[1..]));
    }
    c.delete_force();
    let left = cgroups::named(lab.tag());
    assert!(left.iter().all(|d| !d.ends_with("sub")), "{left:?}");
    // The parent may have been there before, and is not the runtime's to remove.
    cgroups::remove_named(lab.tag());
    lab.assert_clean();
}

#[test]
fn a_relative_path_gives_the_same_place_each_time() {
    if cgroups::by_systemd() {
        ocinit_tests::skip!("systemd takes no path");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["cgroupsPath"] = json!(format!("rel{}", lab.tag()));
    let c = waiting(&lab, &mut bundle);
    let first: Vec<PathBuf> = places(c.pid()).into_iter().map(|p| p.1).collect();
    for dir in &first {
        assert!(dir.to_string_lossy().contains(&format!("rel{}", lab.tag())), "{}", dir.display());
    }
    c.delete_force();
    lab.assert_clean();
    let c = waiting(&lab, &mut bundle);
    assert_eq!(places(c.pid()).into_iter().map(|p| p.1).collect::<Vec<_>>(), first);
}

#[test]
fn a_path_with_dots_stays_inside() {
    if cgroups::by_systemd() {
        ocinit_tests::skip!("systemd takes no path");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["cgroupsPath"] = json!(format!("/../../dots{}", lab.tag()));
    bundle.waits();
    let c = lab.container(&bundle);
    // Refusing it is allowed, too.
    if c.on_bundle("run", &["--detach"]).run().code == 0 {
        for (h, dir) in places(c.pid()) {
            assert_eq!(dir, h.mount.join(format!("dots{}", lab.tag())));
        }
    }
}

#[test]
fn groups_that_the_container_made_are_removed_too() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    for (h, dir) in places(c.pid()) {
        if dir != h.mount {
            fs::create_dir_all(dir.join("one/two")).unwrap();
        }
    }
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn every_process_of_the_container_is_in_its_group() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("sleep 100 & sleep 100 & echo ready; wait");
    let c = lab.container(&bundle);
    c.run_waiting();
    for (h, dir) in places(c.pid()) {
        if dir != h.mount {
            eventually("three processes", || cgroups::processes(&dir).len() == 3);
        }
    }
}

#[test]
fn the_memory_limit_is_written_and_kept() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["resources"]["memory"] = json!({"limit": 50_331_648});
    if view() == View::V2 && !cgroups::unified_has("memory") {
        return refused(&lab, &mut bundle, "memory");
    }
    let c = waiting(&lab, &mut bundle);
    let (v1, dir) = controller("memory", c.pid()).expect("a memory controller");
    let file = if v1 { "memory.limit_in_bytes" } else { "memory.max" };
    assert_eq!(value(&dir, file), "50331648");
    // 200 MB in one piece do not fit.
    let out = c.exec(&[], &["sh", "-c", "dd if=/dev/zero of=/dev/null bs=200M count=1"]).run();
    assert_eq!(out.code, 137, "killed by the kernel: {}", out.stderr);
}

#[test]
fn a_start_that_needs_more_memory_than_the_limit_says_so() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["resources"]["memory"] = json!({"limit": 16_384});
    if view() == View::V2 && !cgroups::unified_has("memory") {
        return refused(&lab, &mut bundle, "memory");
    }
    let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
    out.says("perhaps a memory limit is too low");
    lab.assert_clean();
}

#[test]
fn the_pids_limit_is_written_and_kept() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["resources"]["pids"] = json!({"limit": 20});
    if view() == View::V2 && !cgroups::unified_has("pids") {
        return refused(&lab, &mut bundle, "pids");
    }
    let c = waiting(&lab, &mut bundle);
    let (_, dir) = controller("pids", c.pid()).expect("a pids controller");
    assert_eq!(value(&dir, "pids.max"), "20");
    let script =
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21; do sleep 9 & done";
    let out = c.exec(&[], &["sh", "-c", script]).run();
    assert!(out.stderr.contains("fork"), "the shell cannot fork: {}", out.stderr);
}

#[test]
fn a_pids_limit_below_zero_is_none() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["resources"]["pids"] = json!({"limit": -1});
    if view() == View::V2 && !cgroups::unified_has("pids") {
        ocinit_tests::skip!("this cgroup2 tree has no pids controller");
    }
    let c = waiting(&lab, &mut bundle);
    let (_, dir) = controller("pids", c.pid()).expect("a pids controller");
    assert_eq!(value(&dir, "pids.max"), "max");
}

#[test]
fn a_pids_limit_of_zero_is_a_limit() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["resources"]["pids"] = json!({"limit": 0});
    if view() == View::V2 && !cgroups::unified_has("pids") {
        ocinit_tests::skip!("this cgroup2 tree has no pids controller");
    }
    let c = waiting(&lab, &mut bundle);
    let (_, dir) = controller("pids", c.pid()).expect("a pids controller");
    assert!(["0", "1"].contains(&value(&dir, "pids.max").as_str()), "{}", value(&dir, "pids.max"));
}

#[test]
fn the_cpu_quota_is_written() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["resources"]["cpu"] = json!({"quota": 25_000, "period": 50_000});
    if view() == View::V2 && !cgroups::unified_has("cpu") {
        return refused(&lab, &mut bundle, "cpu");
    }
    let c = waiting(&lab, &mut bundle);
    let (v1, dir) = controller("cpu", c.pid()).expect("a cpu controller");
    if v1 {
        assert_eq!(value(&dir, "cpu.cfs_quota_us"), "25000");
        assert_eq!(value(&dir, "cpu.cfs_period_us"), "50000");
    } else {
        assert_eq!(value(&dir, "cpu.max"), "25000 50000");
    }
}

/// A limit that cannot be set is an error that names the controller.
fn refused(lab: &Lab, bundle: &mut Bundle, name: &str) {
    bundle.args(&["/bin/true"]);
    lab.container(bundle).on_bundle("run", &[]).fails(1).one_line().says(name);
    lab.assert_clean();
}

#[test]
fn a_limit_that_is_out_of_range_is_refused() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    if view() == View::V2 && !cgroups::unified_has("cpu") {
        ocinit_tests::skip!("this cgroup2 tree has no cpu controller");
    }
    bundle.config["linux"]["resources"]["cpu"] = json!({"quota": 1, "period": 50_000});
    refused(&lab, &mut bundle, "cpu");
}

#[test]
fn a_group_with_processes_is_refused() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let (path, end) = cgroups::path(&format!("shared{}", lab.tag()));
    bundle.config["linux"]["cgroupsPath"] = json!(path);
    let first = waiting(&lab, &mut bundle);
    let second = lab.container(&bundle);
    second
        .on_bundle("create", &[])
        .fails(1)
        .one_line()
        .says("container's cgroup is not empty: 1 process");
    assert_eq!(first.status(), "running", "the first one is left alone");
    for (_, dir) in places(first.pid()) {
        assert!(dir.ends_with(&end), "{}", dir.display());
    }
}

#[test]
fn a_frozen_group_is_refused() {
    if cgroups::by_systemd() {
        ocinit_tests::skip!("systemd takes no path");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let h = cgroups::v1("freezer")
        .or_else(|| cgroups::hierarchies().into_iter().find(Hierarchy::unified));
    let dir = h.expect("a hierarchy that can freeze").mount.join(format!("cold{}", lab.tag()));
    fs::create_dir(&dir).unwrap();
    match dir.join("freezer.state").exists() {
        true => fs::write(dir.join("freezer.state"), "FROZEN").unwrap(),
        false => fs::write(dir.join("cgroup.freeze"), "1").unwrap(),
    }
    bundle.config["linux"]["cgroupsPath"] = json!(format!("/cold{}", lab.tag()));
    bundle.args(&["/bin/true"]);
    let c = lab.container(&bundle);
    c.on_bundle("create", &[]).fails(1).one_line().says("container's cgroup unexpectedly frozen");
    cgroups::remove_named(lab.tag());
    lab.assert_clean();
}

#[test]
fn only_allowed_devices_can_be_opened() {
    let misc = fs::read_to_string("/proc/misc").unwrap_or_default();
    if !misc.contains("229 fuse") {
        ocinit_tests::skip!("this kernel has no fuse device to try");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["devices"] =
        json!([{"type": "c", "path": "/dev/try", "major": 10, "minor": 229, "fileMode": 0o666}]);
    bundle.args(&["/bin/guest", "probe", "write:/dev/try", "write:/dev/null"]);
    let out = lab.container(&bundle).run().json();
    assert_eq!(out, json!({"write:/dev/try": {"error": "EPERM"}, "write:/dev/null": true}));
    let rule = json!({"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"});
    bundle.config["linux"]["resources"]["devices"].as_array_mut().unwrap().push(rule);
    let out = lab.container(&bundle).run().json();
    assert_eq!(out, json!({"write:/dev/try": true, "write:/dev/null": true}));
}

#[test]
fn a_container_works_without_a_cgroup_mount_and_namespace() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    spec::drop_mount(&mut bundle.config, "/sys/fs/cgroup");
    spec::drop_namespace(&mut bundle.config, "cgroup");
    let c = waiting(&lab, &mut bundle);
    assert!(places(c.pid()).iter().all(|(_, d)| d.to_string_lossy().contains(c.id())));
}

#[test]
fn a_writable_view_of_v2_belongs_to_root_inside() {
    if view() != View::V2 {
        ocinit_tests::skip!("only cgroup2 is delegated");
    }
    let lab = Lab::new();
    for (option, owner) in [("rw", 100_000), ("ro", 0)] {
        let mut bundle = lab.bundle();
        spec::add_user_namespace(&mut bundle.config);
        spec::drop_mount(&mut bundle.config, "/sys/fs/cgroup");
        spec::add_mount(
            &mut bundle.config,
            json!({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
                "options": ["nosuid", option]}),
        );
        let c = waiting(&lab, &mut bundle);
        let (_, dir) = places(c.pid()).remove(0);
        for file in ["", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"] {
            let uid = std::os::unix::fs::MetadataExt::uid(&fs::metadata(dir.join(file)).unwrap());
            assert_eq!(uid, owner, "{option} {file}");
        }
        let uid =
            std::os::unix::fs::MetadataExt::uid(&fs::metadata(dir.join("cgroup.freeze")).unwrap());
        assert_eq!(uid, 0, "what is not delegated");
    }
}
