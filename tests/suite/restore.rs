//! `restore` with a peer in the place of criu: what it is asked, and what becomes of its answers. With criu itself:
//! criu.rs.

use ocinit_tests::isolate::{View, view};
use ocinit_tests::peer::{call, pairs, said, saved, with_mounts};
use ocinit_tests::terminal::{Master, Session, Socket};
use ocinit_tests::{Lab, cgroups, eventually, json, needs_peer, spec};
use std::fs;
use std::os::fd::AsRawFd;

ocinit_tests::isolate!();

#[test]
fn a_restore_runs_in_the_foreground() {
    needs_peer!();
    let lab = Lab::new();
    let c = lab.container(&with_mounts(&lab));
    saved(&lab);
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
    needs_peer!();
    let lab = Lab::new();
    let mut bundle = lab.waiting_bundle();
    let limited = view() != View::V2 || cgroups::unified_has("pids");
    if limited {
        bundle.config["linux"]["resources"]["pids"] = json!({"limit": 77});
    }
    let c = lab.container(&bundle);
    saved(&lab);
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
    needs_peer!();
    let lab = Lab::new();
    let c = lab.container(&lab.waiting_bundle());
    saved(&lab);
    let socket = Socket::listen(&lab.dir().join("p.sock"));
    call(&c, &lab, "restore", &["--detach", "--pidfd-socket", socket.path()], "").ok().quiet();
    let (_, fd) = socket.receive();
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).unwrap();
    assert!(info.contains(&format!("Pid:\t{}\n", c.pid())), "{info}");
}

#[test]
fn the_other_flags_of_restore_are_passed_on() {
    needs_peer!();
    let lab = Lab::new();
    let c = lab.container(&lab.waiting_bundle());
    saved(&lab);
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
    needs_peer!();
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
    saved(&lab);
    call(&c, &lab, "restore", &[], "").env("FAKE_CRIU_RUN", "exit 0").ok().quiet();
    let (all, opts) = said(&lab);
    assert_eq!(pairs(&opts, "39"), [("ipc".to_string(), path("ipc"))]);
    let inherited = opts["27"].as_array().unwrap();
    let network = inherited.iter().find(|one| one["1"][0] == "extRootNetNS").expect("the network");
    assert!(all["descriptors"].as_array().unwrap().contains(&network["2"][0]), "{all}");
}

#[test]
fn hooks_run_when_the_namespaces_are_there() {
    needs_peer!();
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
    saved(&lab);
    call(&c, &lab, "restore", &[], "").env("FAKE_CRIU_RUN", "exit 0").ok().quiet();
    assert_eq!(fs::read_to_string(&said).unwrap(), "prestart\ncreateRuntime\npoststop\n");
    bundle.config["hooks"]["createRuntime"] = json!([{"path": "/bin/false"}]);
    let c = lab.container(&bundle);
    call(&c, &lab, "restore", &[], "").fails(1).one_line().says("createRuntime hook #0");
    lab.assert_clean();
}

#[test]
fn a_failed_restore_leaves_nothing() {
    needs_peer!();
    let lab = Lab::new();
    let c = lab.container(&with_mounts(&lab));
    let no_images = call(&c, &lab, "restore", &[], "").fails(1).one_line();
    no_images.says("open directory").says("ENOENT");
    lab.assert_clean();
    fs::create_dir(lab.dir().join("images")).unwrap();
    call(&c, &lab, "restore", &[], "").fails(1).one_line().says("descriptors.json");
    lab.assert_clean();
    saved(&lab);
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
    needs_peer!();
    let lab = Lab::new();
    let mut bundle = lab.waiting_bundle();
    bundle.config["process"]["terminal"] = json!(true);
    let c = lab.container(&bundle);
    saved(&lab);
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
