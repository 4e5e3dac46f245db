//! `exec`: a second program in a container, with every flag.

use ocinit_tests::container::namespace;
use ocinit_tests::terminal::{Master, Session, Socket};
use ocinit_tests::{Bundle, Container, Lab, cgroups, eventually, json};
use std::fs::{self, File};

ocinit_tests::isolate!();

fn waiting<'a>(lab: &'a Lab, bundle: &mut Bundle) -> Container<'a> {
    bundle.waits();
    let c = lab.container(bundle);
    c.run_waiting();
    c
}

fn has(report: &ocinit_tests::Value, entry: &str) -> bool {
    report["env"].as_array().unwrap().contains(&json!(entry))
}

#[test]
fn a_second_program_is_in_all_of_the_containers_namespaces() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let report = c.exec_report(&[]);
    for kind in ["cgroup", "ipc", "mnt", "net", "pid", "uts", "user"] {
        assert_eq!(report["namespaces"][kind], json!(namespace(c.pid(), kind)), "{kind}");
    }
    assert_eq!(report["hostname"], "guest");
    assert_ne!(report["pid"], 1);
    let open: Vec<&String> = report["fds"].as_object().unwrap().keys().collect();
    assert_eq!(open, ["0", "1", "2"], "{}", report["fds"]);
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn it_is_in_the_containers_cgroups() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let run = c.exec(&[], &["/bin/guest", "wait"]).spawn();
    eventually("ready", || run.stdout().contains("ready"));
    for h in cgroups::hierarchies() {
        let dir = h.directory_of(c.pid()).unwrap();
        if dir != h.mount {
            assert_eq!(cgroups::processes(&dir).len(), 2, "{}", dir.display());
        }
    }
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(run.pid()), nix::sys::signal::SIGTERM)
        .unwrap();
    run.wait().code_is(0);
}

#[test]
fn stdio_and_exit_status_are_the_programs() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let out = c.exec(&[], &["sh", "-c", "cat; echo bad >&2; exit 7"]).stdin("text").fails(7);
    assert_eq!((out.stdout.as_str(), out.stderr.as_str()), ("text", "bad\n"));
    c.exec(&[], &["/bin/guest", "die", "9"]).fails(137).quiet();
    c.exec(&[], &["/bin/guest", "die", "15"]).fails(143).quiet();
}

#[test]
fn everything_after_the_id_is_the_programs() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let out = c.exec(&[], &["/bin/guest", "report", "--cwd", "/x", "-t", "--", "-e"]).ok().json();
    let args = json!(["/bin/guest", "report", "--cwd", "/x", "-t", "--", "-e"]);
    assert_eq!(out["args"], args);
    assert_eq!(out["cwd"], "/");
}

#[test]
fn the_session_keyring_is_the_containers() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let first = c.exec_report(&[])["session_keyring"].clone();
    if first.as_i64().is_none_or(|keyring| keyring < 0) {
        ocinit_tests::skip!("this kernel has no keyrings");
    }
    assert_eq!(c.exec_report(&[])["session_keyring"], first);
}

#[test]
fn signals_to_the_runtime_reach_the_program() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let run = c.exec(&[], &["/bin/guest", "wait"]).spawn();
    eventually("ready", || run.stdout().contains("ready"));
    for signal in [nix::sys::signal::SIGUSR1, nix::sys::signal::SIGTERM] {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(run.pid()), signal).unwrap();
        let line = format!("signal {}\n", signal as i32);
        eventually(&line, || run.stdout().contains(&line));
    }
    run.wait().code_is(0);
    assert_eq!(c.status(), "running", "the container's own program goes on");
}

#[test]
fn cwd_env_and_user_come_from_the_document_or_the_flags() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["cwd"] = json!("/tmp");
    let c = waiting(&lab, &mut bundle);
    let usual = c.exec_report(&[]);
    assert_eq!(usual["cwd"], "/tmp");
    assert!(has(&usual, "TERM=xterm") && has(&usual, "HOME=/root"), "{}", usual["env"]);

    let other = c.exec_report(&[
        "--cwd",
        "/etc",
        "--env",
        "A=1",
        "--env",
        "TERM=dumb",
        "--user",
        "1000:1001",
    ]);
    assert_eq!(other["cwd"], "/etc");
    assert!(has(&other, "A=1") && has(&other, "TERM=dumb") && !has(&other, "TERM=xterm"));
    assert!(has(&other, "HOME=/home/mary"), "{}", other["env"]);
    assert_eq!(other["uid"], json!([1000, 1000, 1000, 1000]));
    assert_eq!(other["gid"], json!([1001, 1001, 1001, 1001]));
}

#[test]
fn the_document_as_it_is_now_gives_the_defaults() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let c = waiting(&lab, &mut bundle);
    bundle.config["process"]["env"] = json!(["PATH=/bin", "NEW=1"]);
    bundle.config["process"]["cwd"] = json!("/tmp");
    bundle.save();
    let report = c.exec_report(&[]);
    assert!(has(&report, "NEW=1"), "{}", report["env"]);
    assert_eq!(report["cwd"], "/tmp");
}

#[test]
fn limits_and_privileges_are_those_of_the_document() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["oomScoreAdj"] = json!(321);
    bundle.config["process"]["user"]["umask"] = json!(0o027);
    let init = lab.report(&bundle);
    let c = waiting(&lab, &mut bundle);
    let report = c.exec_report(&[]);
    for key in ["capabilities", "rlimits", "no_new_privs", "oom_score_adj", "umask", "groups"] {
        assert_eq!(report[key], init[key], "{key}");
    }
}

#[test]
fn a_user_without_a_group_has_group_0() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let report = c.exec_report(&["-u", "1"]);
    assert_eq!(report["uid"], json!([1, 1, 1, 1]));
    assert_eq!(report["gid"], json!([0, 0, 0, 0]));
    assert_eq!(report["capabilities"]["effective"], "0000000000000000");
}

#[test]
fn additional_groups_are_set() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let report = c.exec_report(&["-g", "100", "-g", "65534", "--user", "1000:1000"]);
    let mut groups: Vec<u64> =
        report["groups"].as_array().unwrap().iter().map(|g| g.as_u64().unwrap()).collect();
    groups.retain(|g| *g != 1000);
    groups.sort_unstable();
    assert_eq!(groups, [100, 65534]);
}

#[test]
fn added_capabilities_are_never_inheritable() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let chown = 1;
    let report = c.exec_report(&["--cap", "CAP_CHOWN"]);
    let set = |name: &str| {
        u64::from_str_radix(report["capabilities"][name].as_str().unwrap(), 16).unwrap()
    };
    for name in ["bounding", "effective", "permitted"] {
        assert_eq!(set(name) & chown, chown, "{name}");
    }
    assert_eq!(set("inheritable"), 0);
    assert_eq!(set("ambient"), 0);
    let without = c.exec_report(&[]);
    let effective = without["capabilities"]["effective"].as_str().unwrap();
    assert_eq!(u64::from_str_radix(effective, 16).unwrap() & chown, 0);
}

#[test]
fn no_new_privs_is_set_when_asked() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["noNewPrivileges"] = json!(false);
    let c = waiting(&lab, &mut bundle);
    assert_eq!(c.exec_report(&[])["no_new_privs"], "0");
    assert_eq!(c.exec_report(&["--no-new-privs"])["no_new_privs"], "1");
}

#[test]
fn a_process_file_replaces_everything() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let file = lab.dir().join("process.json");
    let process = json!({
        "terminal": false,
        "user": {"uid": 5, "gid": 6, "additionalGids": [7], "umask": 63},
        "args": ["guest", "report"],
        "env": ["PATH=/bin", "ONLY=this"],
        "cwd": "/tmp",
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}],
        "oomScoreAdj": 500,
    });
    fs::write(&file, process.to_string()).unwrap();
    for flag in ["--process", "-p"] {
        let out = c.call("exec", &[flag, file.to_str().unwrap()]).ok().quiet().json();
        assert_eq!(out["uid"], json!([5, 5, 5, 5]));
        assert_eq!(out["gid"], json!([6, 6, 6, 6]));
        assert!(out["groups"].as_array().unwrap().contains(&json!(7)), "{}", out["groups"]);
        assert_eq!(out["umask"], "0077");
        assert_eq!(out["cwd"], "/tmp");
        assert!(has(&out, "ONLY=this") && !has(&out, "TERM=xterm"));
        assert_eq!(out["rlimits"]["RLIMIT_NOFILE"], json!([100, 200]));
        assert_eq!(out["capabilities"]["permitted"], "0000000000000000");
    }
}

#[test]
fn a_score_that_may_not_be_lowered_is_an_error_with_the_remedy() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let file = lab.dir().join("process.json");
    let process = json!({"args": ["/bin/guest", "exit", "0"], "cwd": "/", "oomScoreAdj": -900});
    fs::write(&file, process.to_string()).unwrap();
    let out = c.call("exec", &["--process", file.to_str().unwrap()]).run();
    if out.code == 0 {
        ocinit_tests::skip!("this machine has CAP_SYS_RESOURCE");
    }
    let out = out.code_is(255);
    assert!(out.stderr.contains("/oom_score_adj\\\": EACCES"), "{}", out.stderr);
    assert!(out.stderr.contains("lowering it needs CAP_SYS_RESOURCE"), "{}", out.stderr);
}

#[test]
fn detached_it_has_a_pid_file_and_the_runtimes_stdio() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let file = lab.dir().join("exec.pid");
    let flags = ["--detach", "--pid-file", file.to_str().unwrap()];
    let out = c.exec(&flags, &["/bin/guest", "wait"]).ok().quiet();
    eventually("ready", || out.stdout_now().contains("ready"));
    let text = fs::read_to_string(&file).unwrap();
    let pid: i32 = text.parse().expect("digits only");
    assert_eq!(namespace(pid, "mnt"), namespace(c.pid(), "mnt"));
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
    assert_eq!(comm, "guest\n", "the pid is the program's and not the runtime's");
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn preserved_descriptors_are_there() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let path = lab.dir().join("text");
    fs::write(&path, "three").unwrap();
    let open = || File::open(&path).unwrap();
    let call = c.exec(&["--preserve-fds", "1"], &["/bin/guest", "probe", "fd:3", "fd:4"]);
    let out = call.fd(open(), 3).fd(open(), 4).ok().json();
    assert_eq!(out, json!({"fd:3": "three", "fd:4": {"error": "ENOENT"}}));
    c.exec(&["--preserve-fds", "2"], &["true"]).fd(open(), 3).run().one_line();
}

#[test]
fn a_terminal_is_given_when_asked() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let call = c.exec(&["--tty"], &["/bin/guest", "report"]);
    let (out, seen) = Session::start(call, 33, 99).wait();
    out.code_is(0);
    let report: ocinit_tests::Value = serde_json::from_str(&seen).expect(&seen);
    assert_eq!(report["terminal"]["isatty"], json!([true, true, true]));
    assert_eq!(report["terminal"]["winsize"], json!([33, 99]));
    assert_eq!(report["terminal"]["controlling"], true);
    assert_eq!(report["sid"], report["pid"]);
}

#[test]
fn a_console_socket_gets_the_terminal() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let socket = Socket::listen(&lab.dir().join("c.sock"));
    let flags = ["--tty", "--detach", "--console-socket", socket.path()];
    c.exec(&flags, &["/bin/sh", "-c", "tty; exit 3"]).ok().quiet();
    let mut terminal = Master::new(socket.receive().1);
    terminal.expect("/dev/pts/");
    c.exec(&["--tty", "--detach"], &["true"]).fails(255).says("cannot allocate tty").one_line();
}

#[test]
fn a_created_container_is_entered() {
    let lab = Lab::new();
    let c = lab.created();
    assert_eq!(c.exec(&[], &["echo", "early"]).ok().stdout, "early\n");
    assert_eq!(c.status(), "created");
}

#[test]
fn it_goes_into_an_existing_sub_cgroup() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let h = cgroups::v1("pids")
        .or_else(|| cgroups::hierarchies().into_iter().find(cgroups::Hierarchy::unified));
    let h = h.expect("a hierarchy");
    let sub = h.directory_of(c.pid()).unwrap().join("sub");
    fs::create_dir(&sub).unwrap();
    let flag = if h.unified() { "sub".to_string() } else { "pids:sub".to_string() };
    let run = c.exec(&["--cgroup", &flag], &["/bin/guest", "wait"]).spawn();
    eventually("ready", || run.stdout().contains("ready"));
    assert_eq!(cgroups::processes(&sub).len(), 1);
    c.exec(&["--cgroup", "../.."], &["true"]).fails(255).one_line();
    c.exec(&["--cgroup", "nosuch"], &["true"]).fails(255).one_line();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(run.pid()), nix::sys::signal::SIGTERM)
        .unwrap();
    run.wait().code_is(0);
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn many_at_once_do_not_disturb_each_other() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let runs: Vec<_> = (0..8)
        .map(|n| c.exec(&[], &["sh", "-c", &format!("echo {n}; exit {n}")]).spawn())
        .collect();
    for (n, run) in runs.into_iter().enumerate() {
        assert_eq!(run.wait().code_is(n as i32).stdout, format!("{n}\n"));
    }
}
