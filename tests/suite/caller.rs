//! Odd callers: closed descriptors, ignored signals, strange masks, big documents.

use ocinit_tests::{Call, Container, Lab, eventually, json, mountinfo, spec};
use std::fs;

ocinit_tests::isolate!();

/// `run` of the container after some shell in the same process: bash, since dash
/// keeps a handler of its own for SIGCHLD.
fn after(c: &Container, script: &str) -> Call {
    c.run_by("/bin/bash", &["-c", &format!("{script}; exec \"$@\""), "bash"])
}

/// The same with a program in the container, by `exec`.
fn exec_after(lab: &Lab, c: &Container, script: &str, program: &[&str]) -> Call {
    let binary = ocinit_tests::oci::find_binary().unwrap();
    let call = lab.program("/bin/bash".as_ref());
    let call = call.args(["-c", &format!("{script}; exec \"$@\""), "bash"]).arg(binary);
    call.arg("--root").arg(lab.state_root()).args(["exec", c.id()]).args(program)
}

#[test]
fn without_stdio_the_program_has_nothing_odd_in_its_place() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let log = lab.dir().join("log");
    fs::create_dir(&log).unwrap();
    let mount = json!({"destination": "/log", "type": "bind", "source": log, "options": ["bind"]});
    spec::add_mount(&mut bundle.config, mount);
    bundle.args(&["/bin/sh", "-c", "/bin/guest report > /log/report"]);
    let c = lab.container(&bundle);
    after(&c, "exec <&- >&- 2>&-").run();
    let text = fs::read_to_string(log.join("report")).unwrap();
    let report: ocinit_tests::Value = serde_json::from_str(&text).unwrap();
    for (number, target) in report["fds"].as_object().unwrap() {
        let target = target.as_str().unwrap();
        let fine = target == "/dev/null" || target.starts_with("pipe:") || target == "/log/report";
        assert!(fine && ["0", "1", "2"].contains(&number.as_str()), "{}", report["fds"]);
    }
    lab.assert_clean();
}

#[test]
fn an_ignored_sigchld_does_not_lose_the_status() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let ignored = "trap '' CHLD";
    let exit = ["/bin/guest", "exit", "42"];
    bundle.args(&exit);
    bundle.config["hooks"] = json!({
        "createRuntime": [{"path": "/bin/true"}],
        "createContainer": [{"path": "/bin/true"}],
        "poststop": [{"path": "/bin/true"}],
    });
    after(&lab.container(&bundle), ignored).fails(42).quiet();
    bundle.waits();
    let c = lab.container(&bundle);
    c.run_waiting();
    exec_after(&lab, &c, ignored, &exit).fails(42).quiet();
    c.delete_force();
    lab.assert_clean();
}

/// As under `nohup`: a shell could not even trap them.
#[test]
fn what_the_caller_ignores_is_not_ignored() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let c = lab.container(&bundle);
    let trap = "trap '' HUP INT QUIT PIPE TERM USR1 USR2 ALRM";
    let ignored =
        |report: ocinit_tests::Value| report["ignored_signals"].as_str().map(String::from);
    // Rust's own start ignores SIGPIPE in the guest.
    let pipe = Some("0000000000001000");
    assert_eq!(ignored(after(&c, trap).ok().json()).as_deref(), pipe);
    bundle.waits();
    let c = lab.container(&bundle);
    c.run_waiting();
    let report = exec_after(&lab, &c, trap, &["/bin/guest", "report"]).ok().json();
    assert_eq!(ignored(report).as_deref(), pipe);
}

#[test]
fn the_callers_umask_changes_nothing() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    for dir in ["proc", "sys", "dev"] {
        fs::remove_dir(bundle.rootfs(dir)).unwrap();
    }
    let mount = json!({"destination": "/new/deep", "type": "tmpfs", "source": "t", "options": ["mode=755"]});
    spec::add_mount(&mut bundle.config, mount);
    let c = lab.container(&bundle);
    let report = after(&c, "umask 0777").ok().json();
    assert_eq!(report["umask"], "0022");
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        assert_eq!(report["dev"][name]["mode"], "666", "{name}");
    }
    use std::os::unix::fs::PermissionsExt;
    for dir in ["proc", "sys", "dev", "new", "new/deep"] {
        let mode = fs::metadata(bundle.rootfs(dir)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755, "{dir}: {mode:o}");
    }
}

#[test]
fn the_callers_environment_and_directory_do_not_matter() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/echo", "hello"]);
    let c = lab.container(&bundle);
    let gone = lab.dir().join("gone");
    fs::create_dir(&gone).unwrap();
    let script = format!("cd {0}; rmdir {0}; unset PATH HOME PWD", gone.display());
    assert_eq!(after(&c, &script).ok().quiet().stdout, "hello\n");
}

#[test]
fn low_limits_of_the_caller_are_enough() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/echo", "hello"]).config["process"]["rlimits"] = json!([]);
    let c = lab.container(&bundle);
    let out = after(&c, "ulimit -n 40; ulimit -s 256; ulimit -c 0").ok();
    assert_eq!(out.stdout, "hello\n");
}

/// The kernel's SIGXFSZ would kill the command halfway.
#[test]
fn a_caller_who_may_write_no_files_is_told_and_nothing_is_left() {
    let lab = Lab::new();
    let limited = |arguments: &[&str]| {
        // The message goes through a pipe, since the harness's own files are limited too.
        let script = "(ulimit -f 0; exec \"$@\") 2>&1 | cat; exit ${PIPESTATUS[0]}";
        let call = lab.program("/bin/bash".as_ref()).args(["-c", script, "bash"]);
        let call = call.arg(ocinit_tests::oci::find_binary().unwrap());
        let out = call.arg("--root").arg(lab.state_root()).args(arguments).fails(1);
        assert!(out.stdout.contains("write state of container"), "{arguments:?}: {}", out.stdout);
        assert!(out.stdout.contains("EFBIG"), "{arguments:?}: {}", out.stdout);
    };
    let bundle = lab.waiting_bundle();
    bundle.save();
    for command in ["run", "create"] {
        limited(&[command, "--bundle", bundle.dir().to_str().unwrap(), &lab.id()]);
        lab.assert_clean();
    }
    let c = lab.container(&bundle);
    c.run_waiting();
    limited(&["update", c.id()]);
    assert_eq!(c.status(), "running");
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn a_big_document_works() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["annotations"] = json!({"big": "x".repeat(1_000_000)});
    let env: Vec<String> = (0..5000).map(|n| format!("VARIABLE_{n}={}", "y".repeat(80))).collect();
    bundle.config["process"]["env"] = json!(env);
    for n in 0..200 {
        let at = format!("/many/{n}");
        spec::add_mount(
            &mut bundle.config,
            json!({"destination": at, "type": "tmpfs", "source": "t"}),
        );
    }
    let c = lab.container(&bundle);
    let report = c.run().quiet().json();
    assert_eq!(report["env"].as_array().unwrap().len(), 5001, "and HOME");
    assert_eq!(mountinfo::of(&report).iter().filter(|m| m.at.starts_with("/many/")).count(), 200);
    lab.assert_clean();
}

#[test]
fn a_document_is_waited_for() {
    let lab = Lab::new();
    let c = lab.waiting();
    let process = json!({"args": ["echo", "hi"], "cwd": "/", "env": ["PATH=/bin"]}).to_string();
    let fifo = lab.dir().join("fifo");
    for line in [
        "exec \"$@\" exec -p <(sleep 0.2; echo \"$TEXT\") $ID",
        "(sleep 0.2; echo \"$TEXT\") | \"$@\" exec -p /dev/stdin $ID",
        "echo \"$TEXT\" | (head -c 9; sleep 0.2; cat) | \"$@\" exec -p /dev/stdin $ID",
        "echo \"$TEXT\" | (sleep 0.2; exec \"$@\" exec -p /dev/stdin $ID)",
        "mkfifo $FIFO; (sleep 0.2; echo \"$TEXT\" > $FIFO)& exec \"$@\" exec -p $FIFO $ID",
        "exec \"$@\" update -r <(sleep 0.2; echo '{}') $ID",
    ] {
        let call = lab.program("/bin/bash".as_ref()).args(["-c", line, "bash"]);
        let call = call.arg(ocinit_tests::oci::find_binary().unwrap());
        let call = call.arg("--root").arg(lab.state_root());
        let out = call.env("TEXT", &process).env("FIFO", &fifo).env("ID", c.id()).run();
        assert_eq!((out.code, out.stderr.as_str()), (0, ""), "{line}");
        assert!(line.contains("update") || out.stdout == "hi\n", "{line}: {}", out.stdout);
    }
    c.delete_force();
    lab.assert_clean();
}

/// As node.js and ssh leave it: the flag belongs to all who have the pipe.
#[test]
fn a_stdin_that_does_not_block_is_waited_for_and_stays_so() {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let lab = Lab::new();
    let c = lab.waiting();
    let (ours, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).unwrap();
    let update = c.call("update", &["-r", "-"]).fd(ours.try_clone().unwrap(), 0).spawn();
    std::thread::sleep(std::time::Duration::from_millis(200));
    nix::unistd::write(&write, b"{}").unwrap();
    drop(write);
    update.wait().code_is(0).quiet();
    let flags = OFlag::from_bits_retain(fcntl(&ours, FcntlArg::F_GETFL).unwrap());
    assert!(flags.contains(OFlag::O_NONBLOCK), "{flags:?}");
}

#[test]
fn a_nice_and_stopped_caller_can_go_on() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let run = c.on_bundle("run", &[]).spawn();
    eventually("ready", || run.stdout().contains("ready"));
    let pid = nix::unistd::Pid::from_raw(run.pid());
    nix::sys::signal::kill(pid, nix::sys::signal::SIGSTOP).unwrap();
    c.kill("TERM");
    c.wait_for("stopped");
    nix::sys::signal::kill(pid, nix::sys::signal::SIGCONT).unwrap();
    run.wait().code_is(0);
    lab.assert_clean();
}
