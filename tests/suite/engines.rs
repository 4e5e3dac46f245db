//! As engines call it: podman with conmon; containerd's and CRI-O's calls word for word.

use ocinit_tests::isolate::{View, view};
use ocinit_tests::{
    Call, Lab, Value, cgroups, criu, eventually, images, json, oci, packages, skip,
};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

ocinit_tests::isolate!();

/// A podman whose storage, state and cgroups are the test's own.
struct Podman {
    lab: Lab,
    link: PathBuf,
}

/// Debian's podman wants limits that need CAP_SYS_RESOURCE.
const RUN: [&str; 5] = ["run", "--ulimit", "nofile=1000:1000", "--ulimit", "nproc=1000:1000"];

impl Podman {
    fn new(name: &str) -> Podman {
        packages::install_missing().unwrap();
        let lab = Lab::new();
        let link = lab.dir().join(name);
        symlink(oci::find_binary().unwrap(), &link).unwrap();
        let podman = Podman { lab, link };
        let tar = podman.lab.archive(images::busybox());
        // The first podman of a machine makes the locks of all, which others could find half made.
        images::locked(&images::cache_dir(), ".podman", || {
            podman.call(&["import", tar.to_str().unwrap(), "guest:1"]).ok()
        });
        podman
    }

    fn call(&self, args: &[&str]) -> Call {
        let dir = |name: &str| self.lab.dir().join(name);
        self.lab
            .program("/usr/bin/podman".as_ref())
            .env("HOME", self.lab.dir())
            .arg("--root")
            .arg(dir("storage"))
            .arg("--runroot")
            .arg(dir("run"))
            .arg("--tmpdir")
            .arg(dir("tmp"))
            .args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"])
            .args(["--events-backend", "file", "--runtime"])
            .arg(&self.link)
            .args(args)
    }

    /// `podman run`, in a cgroup that carries the test's name.
    fn run(&self, args: &[&str]) -> Call {
        let parent = format!("/podman-{}", self.lab.tag());
        let call = self.call(&RUN).args(["--cgroup-parent", &parent]);
        // podman asks for a limit by itself, which a tree without the controller cannot keep.
        let lacks = view() == View::V2 && !cgroups::unified_has("pids");
        let call = if lacks { call.arg("--pids-limit=-1") } else { call };
        call.args(args)
    }

    /// Takes away what podman itself leaves, then looks for what the runtime left.
    fn finish(self) {
        let left = cgroups::named(self.lab.tag());
        let of_containers = |d: &&PathBuf| {
            d.file_name().unwrap().to_string_lossy().starts_with("libpod-")
                && !d.to_string_lossy().contains("conmon")
        };
        let bad: Vec<_> = left.iter().filter(of_containers).collect();
        assert!(bad.is_empty(), "cgroups of containers are left: {bad:?}");
        cgroups::remove_named(self.lab.tag());
        ocinit_tests::leaks::unmount_below(&self.lab.dir().join("storage"));
        ocinit_tests::leaks::unmount_below(&self.lab.dir().join("run"));
        self.lab.assert_clean();
    }
}

#[test]
fn podman_runs_execs_stops_and_removes() {
    let p = Podman::new("runc");
    let out = p.run(&["--rm", "--network", "none", "guest:1", "/bin/guest", "report"]).ok();
    let report: Value = out.json();
    assert_eq!(report["pid"], 1);
    assert_eq!(report["seccomp"], "2", "podman's default profile is on");

    p.run(&["-d", "--name", "one", "--network", "none", "guest:1", "/bin/guest", "wait"]).ok();
    eventually("ready", || p.call(&["logs", "one"]).ok().stdout.contains("ready"));
    let listed = p.call(&["ps", "--format", "{{.Names}} {{.Status}}"]).ok().stdout;
    assert!(listed.starts_with("one Up"), "{listed}");
    assert_eq!(p.call(&["exec", "one", "echo", "hi"]).ok().stdout, "hi\n");
    p.call(&["exec", "one", "/bin/guest", "exit", "7"]).fails(7);
    let user = p
        .call(&["exec", "--user", "1000", "--env", "A=b", "one", "sh", "-c", "id -u; echo $A"])
        .ok();
    assert_eq!(user.stdout, "1000\nb\n");
    p.call(&["exec", "one", "nosuch"]).fails(127);
    p.call(&["exec", "one", "/etc/passwd"]).fails(126);
    p.call(&["kill", "--signal", "USR1", "one"]).ok();
    eventually("the signal", || p.call(&["logs", "one"]).ok().stdout.contains("signal 10"));
    p.call(&["stop", "one"]).ok();
    let state =
        p.call(&["inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "one"]).ok();
    assert_eq!(state.stdout, "exited 0\n");
    p.call(&["start", "one"]).ok();
    eventually("ready again", || {
        p.call(&["logs", "one"]).ok().stdout.matches("ready").count() == 2
    });
    p.call(&["rm", "--force", "one"]).ok();
    assert_eq!(p.call(&["ps", "-a", "-q"]).ok().stdout, "");
    p.finish();
}

#[test]
fn podman_passes_statuses_and_errors_on() {
    let p = Podman::new("runc");
    p.run(&["--rm", "--network", "none", "guest:1", "/bin/guest", "exit", "42"]).fails(42);
    p.run(&["--rm", "--network", "none", "guest:1", "nosuch"]).fails(127);
    p.run(&["--rm", "--network", "none", "guest:1", "/no/such"]).fails(127);
    p.run(&["--rm", "--network", "none", "guest:1", "/etc/passwd"]).fails(126);
    p.finish();
}

#[test]
fn podman_volumes_limits_and_host_namespaces_work() {
    let p = Podman::new("runc");
    let dir = p.lab.dir().join("volume");
    fs::create_dir(&dir).unwrap();
    let volume = format!("{}:/volume:rw", dir.display());
    let script = "echo text > /volume/file; cat /proc/self/cgroup | wc -l; hostname; nproc";
    let flags = [
        "--rm",
        "--network",
        "host",
        "--ipc",
        "host",
        "--hostname",
        "named",
        "-v",
        &volume,
        "--read-only",
    ];
    let out = p.run(&flags).args(["guest:1", "sh", "-c", script]).ok();
    assert!(out.stdout.contains("named\n"), "{}", out.stdout);
    assert_eq!(fs::read_to_string(dir.join("file")).unwrap(), "text\n");
    p.finish();
}

/// Devices of the host that are listed, covered and linked; options that are podman's.
#[test]
fn podman_privileged_with_volumes_at_devices_works() {
    let p = Podman::new("runc");
    let script = "echo $(stat -c '%t,%T' /dev/random) $(readlink /dev/ptmx) \
        $(stat -c %a /fresh) $(cat /dev/null)";
    let file = p.lab.dir().join("file");
    fs::write(&file, "text").unwrap();
    let null = format!("{}:/dev/null", file.display());
    let volumes = ["-v", "/dev/urandom:/dev/random", "-v", &null, "-v", "named:/volume:nocopy"];
    for mapped in [&[][..], &["--uidmap", "0:100000:65536"]] {
        let run = p.run(&["--rm", "--network", "none", "--privileged", "--tmpfs", "/fresh"]);
        let run = run.args(volumes).args(mapped).args(["guest:1", "sh", "-c", script]);
        assert_eq!(run.ok().stdout, "1,9 pts/ptmx 1777 text\n", "{mapped:?}");
    }
    p.finish();
}

#[test]
fn podman_runs_systemd() {
    let p = Podman::new("runc");
    let root = p.lab.overlay(images::debian());
    let flags = ["-d", "-t", "--name", "one", "--network", "none", "--systemd=always", "--rootfs"];
    p.run(&flags).arg(&root).arg("/sbin/init").ok();
    eventually("systemd is up", || {
        let state = p.call(&["exec", "one", "systemctl", "is-system-running"]).run().stdout;
        // A unit or two of the image may fail in a machine like this.
        ["running", "degraded"].contains(&state.trim())
    });
    p.call(&["rm", "--force", "--time", "0", "one"]).ok();
    p.finish();
}

#[test]
fn podman_checkpoints_and_restores() {
    if let Some(why) = criu::impossible() {
        skip!("{why}");
    }
    let p = Podman::new("runc");
    let script = "n=0; while :; do n=$((n + 1)); echo $n; sleep 0.1; done";
    p.run(&["-d", "--name", "one", "--network", "none", "guest:1", "sh", "-c", script]).ok();
    let lines = || p.call(&["logs", "one"]).ok().stdout.lines().count();
    eventually("it counts", || lines() > 3);
    p.call(&["container", "checkpoint", "one"]).ok();
    let state = |field: &str| p.call(&["inspect", "--format", field, "one"]).ok().stdout;
    assert_eq!(state("{{.State.Running}} {{.State.Checkpointed}}"), "false true\n");
    let before = lines();
    p.call(&["container", "restore", "one"]).ok();
    assert_eq!(state("{{.State.Running}}"), "true\n");
    eventually("it goes on", || lines() > before + 3);
    let all = p.call(&["logs", "one"]).ok().stdout;
    let numbers: Vec<u32> = all.lines().filter_map(|line| line.parse().ok()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    p.call(&["rm", "--force", "--time", "0", "one"]).ok();
    p.finish();
}

#[test]
fn podman_gives_a_terminal() {
    let p = Podman::new("runc");
    let call = p.run(&[
        "--rm",
        "-it",
        "--network",
        "none",
        "guest:1",
        "sh",
        "-c",
        "tty; stty size; exit 4",
    ]);
    let (out, seen) = ocinit_tests::terminal::Session::start(call, 37, 91).wait();
    out.code_is(4);
    assert!(seen.contains("/dev/pts/0"), "{seen}");
    p.finish();
}

/// What containerd's shim puts before each command.
fn containerd(lab: &Lab, args: &[&str]) -> Call {
    let log = lab.dir().join("log.json");
    lab.oci(["--log"]).arg(log).args(["--log-format", "json"]).args(args)
}

#[test]
fn the_calls_of_containerd_work() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let (id, dir) = (c.id(), bundle.dir().to_str().unwrap());
    let pid_file = format!("{dir}/init.pid");
    let out =
        containerd(&lab, &["create", "--bundle", dir, "--pid-file", &pid_file, id]).ok().quiet();
    let pid: i32 = fs::read_to_string(&pid_file).unwrap().parse().unwrap();
    assert_eq!(pid, c.pid());
    let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    assert!(cgroup.contains(id), "in its final cgroup when create returns: {cgroup}");
    containerd(&lab, &["start", id]).ok().quiet();
    eventually("ready", || out.stdout_now().contains("ready"));

    let process = lab.dir().join("process.json");
    let mut document = bundle.config["process"].clone();
    document["args"] = json!(["/bin/guest", "wait"]);
    fs::write(&process, document.to_string()).unwrap();
    let exec_pid = format!("{dir}/exec.pid");
    let exec =
        ["exec", "--process", process.to_str().unwrap(), "--detach", "--pid-file", &exec_pid, id];
    containerd(&lab, &exec).ok().quiet();
    let second: i32 = fs::read_to_string(&exec_pid).unwrap().parse().unwrap();
    assert!(fs::exists(format!("/proc/{second}")).unwrap());

    containerd(&lab, &["kill", id, "10"]).ok().quiet();
    eventually("the signal", || out.stdout_now().contains("signal 10"));
    containerd(&lab, &["kill", id, "9"]).ok().quiet();
    c.wait_for("stopped");
    let late = containerd(&lab, &["kill", id, "9"]).fails(1);
    assert!(late.stderr.to_lowercase().contains("container not running"), "{}", late.stderr);
    containerd(&lab, &["kill", "--all", id, "9"]).ok();
    containerd(&lab, &["delete", id]).ok().quiet();
    containerd(&lab, &["delete", "--force", id]).ok().quiet();
    containerd(&lab, &["delete", id]).fails(1).says("does not exist");
    lab.assert_clean();
}

#[test]
fn the_calls_of_crio_work() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    c.create();
    let root = format!("--root={}", lab.state_root().display());
    let crio = |args: &[&str]| lab.bare().arg(&root).args(args).env("CRI_O_EXTERNAL", "1");
    assert_eq!(crio(&["state", c.id()]).ok().quiet().json()["status"], "created");
    crio(&["start", c.id()]).ok().quiet();
    let process = lab.dir().join("process.json");
    let mut document = bundle.config["process"].clone();
    document["args"] = json!(["sh", "-c", "echo attached; exit 5"]);
    fs::write(&process, document.to_string()).unwrap();
    let out = crio(&["exec", "--process", process.to_str().unwrap(), c.id()]).fails(5);
    assert_eq!(out.stdout, "attached\n");
    crio(&["kill", c.id(), "SIGTERM"]).ok().quiet();
    c.wait_for("stopped");
    let late = crio(&["kill", c.id(), "KILL"]).fails(1);
    assert!(late.stderr.contains("container not running"), "{}", late.stderr);
    crio(&["delete", "--force", c.id()]).ok().quiet();
    crio(&["features"]).ok().quiet();
    lab.assert_clean();
}
