//! Containers saved and restored by criu itself, where its own check passes.

use ocinit_tests::container::namespace;
use ocinit_tests::terminal::{Master, Socket};
use ocinit_tests::{Bundle, Call, Container, Lab, criu, eventually, json, skip, spec};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

ocinit_tests::isolate!();

macro_rules! needs_criu {
    () => {
        if let Some(why) = criu::impossible() {
            skip!("{why}");
        }
    };
}

/// A container that counts, a line ten times a second.
fn counting(lab: &Lab) -> Bundle {
    let mut bundle = lab.bundle();
    bundle.shell("echo ready; n=0; while :; do n=$((n + 1)); echo $n; sleep 0.1; done");
    bundle
}

fn last(text: &str) -> u32 {
    text.lines().filter_map(|line| line.parse().ok()).next_back().unwrap_or(0)
}

fn first(text: &str) -> u32 {
    text.lines().find_map(|line| line.parse().ok()).unwrap_or(0)
}

fn call(lab: &Lab, c: &Container<'_>, command: &str, images: &Path, flags: &[&str]) -> Call {
    let call = lab.oci([command]);
    let call = if command == "restore" { call.arg("--bundle").arg(c.bundle()) } else { call };
    call.arg("--image-path").arg(images).args(flags).arg(c.id())
}

/// Runs it, or panics with the end of criu's log.
#[track_caller]
fn works(call: Call, log: &Path) -> ocinit_tests::Outcome {
    let out = call.run();
    if out.code != 0 {
        let log = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(40)..].join("\n");
        panic!("status {}: {}\nlog: {end}", out.code, out.stderr);
    }
    out.quiet()
}

#[track_caller]
fn save(lab: &Lab, c: &Container<'_>, images: &Path, flags: &[&str]) {
    works(call(lab, c, "checkpoint", images, flags), &images.join("dump.log"));
}

#[track_caller]
fn bring_back(
    lab: &Lab,
    c: &Container<'_>,
    images: &Path,
    flags: &[&str],
) -> ocinit_tests::Outcome {
    works(call(lab, c, "restore", images, flags), &images.join("restore.log"))
}

fn images(lab: &Lab) -> PathBuf {
    lab.dir().join("images")
}

#[test]
fn a_counter_goes_on_counting() {
    needs_criu!();
    let lab = Lab::new();
    let c = lab.container(&counting(&lab));
    let out = c.run_waiting();
    eventually("it counts", || last(&out.stdout_now()) > 3);
    save(&lab, &c, &images(&lab), &[]);
    c.call("state", &[]).fails(1).says("does not exist");
    lab.assert_clean();
    let before = last(&out.stdout_now());
    let pid_file = lab.dir().join("pid");
    let flags = ["--detach", "--pid-file", pid_file.to_str().unwrap()];
    let back = bring_back(&lab, &c, &images(&lab), &flags);
    eventually("it counts again", || last(&back.stdout_now()) > before + 3);
    assert_eq!(first(&back.stdout_now()), before + 1);
    assert_eq!(c.status(), "running");
    assert_eq!(fs::read_to_string(&pid_file).unwrap(), c.pid().to_string());
    // It is in its namespaces and cgroups again, and can be entered.
    let seen = c.exec_report(&[]);
    assert_eq!(seen["hostname"], "guest");
    let cgroup = fs::read_to_string(format!("/proc/{}/cgroup", c.pid())).unwrap();
    assert!(cgroup.contains(c.id()), "{cgroup}");
    c.call("pause", &[]).ok();
    let count = last(&back.stdout_now());
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(last(&back.stdout_now()), count);
    c.call("resume", &[]).ok();
    // And saved again.
    let again = lab.dir().join("again");
    save(&lab, &c, &again, &[]);
    lab.assert_clean();
    let before = last(&back.stdout_now());
    let back = bring_back(&lab, &c, &again, &["--detach"]);
    eventually("it counts once more", || last(&back.stdout_now()) > before);
    c.kill("KILL");
    c.wait_for("stopped");
    c.delete();
    lab.assert_clean();
}

#[test]
fn it_goes_on_where_it_is_to_be_left_running() {
    needs_criu!();
    let lab = Lab::new();
    let bundle = counting(&lab);
    let c = lab.container(&bundle);
    let out = c.run_waiting();
    eventually("it counts", || last(&out.stdout_now()) > 3);
    save(&lab, &c, &images(&lab), &["--leave-running"]);
    let before = last(&out.stdout_now());
    eventually("it goes on", || last(&out.stdout_now()) > before + 3);
    assert_eq!(c.status(), "running");
    // Another one begins where the first was.
    c.delete_force();
    let copy = lab.container(&bundle);
    let back =
        bring_back(&lab, &copy, &images(&lab), &["--detach", "--manage-cgroups-mode", "ignore"]);
    eventually("it counts again", || last(&back.stdout_now()) > 0);
    assert!(first(&back.stdout_now()) <= before + 1);
}

#[test]
fn memory_is_saved_before_the_rest() {
    needs_criu!();
    let lab = Lab::new();
    let c = lab.container(&counting(&lab));
    let out = c.run_waiting();
    eventually("it counts", || last(&out.stdout_now()) > 3);
    save(&lab, &c, &lab.dir().join("before"), &["--pre-dump"]);
    let before = last(&out.stdout_now());
    eventually("it goes on", || last(&out.stdout_now()) > before + 3);
    save(&lab, &c, &images(&lab), &["--parent-path", "../before"]);
    assert!(images(&lab).join("parent").exists());
    lab.assert_clean();
    let before = last(&out.stdout_now());
    let back = bring_back(&lab, &c, &images(&lab), &["--detach"]);
    eventually("it counts again", || last(&back.stdout_now()) > before + 3);
}

#[test]
fn a_paused_container_is_saved_and_runs_when_it_is_back() {
    needs_criu!();
    let lab = Lab::new();
    let c = lab.container(&counting(&lab));
    let out = c.run_waiting();
    eventually("it counts", || last(&out.stdout_now()) > 3);
    c.call("pause", &[]).ok();
    save(&lab, &c, &images(&lab), &[]);
    lab.assert_clean();
    let back = bring_back(&lab, &c, &images(&lab), &["--detach"]);
    eventually("it counts again", || last(&back.stdout_now()) > last(&out.stdout_now()));
}

#[test]
fn mounts_and_what_is_in_them_are_there_again() {
    needs_criu!();
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let volume = lab.dir().join("volume");
    fs::create_dir(&volume).unwrap();
    fs::write(volume.join("file"), "old").unwrap();
    let bind = |destination: &str, source: &str| json!({"destination": destination, "type": "bind", "source": source, "options": ["rbind"]});
    spec::add_mount(&mut bundle.config, bind("/data", volume.to_str().unwrap()));
    spec::add_mount(&mut bundle.config, bind("/etc/name", "/etc/hostname"));
    let tmpfs = json!({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"});
    spec::add_mount(&mut bundle.config, tmpfs);
    bundle.config["root"]["readonly"] = json!(false);
    bundle.shell("echo inside > /tmp/x; echo ready; while [ ! -e /data/go ]; do sleep 0.05; done; cat /tmp/x /data/file /etc/name > /data/out; exit 7");
    let c = lab.container(&bundle);
    c.run_waiting();
    save(&lab, &c, &images(&lab), &[]);
    fs::write(volume.join("file"), "new\n").unwrap();
    fs::write(volume.join("go"), "").unwrap();
    // The status is passed on.
    call(&lab, &c, "restore", &images(&lab), &[]).fails(7).quiet();
    let expect = format!("inside\nnew\n{}", fs::read_to_string("/etc/hostname").unwrap());
    assert_eq!(fs::read_to_string(volume.join("out")).unwrap(), expect);
    lab.assert_clean();
}

/// Runs it to its end with a pipe for what the container says; the value gives the next number in it.
fn piped(call: Call) -> impl FnMut() -> u32 {
    let (reader, writer) = std::io::pipe().unwrap();
    let started = call.fd(writer.try_clone().unwrap(), 1).fd(writer, 2).spawn();
    started.wait().code_is(0);
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(reader));
    move || loop {
        let line = lines.next().expect("the pipe is open").unwrap();
        if let Ok(number) = line.parse() {
            return number;
        }
    }
}

#[test]
fn a_user_namespace_comes_back() {
    needs_criu!();
    let lab = Lab::new();
    let mut bundle = counting(&lab);
    spec::add_user_namespace(&mut bundle.config);
    // criu reads images as the container's root, and files that it inherits are opened again as such.
    fs::create_dir(images(&lab)).unwrap();
    fs::set_permissions(images(&lab), fs::Permissions::from_mode(0o711)).unwrap();
    let c = lab.container(&bundle);
    let mut next = piped(c.on_bundle("run", &["--detach"]));
    while next() < 3 {}
    save(&lab, &c, &images(&lab), &[]);
    let mut next = piped(call(&lab, &c, "restore", &images(&lab), &["--detach"]));
    assert!(next() > 3);
    let map = fs::read_to_string(format!("/proc/{}/uid_map", c.pid())).unwrap();
    assert!(map.split_whitespace().eq(["0", "100000", "65536"]), "{map}");
}

#[test]
fn the_network_of_another_is_joined_again() {
    needs_criu!();
    let lab = Lab::new();
    let other = lab.waiting();
    let mut bundle = counting(&lab);
    let path = format!("/proc/{}/ns/net", other.pid());
    spec::set_namespace(&mut bundle.config, json!({"type": "network", "path": path}));
    let c = lab.container(&bundle);
    let out = c.run_waiting();
    eventually("it counts", || last(&out.stdout_now()) > 3);
    save(&lab, &c, &images(&lab), &[]);
    let before = last(&out.stdout_now());
    let back = bring_back(&lab, &c, &images(&lab), &["--detach"]);
    eventually("it counts again", || last(&back.stdout_now()) > before);
    assert_eq!(namespace(c.pid(), "net"), namespace(other.pid(), "net"));
    assert_ne!(namespace(c.pid(), "ipc"), namespace(other.pid(), "ipc"));
}

#[test]
fn a_pipe_becomes_the_callers() {
    needs_criu!();
    let lab = Lab::new();
    let c = lab.container(&counting(&lab));
    let mut next = piped(c.on_bundle("run", &["--detach"]));
    while next() < 3 {}
    save(&lab, &c, &images(&lab), &[]);
    let list = fs::read_to_string(images(&lab).join("descriptors.json")).unwrap();
    assert!(list.contains("\"pipe:["), "{list}");
    let mut next = piped(call(&lab, &c, "restore", &images(&lab), &["--detach"]));
    assert!(next() > 3);
}

#[test]
fn a_terminal_is_handed_on_again() {
    needs_criu!();
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["terminal"] = json!(true);
    bundle.shell("a=1; echo ready; while read line; do echo $a $line; a=$((a + 1)); done");
    let c = lab.container(&bundle);
    let path = lab.dir().join("console.sock");
    let terminal = |call: Call| {
        let socket = Socket::listen(&path);
        let out = call.args(["--console-socket", path.to_str().unwrap()]);
        let out = out.arg(c.id());
        out.ok().quiet();
        let master = Master::new(socket.receive().1);
        let _ = fs::remove_file(&path);
        master
    };
    let mut first = terminal(lab.oci(["run", "--detach", "--bundle"]).arg(c.bundle()));
    first.expect("ready");
    first.type_in("one\n");
    first.expect("1 one");
    save(&lab, &c, &images(&lab), &[]);
    let back = lab.oci(["restore", "--detach", "--image-path"]).arg(images(&lab));
    let mut second = terminal(back.arg("--bundle").arg(c.bundle()));
    second.type_in("two\n");
    second.expect("2 two");
}

#[test]
fn a_connection_goes_on() {
    needs_criu!();
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    // Both ends are inside: what is written at one comes out at the other.
    bundle.args(&["/bin/guest", "converse"]);
    let c = lab.container(&bundle);
    let out = c.run_waiting();
    eventually("it counts", || last(&out.stdout_now()) > 3);
    call(&lab, &c, "checkpoint", &images(&lab), &[]).fails(1).one_line().says("dump.log");
    assert_eq!(c.status(), "running");
    save(&lab, &c, &images(&lab), &["--tcp-established"]);
    let before = last(&out.stdout_now());
    let back = bring_back(&lab, &c, &images(&lab), &["--detach", "--tcp-established"]);
    eventually("it counts again", || last(&back.stdout_now()) > before + 3);
}

#[test]
fn images_that_are_none_are_an_error() {
    needs_criu!();
    let lab = Lab::new();
    let c = lab.container(&counting(&lab));
    fs::create_dir(images(&lab)).unwrap();
    fs::write(images(&lab).join("descriptors.json"), "[]").unwrap();
    let out = call(&lab, &c, "restore", &images(&lab), &[]).fails(1).one_line();
    out.says("restore: criu failed").says("restore.log").says("Error (criu/");
    lab.assert_clean();
}
