//! `checkpoint` with a peer in the place of criu: what it is asked, and what becomes of its answers. With criu itself:
//! criu.rs.

use ocinit_tests::peer::{call, pairs, said, saved, with_mounts};
use ocinit_tests::{Container, Lab, Value, json, needs_peer};
use std::fs;
use std::path::Path;

ocinit_tests::isolate!();

#[test]
fn a_dump_is_asked_for_and_the_container_is_gone() {
    needs_peer!();
    let lab = Lab::new();
    let c = lab.container(&with_mounts(&lab));
    c.run_waiting();
    let pid = c.pid();
    call(&c, &lab, "checkpoint", &[], "").ok().quiet();
    c.call("state", &[]).fails(1).says("does not exist");
    let (all, opts) = said(&lab);
    assert_eq!(all["request"]["1"], json!([1]));
    let expect = json!({
        "2": [pid], "9": [4], "10": ["dump.log"], "12": [1], "34": [3], "38": [0x4000_0000],
        "50": [1], "51": ["/etc/criu/runc.conf"],
        "13": [c.bundle().join("rootfs")],
    });
    for (field, value) in expect.as_object().unwrap() {
        assert_eq!(&opts[field], value, "{field}: {opts}");
    }
    for absent in ["3", "4", "5", "7", "8", "11", "14", "15", "16", "17", "18", "46", "48", "52"] {
        assert_eq!(opts[absent], Value::Null, "{absent}");
    }
    let mounts = pairs(&opts, "23");
    for place in ["/data", "/etc/name"] {
        assert!(mounts.contains(&(place.into(), place.into())), "{mounts:?}");
    }
    for path in ["/proc/kcore", "/proc/keys"] {
        let masked = mounts.contains(&(path.into(), "/dev/null".into()));
        assert_eq!(masked, Path::new(path).exists(), "{path}: {mounts:?}");
    }
    assert!(!mounts.iter().any(|(place, _)| place == "/sys/firmware"), "{mounts:?}");
    // Its output is a file of ours, and is on no mount of the container's.
    let external = opts["37"].as_array().unwrap();
    assert!(
        external.iter().all(|name| name.as_str().unwrap().starts_with("file[")),
        "{external:?}"
    );
    let list = fs::read_to_string(lab.dir().join("images/descriptors.json")).unwrap();
    let list: Vec<String> = serde_json::from_str(&list).unwrap();
    assert_eq!(list.len(), 3);
    assert!(list.iter().all(|name| external.contains(&json!(name))), "{list:?} {external:?}");
    lab.assert_clean();
}

#[test]
fn every_flag_of_checkpoint_is_passed_on() {
    needs_peer!();
    let lab = Lab::new();
    let c = lab.waiting();
    fs::create_dir_all(lab.dir().join("images")).unwrap();
    fs::create_dir_all(lab.dir().join("before")).unwrap();
    let work = lab.dir().join("work/deep");
    let work = work.to_str().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let flags = [
        "--work-path",
        work,
        "--parent-path",
        "../before",
        "--leave-running",
        "--tcp-established",
        "--tcp-skip-in-flight",
        "--link-remap",
        "--ext-unix-sk",
        "--shell-job",
        "--file-locks",
        "--lazy-pages",
        "--status-fd",
        "5",
        "--page-server",
        "[::1]:27",
        "--manage-cgroups-mode",
        "strict",
        "--empty-ns",
        "network",
        "--auto-dedup",
        "--network-lock",
        "nftables",
    ];
    call(&c, &lab, "checkpoint", &flags, "").fd(writer, 5).ok().quiet();
    let mut told = Vec::new();
    std::io::Read::read_to_end(&mut &reader, &mut told).unwrap();
    assert_eq!(told, b"\0");
    let (_, opts) = said(&lab);
    for switch in ["3", "4", "5", "7", "8", "15", "16", "18", "46", "48"] {
        assert_eq!(opts[switch], json!([1]), "{switch}");
    }
    assert_eq!(opts["14"], json!(["../before"]));
    assert_eq!(opts["34"], json!([5]));
    assert_eq!(opts["64"], json!([2]));
    assert_eq!(opts["11"], json!([{"1": ["::1"], "2": [27]}]));
    assert!(opts["17"][0].is_number() && Path::new(work).is_dir());
    assert_eq!(c.status(), "running");
}

#[test]
fn a_pre_dump_saves_memory_only() {
    needs_peer!();
    let lab = Lab::new();
    let c = lab.waiting();
    call(&c, &lab, "checkpoint", &["--pre-dump"], "").ok().quiet();
    let (all, opts) = said(&lab);
    assert_eq!(all["request"]["1"], json!([4]));
    assert_eq!((&opts["23"], &opts["37"]), (&Value::Null, &Value::Null));
    assert!(!lab.dir().join("images/descriptors.json").exists());
    assert_eq!(c.status(), "running");
}

#[test]
fn the_freezer_is_the_containers_and_a_paused_one_can_be_saved() {
    needs_peer!();
    let lab = Lab::new();
    let c = lab.waiting();
    c.call("pause", &[]).ok();
    call(&c, &lab, "checkpoint", &["--leave-running"], "").ok().quiet();
    let (_, opts) = said(&lab);
    let freezer = opts["44"][0].as_str().expect("a freezer").to_string();
    let frozen = ["freezer.state", "cgroup.freeze"]
        .iter()
        .find_map(|file| fs::read_to_string(format!("{freezer}/{file}")).ok());
    assert!(matches!(frozen.as_deref(), Some("FROZEN\n" | "1\n")), "{freezer}: {frozen:?}");
    assert_eq!(c.status(), "paused");
    call(&c, &lab, "checkpoint", &[], "").ok().quiet();
    lab.assert_clean();
}

#[test]
fn the_annotation_names_the_configuration() {
    needs_peer!();
    let lab = Lab::new();
    for (value, expect) in [("/x.conf", json!(["/x.conf"])), ("", Value::Null)] {
        let mut bundle = lab.waiting_bundle();
        bundle.config["annotations"] = json!({"org.criu.config": value});
        let c = lab.container(&bundle);
        c.run_waiting();
        call(&c, &lab, "checkpoint", &[], "").ok().quiet();
        assert_eq!(said(&lab).1["51"], expect);
        saved(&lab);
        call(&c, &lab, "restore", &["--detach"], "").ok().quiet();
        assert_eq!(said(&lab).1["51"], expect);
        c.delete_force();
    }
}

#[test]
fn a_failed_dump_tells_why_and_the_container_goes_on() {
    needs_peer!();
    let lab = Lab::new();
    let c = lab.waiting();
    let work = lab.dir().join("work");
    let flags = ["--work-path", work.to_str().unwrap()];
    let log = format!("{}/dump.log", work.display());
    let quoted = "which says: Error (criu/x.c:7): it cannot be";
    call(&c, &lab, "checkpoint", &flags, "fail")
        .fails(1)
        .one_line()
        .says("checkpoint: criu failed: it cannot be: EEXIST")
        .says(&log)
        .says(quoted);
    call(&c, &lab, "checkpoint", &[], "garbage").fails(1).one_line().says("broken answer");
    let out = call(&c, &lab, "checkpoint", &[], "die").fails(1).one_line();
    out.says("criu ended without an answer, with status 3").says("images/dump.log");
    assert_eq!(c.status(), "running");
}

#[test]
fn what_cannot_be_saved_is_refused() {
    needs_peer!();
    let lab = Lab::new();
    let c = lab.created();
    let refused = |c: &Container<'_>, flags: &[&str], text: &str| {
        call(c, &lab, "checkpoint", flags, "").fails(1).one_line().says(text);
    };
    refused(&c, &[], "Container cannot be checkpointed in created state");
    c.start();
    for (flags, text) in [
        (&["--empty-ns", "pid"][..], "is not supported"),
        (&["--manage-cgroups-mode", "hard"], "soft, full, strict, ignore"),
        (&["--page-server", "here"], "--page-server ADDRESS:PORT"),
        (&["--parent-path", "/x"], "must be relative"),
        (&["--parent-path", "../nothing"], "ENOENT"),
    ] {
        refused(&c, flags, text);
    }
    c.kill("KILL");
    c.wait_for("stopped");
    refused(&c, &[], "Container cannot be checkpointed in stopped state");
    lab.oci(["checkpoint", "nobody"]).fails(1);
    let missing = lab.oci(["--criu", "/no/criu", "checkpoint"]).arg(c.id());
    missing.fails(1).one_line().says("/no/criu").says("install the package criu");
    let missing = lab.oci(["--criu", "no-criu", "checkpoint"]).arg(c.id());
    missing.fails(1).one_line().says("executable file not found in $PATH").says("--criu FILE");
}

#[test]
fn engines_find_that_it_is_there() {
    let lab = Lab::new();
    lab.bare().args(["checkpoint", "--help"]).ok().quiet();
    let probe = lab.bare().args(["restore", "--lsm-mount-context"]).fails(1).one_line();
    probe.says("flag needs an argument");
    let features = lab.bare().arg("features").ok().quiet().json();
    assert_eq!(features["annotations"]["org.opencontainers.runc.checkpoint.enabled"], "true");
}

#[test]
fn ordinary_users_are_refused() {
    let lab = Lab::new();
    let user = ocinit_tests::user::with_subids();
    for command in ["checkpoint", "restore"] {
        let call = lab.bare().arg("--root").arg("/tmp").arg(command).arg("x").user(&user);
        call.fails(1).one_line().says("CRIU needs root");
    }
}
