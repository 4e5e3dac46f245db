//! An ordinary user with a systemd of the user's own, which has a part of the cgroup tree:
//! limits that the runtime sets there itself, and limits that it asks that systemd for.

use ocinit_tests::user::{self, User};
use ocinit_tests::{Bundle, Call, Lab, cgroups, eventually, json, oci, spec};
use std::fs;

ocinit_tests::isolate!();

const DRIVERS: [&[&str]; 2] = [&[], &["--systemd-cgroup"]];

struct Session {
    lab: Lab,
    user: User,
    bundle: Bundle,
}

/// A service that has a part of the tree for others, and only waits in a cgroup aside.
const KEEPER: &str = r#"
    cgroup=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)
    mkdir $cgroup/aside && echo $$ >$cgroup/aside/cgroup.procs && exec sleep 1000"#;

/// None where the user has no systemd.
fn session() -> Option<Session> {
    let user = user::bare();
    user.session()?;
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let c = &mut bundle.config;
    spec::drop_namespace(c, "network");
    spec::set_namespace(c, json!({"type": "user"}));
    c["linux"]["uidMappings"] = json!([{"containerID": 0, "hostID": user.uid, "size": 1}]);
    c["linux"]["gidMappings"] = json!([{"containerID": 0, "hostID": user.gid, "size": 1}]);
    spec::drop_mount(c, "/dev/pts");
    spec::drop_mount(c, "/sys");
    spec::drop_mount(c, "/sys/fs/cgroup");
    c["linux"]["resources"] = json!({
        "memory": {"limit": 50_331_648}, "pids": {"limit": 20},
        "cpu": {"quota": 25_000, "period": 50_000},
    });
    bundle.waits();
    user.directory(lab.state_root());
    Some(Session { lab, user, bundle })
}

impl Session {
    /// A call by the user of a program of systemd.
    fn program(&self, path: &str, args: &[&str]) -> Call {
        let call = self.lab.program(path.as_ref()).arg("--user").args(args);
        call.user(&self.user)
    }

    /// A call of the binary by the user, from that user's systemd.
    fn call(&self, driver: &[&str], args: &[&str]) -> Call {
        let call = self.program("/usr/bin/systemd-run", &["--scope", "--quiet", "--"]);
        let call = call.arg(oci::find_binary().unwrap());
        call.arg("--root").arg(self.lab.state_root()).args(driver).args(args)
    }

    /// Starts a service with a part of the tree; its path.
    fn delegated(&self, unit: &str) -> String {
        let flags = ["--quiet", "--property=Delegate=yes", "--unit", unit, "sh", "-c", KEEPER];
        self.program("/usr/bin/systemd-run", &flags).ok();
        let show = ["show", "--property=ControlGroup", "--value", unit];
        let path = self.program("/usr/bin/systemctl", &show).ok().stdout.trim().to_string();
        let aside = format!("/sys/fs/cgroup{path}/aside/cgroup.procs");
        eventually("it waits", || fs::read_to_string(&aside).is_ok_and(|t| !t.is_empty()));
        path
    }
}

#[test]
fn limits_are_set_changed_and_kept() {
    for driver in DRIVERS {
        let Some(mut s) = session() else {
            ocinit_tests::skip!("the user has no systemd here");
        };
        let id = s.lab.id();
        let unit = format!("part-of-{id}");
        if driver.is_empty() {
            let path = format!("{}/{id}", s.delegated(&unit));
            s.bundle.config["linux"]["cgroupsPath"] = json!(path);
        }
        s.bundle.save();
        s.user.take(s.bundle.dir());
        let bundle = s.bundle.dir().to_str().unwrap();
        s.call(driver, &["run", "--detach", "--bundle", bundle, &id]).ok();
        let state = s.call(driver, &["state", &id]).ok().json();
        let tree = cgroups::hierarchies().into_iter().find(|h| h.unified()).unwrap();
        let dir = tree.directory_of(state["pid"].as_i64().unwrap() as i32).unwrap();
        let own = format!("user@{}.service", s.user.uid);
        assert!(dir.to_string_lossy().contains(&own), "{}", dir.display());
        assert!(dir.to_string_lossy().contains(&id), "{}", dir.display());
        let has = |file: &str, value: &str| {
            let text = fs::read_to_string(dir.join(file)).unwrap();
            assert_eq!(text.trim(), value, "{driver:?}: {file}");
        };
        has("memory.max", "50331648");
        has("pids.max", "20");
        has("cpu.max", "25000 50000");
        let hog = ["exec", &id, "dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"];
        s.call(driver, &hog).fails(137);
        s.call(driver, &["update", "--memory", "67108864", "--pids-limit", "30", &id]).ok();
        has("memory.max", "67108864");
        has("pids.max", "30");
        s.call(driver, &["pause", &id]).ok();
        assert_eq!(s.call(driver, &["state", &id]).ok().json()["status"], "paused");
        s.call(driver, &["resume", &id]).ok();
        s.call(driver, &["delete", "--force", &id]).ok();
        assert!(!dir.exists(), "{} is left", dir.display());
        if driver.is_empty() {
            s.program("/usr/bin/systemctl", &["stop", &unit]).ok();
        }
        s.lab.assert_clean();
    }
}

#[test]
fn what_is_not_delegated_is_an_error_that_names_it() {
    let Some(mut s) = session() else {
        ocinit_tests::skip!("the user has no systemd here");
    };
    // Nobody's but root's.
    let id = s.lab.id();
    s.bundle.config["linux"]["cgroupsPath"] = json!(format!("/system.slice/{id}"));
    s.bundle.save();
    s.user.take(s.bundle.dir());
    let bundle = s.bundle.dir().to_str().unwrap();
    let out = s.call(&[], &["run", "--bundle", bundle, &id]).fails(1).one_line();
    out.says("system.slice").says("a limit needs a delegated cgroup");
    s.lab.assert_clean();
}
