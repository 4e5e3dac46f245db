//! `checkpoint` and `restore` with a peer in the place of criu: what it is asked, and what becomes of its answers. With
//! criu itself: criu.rs.

use ocinit_tests::isolate::{View, view};
use ocinit_tests::terminal::{Master, Session, Socket};
use ocinit_tests::{Bundle, Call, Container, Lab, Value, cgroups, eventually, json, skip, spec};
use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

ocinit_tests::isolate!();

const PEER: &str = env!("CARGO_BIN_EXE_fake-criu");

/// The peer; there is none where only compiled tests are.
macro_rules! peer {
    () => {
        if !Path::new(PEER).exists() {
            skip!("criu's peer is not on this machine");
        }
    };
}

/// A call of `command` with the peer, which behaves as `how` says.
fn call(c: &Container<'_>, lab: &Lab, command: &str, flags: &[&str], how: &str) -> Call {
    let call = lab.oci(["--criu", PEER]).arg(command);
    let call = if command == "restore" { call.arg("--bundle").arg(c.bundle()) } else { call };
    let images = lab.dir().join("images");
    call.arg("--image-path")
        .arg(images)
        .args(flags)
        .arg(c.id())
        .env("FAKE_CRIU", how)
        .env("FAKE_CRIU_SAID", lab.dir().join("said"))
}

/// What the peer was asked: all, and the options.
fn said(lab: &Lab) -> (Value, Value) {
    let text = fs::read_to_string(lab.dir().join("said")).expect("the peer has been asked");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    let opts = all["request"]["2"][0].clone();
    (all, opts)
}

/// The pairs of a field: mounts, roots of cgroups.
fn pairs(opts: &Value, field: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value[0].as_str().expect("a text").to_string();
    let all = opts[field].as_array().cloned().unwrap_or_default();
    all.iter().map(|pair| (text(&pair["1"]), text(&pair["2"]))).collect()
}

fn images(lab: &Lab) -> PathBuf {
    let dir = lab.dir().join("images");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("descriptors.json"), r#"["/dev/null","pipe:[11]","file[2a:7]"]"#).unwrap();
    dir
}

fn with_mounts(lab: &Lab) -> Bundle {
    let mut bundle = lab.waiting_bundle();
    let volume = lab.dir().join("volume");
    fs::create_dir_all(&volume).unwrap();
    for (destination, source) in [("/data", volume.to_str().unwrap()), ("/etc/name", "/etc/hosts")]
    {
        let mount = json!({"destination": destination, "type": "bind", "source": source,
            "options": ["rbind", "ro"]});
        spec::add_mount(&mut bundle.config, mount);
    }
    bundle.config["root"]["readonly"] = json!(false);
    bundle
}

#[test]
fn a_dump_is_asked_for_and_the_container_is_gone() {
    peer!();
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
    peer!();
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
    peer!();
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
    peer!();
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
    peer!();
    let lab = Lab::new();
    for (value, expect) in [("/x.conf", json!(["/x.conf"])), ("", Value::Null)] {
        let mut bundle = lab.waiting_bundle();
        bundle.config["annotations"] = json!({"org.criu.config": value});
        let c = lab.container(&bundle);
        c.run_waiting();
        call(&c, &lab, "checkpoint", &[], "").ok().quiet();
        assert_eq!(said(&lab).1["51"], expect);
        images(&lab);
        call(&c, &lab, "restore", &["--detach"], "").ok().quiet();
        assert_eq!(said(&lab).1["51"], expect);
        c.delete_force();
    }
}

#[test]
fn a_failed_dump_tells_why_and_the_container_goes_on() {
    peer!();
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
    peer!();
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

#[test]
fn a_restore_runs_in_the_foreground() {
    peer!();
    let lab = Lab::new();
    let c = lab.container(&with_mounts(&lab));
    images(&lab);
    call(&c, &lab, "restore", &[], "").env("FAKE_CRIU_RUN", "echo hello; exit 7").fails(7).quiet();
    let (all, opts) = said(&lab);
    assert_eq!(all["request"]["1"], json!([2]));
    let expect = json!({"6": [1], "9": [4], "10": ["restore.log"], "12": [1], "26": [1], "34": [3],
        "38": [0x4000_0000], "50": [1], "51": ["/etc/criu/runc.conf"]});
    for (field, value) in expect.as_object().unwrap() {
        assert_eq!(&opts[field], value, "{field}: {opts}");
    }
    assert_eq!(all["mounted"], true);
    assert_eq!(all["shell"], true);
    assert_ne!(all["namespace"], json!(fs::read_link("/proc/self/ns/mnt").unwrap()));
    let mounts = pairs(&opts, "23");
    let volume = lab.dir().join("volume").display().to_string();
    for (place, source) in
        [("/data", &*volume), ("/etc/name", "/etc/hosts"), ("/dev/null", "/dev/null")]
    {
        assert!(mounts.contains(&(place.into(), source.into())), "{mounts:?}");
    }
    let notify = mounts.iter().find(|(place, _)| place == "/run/notify").unwrap();
    assert!(notify.1.ends_with(&format!("{}/notify", c.id())), "{notify:?}");
    let keys: Vec<_> =
        opts["27"].as_array().unwrap().iter().map(|one| (&one["1"][0], &one["2"][0])).collect();
    assert_eq!(keys, [(&json!("pipe:[11]"), &json!(1)), (&json!("file[2a:7]"), &json!(2))]);
    // Mount points that the image lacks are made in it, and nothing is mounted there.
    assert!(
        c.bundle().join("rootfs/data").is_dir() && c.bundle().join("rootfs/etc/name").is_file()
    );
    assert_eq!(fs::read(c.bundle().join("rootfs/etc/name")).unwrap(), b"");
    lab.assert_clean();
}

#[test]
fn a_restored_container_is_one_like_others() {
    peer!();
    let lab = Lab::new();
    let mut bundle = lab.waiting_bundle();
    let limited = view() != View::V2 || cgroups::unified_has("pids");
    if limited {
        bundle.config["linux"]["resources"]["pids"] = json!({"limit": 77});
    }
    let c = lab.container(&bundle);
    images(&lab);
    let pid_file = lab.dir().join("pid");
    let flags =
        ["--detach", "--pid-file", pid_file.to_str().unwrap(), "-no-subreaper", "--no-pivot"];
    let out =
        call(&c, &lab, "restore", &flags, "").env("FAKE_CRIU_RUN", "echo on; exec sleep 1000").ok();
    let out = out.quiet();
    eventually("its output is ours", || out.stdout_now() == "on\n");
    assert_eq!(c.status(), "running");
    assert_eq!(fs::read_to_string(&pid_file).unwrap(), c.pid().to_string());
    let (all, opts) = said(&lab);
    // criu is told of the cgroups that it is in, which are the container's.
    let lines = all["cgroup"].as_str().unwrap().lines();
    let own: Vec<(String, String)> = lines
        .flat_map(|line| {
            let (controllers, path) = line.split_once(':').unwrap().1.split_once(':').unwrap();
            controllers.split(',').map(|one| (one.into(), path.into())).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(pairs(&opts, "25"), own);
    let limits = cgroups::named(c.id()).into_iter().map(|dir| dir.join("pids.max"));
    let limits: Vec<String> = limits.filter_map(|file| fs::read_to_string(file).ok()).collect();
    assert!(!limited || limits.contains(&"77\n".into()), "{limits:?}");
    let of_init = fs::read_to_string(format!("/proc/{}/cgroup", c.pid())).unwrap();
    assert!(of_init.contains(c.id()), "{of_init}");
    let state = lab.state_root().join(c.id());
    assert!(!state.join("criu-root").exists());
    call(&c, &lab, "restore", &["--detach"], "")
        .fails(1)
        .one_line()
        .says("given ID already exists");
    c.call("pause", &[]).ok();
    c.call("resume", &[]).ok();
    c.kill("KILL");
    c.wait_for("stopped");
    c.delete();
    lab.assert_clean();
}

#[test]
fn the_pidfd_socket_gets_the_restored_process() {
    peer!();
    let lab = Lab::new();
    let c = lab.container(&lab.waiting_bundle());
    images(&lab);
    let socket = Socket::listen(&lab.dir().join("p.sock"));
    call(&c, &lab, "restore", &["--detach", "--pidfd-socket", socket.path()], "").ok().quiet();
    let (_, fd) = socket.receive();
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).unwrap();
    assert!(info.contains(&format!("Pid:\t{}\n", c.pid())), "{info}");
}

#[test]
fn the_other_flags_of_restore_are_passed_on() {
    peer!();
    let lab = Lab::new();
    let c = lab.container(&lab.waiting_bundle());
    images(&lab);
    let work = lab.dir().join("work");
    let flags = [
        "--work-path",
        work.to_str().unwrap(),
        "--tcp-established",
        "--tcp-close",
        "--ext-unix-sk",
        "--shell-job",
        "--file-locks",
        "--link-remap",
        "--lazy-pages",
        "--auto-dedup",
        "--manage-cgroups-mode",
        "ignore",
        "--empty-ns",
        "network",
        "--network-lock",
        "skip",
        "--lsm-profile",
        "apparmor:x",
        "--lsm-mount-context",
        "a:b",
    ];
    call(&c, &lab, "restore", &flags, "").env("FAKE_CRIU_RUN", "exit 0").ok().quiet();
    let (_, opts) = said(&lab);
    for switch in ["4", "5", "7", "8", "16", "18", "48", "52"] {
        assert_eq!(opts[switch], json!([1]), "{switch}");
    }
    assert_eq!((&opts["34"], &opts["64"]), (&json!([0]), &json!([3])));
    assert_eq!((&opts["53"], &opts["63"]), (&json!(["apparmor:x"]), &json!(["a:b"])));
    assert!(opts["17"][0].is_number() && work.is_dir());
}

#[test]
fn namespaces_of_others_are_saved_and_joined_as_such() {
    peer!();
    let lab = Lab::new();
    let holder = lab.waiting();
    let path = |kind: &str| format!("/proc/{}/ns/{kind}", holder.pid());
    let inode = |kind: &str| {
        let link = ocinit_tests::container::namespace(holder.pid(), kind);
        link.split_once(':').unwrap().1.to_string()
    };
    let mut bundle = lab.waiting_bundle();
    for (name, kind) in [("network", "net"), ("ipc", "ipc")] {
        spec::set_namespace(&mut bundle.config, json!({"type": name, "path": path(kind)}));
    }
    let c = lab.container(&bundle);
    c.run_waiting();
    call(&c, &lab, "checkpoint", &[], "").ok().quiet();
    let (_, opts) = said(&lab);
    let external = format!("net{}:extRootNetNS", inode("net"));
    assert!(opts["37"].as_array().unwrap().contains(&json!(external)), "{}", opts["37"]);
    images(&lab);
    call(&c, &lab, "restore", &[], "").env("FAKE_CRIU_RUN", "exit 0").ok().quiet();
    let (all, opts) = said(&lab);
    assert_eq!(pairs(&opts, "39"), [("ipc".to_string(), path("ipc"))]);
    let inherited = opts["27"].as_array().unwrap();
    let network = inherited.iter().find(|one| one["1"][0] == "extRootNetNS").expect("the network");
    assert!(all["descriptors"].as_array().unwrap().contains(&network["2"][0]), "{all}");
}

#[test]
fn hooks_run_when_the_namespaces_are_there() {
    peer!();
    let lab = Lab::new();
    let mut bundle = lab.waiting_bundle();
    let said = lab.dir().join("hooks");
    let hook = |name: &str| {
        let script = format!("cat > /dev/null; echo {name} >> {}", said.display());
        json!([{"path": "/bin/sh", "args": ["sh", "-c", script]}])
    };
    let names =
        ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];
    bundle.config["hooks"] = names.iter().map(|name| (name.to_string(), hook(name))).collect();
    let c = lab.container(&bundle);
    images(&lab);
    call(&c, &lab, "restore", &[], "").env("FAKE_CRIU_RUN", "exit 0").ok().quiet();
    assert_eq!(fs::read_to_string(&said).unwrap(), "prestart\ncreateRuntime\npoststop\n");
    bundle.config["hooks"]["createRuntime"] = json!([{"path": "/bin/false"}]);
    let c = lab.container(&bundle);
    call(&c, &lab, "restore", &[], "").fails(1).one_line().says("createRuntime hook #0");
    lab.assert_clean();
}

#[test]
fn a_failed_restore_leaves_nothing() {
    peer!();
    let lab = Lab::new();
    let c = lab.container(&with_mounts(&lab));
    let no_images = call(&c, &lab, "restore", &[], "").fails(1).one_line();
    no_images.says("open directory").says("ENOENT");
    lab.assert_clean();
    fs::create_dir(lab.dir().join("images")).unwrap();
    call(&c, &lab, "restore", &[], "").fails(1).one_line().says("descriptors.json");
    lab.assert_clean();
    images(&lab);
    let log = format!("{}/restore.log", lab.dir().join("images").display());
    call(&c, &lab, "restore", &[], "fail").fails(1).one_line().says("it cannot be").says(&log);
    lab.assert_clean();
    for how in ["garbage", "die", "late"] {
        let pid_file = lab.dir().join("pid");
        let flags = ["--pid-file", pid_file.to_str().unwrap()];
        call(&c, &lab, "restore", &flags, how).fails(1).one_line().says("restore: criu");
        assert!(!pid_file.exists());
        lab.assert_clean();
    }
    let bad = ["--pid-file", "/no/such/dir/pid"];
    call(&c, &lab, "restore", &bad, "").fails(1).one_line().says("pid file");
    lab.assert_clean();
    // A source that is gone.
    fs::remove_dir(lab.dir().join("volume")).unwrap();
    call(&c, &lab, "restore", &[], "").fails(1).one_line().says("/volume").says("ENOENT");
    lab.assert_clean();
    lab.oci(["--criu", "/no/criu", "restore", "--bundle"])
        .arg(c.bundle())
        .arg("--image-path")
        .arg(lab.dir().join("images"))
        .arg(c.id())
        .fails(1)
        .one_line()
        .says("install the package criu");
    lab.assert_clean();
}

#[test]
fn a_restored_terminal_is_served_or_handed_on() {
    peer!();
    let lab = Lab::new();
    let mut bundle = lab.waiting_bundle();
    bundle.config["process"]["terminal"] = json!(true);
    let c = lab.container(&bundle);
    images(&lab);
    let script = "tty; read line; echo got $line; exit 4";
    let foreground = call(&c, &lab, "restore", &[], "terminal").env("FAKE_CRIU_RUN", script);
    let mut s = Session::start(foreground, 24, 80);
    s.terminal.expect("/dev/pts/");
    s.terminal.type_in("word\n");
    s.terminal.expect("got word");
    s.wait().0.code_is(4);
    lab.assert_clean();
    let path = lab.dir().join("console.sock");
    let socket = Socket::listen(&path);
    let flags = ["--detach", "--console-socket", path.to_str().unwrap()];
    let detached = call(&c, &lab, "restore", &flags, "terminal").env("FAKE_CRIU_RUN", script);
    detached.ok().quiet();
    let mut terminal = Master::new(socket.receive().1);
    terminal.type_in("word\n");
    terminal.expect("got word");
    c.wait_for("stopped");
    c.delete();
    lab.assert_clean();
    call(&c, &lab, "restore", &["--detach"], "")
        .fails(1)
        .one_line()
        .says("without setting console socket");
}
