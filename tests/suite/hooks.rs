//! Hooks: when each kind runs, with what, where, and what its failure does.

use ocinit_tests::container::own_namespace;
use ocinit_tests::{Bundle, Lab, Value, json, spec};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

ocinit_tests::isolate!();

const KINDS: [&str; 6] =
    ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

/// A bundle whose hooks write into a directory that is at the same path
/// inside and outside.
struct Hooked {
    bundle: Bundle,
    log: PathBuf,
}

impl Hooked {
    fn new(lab: &Lab) -> Hooked {
        let log = lab.dir().join("log");
        fs::create_dir(&log).unwrap();
        fs::write(log.join("order"), "").unwrap();
        let mut bundle = lab.bundle();
        let mount = json!({"destination": log, "type": "bind", "source": log, "options": ["bind"]});
        spec::add_mount(&mut bundle.config, mount);
        bundle.shell(&format!("echo program >> {}/order", log.display()));
        Hooked { bundle, log }
    }

    /// Adds a hook that runs this script.
    fn add(&mut self, kind: &str, script: &str) -> &mut Value {
        let hook = json!({"path": "/bin/sh", "args": ["sh", "-c", script]});
        let hooks = &mut self.bundle.config["hooks"];
        if !hooks[kind].is_array() {
            hooks[kind] = json!([]);
        }
        let list = hooks[kind].as_array_mut().unwrap();
        list.push(hook);
        list.last_mut().unwrap()
    }

    /// Adds a hook that writes down the order, its state, environment and namespaces.
    fn record(&mut self, kind: &str) {
        let dir = self.log.display();
        let script = format!(
            "cat > {dir}/{kind}.state; echo {kind} >> {dir}/order; env > {dir}/{kind}.env; \
             for n in mnt net uts pid; do readlink /proc/self/ns/$n; done > {dir}/{kind}.ns"
        );
        self.add(kind, &script);
    }

    fn order(&self) -> Vec<String> {
        let text = fs::read_to_string(self.log.join("order")).unwrap();
        text.lines().map(String::from).collect()
    }

    fn state(&self, kind: &str) -> Value {
        serde_json::from_str(&self.read(&format!("{kind}.state"))).unwrap()
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.log.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
    }
}

#[test]
fn the_kinds_run_in_the_specs_order() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    for kind in KINDS {
        h.record(kind);
    }
    h.bundle.shell(&format!("echo program >> {}/order; exec /bin/guest wait", h.log.display()));
    let c = lab.container(&h.bundle);
    let out = c.create().quiet();
    assert_eq!(h.order(), KINDS[..3], "at create");
    c.start().quiet();
    ocinit_tests::eventually("ready", || out.stdout_now().contains("ready"));
    let mut order = h.order();
    assert_eq!(order[3], "startContainer");
    // The program and poststart run side by side.
    order[4..].sort();
    assert_eq!(order[4..], ["poststart", "program"]);
    c.kill("KILL");
    c.wait_for("stopped");
    assert_eq!(h.order().len(), 6, "poststop waits for delete");
    c.delete().quiet();
    assert_eq!(h.order()[6], "poststop");
    lab.assert_clean();
}

#[test]
fn run_has_them_all_too() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    for kind in KINDS {
        h.record(kind);
    }
    h.bundle.shell(&format!("echo program >> {}/order; sleep 0.3", h.log.display()));
    lab.container(&h.bundle).run().quiet();
    let mut order = h.order();
    order[4..6].sort();
    let expected = [
        "prestart",
        "createRuntime",
        "createContainer",
        "startContainer",
        "poststart",
        "program",
        "poststop",
    ];
    assert_eq!(order, expected);
}

#[test]
fn the_state_is_on_their_stdin() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    for kind in KINDS {
        h.record(kind);
    }
    h.bundle.config["annotations"] = json!({"a.key": "value"});
    h.bundle.waits();
    let c = lab.container(&h.bundle);
    c.create();
    let pid = c.pid();
    c.start();
    c.kill("KILL");
    c.wait_for("stopped");
    c.delete();
    let expected = [
        ("prestart", "creating", Some(pid)),
        ("createRuntime", "creating", Some(pid)),
        ("createContainer", "creating", Some(1)),
        ("startContainer", "created", Some(1)),
        ("poststart", "running", Some(pid)),
        ("poststop", "stopped", None),
    ];
    for (kind, status, pid) in expected {
        let state = h.state(kind);
        assert_eq!(state["id"], json!(c.id()), "{kind}");
        assert_eq!(state["status"], status, "{kind}");
        assert_eq!(state["bundle"], json!(h.bundle.dir()), "{kind}");
        assert_eq!(state["annotations"]["a.key"], "value", "{kind}");
        assert!(state["ociVersion"].as_str().unwrap().starts_with("1."), "{kind}");
        if let Some(pid) = pid {
            assert_eq!(state["pid"], json!(pid), "{kind}");
        }
    }
}

#[test]
fn they_run_in_the_runtimes_or_the_containers_namespaces() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    for kind in KINDS {
        h.record(kind);
    }
    h.bundle.waits();
    let c = lab.container(&h.bundle);
    c.create();
    let of = |pid: i32| {
        ["mnt", "net", "uts", "pid"].map(|n| ocinit_tests::container::namespace(pid, n)).join("\n")
    };
    let inside = of(c.pid());
    let outside = ["mnt", "net", "uts", "pid"].map(own_namespace).join("\n");
    c.start();
    c.delete_force();
    for kind in ["prestart", "createRuntime", "poststart", "poststop"] {
        assert_eq!(h.read(&format!("{kind}.ns")).trim(), outside, "{kind}");
    }
    for kind in ["createContainer", "startContainer"] {
        assert_eq!(h.read(&format!("{kind}.ns")).trim(), inside, "{kind}");
    }
}

#[test]
fn before_pivot_root_a_create_hook_sees_the_runtimes_files() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    let secret = lab.dir().join("only-outside");
    fs::write(&secret, "").unwrap();
    let script = |kind: &str, h: &Hooked| {
        format!("test -e {} && echo {kind} >> {}/order; true", secret.display(), h.log.display())
    };
    for kind in ["createRuntime", "createContainer", "startContainer"] {
        let script = script(kind, &h);
        h.add(kind, &script);
    }
    lab.container(&h.bundle).run();
    assert_eq!(h.order(), ["createRuntime", "createContainer", "program"]);
}

#[test]
fn at_create_runtime_the_namespaces_and_the_cgroup_are_there() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    let log = h.log.display().to_string();
    let script = format!(
        "pid=$(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p'); readlink /proc/$pid/ns/net > {log}/net; \
         readlink /proc/self/ns/net > {log}/own; cat /proc/$pid/cgroup > {log}/cgroup"
    );
    h.add("createRuntime", &script);
    h.bundle.waits();
    let c = lab.container(&h.bundle);
    c.create();
    assert_eq!(h.read("net").trim(), ocinit_tests::container::namespace(c.pid(), "net"));
    // The hook is in the runtime's, where that makes the container's, too.
    assert_eq!(h.read("own").trim(), ocinit_tests::container::own_namespace("net"));
    assert!(h.read("cgroup").contains(lab.tag()), "{}", h.read("cgroup"));
}

#[test]
fn arguments_and_environment_are_as_given() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    for kind in KINDS {
        h.record(kind);
        h.bundle.config["hooks"][kind][0]["env"] = json!(["PATH=/bin:/usr/bin", "HOOK=one two"]);
    }
    lab.container(&h.bundle).on_bundle("run", &[]).env("RUNTIME", "1").ok();
    for kind in KINDS {
        let env = h.read(&format!("{kind}.env"));
        let own = ["PWD=", "SHLVL=", "_=", "OLDPWD="];
        let mut seen: Vec<&str> =
            env.lines().filter(|l| !own.iter().any(|o| l.starts_with(o))).collect();
        seen.sort_unstable();
        assert_eq!(seen, ["HOOK=one two", "PATH=/bin:/usr/bin"], "{kind}");
    }
}

#[test]
fn a_start_container_hook_without_an_environment_has_the_processs() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    h.record("startContainer");
    h.bundle.config["process"]["env"] = json!(["PATH=/bin", "OF=process"]);
    lab.container(&h.bundle).run();
    assert!(h.read("startContainer.env").contains("OF=process"));
}

#[test]
fn hooks_of_the_runtimes_side_without_an_environment_have_the_runtimes() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    for kind in ["prestart", "createRuntime", "poststart", "poststop"] {
        h.record(kind);
    }
    lab.container(&h.bundle).on_bundle("run", &[]).env("RUNTIME", "here").ok();
    for kind in ["prestart", "createRuntime", "poststart", "poststop"] {
        assert!(h.read(&format!("{kind}.env")).contains("RUNTIME=here"), "{kind}");
    }
}

#[test]
fn hooks_of_a_kind_run_in_the_listed_order() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    let log = h.log.display().to_string();
    for kind in KINDS {
        for n in 1..=3 {
            h.add(kind, &format!("echo {kind}{n} >> {log}/order"));
        }
    }
    h.bundle.args(&["/bin/true"]);
    lab.container(&h.bundle).run();
    let expected: Vec<String> =
        KINDS.iter().flat_map(|k| (1..=3).map(move |n| format!("{k}{n}"))).collect();
    assert_eq!(h.order(), expected);
}

#[test]
fn a_hook_that_does_not_read_its_stdin_is_fine() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    // Larger than a pipe's buffer.
    h.bundle.config["annotations"] = json!({"big": "x".repeat(200_000)});
    for kind in KINDS {
        h.add(kind, "exec < /dev/null; true");
    }
    lab.container(&h.bundle).run().quiet();
}

#[test]
fn a_hook_that_talks_much_is_fine() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    for kind in KINDS {
        h.add(kind, "yes 0123456789 | head -c 300000; yes 0123456789 | head -c 300000 >&2");
    }
    let out = lab.container(&h.bundle).run().quiet();
    assert_eq!(out.stdout, "");
    assert_eq!(h.order(), ["program"]);
}

#[test]
fn a_failing_create_hook_fails_create_and_undoes_it() {
    for kind in ["prestart", "createRuntime", "createContainer"] {
        let lab = Lab::new();
        let mut h = Hooked::new(&lab);
        h.add(kind, "echo the reason >&2; exit 3");
        let log = h.log.display().to_string();
        h.add(kind, &format!("echo second >> {log}/order"));
        h.record("poststop");
        let c = lab.container(&h.bundle);
        c.on_bundle("create", &[]).fails(1).one_line();
        assert_eq!(h.order(), ["poststop"], "{kind}: the next hook and the program do not run");
        lab.assert_clean();
        c.on_bundle("run", &[]).fails(1).one_line();
        lab.assert_clean();
    }
}

#[test]
fn a_failing_start_container_hook_fails_start() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    h.add("startContainer", "exit 3");
    h.record("poststop");
    let c = lab.container(&h.bundle);
    c.create();
    c.call("start", &[]).fails(1).one_line();
    let state = c.call("state", &[]).run();
    if state.code == 0 {
        assert_eq!(state.json()["status"], "stopped");
        c.delete();
    }
    assert_eq!(h.order(), ["poststop"], "the program does not run");
    lab.assert_clean();
    lab.container(&h.bundle).on_bundle("run", &[]).fails(1);
    lab.assert_clean();
}

#[test]
fn a_failing_poststart_hook_is_an_error_and_ends_the_container() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    h.add("poststart", "exit 3");
    h.record("poststop");
    h.bundle.waits();
    let c = lab.container(&h.bundle);
    c.create();
    c.call("start", &[]).fails(1).one_line();
    let state = c.call("state", &[]).run();
    if state.code == 0 {
        c.wait_for("stopped");
        c.delete();
    }
    assert_eq!(h.order(), ["poststop"]);
    lab.assert_clean();
    lab.container(&h.bundle).on_bundle("run", &["--detach"]).fails(1).one_line();
    lab.assert_clean();
}

#[test]
fn a_failing_poststop_hook_only_warns() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    h.add("poststop", "exit 3");
    h.record("poststop");
    let c = lab.container(&h.bundle);
    let out = c.on_bundle("run", &[]).ok();
    assert!(!out.stderr.is_empty(), "a warning");
    assert_eq!(h.order(), ["program", "poststop"], "the others run all the same");
    lab.assert_clean();
}

#[test]
fn a_hook_that_takes_too_long_is_ended() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    h.add("createRuntime", "exec sleep 60")["timeout"] = json!(1);
    let start = Instant::now();
    lab.container(&h.bundle).on_bundle("create", &[]).fails(1).one_line();
    let took = start.elapsed();
    assert!(took > Duration::from_millis(900) && took < Duration::from_secs(10), "{took:?}");
    lab.assert_clean();
}

#[test]
fn a_hook_in_time_is_not_hurried() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    let log = h.log.display().to_string();
    h.add("createRuntime", &format!("sleep 0.5; echo slept >> {log}/order"))["timeout"] = json!(20);
    lab.container(&h.bundle).run();
    assert_eq!(h.order(), ["slept", "program"]);
}

#[test]
fn a_missing_hook_is_named() {
    let lab = Lab::new();
    let mut h = Hooked::new(&lab);
    h.bundle.config["hooks"] = json!({"createRuntime": [{"path": "/no/such/hook"}]});
    lab.container(&h.bundle).on_bundle("create", &[]).fails(1).one_line().says("/no/such/hook");
    lab.assert_clean();
}
