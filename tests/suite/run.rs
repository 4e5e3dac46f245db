//! `run`: stdio, exit status, signals, and every flag.

use ocinit_tests::terminal::Socket;
use ocinit_tests::{Lab, Value, eventually, json};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

ocinit_tests::isolate!();

#[test]
fn the_exit_status_is_the_programs() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    for code in [0, 1, 42, 127, 255] {
        bundle.args(&["/bin/guest", "exit", &code.to_string()]);
        lab.container(&bundle).on_bundle("run", &[]).fails(code).quiet();
        lab.assert_clean();
    }
}

#[test]
fn a_killed_program_gives_128_and_the_signal() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let run = c.on_bundle("run", &[]).spawn();
    eventually("ready", || run.stdout().contains("ready"));
    c.kill("KILL");
    run.wait().code_is(137).quiet();
    lab.assert_clean();
}

#[test]
fn a_child_that_dies_of_a_signal_does_not_end_the_container() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("/bin/guest die 11; echo status $?");
    let out = lab.container(&bundle).run();
    assert_eq!(out.stdout, "status 139\n");
}

#[test]
fn stdio_goes_through() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("cat; echo bad >&2");
    let text = "0123456789abcdef\n".repeat(20_000);
    let out = lab.container(&bundle).on_bundle("run", &[]).stdin(text.clone()).ok();
    assert_eq!(out.stdout.len(), text.len());
    assert_eq!(out.stdout, text);
    assert_eq!(out.stderr, "bad\n");
    lab.assert_clean();
}

#[test]
fn the_last_words_of_a_fast_program_are_not_lost() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("yes 0123456789 | head -c 300000; echo end");
    for _ in 0..5 {
        let out = lab.container(&bundle).run();
        assert_eq!(out.stdout.len(), 300_004);
        assert!(out.stdout.ends_with("end\n"));
    }
}

#[test]
fn signals_to_the_runtime_reach_the_program() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let run = c.on_bundle("run", &[]).spawn();
    eventually("ready", || run.stdout().contains("ready"));
    for number in [1, 2, 3, 10, 12, 15] {
        // SAFETY: kill takes any numbers; the process is our child and not yet reaped.
        #[allow(unsafe_code)]
        let rc = unsafe { libc::kill(run.pid(), number) };
        assert_eq!(rc, 0);
        let line = format!("signal {number}\n");
        eventually(&line, || run.stdout().contains(&line));
    }
    run.wait().code_is(0).quiet();
    lab.assert_clean();
}

#[test]
fn run_leaves_nothing_unless_kept() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/true"]);
    let c = lab.container(&bundle);
    c.run().quiet();
    c.call("state", &[]).fails(1).says("does not exist");
    lab.assert_clean();
    let c = lab.container(&bundle);
    c.on_bundle("run", &["--keep"]).ok().quiet();
    assert_eq!(c.status(), "stopped");
    c.delete().quiet();
    lab.assert_clean();
}

#[test]
fn detach_returns_while_the_program_runs() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let file = lab.dir().join("pid");
    let out = c.on_bundle("run", &["-d", "--pid-file", file.to_str().unwrap()]).ok().quiet();
    eventually("ready", || out.stdout_now().contains("ready"));
    assert_eq!(c.status(), "running");
    assert_eq!(fs::read_to_string(&file).unwrap(), c.pid().to_string());
    c.kill("TERM");
    c.wait_for("stopped");
    c.delete();
    lab.assert_clean();
}

#[test]
fn a_detached_container_has_no_process_of_the_runtime_beside_it() {
    let lab = Lab::new();
    let c = lab.waiting();
    let marked = ocinit_tests::leaks::marked(lab.tag(), lab.dir());
    assert_eq!(marked.len(), 1, "only the program: {marked:?}");
    assert_eq!(marked[0].0, c.pid());
}

#[test]
fn a_pid_file_is_written_for_the_foreground_too() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let file = lab.dir().join("pid");
    let run = c.on_bundle("run", &[&format!("--pid-file={}", file.display())]).spawn();
    eventually("ready", || run.stdout().contains("ready"));
    assert_eq!(fs::read_to_string(&file).unwrap(), c.pid().to_string());
    c.kill("TERM");
    run.wait().code_is(0);
}

#[test]
fn only_stdio_is_open_in_the_program() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    let secret = || File::open("/etc/hostname").unwrap();
    for detached in [false, true] {
        let c = lab.container(&bundle);
        let flags: &[&str] = if detached { &["--detach"] } else { &[] };
        let out = c.on_bundle("run", flags).fd(secret(), 3).fd(secret(), 9).fd(secret(), 77).ok();
        eventually("the report", || out.stdout_now().ends_with("}\n"));
        let report: ocinit_tests::Value = serde_json::from_str(&out.stdout_now()).unwrap();
        let mut open: Vec<&String> = report["fds"].as_object().unwrap().keys().collect();
        open.sort();
        assert_eq!(open, ["0", "1", "2"], "{}", report["fds"]);
    }
}

#[test]
fn preserve_fds_passes_so_many() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/guest", "probe", "fd:3", "fd:4", "fd:5"]);
    let open = |text: &str| {
        let path = lab.dir().join(text);
        fs::write(&path, text).unwrap();
        File::open(path).unwrap()
    };
    let c = lab.container(&bundle);
    let call = c.on_bundle("run", &["--preserve-fds", "2"]);
    let out = call.fd(open("three"), 3).fd(open("four"), 4).fd(open("five"), 5).ok().json();
    assert_eq!(out["fd:3"], "three");
    assert_eq!(out["fd:4"], "four");
    assert_eq!(out["fd:5"], json!({"error": "ENOENT"}));
    let c = lab.container(&bundle);
    c.on_bundle("run", &["--preserve-fds=3"]).fd(open("three"), 3).fails(1).one_line();
    lab.assert_clean();
}

/// What a program sees of a socket that systemd gave to who has this pid, a word of shell.
fn activated(lab: &Lab, pid: &str) -> Value {
    let bundle = lab.bundle();
    let c = lab.container(&bundle);
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let script = format!(r#"LISTEN_FDS=1 LISTEN_PID={pid} exec "$@""#);
    c.run_by("/bin/sh", &["-c", &script, "sh"]).fd(socket, 3).ok().json()
}

fn listening(report: &Value) -> Vec<&str> {
    let env = report["env"].as_array().unwrap().iter().filter_map(Value::as_str);
    env.filter(|entry| entry.starts_with("LISTEN_")).collect()
}

#[test]
fn listen_fds_are_passed_with_the_program_as_their_receiver() {
    let lab = Lab::new();
    let report = activated(&lab, "$$");
    assert!(report["fds"]["3"].as_str().unwrap().starts_with("socket:"), "{}", report["fds"]);
    assert!(report["fds"]["4"].is_null());
    assert_eq!(listening(&report), ["LISTEN_FDS=1", "LISTEN_PID=1"]);
}

/// sd_listen_fds(3): a child of who was meant inherits the variables.
#[test]
fn listen_fds_for_another_process_are_not_passed() {
    let lab = Lab::new();
    for pid in ["1", "", "$$x"] {
        let report = activated(&lab, pid);
        assert!(report["fds"]["3"].is_null(), "{pid:?}: {}", report["fds"]);
        assert!(listening(&report).is_empty(), "{pid:?}: {}", report["env"]);
    }
    let c = lab.waiting();
    let call = lab.program("/bin/sh".as_ref());
    let call = call.args(["-c", r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$@""#, "sh"]);
    let call = call.arg(ocinit_tests::oci::find_binary().unwrap()).arg("--root");
    let call = call.arg(lab.state_root()).args(["exec", c.id(), "/bin/guest", "report"]);
    let report = call.ok().json();
    assert!(listening(&report).is_empty(), "runc's exec has none: {}", report["env"]);
}

#[test]
fn without_pivot_root_the_program_sees_the_same_root() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    let usual = lab.report(&bundle);
    let c = lab.container(&bundle);
    let other = c.on_bundle("run", &["--no-pivot"]).ok().quiet().json();
    assert_eq!(usual["root"], other["root"]);
    assert_eq!(usual["dev"], other["dev"]);
    lab.assert_clean();
}

#[test]
fn each_container_has_a_session_keyring_unless_refused() {
    // SAFETY: this operation of keyctl takes numbers only.
    #[allow(unsafe_code)]
    let own = unsafe { libc::syscall(libc::SYS_keyctl, 0, -3, 1) };
    if own < 0 {
        ocinit_tests::skip!("this kernel has no keyrings");
    }
    let lab = Lab::new();
    let bundle = lab.bundle();
    let new = lab.report(&bundle)["session_keyring"].clone();
    assert!(new.as_i64().is_some_and(|k| k != own), "{new} is not a new keyring");
    assert_ne!(new, lab.report(&bundle)["session_keyring"], "one for each container");
    let c = lab.container(&bundle);
    let kept = c.on_bundle("run", &["--no-new-keyring"]).ok().json();
    assert_eq!(kept["session_keyring"], json!(own));
}

#[test]
fn the_pidfd_socket_gets_a_pidfd_of_init() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let socket = Socket::listen(&lab.dir().join("p.sock"));
    c.on_bundle("create", &["--pidfd-socket", socket.path()]).ok().quiet();
    let (_, fd) = socket.receive();
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).unwrap();
    assert!(info.contains(&format!("Pid:\t{}\n", c.pid())), "{info}");
}

#[test]
fn a_notify_socket_of_systemd_is_served() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle
        .shell("sleep 0.3; /bin/guest probe notify:READY=1 notify:STATUS=secret; exec guest wait");
    let path = lab.dir().join("n.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let c = lab.container(&bundle);
    let run = c.on_bundle("run", &["--detach"]).env("NOTIFY_SOCKET", &path).spawn();
    let said = heard(&socket, "MAINPID=");
    assert!(said.contains("READY=1"), "{said}");
    run.wait().code_is(0);
    assert!(said.contains(&format!("MAINPID={}", c.pid())), "{said}");
    assert!(!said.contains("secret"), "only READY goes out: {said}");
    c.delete_force();
    lab.assert_clean();
}

/// The datagrams that come until one has `wanted`.
fn heard(socket: &UnixDatagram, wanted: &str) -> String {
    let mut said = String::new();
    let mut bytes = [0; 4096];
    while !said.contains(wanted) {
        match socket.recv(&mut bytes) {
            // With a time limit the call is not restarted after a signal.
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => panic!("{e} after {said:?}"),
            Ok(got) => said.push_str(&String::from_utf8_lossy(&bytes[..got])),
        }
    }
    said
}

#[test]
fn start_and_a_run_in_the_foreground_serve_the_notify_socket_too() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["user"]["uid"] = json!(1000);
    bundle.shell("sleep 0.3; /bin/guest probe notify:READY=1; sleep 0.3; exit 4");
    let path = lab.dir().join("n.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let c = lab.container(&bundle);
    let run = c.on_bundle("run", &[]).env("NOTIFY_SOCKET", &path).spawn();
    let main = format!("READY=1\nMAINPID={}\n", run.pid());
    assert_eq!(heard(&socket, "MAINPID="), main);
    run.wait().code_is(4).quiet();

    let c = lab.container(&bundle);
    c.on_bundle("create", &[]).env("NOTIFY_SOCKET", &path).ok().quiet();
    let main = format!("READY=1\nMAINPID={}\nBARRIER=1", c.pid());
    let start = c.call("start", &[]).env("NOTIFY_SOCKET", &path).spawn();
    assert_eq!(heard(&socket, "BARRIER="), main);
    start.wait().code_is(0).quiet();
    c.wait_for("stopped");
    c.delete();

    // Root of a user namespace cannot reach the state directory itself.
    ocinit_tests::spec::add_user_namespace(&mut bundle.config);
    let run = json!({"destination": "/run", "type": "tmpfs", "source": "run"});
    ocinit_tests::spec::add_mount(&mut bundle.config, run);
    let c = lab.container(&bundle);
    let run = c.on_bundle("run", &[]).env("NOTIFY_SOCKET", &path).spawn();
    heard(&socket, "MAINPID=");
    run.wait().code_is(4).quiet();

    // Who ends without a word is not waited for.
    bundle.shell("exit 0");
    let c = lab.container(&bundle);
    c.on_bundle("run", &["--detach"]).env("NOTIFY_SOCKET", &path).ok().quiet();
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn orphans_of_the_program_do_not_keep_run_waiting() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("sleep 1000 & sleep 1000 & exit 3");
    lab.container(&bundle).on_bundle("run", &[]).fails(3).quiet();
    lab.assert_clean();
}

#[test]
fn orphans_in_the_hosts_pid_namespace_end_with_the_container() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("sleep 1000 >/dev/null 2>&1 & exit 3");
    ocinit_tests::spec::drop_namespace(&mut bundle.config, "pid");
    lab.container(&bundle).on_bundle("run", &[]).fails(3);
    lab.assert_clean();
}

#[test]
fn a_reader_that_goes_away_ends_the_program() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("yes; exit 0");
    let c = lab.container(&bundle);
    let out = c.run_by("/bin/sh", &["-c", r#""$@" 2>/dev/null | head -n 1"#, "sh"]).ok();
    assert_eq!(out.stdout, "y\n");
    lab.assert_clean();
}

#[test]
fn a_forced_delete_ends_a_foreground_run() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let run = c.on_bundle("run", &[]).spawn();
    eventually("ready", || run.stdout().contains("ready"));
    c.delete_force();
    run.wait().code_is(137);
    lab.assert_clean();
}

#[test]
fn a_killed_foreground_runtime_leaves_the_container_to_others() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let run = c.on_bundle("run", &[]).spawn();
    eventually("ready", || run.stdout().contains("ready"));
    run.kill();
    assert_eq!(c.status(), "running");
    c.delete_force().quiet();
    lab.assert_clean();
}
