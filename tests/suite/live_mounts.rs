//! `mounts add` and `mounts remove`: other mounts for a container that runs.

use ocinit_tests::{Container, Lab, Outcome, Value, json, spec};
use std::fs;
use std::path::PathBuf;

ocinit_tests::isolate!();

/// A directory of the host with a file, and a mount with another one below.
fn source(lab: &Lab) -> PathBuf {
    let dir = lab.dir().join("source");
    lab.tmpfs(&dir.join("below"), "mode=755");
    fs::write(dir.join("file"), "content").unwrap();
    fs::write(dir.join("below/file"), "below").unwrap();
    dir
}

fn change(lab: &Lab, c: &Container, what: &str, mounts: &Value) -> Outcome {
    let file = lab.dir().join("mounts.json");
    fs::write(&file, mounts.to_string()).unwrap();
    lab.oci(["mounts", what, c.id()]).arg(file).run()
}

fn probe(c: &Container, probes: &[&str]) -> Value {
    c.exec(&[], &[&["/bin/guest", "probe"], probes].concat()).ok().json()
}

#[test]
fn mounts_come_and_go_while_the_container_runs() {
    let lab = Lab::new();
    let source = source(&lab);
    for user_namespace in [false, true] {
        let mut bundle = lab.bundle();
        bundle.config["root"]["readonly"] = json!(false);
        if user_namespace {
            spec::add_user_namespace(&mut bundle.config);
        }
        fs::create_dir(bundle.rootfs("/there")).unwrap();
        bundle.waits();
        let c = lab.container(&bundle);
        c.run_waiting();
        let tmpfs = json!({"destination": "/dev/made/dir", "source": source,
            "options": ["rbind", "ro", "nosuid"]});
        let file = json!({"destination": "/dev/made/file", "source": source.join("file"),
            "options": ["bind"]});
        let there = json!({"destination": "there", "source": source, "options": ["bind"]});
        change(&lab, &c, "add", &json!([tmpfs, file, there])).code_is(0).quiet();
        let probes = [
            "read:/dev/made/dir/below/file",
            "create:/dev/made/dir/new",
            "read:/dev/made/file",
            "read:/there/file",
            "list:/there/below",
        ];
        let seen = probe(&c, &probes);
        let expect = [
            json!("below"),
            json!({"error": "EROFS"}),
            json!("content"),
            json!("content"),
            json!([]),
        ];
        assert_eq!(probes.map(|probe| seen[probe].clone()), expect, "{user_namespace}");
        // Only where they are counts, and the list may stand in a whole document.
        let gone = json!({"mounts": [{"destination": "/dev/made/dir"}, {"destination": "/there"}]});
        change(&lab, &c, "remove", &gone).code_is(0).quiet();
        let seen = probe(&c, &["list:/there", "list:/dev/made/dir", "read:/dev/made/file"]);
        assert_eq!(
            (&seen["list:/there"], &seen["list:/dev/made/dir"], &seen["read:/dev/made/file"]),
            (&json!([]), &json!([]), &json!("content"))
        );
        let out = change(&lab, &c, "remove", &gone).code_is(1).one_line();
        out.says("/dev/made/dir").says("nothing is mounted there");
        c.delete_force();
    }
    lab.assert_clean();
}

#[test]
fn of_a_list_all_or_nothing_is_added() {
    let lab = Lab::new();
    let source = source(&lab);
    let mut bundle = lab.bundle();
    fs::create_dir(bundle.rootfs("/there")).unwrap();
    bundle.waits();
    let c = lab.container(&bundle);
    c.run_waiting();
    let good = json!({"destination": "/there", "source": source, "options": ["bind"]});
    let refused: [(Value, &str); 6] = [
        // The root file system is read-only.
        (json!({"destination": "/missing", "source": source, "options": ["bind"]}), "EROFS"),
        (json!({"destination": "/there", "source": "/no/such", "options": ["bind"]}), "ENOENT"),
        (json!({"destination": "/there", "type": "tmpfs"}), "only bind mounts"),
        (json!({"destination": "/proc", "source": source, "options": ["bind"]}), "procfs"),
        (json!({"destination": "/", "source": source, "options": ["bind"]}), "the root itself"),
        (json!({"source": source, "options": ["bind"]}), "mounts.json:1:"),
    ];
    for (bad, why) in refused {
        change(&lab, &c, "add", &json!([good, bad])).code_is(1).one_line().says(why);
        assert_eq!(probe(&c, &["list:/there"])["list:/there"], json!([]), "{why}");
    }
    lab.oci(["mounts", "change", c.id(), "x"]).fails(1).one_line().says("neither add nor remove");
    lab.oci(["mounts", "add", c.id()]).fails(1).says("requires exactly 3 arguments");
    let list = json!([good]);
    let out = lab.oci(["mounts", "add", c.id(), "-"]).stdin(list.to_string()).ok().quiet();
    assert_eq!(out.stdout, "");
    assert_eq!(probe(&c, &["read:/there/file"])["read:/there/file"], "content");
    c.kill("KILL");
    c.wait_for("stopped");
    change(&lab, &c, "add", &list).code_is(1).one_line().says("container not running");
}

/// A link in the container does not lead out of it.
#[test]
fn a_mount_stays_in_the_container() {
    let lab = Lab::new();
    let source = source(&lab);
    let mut bundle = lab.bundle();
    bundle.config["root"]["readonly"] = json!(false);
    let outside = lab.dir().join("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, bundle.rootfs("/link")).unwrap();
    bundle.waits();
    let c = lab.container(&bundle);
    c.run_waiting();
    let mount = json!({"destination": "/link/in", "source": source, "options": ["bind"]});
    change(&lab, &c, "add", &json!([mount])).code_is(0);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(probe(&c, &["read:/link/in/file"])["read:/link/in/file"], "content");
}

#[test]
fn without_a_mount_namespace_there_is_nothing_to_change() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    spec::drop_namespace(&mut bundle.config, "mount");
    bundle.config["mounts"] = json!([]);
    let linux = bundle.config["linux"].as_object_mut().unwrap();
    linux.remove("maskedPaths");
    linux.remove("readonlyPaths");
    bundle.config["root"]["readonly"] = json!(false);
    bundle.waits();
    let c = lab.container(&bundle);
    c.run_waiting();
    let mount = json!([{"destination": "/x", "source": "/tmp", "options": ["bind"]}]);
    change(&lab, &c, "add", &mount).code_is(1).one_line().says("no mount namespace");
}
