//! The mounts of the document: binds, tmpfs, options, propagation.

use ocinit_tests::{Bundle, Lab, Value, cgroups, json, mountinfo, spec};
use std::fs;

ocinit_tests::isolate!();

fn error(name: &str) -> Value {
    json!({"error": name})
}

#[test]
fn files_and_directories_are_bound() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let source = lab.dir().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "content").unwrap();
    fs::write(bundle.dir().join("beside"), "relative").unwrap();
    let binds = [
        json!({"destination": "/etc/one", "type": "bind", "source": source.join("file"), "options": ["bind", "ro"]}),
        json!({"destination": "/new/deep/dir", "source": source, "options": ["rbind", "rw"]}),
        json!({"destination": "/new/deep/file", "type": "none", "source": source.join("file"), "options": ["bind"]}),
        json!({"destination": "/etc/relative", "type": "bind", "source": "beside", "options": ["bind"]}),
        json!({"destination": "/opts", "type": "bind", "source": source,
               "options": ["bind", "ro", "nosuid", "nodev", "noexec", "noatime"]}),
    ];
    for mount in binds {
        spec::add_mount(&mut bundle.config, mount);
    }
    bundle.args(&[
        "/bin/guest",
        "probe",
        "read:/etc/one",
        "write:/etc/one",
        "read:/new/deep/dir/file",
        "create:/new/deep/dir/made",
        "write:/new/deep/file",
        "read:/etc/relative",
        "create:/opts/x",
    ]);
    let out = lab.container(&bundle).run().json();
    let expected = json!({
        "read:/etc/one": "content", "write:/etc/one": error("EROFS"),
        "read:/new/deep/dir/file": "content", "create:/new/deep/dir/made": true,
        "write:/new/deep/file": true, "read:/etc/relative": "relative",
        "create:/opts/x": error("EROFS"),
    });
    assert_eq!(out, expected);
    assert!(source.join("made").exists());
    bundle.args(&["/bin/guest", "report"]);
    let opts = mountinfo::at(&lab.report(&bundle), "/opts");
    for option in ["ro", "nosuid", "nodev", "noexec", "noatime"] {
        assert!(opts.has(option), "{option}: {opts:?}");
    }
}

/// docker looks for "not a directory" before it says what is wrong.
#[test]
fn a_file_and_a_directory_do_not_cover_each_other() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let dir = lab.dir().join("dir");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("file"), "").unwrap();
    let binds = [
        json!({"destination": "/etc", "source": dir.join("file"), "options": ["bind"]}),
        json!({"destination": "/etc/passwd", "source": dir, "options": ["rbind"]}),
    ];
    for mount in binds {
        let at = mount["destination"].as_str().unwrap().to_string();
        spec::add_mount(&mut bundle.config, mount);
        let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
        out.says(&at).says("ENOTDIR (not a directory)").says("the other is not");
        spec::drop_mount(&mut bundle.config, &at);
    }
    lab.assert_clean();
}

#[test]
fn a_recursive_bind_takes_the_mounts_below() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let source = lab.dir().join("source");
    lab.tmpfs(&source.join("below"), "");
    fs::write(source.join("below/file"), "below").unwrap();
    for (at, option) in [("/deep", "rbind"), ("/flat", "bind")] {
        let mount = json!({"destination": at, "source": source, "options": [option]});
        spec::add_mount(&mut bundle.config, mount);
    }
    bundle.args(&["/bin/guest", "probe", "read:/deep/below/file", "list:/flat/below"]);
    let out = lab.container(&bundle).run().json();
    assert_eq!(out, json!({"read:/deep/below/file": "below", "list:/flat/below": []}));
}

#[test]
fn a_recursive_option_reaches_the_mounts_below() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let source = lab.dir().join("source");
    lab.tmpfs(&source.join("below"), "");
    for (at, options) in [("/plain", ["rbind", "ro"]), ("/deep", ["rbind", "rro"])] {
        let mount = json!({"destination": at, "source": source, "options": options});
        spec::add_mount(&mut bundle.config, mount);
    }
    let report = lab.report(&bundle);
    let readonly = |at: &str| mountinfo::at(&report, at).options.contains(&"ro".to_string());
    assert!(readonly("/plain") && !readonly("/plain/below"));
    assert!(readonly("/deep") && readonly("/deep/below"));
}

#[test]
fn a_tmpfs_may_take_over_what_it_hides() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let mount =
        json!({"destination": "/etc", "type": "tmpfs", "source": "t", "options": ["tmpcopyup"]});
    spec::add_mount(&mut bundle.config, mount);
    bundle.args(&["/bin/guest", "probe", "list:/etc", "create:/etc/new"]);
    let out = lab.container(&bundle).run().json();
    assert_eq!(out, json!({"list:/etc": ["group", "passwd"], "create:/etc/new": true}));
    assert!(!bundle.rootfs("/etc/new").exists());
}

#[test]
fn a_tmpfs_has_its_options_and_order() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    fs::write(lab.dir().join("file"), "x").unwrap();
    let tmpfs = json!({"destination": "/run", "type": "tmpfs", "source": "tmpfs",
        "options": ["nosuid", "nodev", "mode=750", "size=4096k", "uid=3"]});
    let file = json!({"destination": "/run/sub/file", "type": "bind",
        "source": lab.dir().join("file"), "options": ["bind"]});
    spec::add_mount(&mut bundle.config, tmpfs);
    spec::add_mount(&mut bundle.config, file);
    let report = lab.report(&bundle);
    let run = mountinfo::at(&report, "/run");
    for option in ["nosuid", "nodev", "mode=750", "size=4096k", "uid=3"] {
        assert!(run.has(option), "{option}: {run:?}");
    }
    mountinfo::at(&report, "/run/sub/file");
}

#[test]
fn a_relative_destination_is_below_the_root() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let mount = json!({"destination": "relative/place", "type": "tmpfs", "source": "tmpfs"});
    spec::add_mount(&mut bundle.config, mount);
    let out = lab.container(&bundle).run();
    assert_eq!(mountinfo::at(&out.json(), "/relative/place").kind, "tmpfs");
}

#[test]
fn missing_mount_points_are_made() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    for dir in ["proc", "sys", "dev"] {
        fs::remove_dir(bundle.rootfs(dir)).unwrap();
    }
    let report = lab.report(&bundle);
    assert_eq!(mountinfo::at(&report, "/dev").kind, "tmpfs");
}

#[test]
fn the_root_has_the_propagation_that_is_asked_for() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let root = |report: &Value| mountinfo::at(report, "/").propagation.join(" ");
    assert_eq!(root(&lab.report(&bundle)), "", "private or slave of a private mount by default");
    bundle.config["linux"]["rootfsPropagation"] = json!("shared");
    assert!(root(&lab.report(&bundle)).contains("shared:"));
    bundle.config["linux"]["rootfsPropagation"] = json!("private");
    assert_eq!(root(&lab.report(&bundle)), "");
    bundle.config["linux"]["rootfsPropagation"] = json!("unbindable");
    assert!(root(&lab.report(&bundle)).contains("unbindable"));
}

#[test]
fn mounts_reach_a_slave_volume_and_not_a_private_one() {
    use nix::mount::{MsFlags, mount};
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let shared = lab.dir().join("shared");
    lab.tmpfs(&shared, "");
    let none = None::<&str>;
    mount(none, &shared, none, MsFlags::MS_SHARED, none).unwrap();
    fs::create_dir(shared.join("sub")).unwrap();
    // A runtime may only make its own mounts slaves; the container's root must be one for this.
    bundle.config["linux"]["rootfsPropagation"] = json!("rslave");
    for kind in ["rslave", "rprivate", "rshared"] {
        let at = format!("/{kind}");
        let m = json!({"destination": at, "source": shared, "options": ["rbind", kind]});
        spec::add_mount(&mut bundle.config, m);
    }
    bundle.waits();
    let c = lab.container(&bundle);
    c.run_waiting();
    lab.tmpfs(&shared.join("sub"), "");
    fs::write(shared.join("sub/late"), "late").unwrap();
    let out = c
        .exec(
            &[],
            &["/bin/guest", "probe", "list:/rslave/sub", "list:/rprivate/sub", "list:/rshared/sub"],
        )
        .ok()
        .json();
    let expected = json!({"list:/rslave/sub": ["late"], "list:/rprivate/sub": [], "list:/rshared/sub": ["late"]});
    assert_eq!(out, expected);
}

/// A bundle with a mount of control groups that has these options.
fn cgroup_mount(bundle: &mut Bundle, options: &[&str]) {
    spec::drop_mount(&mut bundle.config, "/sys/fs/cgroup");
    let mount = json!({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
        "options": options});
    spec::add_mount(&mut bundle.config, mount);
}

#[test]
fn beside_hierarchies_of_v1_that_of_v2_is_not_shown() {
    if cgroups::is_unified() {
        ocinit_tests::skip!("no hierarchies of v1");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    for (option, made) in [("rw", json!(true)), ("ro", error("EROFS"))] {
        cgroup_mount(&mut bundle, &["nosuid", option]);
        bundle.args(&["/bin/guest", "report"]);
        let report = lab.report(&bundle);
        assert!(mountinfo::of(&report).iter().all(|mount| mount.kind != "cgroup2"), "{report}");
        assert!(mountinfo::at(&report, "/sys/fs/cgroup").options.contains(&option.to_string()));
        bundle.args(&["/bin/guest", "probe", "list:/sys/fs/cgroup", "mkdir:/sys/fs/cgroup/x"]);
        let out = lab.container(&bundle).run().json();
        assert_eq!(out["mkdir:/sys/fs/cgroup/x"], made, "{option}");
        let listed = out["list:/sys/fs/cgroup"].to_string();
        assert!(listed.contains("memory") && !listed.contains("unified"), "{listed}");
    }
}

#[test]
fn without_a_cgroup_namespace_the_whole_tree_of_v2_is_shown() {
    if !cgroups::is_unified() {
        ocinit_tests::skip!("of v1 the container's own cgroups are shown");
    }
    let lab = Lab::new();
    for (option, users) in [("ro", false), ("rw", false), ("ro", true), ("rw", true)] {
        let mut bundle = lab.waiting_bundle();
        cgroup_mount(&mut bundle, &["nosuid", option]);
        spec::drop_namespace(&mut bundle.config, "cgroup");
        if users {
            spec::add_user_namespace(&mut bundle.config);
        }
        let c = lab.container(&bundle);
        c.run_waiting();
        let shown = mountinfo::at(&c.exec_report(&[]), "/sys/fs/cgroup");
        assert_eq!((shown.root.as_str(), shown.kind.as_str()), ("/", "cgroup2"));
        assert!(shown.options.contains(&option.to_string()), "{shown:?}");
        assert!(shown.options.contains(&"nosuid".to_string()), "{shown:?}");
        let script = "cat /sys/fs/cgroup$(sed -n s/^0:://p /proc/1/cgroup)/cgroup.procs";
        let inside = c.exec(&[], &["sh", "-c", script]).ok().stdout;
        assert!(inside.lines().any(|pid| pid == "1"), "it finds its own cgroup: {inside}");
        c.delete_force();
    }
}

#[test]
fn the_host_sees_no_mount_of_the_container() {
    let lab = Lab::new();
    let _running = lab.waiting();
    let host = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mine = host.lines().filter(|l| l.contains(lab.dir().to_str().unwrap())).count();
    assert_eq!(mine, 0, "{host}");
}
