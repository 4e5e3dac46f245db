//! Under containerd and Docker themselves.

use ocinit_tests::daemons::{self, Containerd, Docker};
use ocinit_tests::isolate::{View, view};
use ocinit_tests::{Lab, Value, cgroups, eventually, skip};
use std::fs;

ocinit_tests::isolate!();

macro_rules! must_start {
    ($daemon:expr) => {
        match $daemon {
            Ok(daemon) => daemon,
            Err(why) => skip!("{why}"),
        }
    };
}

/// `ctr` asks for CPU shares, whatever it is asked for.
macro_rules! needs_shares {
    () => {
        if view() == View::V2 && !cgroups::unified_has("cpu") {
            skip!("no controller for the CPU shares that ctr asks for");
        }
    };
}

/// Whether there are limits and counters of memory.
fn has_memory() -> bool {
    view() != View::V2 || cgroups::unified_has("memory")
}

/// No cgroup of a container is left; those above are the daemon's.
fn finish(lab: Lab) {
    let left = cgroups::named(lab.tag());
    let depth = |d: &&std::path::PathBuf| {
        let below =
            d.components().skip_while(|c| !c.as_os_str().to_string_lossy().contains(lab.tag()));
        below.count() > 1
    };
    let bad: Vec<_> = left.iter().filter(depth).collect();
    assert!(bad.is_empty(), "cgroups of containers are left: {bad:?}");
    cgroups::remove_named(lab.tag());
    // containerd gives each of its namespaces a root.
    let root = lab.state_root().join("default");
    assert!(!root.exists() || fs::remove_dir(&root).is_ok(), "states are left");
    ocinit_tests::leaks::unmount_below(lab.dir());
    lab.assert_clean();
}

#[test]
fn containerd_has_a_container_from_birth_to_death() {
    needs_shares!();
    let lab = daemons::lab();
    let bundle = lab.bundle();
    let rootfs = bundle.rootfs("");
    let c = must_start!(Containerd::start(&lab));
    let id = lab.id();
    let log = lab.dir().join("log");
    let uri = format!("file://{}", log.display());
    c.run(&["--detach", "--log-uri", &uri], &rootfs, &id, &["/bin/guest", "wait"]).ok();
    let logged = |text: &str| fs::read_to_string(&log).unwrap_or_default().contains(text);
    eventually("ready", || logged("ready"));
    let status = || c.ctr(&["tasks", "list"]).ok().stdout;
    assert!(status().contains("RUNNING"), "{}", status());

    let exec = |program: &[&str]| {
        c.ctr(&["tasks", "exec", "--exec-id", "other", &id, "/bin/guest"]).args(program)
    };
    exec(&["exit", "7"]).fails(7);
    assert_eq!(exec(&["report"]).ok().json()["uid"], ocinit_tests::json!([0, 0, 0, 0]));
    c.ctr(&["tasks", "exec", "--exec-id", "other", &id, "/no/such"])
        .fails(1)
        .says("exec: \"/no/such\": stat /no/such: no such file or directory");
    c.ctr(&["tasks", "pause", &id]).ok();
    assert!(status().contains("PAUSED"), "{}", status());
    c.ctr(&["tasks", "resume", &id]).ok();
    if has_memory() {
        let told = c.ctr(&["tasks", "metrics", &id]).ok().stdout;
        assert!(told.contains("memory.usage"), "{told}");
    }
    c.ctr(&["tasks", "kill", "--signal", "SIGUSR1", &id]).ok();
    eventually("the signal", || logged("signal 10"));
    c.ctr(&["tasks", "kill", "--signal", "SIGKILL", &id]).ok();
    eventually("its end", || status().contains("STOPPED"));
    c.ctr(&["tasks", "delete", &id]).run();
    c.ctr(&["containers", "delete", &id]).ok();
    assert!(!c.ctr(&["containers", "list"]).ok().stdout.contains(&id));
    drop(c);
    finish(lab);
}

#[test]
fn containerd_passes_statuses_and_errors_on() {
    needs_shares!();
    let lab = daemons::lab();
    let bundle = lab.bundle();
    let rootfs = bundle.rootfs("");
    let c = must_start!(Containerd::start(&lab));
    let run = |flags: &[&str], program: &[&str]| c.run(flags, &rootfs, &lab.id(), program);
    let report: Value = run(&["--rm"], &["/bin/guest", "report"]).ok().json();
    assert_eq!(report["pid"], 1);
    assert_eq!(run(&["--rm", "--seccomp"], &["/bin/guest", "report"]).ok().json()["seccomp"], "2");
    run(&["--rm"], &["/bin/guest", "exit", "42"]).fails(42);
    run(&["--rm", "--privileged"], &["/bin/guest", "exit", "0"]).ok();
    run(&["--rm"], &["/no/such"])
        .fails(1)
        .says("exec: \"/no/such\": stat /no/such: no such file or directory");
    run(&["--rm"], &["nosuch"]).fails(1).says("executable file not found in $PATH");
    if has_memory() {
        run(&["--rm", "--memory-limit", "64000000"], &["/bin/guest", "exit", "3"]).fails(3);
    }
    drop(c);
    finish(lab);
}

#[test]
fn docker_has_a_container_from_birth_to_death() {
    let lab = daemons::lab();
    let bundle = lab.bundle();
    let d = must_start!(Docker::start(&lab, &bundle.rootfs("")));
    d.run(&["--detach", "--name=one"], &["/bin/guest", "wait"]).ok();
    let logs = || d.call(&["logs", "one"]).ok().stdout;
    eventually("ready", || logs().contains("ready"));
    assert!(d.call(&["ps", "--format={{.Names}} {{.Status}}"]).ok().stdout.starts_with("one Up"));
    assert_eq!(d.call(&["exec", "one", "echo", "hi"]).ok().stdout, "hi\n");
    d.call(&["exec", "one", "/bin/guest", "exit", "7"]).fails(7);
    let exec = ["exec", "--user=1000", "--env=A=b", "one", "sh", "-c", "id -u; echo $A"];
    assert_eq!(d.call(&exec).ok().stdout, "1000\nb\n");
    d.call(&["exec", "one", "nosuch"]).fails(126);
    d.call(&["exec", "one", "/etc/passwd"]).fails(126);
    assert!(d.call(&["top", "one"]).ok().stdout.contains("guest wait"));
    d.call(&["pause", "one"]).ok();
    let state = |field: &str| {
        let field = format!("--format={{{{.State.{field}}}}}");
        d.call(&["inspect", &field, "one"]).ok().stdout.trim().to_owned()
    };
    assert_eq!(state("Status"), "paused");
    d.call(&["unpause", "one"]).ok();
    if has_memory() {
        d.call(&["update", "--memory=64m", "--memory-swap=-1", "one"]).ok();
        let told = d.call(&["stats", "--no-stream", "one"]).ok().stdout;
        assert!(told.contains("64MiB"), "{told}");
    }
    d.call(&["kill", "--signal=USR1", "one"]).ok();
    eventually("the signal", || logs().contains("signal 10"));
    d.call(&["stop", "one"]).ok();
    assert_eq!([state("Status"), state("ExitCode")], ["exited", "0"]);
    d.call(&["start", "one"]).ok();
    eventually("ready again", || logs().matches("ready").count() == 2);
    d.call(&["rm", "--force", "one"]).ok();
    assert_eq!(d.call(&["ps", "--all", "--quiet"]).ok().stdout, "");
    drop(d);
    finish(lab);
}

#[test]
fn docker_passes_statuses_and_options_on() {
    let lab = daemons::lab();
    let bundle = lab.bundle();
    let d = must_start!(Docker::start(&lab, &bundle.rootfs("")));
    let report: Value = d.run(&["--rm"], &["/bin/guest", "report"]).ok().json();
    assert_eq!(report["pid"], 1);
    assert_eq!(report["seccomp"], "2", "Docker's profile is on");
    d.run(&["--rm"], &["/bin/guest", "exit", "42"]).fails(42);
    d.run(&["--rm"], &["nosuch"]).fails(127);
    d.run(&["--rm"], &["/no/such"]).fails(127);
    d.run(&["--rm"], &["/etc/passwd"]).fails(126);
    let directory = lab.dir().join("volume");
    fs::create_dir(&directory).unwrap();
    let volume = format!("--volume={}:/volume", directory.display());
    let flags =
        ["--rm", "--read-only", "--tmpfs=/scratch", "--hostname=named", "--cap-drop=ALL", &volume];
    let script = "hostname; echo text > /volume/file; echo x > /scratch/x && ! echo x > /x";
    assert_eq!(d.run(&flags, &["sh", "-c", script]).ok().stdout, "named\n");
    assert_eq!(fs::read_to_string(directory.join("file")).unwrap(), "text\n");
    d.run(&["--rm", "--privileged", "--pid=host", "--ipc=host"], &["true"]).ok();
    let call = d.run(&["--rm", "-it"], &["sh", "-c", "tty; stty size; exit 4"]);
    let (out, seen) = ocinit_tests::terminal::Session::start(call, 37, 91).wait();
    out.code_is(4);
    assert!(seen.contains("/dev/pts/0"), "{seen}");
    drop(d);
    finish(lab);
}
