//! Mount options beyond those of every mount: owners mapped, remounts, copies.

use ocinit_tests::{Bundle, Lab, Value, json, spec};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::PathBuf;

ocinit_tests::isolate!();

/// Whether this kernel maps the owners of a tmpfs, of which there is one in each of
/// the sources here: since Linux 6.3.
fn maps_tmpfs() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(6), Some(3))
}

/// A directory with a file of owner 3:4 and, below a tmpfs of its own, another.
fn source(lab: &Lab) -> PathBuf {
    let dir = lab.dir().join("source");
    lab.tmpfs(&dir.join("below"), "mode=755");
    for name in ["file", "below/file"] {
        fs::write(dir.join(name), "").unwrap();
        chown(dir.join(name), Some(3), Some(4)).unwrap();
    }
    dir
}

/// The owners of the two files as the container sees them.
fn owners(lab: &Lab, bundle: &mut Bundle) -> [Value; 4] {
    bundle.args(&["/bin/guest", "probe", "stat:/mnt/file", "stat:/mnt/below/file"]);
    let seen = lab.report(bundle);
    let of = |name: &str, id: &str| seen[format!("stat:/mnt/{name}")][id].clone();
    [of("file", "uid"), of("file", "gid"), of("below/file", "uid"), of("below/file", "gid")]
}

fn map(container: u32, host: u32) -> Value {
    json!([{"containerID": container, "hostID": host, "size": 1000}])
}

#[test]
fn owners_are_mapped_as_the_mount_says() {
    if !maps_tmpfs() {
        ocinit_tests::skip!("this kernel cannot map the owners of a tmpfs");
    }
    let lab = Lab::new();
    let source = source(&lab);
    for (options, expect) in [
        (json!(["rbind"]), [503, 1004, 3, 4]),
        (json!(["rbind", "idmap", "ro"]), [503, 1004, 3, 4]),
        (json!(["rbind", "ridmap"]), [503, 1004, 503, 1004]),
    ] {
        let mut bundle = lab.bundle();
        spec::add_mount(
            &mut bundle.config,
            json!({"destination": "/mnt", "type": "none", "source": source, "options": options,
                "uidMappings": map(0, 500), "gidMappings": map(0, 1000)}),
        );
        assert_eq!(owners(&lab, &mut bundle), expect.map(|id| json!(id)), "{options}");
    }
    lab.assert_clean();
}

#[test]
fn owners_are_mapped_as_the_user_namespace_says() {
    if !maps_tmpfs() {
        ocinit_tests::skip!("this kernel cannot map the owners of a tmpfs");
    }
    let lab = Lab::new();
    let source = source(&lab);
    for (options, expect) in [
        (json!(["rbind"]), [65534, 65534, 65534, 65534]),
        (json!(["rbind", "idmap"]), [3, 4, 65534, 65534]),
        (json!(["rbind", "ridmap"]), [3, 4, 3, 4]),
    ] {
        let mut bundle = lab.bundle();
        spec::add_user_namespace(&mut bundle.config);
        fs::create_dir(bundle.rootfs("/mnt")).unwrap();
        spec::add_mount(
            &mut bundle.config,
            json!({"destination": "/mnt", "source": source, "options": options}),
        );
        assert_eq!(owners(&lab, &mut bundle), expect.map(|id| json!(id)), "{options}");
        // The same map, of a namespace that is joined.
        bundle.waits();
        let other = lab.container(&bundle);
        other.run_waiting();
        let path = format!("/proc/{}/ns/user", other.pid());
        spec::set_namespace(&mut bundle.config, json!({"type": "user", "path": path}));
        let linux = bundle.config["linux"].as_object_mut().unwrap();
        linux.remove("uidMappings");
        linux.remove("gidMappings");
        assert_eq!(owners(&lab, &mut bundle), expect.map(|id| json!(id)), "joined {options}");
    }
}

#[test]
fn a_mapped_mount_is_no_peer_of_the_hosts() {
    if !maps_tmpfs() {
        ocinit_tests::skip!("this kernel cannot map the owners of a tmpfs");
    }
    let lab = Lab::new();
    let shared = lab.dir().join("shared");
    lab.tmpfs(&shared, "mode=777");
    let none = None::<&str>;
    let flags = nix::mount::MsFlags::MS_SHARED;
    nix::mount::mount(none, &shared, none, flags, none).unwrap();
    let mut bundle = lab.bundle();
    spec::add_mount(
        &mut bundle.config,
        json!({"destination": "/mnt", "source": shared, "options": ["bind"],
            "uidMappings": map(0, 500), "gidMappings": map(0, 1000)}),
    );
    let report = lab.report(&bundle);
    let lines = report["mountinfo"].as_array().unwrap();
    let line = lines.iter().map(|l| l.as_str().unwrap()).find(|l| l.contains(" /mnt ")).unwrap();
    assert!(line.contains(" master:") && !line.contains(" shared:"), "{line}");
}

#[test]
fn what_cannot_be_mapped_is_refused() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    spec::add_mount(
        &mut bundle.config,
        json!({"destination": "/mnt", "type": "tmpfs", "options": [],
            "uidMappings": map(0, 500), "gidMappings": map(0, 1000)}),
    );
    lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line().says("bind mount");
    spec::drop_mount(&mut bundle.config, "/mnt");
    spec::add_mount(
        &mut bundle.config,
        json!({"destination": "/mnt", "source": "/proc", "options": ["bind"],
            "uidMappings": map(0, 500), "gidMappings": map(0, 1000)}),
    );
    let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
    out.says("/mnt").says("EINVAL").says("cannot be mapped");
    lab.assert_clean();
}

#[test]
fn remount_changes_what_is_there() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    // Whole pages, also where those have 64 KiB: the kernel rounds up.
    for mount in [
        json!({"destination": "/mnt", "type": "tmpfs", "source": "x", "options": ["size=64k"]}),
        json!({"destination": "/mnt", "type": "tmpfs", "source": "x",
            "options": ["remount", "noexec", "size=128k"]}),
        json!({"destination": "/dev", "options": ["bind", "remount", "ro", "nosuid"]}),
    ] {
        spec::add_mount(&mut bundle.config, mount);
    }
    let report = lab.report(&bundle);
    let lines = report["mountinfo"].as_array().unwrap();
    let line = |at: &str| {
        let at = format!(" {at} ");
        lines.iter().map(|l| l.as_str().unwrap()).find(|l| l.contains(&at)).unwrap()
    };
    assert!(line("/mnt").contains("noexec") && line("/mnt").contains("size=128k"), "{report}");
    assert!(line("/dev").contains(" ro,nosuid"), "{}", line("/dev"));

    let mount = json!({"destination": "/etc", "options": ["bind", "remount", "ro"]});
    spec::add_mount(&mut bundle.config, mount);
    let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
    out.says("/etc").says("nothing is mounted");
}

#[test]
fn rare_options_reach_the_mount() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    spec::add_mount(
        &mut bundle.config,
        json!({"destination": "/mnt", "type": "tmpfs", "source": "x",
            "options": ["nosymfollow", "iversion", "lazytime", "dirsync", "silent", "rnoexec"]}),
    );
    spec::add_mount(
        &mut bundle.config,
        json!({"destination": "/opt", "source": "/tmp", "options": ["bind", "nosymfollow"]}),
    );
    let report = lab.report(&bundle);
    let lines = report["mountinfo"].as_array().unwrap();
    let line = |at: &str| lines.iter().map(|l| l.as_str().unwrap()).find(|l| l.contains(at));
    let mnt = line(" /mnt ").unwrap();
    for word in ["nosymfollow", "lazytime", "dirsync", "noexec"] {
        assert!(mnt.contains(word), "{word} in {mnt}");
    }
    assert!(line(" /opt ").unwrap().contains("nosymfollow"));
}

#[test]
fn a_tmpfs_starts_with_what_was_there() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let dir = bundle.rootfs("/data");
    fs::create_dir_all(dir.join("deep/er")).unwrap();
    fs::write(dir.join("deep/er/file"), "content").unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o1750)).unwrap();
    symlink("/etc/passwd", dir.join("link")).unwrap();
    for path in ["", "deep/er/file", "link"] {
        std::os::unix::fs::lchown(dir.join(path), Some(7), Some(8)).unwrap();
    }
    for (options, written) in [
        (json!(["tmpcopyup", "nosuid"]), json!(true)),
        (json!(["tmpcopyup", "ro"]), json!({"error": "EROFS"})),
        (json!(["tmpcopyup", "mode=0700", "iversion", "ro"]), json!({"error": "EROFS"})),
    ] {
        spec::drop_mount(&mut bundle.config, "/data");
        spec::add_mount(
            &mut bundle.config,
            json!({"destination": "/data", "type": "tmpfs", "source": "x", "options": options}),
        );
        bundle.config["process"]["capabilities"] = json!({
            "bounding": ["CAP_DAC_OVERRIDE"], "effective": ["CAP_DAC_OVERRIDE"],
            "permitted": ["CAP_DAC_OVERRIDE"]
        });
        bundle.args(&[
            "/bin/guest",
            "probe",
            "read:/data/deep/er/file",
            "stat:/data/deep/er/file",
            "stat:/data/link",
            "stat:/data",
            "create:/data/new",
            "list:/data",
        ]);
        let seen = lab.report(&bundle);
        assert_eq!(seen["read:/data/deep/er/file"], "content", "{options}");
        assert_eq!(seen["stat:/data/deep/er/file"]["uid"], 7);
        assert_eq!(seen["stat:/data/link"]["gid"], 8);
        assert_eq!(seen["create:/data/new"], written, "{options}");
        let mode = if options[1] == "mode=0700" { "40700" } else { "41750" };
        assert_eq!(seen["stat:/data"]["mode"], mode, "{options}");
        assert!(!dir.join("new").exists());
    }
    lab.assert_clean();
}

/// As from runc and crun: the directory's mode, not its owner, unless `mode` says another.
#[test]
fn a_tmpfs_has_the_mode_of_the_directory_that_it_hides() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let dir = bundle.rootfs("/data");
    fs::create_dir(&dir).unwrap();
    chown(&dir, Some(7), Some(8)).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o2751)).unwrap();
    bundle.args(&["/bin/guest", "probe", "stat:/data", "stat:/fresh"]);
    for (options, mode) in [
        (json!([]), "42751"),
        (json!(["nosuid", "size=8k", "ro"]), "42751"),
        // What only mount(2) can do.
        (json!(["iversion", "size=8k", "ro"]), "42751"),
        (json!(["iversion"]), "42751"),
        (json!(["mode=0700"]), "40700"),
        (json!(["iversion", "mode=0700"]), "40700"),
    ] {
        for at in ["/data", "/fresh"] {
            spec::drop_mount(&mut bundle.config, at);
            spec::add_mount(
                &mut bundle.config,
                json!({"destination": at, "type": "tmpfs", "source": "x", "options": options}),
            );
        }
        let _ = fs::remove_dir(bundle.rootfs("/fresh"));
        let seen = lab.report(&bundle);
        let data = &seen["stat:/data"];
        assert_eq!(data["mode"], mode, "{options}");
        assert_eq!((&data["uid"], &data["gid"]), (&json!(0), &json!(0)), "{options}");
        let fresh = if mode == "40700" { "40700" } else { "41777" };
        assert_eq!(seen["stat:/fresh"]["mode"], fresh, "{options}");
    }
    lab.assert_clean();
}

/// As from runc and crun: what is made to mount on gives it nothing.
#[test]
fn a_tmpfs_over_nothing_has_its_own_mode() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/guest", "probe", "stat:/fresh"]);
    for (options, mode) in [
        (json!(["tmpcopyup"]), "41777"),
        (json!(["tmpcopyup", "uid=7"]), "41777"),
        // What only mount(2) can do.
        (json!(["tmpcopyup", "iversion"]), "41777"),
        (json!(["tmpcopyup", "mode=0700"]), "40700"),
    ] {
        let _ = fs::remove_dir(bundle.rootfs("/fresh"));
        spec::drop_mount(&mut bundle.config, "/fresh");
        spec::add_mount(
            &mut bundle.config,
            json!({"destination": "/fresh", "type": "tmpfs", "source": "x", "options": options}),
        );
        assert_eq!(lab.report(&bundle)["stat:/fresh"]["mode"], mode, "{options}");
    }
    lab.assert_clean();
}

/// podman leaves what it has done itself in the list.
#[test]
fn an_engines_options_of_volumes_do_nothing() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let options = json!(["nocopy", "copy", "volume-opt=o=ro", "bind"]);
    spec::add_mount(
        &mut bundle.config,
        json!({"destination": "/mnt", "source": lab.dir(), "options": options}),
    );
    bundle.args(&["/bin/guest", "probe", "create:/mnt/new"]);
    assert_eq!(lab.report(&bundle)["create:/mnt/new"], true);
    for wrong in ["r0", "copy=1", "volume-opt"] {
        bundle.config["mounts"].as_array_mut().unwrap().last_mut().unwrap()["options"][0] =
            json!(wrong);
        let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
        out.says("options[0]").says("unknown option");
    }
    lab.assert_clean();
}

#[test]
fn a_mount_label_without_selinux_is_refused() {
    if std::path::Path::new("/sys/fs/selinux/enforce").exists() {
        ocinit_tests::skip!("SELinux is on here");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["mountLabel"] = json!("system_u:object_r:container_file_t:s0");
    let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
    out.says("linux.mountLabel").says("SELinux is not enabled");
    bundle.config["linux"]["mountLabel"] = json!("");
    lab.report(&bundle);
}

#[test]
fn a_user_namespace_gets_what_its_root_could_not_reach() {
    let lab = Lab::new();
    let closed = lab.dir().join("closed");
    let volume = closed.join("volume");
    fs::create_dir_all(&volume).unwrap();
    fs::write(volume.join("file"), "content").unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let mut bundle = lab.bundle();
    spec::add_user_namespace(&mut bundle.config);
    fs::create_dir(bundle.rootfs("/mnt")).unwrap();
    spec::add_mount(
        &mut bundle.config,
        json!({"destination": "/mnt", "source": volume, "options": ["rbind", "ro", "rprivate"]}),
    );
    bundle.args(&["/bin/guest", "probe", "read:/mnt/file", "create:/mnt/new"]);
    let seen = lab.report(&bundle);
    assert_eq!(seen["read:/mnt/file"], "content");
    assert_eq!(seen["create:/mnt/new"]["error"], "EROFS");

    // Missing is still missing.
    fs::remove_dir_all(&volume).unwrap();
    let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
    out.says("/mnt").says(&volume.display().to_string());
    lab.assert_clean();
}
