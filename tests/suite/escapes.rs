//! Links and dots in an image or a document do not lead out of the root file system, nor
//! does what its programs may do.

use ocinit_tests::{Bundle, Lab, eventually, json, mountinfo, skip, spec};
use std::fs;
use std::os::unix::fs::symlink;

ocinit_tests::isolate!();

#[test]
fn links_in_the_image_do_not_lead_a_mount_out() {
    let lab = Lab::new();
    let outside = lab.dir().join("outside");
    fs::create_dir(&outside).unwrap();
    let up = "../".repeat(20);
    let targets = [outside.display().to_string(), format!("{up}{}", outside.display())];
    for target in targets {
        let mut bundle = lab.bundle();
        symlink(&target, bundle.rootfs("/link")).unwrap();
        symlink("link/../link", bundle.rootfs("/chain")).unwrap();
        for at in ["/link/one", "/chain/two", "/link"] {
            let mount = json!({"destination": at, "type": "tmpfs", "source": "tmpfs"});
            spec::add_mount(&mut bundle.config, mount);
        }
        let out = lab.container(&bundle).on_bundle("run", &[]).run();
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "nothing is made outside: {target}");
        let report = out.code_is(0).json();
        let at: Vec<String> = mountinfo::of(&report).into_iter().map(|m| m.at).collect();
        let inside = outside.display().to_string();
        assert!(at.contains(&inside), "resolved below the root: {at:?}");
    }
}

#[test]
fn dots_and_links_in_any_path_stay_inside() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["root"]["readonly"] = json!(false);
    let outside = lab.dir().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, bundle.rootfs("/link")).unwrap();
    let up = format!("/{}{}", "../".repeat(20), outside.display());
    let mount = json!({"destination": format!("{up}/mount"), "type": "tmpfs", "source": "t"});
    spec::add_mount(&mut bundle.config, mount);
    bundle.config["linux"]["devices"] = json!([
        {"type": "c", "path": format!("{up}/null"), "major": 1, "minor": 3},
        {"type": "c", "path": "/link/device", "major": 1, "minor": 3},
    ]);
    bundle.config["process"]["cwd"] = json!("/link/cwd");
    let out = lab.container(&bundle).on_bundle("run", &[]).run();
    let made: Vec<_> = fs::read_dir(&outside).unwrap().flatten().map(|e| e.path()).collect();
    assert!(made.is_empty(), "{made:?} with status {}", out.code);
    // Refusing some of it is fine, too.
    if out.code == 0 {
        mountinfo::at(&out.json(), &format!("{}/mount", outside.display()));
    }
    lab.assert_clean();
}

#[test]
fn a_link_as_mount_point_of_a_file_stays_inside() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let outside = lab.dir().join("outside");
    symlink(&outside, bundle.rootfs("/etc/conf")).unwrap();
    let source = lab.dir().join("source");
    fs::write(&source, "content").unwrap();
    let mount =
        json!({"destination": "/etc/conf", "type": "bind", "source": source, "options": ["bind"]});
    spec::add_mount(&mut bundle.config, mount);
    bundle.args(&["/bin/guest", "probe", "read:/etc/conf"]);
    let out = lab.container(&bundle).on_bundle("run", &[]).run();
    assert!(!outside.exists(), "nothing is made outside");
    assert_eq!(out.code_is(0).json()["read:/etc/conf"], "content");
}

#[test]
fn a_dev_that_is_a_link_makes_nothing_outside() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let outside = lab.dir().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::remove_dir(bundle.rootfs("/dev")).unwrap();
    symlink(&outside, bundle.rootfs("/dev")).unwrap();
    // Without the tmpfs, so that the image's /dev itself would be filled.
    for at in ["/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"] {
        spec::drop_mount(&mut bundle.config, at);
    }
    bundle.config["root"]["readonly"] = json!(false);
    lab.container(&bundle).on_bundle("run", &[]).run();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn proc_and_sys_must_not_be_links() {
    let lab = Lab::new();
    for name in ["proc", "sys"] {
        let mut bundle = lab.bundle();
        fs::remove_dir(bundle.rootfs(name)).unwrap();
        fs::create_dir(bundle.rootfs("/elsewhere")).unwrap();
        symlink("elsewhere", bundle.rootfs(name)).unwrap();
        bundle.args(&["/bin/true"]);
        lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line().says(name);
    }
    lab.assert_clean();
}

/// Settings of the host behind names that look like the container's own, and
/// numbers that overflow.
#[test]
fn hostile_settings_and_id_maps_are_refused() {
    let lab = Lab::new();
    let pattern = fs::read("/proc/sys/kernel/core_pattern").unwrap();
    let sysctls = [
        "net.ipv4/../../kernel/core_pattern",
        "net/../kernel/core_pattern",
        "net.../kernel.core_pattern",
        "kernel.core_pattern",
        "kernel/core_pattern",
        "fs.mqueue/../../kernel/core_pattern",
        "kernel.shm/../core_pattern",
        "kernel.sem\u{0}/../core_pattern",
        "../kernel/core_pattern",
        "/proc/sys/kernel/core_pattern",
        "",
    ];
    let mut attempts = 0;
    let mut refused = |change: &dyn Fn(&mut Bundle)| {
        let mut bundle = lab.bundle();
        change(&mut bundle);
        let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
        attempts += 1;
        out
    };
    for name in sysctls {
        refused(&|bundle| bundle.config["linux"]["sysctl"] = json!({name: "|/bin/evil"}));
    }
    let maps = [
        json!([{"containerID": 0, "hostID": 0, "size": 4_294_967_296_u64}]),
        json!([{"containerID": 0, "hostID": 4_294_967_295_u64, "size": 2}]),
        json!([{"containerID": 4_294_967_295_u64, "hostID": 0, "size": 1}]),
        json!([{"containerID": -1, "hostID": 0, "size": 1}]),
        json!([{"containerID": 0, "hostID": 0, "size": 0}]),
        json!([{"containerID": 0, "hostID": 0, "size": 10}, {"containerID": 5, "hostID": 20, "size": 10}]),
        json!([{"containerID": 0, "hostID": "0\n0 0 1", "size": 1}]),
        // CVE-2021-43784: so many that a length of 16 bits overflows.
        json!(vec![json!({"containerID": 0, "hostID": 0, "size": 1}); 70_000]),
    ];
    for map in &maps {
        refused(&|bundle| {
            spec::add_user_namespace(&mut bundle.config);
            bundle.config["linux"]["uidMappings"] = map.clone();
        });
    }
    ocinit_tests::skip::say(&format!("{attempts} hostile settings and maps"));
    assert_eq!(fs::read("/proc/sys/kernel/core_pattern").unwrap(), pattern);
    lab.assert_clean();
}

/// An engine that shares the host's namespace gives its path: it is the host's all
/// the same.
#[test]
fn what_is_joined_and_the_hosts_is_not_changed() {
    let lab = Lab::new();
    let read = |file: &str| fs::read_to_string(file).unwrap().trim().to_string();
    let hostname = read("/proc/sys/kernel/hostname");
    let ttl = read("/proc/sys/net/ipv4/ip_default_ttl");
    let join = |kind: &str, file: &str| {
        let mut bundle = lab.bundle();
        bundle.config.as_object_mut().unwrap().remove("hostname");
        let namespaces = bundle.config["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != kind);
        namespaces.push(json!({"type": kind, "path": format!("/proc/self/ns/{file}")}));
        bundle
    };
    // With the values that they have, should they be written.
    let mut network = join("network", "net");
    network.config["linux"]["sysctl"] = json!({"net.ipv4.ip_default_ttl": ttl});
    let mut names = join("uts", "uts");
    names.config["hostname"] = json!(hostname);
    for bundle in [network, names] {
        let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
        out.says("is the namespace of the host");
    }
    // What does not change them may share them.
    lab.container(&join("uts", "uts")).on_bundle("run", &[]).ok();
    lab.assert_clean();
}

/// The kernel lets a user namespace mount a procfs only where none is hidden: the host's
/// own, below a root that was moved over it, would do.
#[test]
fn nothing_that_masks_hide_is_mounted_afresh() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/guest", "mount-afresh"]);
    for flags in [&[][..], &["--no-pivot"]] {
        let said = lab.container(&bundle).on_bundle("run", flags).ok().json();
        if said.get("unshare").is_some() {
            skip!("no user namespaces here: {said}");
        }
        for fstype in ["proc", "sysfs"] {
            let refused = said[fstype].as_str().unwrap().contains("not permitted");
            assert!(refused, "{flags:?}: {fstype}: {said}");
        }
    }
    lab.assert_clean();
}

/// Root inside owns the host's node that covers a file, and could take it from all.
#[test]
fn what_covers_a_masked_file_stays_as_it_is() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    // With the mode that it has, should it be changed.
    bundle.shell("chmod 666 /proc/timer_list; echo x > /proc/timer_list && cat /proc/timer_list");
    let out = lab.container(&bundle).on_bundle("run", &[]).ok();
    assert!(out.stderr.contains("Read-only file system"), "{}", out.stderr);
    assert_eq!(out.stdout, "");
    lab.assert_clean();
}

#[test]
fn users_are_not_looked_for_in_what_never_ends() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["env"] = json!(["PATH=/bin"]);
    let _ = std::fs::remove_file(bundle.rootfs("/etc/passwd"));
    std::fs::create_dir_all(bundle.rootfs("/etc")).unwrap();
    symlink("/dev/zero", bundle.rootfs("/etc/passwd")).unwrap();
    bundle.shell("echo $HOME");
    let out = lab.container(&bundle).on_bundle("run", &[]).ok();
    assert_eq!(out.stdout, "/\n");
    lab.assert_clean();
}

/// Where the caller's groups would be at its service.
#[test]
fn exec_does_not_follow_init_into_a_user_namespace_of_its_own() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/guest", "leave-user"]);
    let c = lab.container(&bundle);
    let out = c.run_detached();
    eventually("it has left", || !out.stdout_now().is_empty());
    if out.stdout_now() != "ready\n" {
        skip!("no user namespaces here");
    }
    let link = |path: &str| std::fs::read_link(path).unwrap().display().to_string();
    assert_ne!(link(&format!("/proc/{}/ns/user", c.pid())), link("/proc/self/ns/user"));
    let out = c.exec(&[], &["/bin/sh", "-c", "readlink /proc/self/ns/user"]).ok();
    assert_eq!(out.stdout.trim(), link("/proc/self/ns/user"));
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn a_pid_file_is_not_written_through_a_link() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.waits();
    let victim = lab.dir().join("victim");
    std::fs::write(&victim, "untouched").unwrap();
    symlink(&victim, lab.dir().join(".pid")).unwrap();
    let file = lab.dir().join("pid");
    let c = lab.container(&bundle);
    c.on_bundle("run", &["--detach", "--pid-file", file.to_str().unwrap()]).ok();
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "untouched");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), c.pid().to_string());
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn nobody_else_starts_a_container_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let lab = Lab::new();
    let bundle = lab.bundle();
    let c = lab.container(&bundle);
    let call = lab.program("/bin/sh".as_ref()).args(["-c", "umask 0; exec \"$@\"", "sh"]);
    let call = call.arg(ocinit_tests::oci::find_binary().unwrap()).arg("--root");
    let call = call.arg(lab.state_root()).args(["create", "--bundle"]).arg(bundle.dir());
    call.arg(c.id()).ok();
    let socket = lab.state_root().join(c.id()).join("start.sock");
    assert_eq!(std::fs::metadata(socket).unwrap().permissions().mode() & 0o077, 0);
    c.delete_force();
    lab.assert_clean();
}
