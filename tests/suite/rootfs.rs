//! The root file system: mounts, devices, masked and read-only paths, sysctls.

use ocinit_tests::{Lab, Value, images, json, mountinfo, spec};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

ocinit_tests::isolate!();

fn error(name: &str) -> Value {
    json!({"error": name})
}

#[test]
fn the_default_mounts_have_their_types_and_options() {
    let lab = Lab::new();
    let report = lab.report(&lab.bundle());
    let expected = [
        ("/proc", "proc", &["rw"][..]),
        ("/dev", "tmpfs", &["nosuid", "mode=755", "size=65536k"]),
        ("/dev/pts", "devpts", &["nosuid", "noexec", "gid=5", "mode=620", "ptmxmode=666"]),
        ("/dev/shm", "tmpfs", &["nosuid", "nodev", "noexec", "size=65536k"]),
        ("/dev/mqueue", "mqueue", &["nosuid", "nodev", "noexec"]),
        ("/sys", "sysfs", &["ro", "nosuid", "nodev", "noexec"]),
    ];
    for (at, kind, options) in expected {
        let mount = mountinfo::of(&report).into_iter().find(|m| m.at == at && m.kind == kind);
        let mount = mount.unwrap_or_else(|| panic!("{kind} at {at}: {}", report["mountinfo"]));
        for option in options {
            assert!(mount.has(option), "{option} at {at}: {mount:?}");
        }
    }
    assert!(mountinfo::at(&report, "/").has("ro"));
}

#[test]
fn nothing_else_is_mounted() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["maskedPaths"] = json!([]);
    bundle.config["linux"]["readonlyPaths"] = json!([]);
    spec::drop_mount(&mut bundle.config, "/sys/fs/cgroup");
    let report = lab.report(&bundle);
    let at: Vec<String> = mountinfo::of(&report).into_iter().map(|m| m.at).collect();
    assert_eq!(at, ["/", "/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys"]);
}

#[test]
fn the_cgroup_mount_shows_only_the_containers_own() {
    let lab = Lab::new();
    let c = lab.waiting();
    let report = c.exec_report(&[]);
    let mounts = mountinfo::of(&report);
    let cgroup = mounts.iter().filter(|m| m.kind.starts_with("cgroup")).collect::<Vec<_>>();
    assert!(!cgroup.is_empty());
    for m in &cgroup {
        assert!(m.at.starts_with("/sys/fs/cgroup") && m.has("ro") && m.has("nosuid"), "{m:?}");
    }
    let below = cgroup.first().unwrap().at.clone();
    let out = c.exec(&[], &["cat", &format!("{below}/cgroup.procs")]).ok();
    assert!(out.stdout.lines().any(|l| l == "1"), "init is in the mounted group: {}", out.stdout);
    let probe = c.exec(&[], &["/bin/guest", "probe", &format!("mkdir:{below}/x")]).ok().json();
    assert_eq!(probe[format!("mkdir:{below}/x")], error("EROFS"));
}

#[test]
fn the_default_devices_and_links_are_there() {
    let lab = Lab::new();
    let dev = lab.report(&lab.bundle())["dev"].clone();
    let devices = [
        ("null", 1, 3),
        ("zero", 1, 5),
        ("full", 1, 7),
        ("random", 1, 8),
        ("urandom", 1, 9),
        ("tty", 5, 0),
    ];
    for (name, major, minor) in devices {
        let d = &dev[name];
        assert_eq!(d["type"], "c", "{name}: {d}");
        assert_eq!((&d["major"], &d["minor"]), (&json!(major), &json!(minor)), "{name}");
        assert_eq!(d["mode"], "666", "{name}");
        assert_eq!((&d["uid"], &d["gid"]), (&json!(0), &json!(0)), "{name}");
    }
    let links = [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ];
    for (name, target) in links {
        assert_eq!(dev[name]["link"], target, "{name}");
    }
    let mut names: Vec<&str> = dev.as_object().unwrap().keys().map(String::as_str).collect();
    names.retain(|n| !["core", "console"].contains(n));
    names.sort_unstable();
    let all = [
        "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin",
        "stdout", "tty", "urandom", "zero",
    ];
    assert_eq!(names, all);
}

#[test]
fn the_devices_work() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell(
        "echo x > /dev/null; head -c 5 /dev/zero | wc -c; head -c 5 /dev/urandom | wc -c; \
         echo x 2>/dev/null > /dev/full || echo full; echo err > /dev/stderr",
    );
    let out = lab.container(&bundle).on_bundle("run", &[]).ok();
    assert_eq!(out.stdout.split_whitespace().collect::<Vec<_>>(), ["5", "5", "full"]);
    assert!(out.stderr.ends_with("err\n"));
}

#[test]
fn listed_devices_are_made() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["devices"] = json!([
        {"type": "c", "path": "/dev/extra", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 7, "gid": 8},
        {"type": "b", "path": "/dev/sub/dir/disk", "major": 7, "minor": 99, "fileMode": 0o600},
        {"type": "p", "path": "/dev/fifo", "fileMode": 0o622},
        {"type": "u", "path": "/dev/uchar", "major": 1, "minor": 3},
    ]);
    let dev = lab.report(&bundle)["dev"].clone();
    let extra = &dev["extra"];
    assert_eq!((&extra["type"], &extra["mode"]), (&json!("c"), &json!("640")));
    assert_eq!((&extra["major"], &extra["minor"]), (&json!(1), &json!(5)));
    assert_eq!((&extra["uid"], &extra["gid"]), (&json!(7), &json!(8)));
    assert_eq!((&dev["fifo"]["type"], &dev["fifo"]["mode"]), (&json!("p"), &json!("622")));
    assert_eq!((&dev["uchar"]["type"], &dev["uchar"]["minor"]), (&json!("c"), &json!(3)));
    bundle.args(&["ls", "-l", "/dev/sub/dir/disk"]);
    let line = lab.container(&bundle).run().stdout;
    assert!(line.starts_with("brw-------") && line.contains("7,"), "{line}");
}

/// As from runc and crun: `-v /dev/urandom:/dev/random` means what it says.
#[test]
fn a_mount_at_the_place_of_a_device_stays() {
    let lab = Lab::new();
    let file = lab.dir().join("file");
    fs::write(&file, "").unwrap();
    for user_namespace in [false, true] {
        let mut bundle = lab.bundle();
        if user_namespace {
            spec::add_user_namespace(&mut bundle.config);
        }
        // What is mounted below it later hides this one.
        let hidden = json!({"destination": "/dev/zero", "source": file, "options": ["bind"]});
        bundle.config["mounts"].as_array_mut().unwrap().insert(0, hidden);
        fs::write(bundle.rootfs("/dev/zero"), "").unwrap();
        for (at, source) in [
            ("/dev/random", "/dev/urandom".as_ref()),
            ("/dev//./null", &*file),
            ("/dev/full", &file),
        ] {
            let mount = json!({"destination": at, "source": source, "options": ["bind"]});
            spec::add_mount(&mut bundle.config, mount);
        }
        bundle.config["linux"]["devices"] =
            json!([{"type": "c", "path": "/dev//full", "major": 1, "minor": 7}]);
        let dev = lab.report(&bundle)["dev"].clone();
        assert_eq!((&dev["random"]["type"], &dev["random"]["minor"]), (&json!("c"), &json!(9)));
        assert_eq!((&dev["null"]["type"], &dev["full"]["type"]), (&json!("f"), &json!("f")));
        assert_eq!((&dev["zero"]["type"], &dev["zero"]["minor"]), (&json!("c"), &json!(5)));
    }
    // What the image has there is another matter.
    let mut bundle = lab.bundle();
    let listed = json!([{"type": "c", "path": "/etc/passwd", "major": 1, "minor": 3}]);
    bundle.config["linux"]["devices"] = listed;
    let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
    out.says("/etc/passwd").says("a different file exists at this path");
    lab.assert_clean();
}

/// podman's `--privileged` lists it among the host's devices.
#[test]
fn a_listed_ptmx_is_the_link_to_the_containers_own() {
    let lab = Lab::new();
    for user_namespace in [false, true] {
        let mut bundle = lab.bundle();
        if user_namespace {
            spec::add_user_namespace(&mut bundle.config);
        }
        bundle.config["linux"]["devices"] =
            json!([{"type": "c", "path": "/dev/./ptmx", "major": 5, "minor": 2}]);
        assert_eq!(lab.report(&bundle)["dev"]["ptmx"]["link"], "pts/ptmx", "{user_namespace}");
    }
    lab.assert_clean();
}

#[test]
fn a_bound_dev_is_left_as_it_is() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let dev = lab.dir().join("dev");
    fs::create_dir(&dev).unwrap();
    fs::write(dev.join("only"), "").unwrap();
    let null = nix::sys::stat::makedev(1, 3);
    let mode = nix::sys::stat::Mode::from_bits_truncate(0o666);
    nix::sys::stat::mknod(&dev.join("null"), nix::sys::stat::SFlag::S_IFCHR, mode, null).unwrap();
    for at in ["/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"] {
        spec::drop_mount(&mut bundle.config, at);
    }
    let mount = json!({"destination": "/dev", "type": "bind", "source": dev, "options": ["bind"]});
    spec::add_mount(&mut bundle.config, mount);
    let seen = lab.report(&bundle)["dev"].clone();
    assert_eq!(seen.as_object().unwrap().keys().collect::<Vec<_>>(), ["null", "only"]);
    assert_eq!(fs::read_dir(&dev).unwrap().count(), 2);
}

#[test]
fn a_readonly_root_cannot_be_written() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/guest", "probe", "create:/x", "mkdir:/etc/y", "create:/dev/ok"]);
    let out = lab.container(&bundle).run().json();
    let expected = json!({"create:/x": error("EROFS"), "mkdir:/etc/y": error("EROFS"), "create:/dev/ok": true});
    assert_eq!(out, expected);
    bundle.config["root"]["readonly"] = json!(false);
    let out = lab.container(&bundle).run().json();
    assert_eq!((&out["create:/x"], &out["mkdir:/etc/y"]), (&json!(true), &json!(true)));
    assert!(bundle.rootfs("/x").exists() && bundle.rootfs("/etc/y").is_dir());
}

#[test]
fn masked_paths_are_empty() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    fs::create_dir(bundle.rootfs("/secret")).unwrap();
    fs::write(bundle.rootfs("/secret/key"), "key").unwrap();
    fs::write(bundle.rootfs("/password"), "password").unwrap();
    bundle.config["linux"]["maskedPaths"] = json!([
        "/secret",
        "/password",
        "/proc/kcore",
        "/proc/keys",
        "/sys/firmware",
        "/no/such",
        "/secret"
    ]);
    bundle.args(&[
        "/bin/guest",
        "probe",
        "list:/secret",
        "create:/secret/x",
        "read:/password",
        "read:/proc/kcore",
        "read:/proc/keys",
        "list:/sys/firmware",
    ]);
    let out = lab.container(&bundle).run().json();
    assert_eq!(out["list:/secret"], json!([]));
    assert_eq!(out["create:/secret/x"], error("EROFS"));
    assert_eq!(out["read:/password"], "");
    assert_eq!(out["read:/proc/keys"], "");
    assert!(["", "null"].contains(&out["read:/proc/kcore"].as_str().unwrap_or("null")));
    if fs::exists("/sys/firmware").unwrap() {
        assert_eq!(out["list:/sys/firmware"], json!([]));
    }
    assert_eq!(fs::read_to_string(bundle.rootfs("/password")).unwrap(), "password");
}

#[test]
fn readonly_paths_cannot_be_written() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["root"]["readonly"] = json!(false);
    fs::create_dir(bundle.rootfs("/fixed")).unwrap();
    fs::write(bundle.rootfs("/fixed/file"), "x").unwrap();
    bundle.config["linux"]["readonlyPaths"] =
        json!(["/fixed", "/etc/passwd", "/proc/sys", "/no/such"]);
    bundle.args(&[
        "/bin/guest",
        "probe",
        "create:/fixed/x",
        "write:/fixed/file",
        "write:/etc/passwd",
        "read:/fixed/file",
        "write:/proc/sys/kernel/hostname",
        "create:/etc/other",
    ]);
    let out = lab.container(&bundle).run().json();
    for denied in [
        "create:/fixed/x",
        "write:/fixed/file",
        "write:/etc/passwd",
        "write:/proc/sys/kernel/hostname",
    ] {
        assert_eq!(out[denied], error("EROFS"), "{denied}");
    }
    assert_eq!(out["read:/fixed/file"], "x");
    assert_eq!(out["create:/etc/other"], true);
}

/// What came along with a recursive bind is read-only too; what the document lists below has its
/// own options, as /proc/sys/kernel/ns_last_pid for a CRIU that runs inside.
#[test]
fn a_readonly_path_is_so_with_what_no_mount_lists_below() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let source = lab.dir().join("source");
    lab.tmpfs(&source.join("below"), "");
    for at in ["/tree", "/listed"] {
        spec::add_mount(
            &mut bundle.config,
            json!({"destination": at, "source": source, "options": ["rbind"]}),
        );
    }
    let own = json!({"destination": "/listed/below", "type": "tmpfs", "source": "x"});
    spec::add_mount(&mut bundle.config, own);
    let pid = "/proc/sys/kernel/ns_last_pid";
    let has_pid = fs::exists(pid).unwrap();
    if has_pid {
        let mount = json!({"destination": pid, "source": pid, "options": ["bind"]});
        spec::add_mount(&mut bundle.config, mount);
    }
    bundle.config["linux"]["readonlyPaths"] = json!(["/tree", "/listed", "/proc/sys"]);
    let probes =
        ["create:/tree/x", "create:/tree/below/x", "create:/listed/x", "create:/listed/below/x"];
    bundle.args(&["/bin/guest", "probe"]);
    let args = bundle.config["process"]["args"].as_array_mut().unwrap();
    args.extend(probes.iter().chain(&["write:/proc/sys/kernel/ns_last_pid"]).map(|p| json!(p)));
    let out = lab.report(&bundle);
    let expect = [error("EROFS"), error("EROFS"), error("EROFS"), json!(true)];
    assert_eq!(probes.map(|probe| out[probe].clone()), expect);
    if has_pid {
        assert_ne!(out["write:/proc/sys/kernel/ns_last_pid"], error("EROFS"));
    }
}

#[test]
fn the_default_readonly_paths_keep_proc_safe() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&[
        "/bin/guest",
        "probe",
        "write:/proc/sysrq-trigger",
        "write:/proc/sys/vm/swappiness",
    ]);
    let out = lab.container(&bundle).run().json();
    assert_eq!(out["write:/proc/sys/vm/swappiness"], error("EROFS"));
    if fs::exists("/proc/sysrq-trigger").unwrap() {
        assert_eq!(out["write:/proc/sysrq-trigger"], error("EROFS"));
    }
}

#[test]
fn sysctls_are_set_in_both_spellings() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1", "net/ipv4/ping_group_range": "0 5", "kernel.msgmax": "9999"});
    bundle.args(&[
        "/bin/guest",
        "probe",
        "read:/proc/sys/net/ipv4/ip_forward",
        "read:/proc/sys/net/ipv4/ping_group_range",
        "read:/proc/sys/kernel/msgmax",
    ]);
    let host = fs::read_to_string("/proc/sys/kernel/msgmax").unwrap();
    let out = lab.container(&bundle).run().json();
    assert_eq!(out["read:/proc/sys/net/ipv4/ip_forward"], "1");
    assert_eq!(out["read:/proc/sys/net/ipv4/ping_group_range"], "0\t5");
    assert_eq!(out["read:/proc/sys/kernel/msgmax"], "9999");
    assert_eq!(fs::read_to_string("/proc/sys/kernel/msgmax").unwrap(), host);
}

#[test]
fn the_image_is_not_changed_by_devices_of_the_host() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    lab.report(&bundle);
    let left: Vec<_> = fs::read_dir(bundle.rootfs("/dev")).unwrap().flatten().collect();
    assert!(left.iter().all(|e| !e.file_type().unwrap().is_char_device()), "{left:?}");
    assert_eq!(fs::metadata(bundle.rootfs("/bin/guest")).unwrap().mode() & 0o7777, 0o755);
}

#[test]
fn a_debian_root_runs_bash_apt_and_python() {
    let lab = Lab::new();
    let root = lab.overlay(images::debian());
    let mut bundle = ocinit_tests::Bundle::around(&lab.dir().join("debian"), &root);
    let run =
        |bundle: &ocinit_tests::Bundle| lab.container(bundle).on_bundle("run", &[]).ok().stdout;
    bundle.args(&["bash", "-c", "echo ${BASH_VERSION%%.*} $((6 * 7))"]);
    assert_eq!(run(&bundle), "5 42\n");
    bundle.args(&["apt-get", "--version"]);
    assert!(run(&bundle).starts_with("apt "));
    bundle.args(&["python3", "-c", "import os; print(os.getpid(), os.uname().nodename)"]);
    assert_eq!(run(&bundle), "1 guest\n");
}
