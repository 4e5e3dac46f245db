//! As an ordinary user: id maps, state, limits that cannot be set.

use ocinit_tests::terminal::Session;
use ocinit_tests::user::{self, User};
use ocinit_tests::{Bundle, Call, Lab, Value, cgroups, eventually, json, mountinfo, oci, spec};
use std::fs;

ocinit_tests::isolate!();

/// A lab whose bundle and state directory are an ordinary user's.
struct Rootless {
    lab: Lab,
    user: User,
    bundle: Bundle,
    id: String,
}

impl Rootless {
    fn new(user: User) -> Rootless {
        let lab = Lab::new();
        let mut bundle = lab.bundle();
        rootless(&mut bundle.config, &user);
        user.directory(lab.state_root());
        let id = lab.id();
        Rootless { lab, user, bundle, id }
    }

    /// A call of the binary as the user.
    fn call(&self, args: &[&str]) -> Call {
        self.lab.oci(args).user(&self.user)
    }

    /// A call of `command` on the bundle and the id.
    fn on_bundle(&self, command: &str, flags: &[&str]) -> Call {
        self.bundle.save();
        self.user.take(self.bundle.dir());
        self.call(&[command, "--bundle"]).arg(self.bundle.dir()).args(flags).arg(&self.id)
    }

    fn report(&self) -> Value {
        self.on_bundle("run", &[]).ok().quiet().json()
    }

    fn state(&self) -> Value {
        self.call(&["state", &self.id]).ok().json()
    }
}

/// What `spec --rootless` changes.
fn rootless(config: &mut Value, user: &User) {
    spec::drop_namespace(config, "network");
    spec::drop_namespace(config, "cgroup");
    spec::set_namespace(config, json!({"type": "user"}));
    config["linux"]["uidMappings"] = json!([{"containerID": 0, "hostID": user.uid, "size": 1}]);
    config["linux"]["gidMappings"] = json!([{"containerID": 0, "hostID": user.gid, "size": 1}]);
    config["linux"].as_object_mut().unwrap().remove("resources");
    spec::drop_mount(config, "/sys/fs/cgroup");
    spec::drop_mount(config, "/sys");
    spec::add_mount(
        config,
        json!({"destination": "/sys", "type": "none", "source": "/sys",
        "options": ["rbind", "nosuid", "noexec", "nodev", "ro"]}),
    );
    let pts = config["mounts"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .find(|m| m["destination"] == "/dev/pts");
    pts.unwrap()["options"].as_array_mut().unwrap().retain(|o| o != "gid=5");
}

/// The subordinate range of the user.
fn map_range(config: &mut Value, user: &User) {
    let range = fs::read_to_string("/etc/subuid").unwrap();
    let line = range.lines().find(|l| l.starts_with(&format!("{}:", user.name))).unwrap();
    let start: u32 = line.split(':').nth(1).unwrap().parse().unwrap();
    for (key, own) in [("uidMappings", user.uid), ("gidMappings", user.gid)] {
        config["linux"][key] = json!([
            {"containerID": 0, "hostID": own, "size": 1},
            {"containerID": 1, "hostID": start, "size": 60_000},
        ]);
    }
}

#[test]
fn root_inside_is_the_user_outside() {
    for user in [user::bare(), user::with_subids()] {
        let mut r = Rootless::new(user);
        let report = r.report();
        assert_eq!(report["uid"], json!([0, 0, 0, 0]));
        assert_eq!(report["gid"], json!([0, 0, 0, 0]));
        assert_eq!(report["setgroups"], "deny");
        assert_eq!(report["pid"], 1);
        assert_eq!(report["hostname"], "guest");
        let map: Vec<&str> = report["uid_map"][0].as_str().unwrap().split_whitespace().collect();
        assert_eq!(map, ["0", &r.user.uid.to_string(), "1"]);
        assert_eq!(report["dev"]["null"]["minor"], 3);
        r.lab.assert_clean();

        r.bundle.waits();
        r.on_bundle("run", &["--detach"]).ok();
        let pid = r.state()["pid"].clone();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = format!("Uid:\t{0}\t{0}\t{0}\t{0}\n", r.user.uid);
        assert!(status.contains(&line), "{status}");
        r.call(&["delete", "--force", &r.id]).ok();
        r.lab.assert_clean();
    }
}

#[test]
fn the_whole_life_cycle_works() {
    let mut r = Rootless::new(user::bare());
    r.bundle.waits();
    let out = r.on_bundle("create", &[]).ok().quiet();
    assert_eq!(r.state()["status"], "created");
    r.call(&["start", &r.id]).ok().quiet();
    eventually("ready", || out.stdout_now().contains("ready"));
    let list = r.call(&["list", "-f", "json"]).ok().json();
    assert_eq!(list[0]["id"], json!(r.id));
    assert_eq!(list[0]["owner"], json!(r.user.name));
    let report = r.call(&["exec", &r.id, "/bin/guest", "report"]).ok().quiet().json();
    assert_eq!(report["uid"], json!([0, 0, 0, 0]));
    r.call(&["kill", &r.id, "TERM"]).ok();
    eventually("stopped", || r.state()["status"] == "stopped");
    r.call(&["delete", &r.id]).ok().quiet();
    r.lab.assert_clean();
}

#[test]
fn the_exit_status_is_the_programs() {
    let mut r = Rootless::new(user::bare());
    r.bundle.args(&["/bin/guest", "exit", "42"]);
    r.on_bundle("run", &[]).fails(42).quiet();
    r.lab.assert_clean();
}

#[test]
fn subordinate_ids_are_mapped_by_the_helpers() {
    let mut r = Rootless::new(user::with_subids());
    map_range(&mut r.bundle.config, &r.user);
    r.bundle.config["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    let report = r.report();
    assert_eq!(report["uid"], json!([1000, 1000, 1000, 1000]));
    assert_eq!(report["uid_map"].as_array().unwrap().len(), 2);
    assert_eq!(report["gid_map"].as_array().unwrap().len(), 2);
    assert!(report["gid_map"][0].as_str().unwrap().contains(&r.user.gid.to_string()));
    r.lab.assert_clean();
}

#[test]
fn without_the_helpers_one_id_still_works() {
    let mut r = Rootless::new(user::with_subids());
    let path = "/no/such/dir";
    r.on_bundle("run", &[]).env("PATH", path).ok().quiet();
    map_range(&mut r.bundle.config, &r.user);
    let out = r.on_bundle("run", &[]).env("PATH", path).fails(1).one_line();
    assert!(out.stderr.contains("newuidmap"), "names what is missing: {}", out.stderr);
    r.lab.assert_clean();
}

#[test]
fn a_map_that_the_user_may_not_have_is_refused() {
    let mut r = Rootless::new(user::bare());
    for key in ["uidMappings", "gidMappings"] {
        r.bundle.config["linux"][key] = json!([{"containerID": 0, "hostID": 0, "size": 1}]);
    }
    r.on_bundle("run", &[]).fails(1).one_line();
    for key in ["uidMappings", "gidMappings"] {
        r.bundle.config["linux"][key] =
            json!([{"containerID": 0, "hostID": 400_000, "size": 1000}]);
    }
    r.on_bundle("run", &[]).fails(1).one_line();
    r.lab.assert_clean();
}

#[test]
fn additional_groups_need_a_map_that_allows_them() {
    let mut r = Rootless::new(user::bare());
    r.bundle.config["process"]["user"]["additionalGids"] = json!([44]);
    r.on_bundle("run", &[]).fails(1).one_line();
    r.lab.assert_clean();
}

#[test]
fn an_id_that_is_not_mapped_is_refused() {
    let mut r = Rootless::new(user::bare());
    r.bundle.config["process"]["user"] = json!({"uid": 5, "gid": 0});
    r.on_bundle("run", &[]).fails(1).one_line();
    r.lab.assert_clean();
}

#[test]
fn a_limit_that_cannot_be_set_is_an_error() {
    let mut r = Rootless::new(user::bare());
    r.bundle.config["linux"]["resources"] = json!({"memory": {"limit": 50_000_000}});
    if cgroups::by_systemd() {
        ocinit_tests::skip!("systemd can set it");
    }
    let out = r.on_bundle("run", &[]).fails(1).one_line();
    assert!(out.stderr.contains("cgroup"), "{}", out.stderr);
    r.lab.assert_clean();
}

#[test]
fn of_v1_the_cgroups_of_the_caller_are_shown() {
    let Some(pids) = cgroups::v1("pids") else {
        ocinit_tests::skip!("no hierarchies of v1");
    };
    let mut r = Rootless::new(user::bare());
    let caller = pids.mount.join(format!("caller{}", r.lab.tag()));
    fs::create_dir(&caller).unwrap();
    // Root moves itself there, then becomes the user.
    let script = format!(
        r#"echo 0 >{}/cgroup.procs; exec setpriv --reuid {} --regid {} --clear-groups "$@""#,
        caller.display(),
        r.user.uid,
        r.user.gid
    );
    for (option, namespace) in [("rw", false), ("ro", false), ("rw", true)] {
        let config = &mut r.bundle.config;
        if namespace {
            spec::set_namespace(config, json!({"type": "cgroup"}));
        }
        spec::drop_mount(config, "/sys/fs/cgroup");
        let options = json!(["nosuid", "noexec", "nodev", "relatime", option]);
        let mount = json!({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
            "options": options});
        spec::add_mount(config, mount);
        r.bundle.save();
        r.user.take(r.bundle.dir());
        let call = r.lab.program("/bin/sh".as_ref()).args(["-c", &script, "sh"]);
        let call = call.arg(oci::find_binary().unwrap()).arg("--root").arg(r.lab.state_root());
        let report = call.args(["run", "--bundle"]).arg(r.bundle.dir()).arg(&r.id).ok().json();
        let shown = mountinfo::at(&report, "/sys/fs/cgroup/pids");
        let root = if namespace { "/".into() } else { format!("/caller{}", r.lab.tag()) };
        assert_eq!(shown.root, root, "{option}, a cgroup namespace: {namespace}");
        assert!(shown.options.contains(&option.to_string()), "{shown:?}");
    }
    fs::remove_dir(&caller).unwrap();
    r.lab.assert_clean();
}

#[test]
fn the_default_root_is_in_the_runtime_directory() {
    let r = Rootless::new(user::bare());
    let runtime_dir = r.lab.dir().join("xdg");
    r.user.directory(&runtime_dir);
    let mut bundle = r.lab.bundle();
    rootless(&mut bundle.config, &r.user);
    bundle.waits().save();
    r.user.take(bundle.dir());
    let call = |args: &[&str]| {
        r.lab.bare().args(args).user(&r.user).env("XDG_RUNTIME_DIR", &runtime_dir).cwd(bundle.dir())
    };
    call(&["run", "--detach", &r.id]).ok();
    let name = if oci::is_ocinit() { "ocinit" } else { "runc" };
    assert!(runtime_dir.join(name).join(&r.id).is_dir());
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(runtime_dir.join(name)).unwrap().permissions().mode();
    assert_eq!(mode & 0o1700, 0o1700, "sticky, against cleaners of old files: {mode:o}");
    call(&["delete", "--force", &r.id]).ok();
    assert!(!runtime_dir.join(name).join(&r.id).exists());
    r.lab.assert_clean();
}

#[test]
fn the_rootless_flag_is_taken() {
    let mut r = Rootless::new(user::bare());
    r.bundle.args(&["/bin/true"]).save();
    r.user.take(r.bundle.dir());
    for flag in ["--rootless=auto", "--rootless=true"] {
        r.call(&[flag, "run", "--bundle"]).arg(r.bundle.dir()).arg(&r.id).ok().quiet();
    }
    let call = r.call(&["--rootless=perhaps", "run", "--bundle"]);
    call.arg(r.bundle.dir()).arg(&r.id).fails(1).one_line();
    r.lab.assert_clean();
}

#[test]
fn a_shell_works_at_the_terminal() {
    let mut r = Rootless::new(user::bare());
    r.bundle.config["process"]["terminal"] = json!(true);
    r.bundle.config["process"]["env"] = json!(["PATH=/bin", "PS1=prompt> "]);
    r.bundle.args(&["sh"]);
    let mut s = Session::start(r.on_bundle("run", &[]), 24, 80);
    s.terminal.expect("prompt> ");
    s.terminal.type_in("id -u; exit 6\n");
    s.terminal.expect("\n0\r\n");
    s.wait().0.code_is(6);
    r.lab.assert_clean();
}

#[test]
fn in_a_user_namespace_its_root_is_an_ordinary_user_too() {
    let mut r = Rootless::new(user::bare());
    for key in ["uidMappings", "gidMappings"] {
        r.bundle.config["linux"][key] = json!([{"containerID": 0, "hostID": 0, "size": 1}]);
    }
    assert_eq!(report_of_its_root(&r)["uid"], json!([0, 0, 0, 0]));
    r.lab.assert_clean();
}

#[test]
fn in_a_user_namespace_a_new_network_is_made_without_a_way_back() {
    // The runtime has no rights in the network that it is in.
    let mut r = Rootless::new(user::bare());
    spec::drop_namespace(&mut r.bundle.config, "user");
    for key in ["uidMappings", "gidMappings"] {
        r.bundle.config["linux"].as_object_mut().unwrap().remove(key);
    }
    spec::set_namespace(&mut r.bundle.config, json!({"type": "network"}));
    let report = report_of_its_root(&r);
    assert_eq!(report["interfaces"], json!({"lo": "up"}));
    r.lab.assert_clean();
}

/// `run` as an engine has it: first a user namespace, in which it is root.
fn report_of_its_root(r: &Rootless) -> Value {
    r.bundle.save();
    r.user.take(r.bundle.dir());
    let unshare = r.lab.program("/usr/bin/unshare".as_ref());
    let unshare = unshare.args(["--user", "--map-root-user", "--mount"]);
    let runtime = unshare.arg(oci::find_binary().unwrap()).arg("--root").arg(r.lab.state_root());
    let run = runtime.args(["run", "--bundle"]).arg(r.bundle.dir()).arg(&r.id);
    run.user(&r.user).ok().json()
}
