//! Create, start, state, list, delete: the states of a container and what is said about them.

use ocinit_tests::{Lab, cgroups, eventually, json};
use std::fs;

ocinit_tests::isolate!();

#[test]
fn a_container_goes_through_its_states() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let out = c.create().quiet();
    assert_eq!(c.status(), "created");
    assert_eq!(out.stdout_now(), "", "the program does not run before start");
    c.start().quiet();
    assert_eq!(c.status(), "running");
    eventually("ready", || out.stdout_now().contains("ready"));
    c.kill("TERM").quiet();
    c.wait_for("stopped");
    assert_eq!(c.state()["pid"], json!(0));
    c.delete().quiet();
    c.call("state", &[]).fails(1).says("does not exist").one_line();
    lab.assert_clean();
}

#[test]
fn state_has_the_shape_that_engines_read() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.waits().config["annotations"] = json!({"org.example.key": "a value"});
    let c = lab.container(&bundle);
    c.create();
    let out = c.call("state", &[]).ok().quiet();
    let state = out.json();
    assert_eq!(state["id"], json!(c.id()));
    assert_eq!(state["status"], "created");
    assert_eq!(state["bundle"], json!(bundle.dir()));
    assert_eq!(state["rootfs"], json!(bundle.rootfs("").to_str().unwrap().trim_end_matches('/')));
    assert_eq!(state["owner"], "");
    assert_eq!(state["annotations"]["org.example.key"], "a value");
    assert!(state["ociVersion"].as_str().unwrap().starts_with("1."), "{state}");
    let created = state["created"].as_str().unwrap();
    assert!(
        created.starts_with("20") && created.ends_with('Z') && created.contains('T'),
        "{created}"
    );
    let pid = state["pid"].as_i64().unwrap();
    let info = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap();
    assert!(info.contains(lab.dir().to_str().unwrap()), "pid is not the init's: {info}");
    assert!(
        out.stdout.starts_with("{\n  \"ociVersion\""),
        "2 spaces, version first: {}",
        out.stdout
    );
    assert!(!out.stdout.ends_with('\n'), "no newline at the end");
}

#[test]
fn start_works_only_once() {
    let lab = Lab::new();
    let c = lab.created();
    c.start();
    c.call("start", &[]).fails(1).says("cannot start an already running container").one_line();
    assert_eq!(c.status(), "running", "a refused start changes nothing");
    c.kill("KILL");
    c.wait_for("stopped");
    c.call("start", &[]).fails(1).says("cannot start a container that has stopped").one_line();
}

#[test]
fn delete_refuses_a_running_container() {
    let lab = Lab::new();
    let c = lab.waiting();
    let text = format!("cannot delete container {} that is not stopped: running", c.id());
    c.call("delete", &[]).fails(1).says(&text).one_line();
    assert_eq!(c.status(), "running", "a refused delete changes nothing");
    c.delete_force().quiet();
    lab.assert_clean();
}

#[test]
fn delete_takes_a_created_container() {
    let lab = Lab::new();
    let c = lab.created();
    c.delete().quiet();
    lab.assert_clean();
}

#[test]
fn delete_of_a_missing_container_fails_unless_forced() {
    let lab = Lab::new();
    fs::create_dir(lab.state_root()).unwrap();
    lab.oci(["delete", "nobody"]).fails(1).says("does not exist").one_line();
    lab.oci(["delete", "--force", "nobody"]).ok().quiet();
    lab.oci(["delete", "-f", "nobody"]).ok().quiet();
}

#[test]
fn delete_takes_several_ids() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let (a, b) = (lab.container(&bundle), lab.container(&bundle));
    a.create();
    b.run_waiting();
    let out = lab.oci(["delete", a.id(), b.id()]).fails(1).one_line();
    assert!(out.stderr.contains(b.id()), "the one that runs: {}", out.stderr);
    assert_eq!(lab.oci(["list", "-q"]).ok().stdout, format!("{}\n", b.id()), "the other is gone");
    a.create();
    lab.oci(["delete", "--force", a.id(), b.id()]).ok().quiet();
    lab.assert_clean();
}

#[test]
fn state_tells_that_a_container_is_being_created() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let go = lab.dir().join("go");
    let script = format!("while ! test -e {}; do sleep 0.05; done", go.display());
    let hook = json!({"path": "/bin/sh", "args": ["sh", "-c", script]});
    bundle.waits().config["hooks"] = json!({"createRuntime": [hook]});
    let c = lab.container(&bundle);
    let create = c.on_bundle("create", &[]).spawn();
    eventually("it is known", || c.call("state", &[]).run().code == 0);
    assert_eq!(c.status(), "creating");
    // Refused, or done when the other is ready: but never half.
    let start = c.call("start", &[]).spawn();
    fs::write(go, "").unwrap();
    create.wait().code_is(0);
    let expected = if start.wait().code == 0 { "running" } else { "created" };
    assert_eq!(c.status(), expected);
}

#[test]
fn every_command_knows_a_missing_container() {
    let lab = Lab::new();
    fs::create_dir(lab.state_root()).unwrap();
    for command in ["state", "start", "kill", "pause", "resume", "ps"] {
        lab.oci([command, "nobody"]).fails(1).says("does not exist").one_line();
    }
    lab.oci(["exec", "nobody", "true"]).fails(255).says("does not exist").one_line();
}

#[test]
fn an_id_in_use_is_refused() {
    let lab = Lab::new();
    let c = lab.created();
    let pid = c.pid();
    for command in ["create", "run"] {
        c.on_bundle(command, &[])
            .fails(1)
            .says("container with given ID already exists")
            .one_line();
    }
    assert_eq!((c.status().as_str(), c.pid()), ("created", pid), "the first one is untouched");
}

#[test]
fn two_containers_of_one_bundle_are_apart() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let (a, b) = (lab.container(&bundle), lab.container(&bundle));
    a.run_waiting();
    b.run_waiting();
    assert_ne!(a.pid(), b.pid());
    a.delete_force();
    assert_eq!(b.status(), "running");
}

#[test]
fn flags_may_stand_before_or_after_the_id() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let pid_file = lab.dir().join("pid");
    lab.oci(["create", c.id(), "--bundle"])
        .arg(bundle.dir())
        .arg(format!("--pid-file={}", pid_file.display()))
        .ok();
    assert_eq!(fs::read_to_string(&pid_file).unwrap(), c.pid().to_string());
    lab.oci(["delete", c.id(), "--force"]).ok();
    lab.oci(["create", "-bundle"])
        .arg(bundle.dir())
        .args(["-pid-file"])
        .arg(&pid_file)
        .arg(c.id())
        .ok();
    lab.oci(["delete", "-force", c.id()]).ok();
    lab.oci(["create", "-b"]).arg(bundle.dir()).arg(c.id()).ok();
    c.delete();
    lab.assert_clean();
}

#[test]
fn the_bundle_is_the_working_directory_when_not_named() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/echo", "hello"]);
    let c = lab.container(&bundle);
    let out = lab.oci(["run", c.id()]).cwd(bundle.dir()).ok();
    assert_eq!(out.stdout, "hello\n");
}

#[test]
fn a_relative_bundle_is_stored_as_absolute() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let name = bundle.dir().file_name().unwrap();
    lab.oci(["create", "--bundle"]).arg(name).arg(c.id()).cwd(lab.dir()).ok();
    assert_eq!(c.state()["bundle"], json!(bundle.dir()));
}

#[test]
fn changes_of_the_document_after_create_have_no_effect() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/echo", "first"]);
    let c = lab.container(&bundle);
    let out = c.create();
    bundle.args(&["/bin/echo", "second"]).save();
    c.start();
    c.wait_for("stopped");
    assert_eq!(out.stdout_now(), "first\n");
}

#[test]
fn a_frozen_container_is_paused() {
    let lab = Lab::new();
    let c = lab.waiting();
    let frozen = ocinit_tests::cgroups::freeze(c.pid());
    c.wait_for("paused");
    drop(frozen);
    c.wait_for("running");
}

#[test]
fn a_zombie_init_counts_as_stopped() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    // A parent that adopts the init and never reaps it.
    let script = r#""$@" || exit 1; exec sleep 60"#;
    let parent = lab
        .program("/bin/sh".as_ref())
        .args(["-c", script, "sh"])
        .arg(ocinit_tests::oci::find_binary().unwrap())
        .arg("--root")
        .arg(lab.state_root())
        .args(["run", "--detach", "--bundle"])
        .arg(bundle.dir())
        .arg(c.id())
        .subreaper()
        .spawn();
    eventually("the guest is ready", || parent.stdout().contains("ready"));
    // As long as it is a shell, it reaps whatever ends.
    eventually("the parent has stopped reaping", || {
        let name = fs::read_to_string(format!("/proc/{}/comm", parent.pid()));
        name.is_ok_and(|name| name == "sleep\n")
    });
    let pid = c.pid();
    c.kill("KILL");
    eventually("a zombie", || {
        fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z")
    });
    assert_eq!(c.status(), "stopped");
    c.delete();
    parent.kill();
    lab.assert_clean();
}

#[test]
fn the_state_survives_without_the_bundle() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    c.run_waiting();
    fs::remove_file(bundle.dir().join("config.json")).unwrap();
    assert_eq!(c.status(), "running");
    c.kill("TERM");
    c.wait_for("stopped");
    c.delete();
    lab.assert_clean();
}

#[test]
fn leftovers_without_a_state_are_deleted() {
    let lab = Lab::new();
    let id = lab.id();
    fs::create_dir_all(lab.state_root().join(&id)).unwrap();
    lab.oci(["delete", "--force", &id]).ok();
    lab.assert_clean();
}

#[test]
fn the_pid_file_has_digits_only() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let file = lab.dir().join("init.pid");
    c.on_bundle("create", &["--pid-file", file.to_str().unwrap()]).ok();
    assert_eq!(fs::read_to_string(&file).unwrap(), c.pid().to_string());
}

#[test]
fn relative_paths_are_those_of_the_caller() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let name = bundle.dir().file_name().unwrap();
    let run = [
        "--root",
        "state",
        "--log",
        "my.log",
        "run",
        "--detach",
        "--pid-file",
        "my.pid",
        "--bundle",
    ];
    lab.bare().args(run).arg(name).arg(c.id()).cwd(lab.dir()).ok();
    assert_eq!(fs::read_to_string(lab.dir().join("my.pid")).unwrap(), c.pid().to_string());
    assert!(lab.dir().join("my.log").is_file());
    assert_eq!(c.status(), "running");
}

#[test]
fn an_id_may_have_any_good_character() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/true"]).save();
    // The first would be no name of a systemd unit.
    let first = usize::from(cgroups::by_systemd());
    for id in &["A_1+2.b-3", "a", "A_1.b-3", "-x", "--", "x.y"][first..] {
        let id = format!("{}{id}", lab.tag());
        lab.oci(["run", "--bundle"]).arg(bundle.dir()).arg(&id).ok();
    }
    lab.assert_clean();
}

/// For an engine that has started it, it is a container that has run and failed: with a
/// status to restart it by, and the reason in its log.
#[test]
fn a_file_that_is_no_program_fails_as_a_program() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    for (script, said) in
        [(&b"\x01junk"[..], "exec format error"), (b"#!/no/such/interpreter\n", "no such file")]
    {
        bundle.program("/bin/junk", script);
        bundle.args(&["/bin/junk"]);
        let c = lab.container(&bundle);
        let created = c.create();
        c.start().quiet();
        c.wait_for("stopped");
        let said_by_it = created.stderr_now();
        assert!(said_by_it.starts_with("exec \"/bin/junk\": "), "{said_by_it}");
        assert!(said_by_it.contains(said) && said_by_it.ends_with('\n'), "{said_by_it}");
        c.delete();
    }
    lab.assert_clean();
}
