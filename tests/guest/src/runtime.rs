//! The runtime in the container of a board: the core of the integration tests
//! (life cycle, exec, hooks, mounts, capabilities, filters, user namespaces,
//! control groups), on the board's own kernel and architecture. It says what holds as `board` does.

use crate::board::check;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROOT: &str = "/tmp/state";

/// Everything; whether all of it holds.
pub fn core() -> bool {
    let bundle = match Bundle::new() {
        Ok(bundle) => bundle,
        Err(why) => return check("a bundle can be made", false, || why.to_string()),
    };
    let mut good = bundle.life_cycle();
    good &= bundle.statuses();
    good &= bundle.exec();
    good &= bundle.hooks();
    good &= bundle.mounts();
    good &= bundle.capabilities();
    good &= bundle.filters();
    good &= bundle.namespaces();
    good &= bundle.cgroups();
    good & bundle.refusals()
}

/// Runs the runtime; its status, and all that it said. That goes to a file: a
/// container that is left running would keep a pipe open.
fn oci(arguments: &[&str]) -> (i32, String) {
    let said = "/tmp/said";
    let status = fs::File::create(said).and_then(|file| {
        let mut command = Command::new("/bin/ocinit");
        command.stdout(file.try_clone()?).stderr(file).stdin(Stdio::null());
        command.args(["--root", ROOT]).args(arguments).status()
    });
    let text = String::from_utf8_lossy(&fs::read(said).unwrap_or_default()).into_owned();
    match status {
        Ok(status) => (status.code().unwrap_or(-1), text),
        Err(why) => (-1, why.to_string()),
    }
}

/// Wants this exit status.
fn ends(name: &str, arguments: &[&str], status: i32) -> bool {
    let (code, said) = oci(arguments);
    check(name, code == status, || format!("status {code}: {}", said.replace('\n', " ")))
}

/// Waits for the container's status.
fn becomes(name: &str, status: &str) -> bool {
    let begun = Instant::now();
    loop {
        let (_, said) = oci(&["state", "c"]);
        let state: Value = serde_json::from_str(&said).unwrap_or_default();
        if state["status"] == status {
            return check(name, true, String::new);
        }
        if begun.elapsed() > Duration::from_secs(20) {
            return check(name, false, || said.replace('\n', " "));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether `events` tells that the kernel has killed for want of memory.
fn out_of_memory() -> bool {
    let name = "events tell of want of memory";
    let told = "/tmp/told";
    let watcher = fs::File::create(told).and_then(|file| {
        let mut command = Command::new("/bin/ocinit");
        command.args(["--root", ROOT, "events", "--interval", "100ms", "c"]);
        command.stdin(Stdio::null()).stdout(file).spawn()
    });
    let Ok(mut watcher) = watcher else { return check(name, false, String::new) };
    let says = |text: &str| {
        let begun = Instant::now();
        let mut found = false;
        while !found && begun.elapsed() < Duration::from_secs(20) {
            found = fs::read_to_string(told).unwrap_or_default().contains(text);
            std::thread::sleep(Duration::from_millis(20));
        }
        found
    };
    // It watches from its first statistics on.
    let watches = says("\"stats\"");
    let (code, _) = oci(&["exec", "c", "/bin/guest", "eat", "64"]);
    let good = watches && code == 137 && says("\"oom\"");
    let _ = watcher.kill();
    let _ = watcher.wait();
    check(name, good, || format!("status {code}, {:?}", fs::read_to_string(told)))
}

struct Bundle(PathBuf);

impl Bundle {
    /// A root file system with us in it.
    fn new() -> std::io::Result<Bundle> {
        let dir = PathBuf::from("/tmp/bundle");
        for part in ["bin", "dev", "proc", "sys", "tmp", "data"] {
            fs::create_dir_all(dir.join("rootfs").join(part))?;
        }
        let guest = dir.join("rootfs/bin/guest");
        fs::copy("/bin/guest", &guest)?;
        fs::set_permissions(guest, fs::Permissions::from_mode(0o755))?;
        fs::create_dir_all("/tmp/source")?;
        fs::write("/tmp/source/file", "shown")?;
        Ok(Bundle(dir))
    }

    /// Writes the configuration of a container with these arguments, changed.
    fn with(&self, arguments: &[&str], change: impl FnOnce(&mut Value)) {
        let few = json!(["CAP_KILL", "CAP_CHOWN"]);
        let mut config = json!({
            "ociVersion": "1.3.0",
            "hostname": "inner",
            "root": {"path": "rootfs"},
            "process": {
                "user": {"uid": 0, "gid": 0}, "cwd": "/", "args": arguments,
                "env": ["PATH=/bin", "BOARD=yes"],
                "capabilities": {"bounding": few, "effective": few, "permitted": few},
            },
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
            ],
            "linux": {"namespaces": [
                {"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"},
                {"type": "network"},
            ]},
        });
        change(&mut config);
        let written = fs::write(self.0.join("config.json"), config.to_string());
        if let Err(why) = written {
            check("config.json can be written", false, || why.to_string());
        }
    }

    fn bundle(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Runs the container to its end and reads the report of its program.
    fn report(&self, name: &str, change: impl FnOnce(&mut Value)) -> Value {
        self.with(&["/bin/guest", "report"], change);
        let (_, said) = oci(&["run", "-b", self.bundle(), "c"]);
        let report: Value = serde_json::from_str(&said).unwrap_or_default();
        check(name, report.is_object(), || said.replace('\n', " "));
        report
    }

    /// What a probe in a container says.
    fn report_of(&self, probe: &str, change: impl FnOnce(&mut Value)) -> Value {
        self.with(&["/bin/guest", "probe", probe], change);
        let (_, said) = oci(&["run", "-b", self.bundle(), "c"]);
        let report: Value = serde_json::from_str(&said).unwrap_or_default();
        report[probe].clone()
    }

    fn life_cycle(&self) -> bool {
        self.with(&["/bin/guest", "wait"], |_| ());
        let mut good = ends("create", &["create", "-b", self.bundle(), "c"], 0);
        good &= becomes("it is created", "created");
        good &= ends("its id is taken", &["create", "-b", self.bundle(), "c"], 1);
        good &= ends("start", &["start", "c"], 0);
        good &= becomes("it is running", "running");
        good &= ends("delete refuses a running container", &["delete", "c"], 1);
        good &= ends("kill", &["kill", "c", "KILL"], 0);
        good &= becomes("it is stopped", "stopped");
        good &= ends("delete", &["delete", "c"], 0);
        let left = fs::read_dir(ROOT).map(|dir| dir.count()).unwrap_or_default();
        good &= check("nothing is left", left == 0, || format!("{left} directories"));
        good & ends("it is gone", &["state", "c"], 1)
    }

    fn statuses(&self) -> bool {
        self.with(&["/bin/guest", "exit", "7"], |_| ());
        let mut good = ends("the status is the program's", &["run", "-b", self.bundle(), "c"], 7);
        // The first process of a namespace cannot kill itself.
        self.with(&["/bin/guest", "die", "9"], |config| {
            config["linux"]["namespaces"] = json!([{"type": "mount"}, {"type": "uts"}]);
        });
        good &= ends("a signal is 128 and more", &["run", "-b", self.bundle(), "c"], 137);
        good
    }

    fn exec(&self) -> bool {
        self.with(&["/bin/guest", "wait"], |_| ());
        let mut good = ends("run detached", &["run", "-d", "-b", self.bundle(), "c"], 0);
        good &= ends("exec has a status", &["exec", "c", "/bin/guest", "exit", "5"], 5);
        let (_, said) = oci(&["exec", "c", "/bin/guest", "report"]);
        let report: Value = serde_json::from_str(&said).unwrap_or_default();
        let there = report["hostname"] == "inner" && report["pid"].as_i64().unwrap_or(0) > 1;
        good &= check("exec is in the container", there, || said.replace('\n', " "));
        let (_, said) = oci(&["exec", "--user", "7:8", "c", "/bin/guest", "report"]);
        let report: Value = serde_json::from_str(&said).unwrap_or_default();
        let user = [&report["uid"][0], &report["gid"][0]] == [&json!(7), &json!(8)];
        good &= check("exec as another user", user, || said.replace('\n', " "));
        let (_, said) = oci(&["list", "--quiet"]);
        good &= check("it is in the list", said == "c\n", || said.clone());
        good & ends("delete by force", &["delete", "--force", "c"], 0)
    }

    fn mounts(&self) -> bool {
        let report = self.report("a container with mounts", |config| {
            let more = [
                json!({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs",
                    "options": ["nosuid", "noexec", "size=1m"]}),
                json!({"destination": "/data", "type": "bind", "source": "/tmp/source",
                    "options": ["rbind", "ro"]}),
            ];
            let mounts = config["mounts"].as_array_mut();
            mounts.into_iter().for_each(|mounts| mounts.extend(more.clone()));
            config["process"]["args"] =
                json!(["/bin/guest", "report", "write:/data/file", "read:/data/file"]);
        });
        let lines: Vec<&str> = report["mountinfo"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let has = |parts: &[&str]| lines.iter().any(|line| parts.iter().all(|p| line.contains(p)));
        let shown = || format!("{lines:?}");
        let mut good =
            check("a tmpfs has its options", has(&[" /tmp ", "nosuid", "noexec"]), shown);
        good &= check("a bind mount is read-only", has(&[" /data ro"]), shown);
        let few = lines.len() == 5;
        good &= check("nothing else is mounted", few, shown);
        let process = report["pid"] == 1 && report["env"].to_string().contains("BOARD=yes");
        good & check("process and environment are its own", process, || report["env"].to_string())
    }

    fn capabilities(&self) -> bool {
        let report = self.report("a container with few capabilities", |_| ());
        let sets = &report["capabilities"];
        let expected = json!("0000000000000021");
        let same = ["permitted", "effective", "bounding"].iter().all(|set| sets[set] == expected);
        let none = sets["ambient"] == json!("0000000000000000");
        check("it has those and no others", same && none, || sets.to_string())
    }

    fn cgroups(&self) -> bool {
        self.with(&["/bin/guest", "wait"], |config| {
            config["linux"]["cgroupsPath"] = json!("/board-test");
            config["linux"]["resources"] =
                json!({"pids": {"limit": 17}, "memory": {"limit": 33_554_432}});
        });
        let mut good = ends("run with limits", &["run", "-d", "-b", self.bundle(), "c"], 0);
        let group = Path::new("/sys/fs/cgroup/board-test");
        let file = |name: &str| fs::read_to_string(group.join(name)).unwrap_or_default();
        let limits = [file("pids.max"), file("memory.max")];
        let set = limits == ["17\n", "33554432\n"];
        good &= check("limits are set", set, || format!("{limits:?}"));
        let (_, said) = oci(&["exec", "c", "/bin/guest", "report"]);
        let report: Value = serde_json::from_str(&said).unwrap_or_default();
        let inside = report["cgroup"].to_string().contains("/board-test");
        good &= check("exec is in its control group", inside, || said.replace('\n', " "));
        let (_, said) = oci(&["events", "--stats", "c"]);
        let stats: Value = serde_json::from_str(&said).unwrap_or_default();
        let known = stats["data"]["pids"]["current"] == 1 && stats["type"] == "stats";
        good &= check("statistics are told", known, || said.clone());
        let (_, said) = oci(&["ps", "--format", "json", "c"]);
        let ps: Vec<i32> = serde_json::from_str(&said).unwrap_or_default();
        good &= check("its processes are told", ps.len() == 1, || said.clone());
        let limits = ["--pids-limit", "9", "--memory", "16777216", "--memory-swap", "16777216"];
        good &= ends("update", &[&["update"], &limits[..], &["c"]].concat(), 0);
        let limits = [file("pids.max"), file("memory.max")];
        good &=
            check("limits are changed", limits == ["9\n", "16777216\n"], || format!("{limits:?}"));
        good &= out_of_memory();
        good &= ends("pause", &["pause", "c"], 0);
        good &= becomes("it is paused", "paused");
        let (code, said) = oci(&["exec", "c", "/bin/guest", "exit", "0"]);
        good &= check("exec refuses a paused container", code != 0, || said.clone());
        good &= ends("resume", &["resume", "c"], 0);
        good &= becomes("it runs again", "running");
        good &= ends("delete a running one by force", &["delete", "-f", "c"], 0);
        good & check("its control group is gone", !group.exists(), String::new)
    }

    fn hooks(&self) -> bool {
        let hook = |name: &str| {
            let probe = format!("create:/tmp/{name}");
            json!([{"path": "/bin/guest", "args": ["guest", "probe", probe]}])
        };
        self.with(&["/bin/guest", "exit", "0"], |config| {
            config["hooks"] = json!({"createRuntime": hook("made"), "poststop": hook("ended")});
        });
        let mut good = ends("run with hooks", &["run", "-b", self.bundle(), "c"], 0);
        let ran = ["/tmp/made", "/tmp/ended"].map(|path| Path::new(path).exists());
        good &= check("hooks run", ran == [true; 2], || format!("{ran:?}"));
        self.with(&["/bin/guest", "exit", "0"], |config| {
            let fails = json!([{"path": "/bin/guest", "args": ["guest", "exit", "3"]}]);
            config["hooks"] = json!({"createRuntime": fails});
        });
        good &= ends("a hook that fails", &["run", "-b", self.bundle(), "c"], 1);
        good & ends("nothing is left of it", &["state", "c"], 1)
    }

    fn filters(&self) -> bool {
        let program = ["/bin/guest", "probe", "call:personality,0", "call:getpriority,0,0"];
        self.with(&program, |config| {
            config["linux"]["seccomp"] = json!({
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [{"names": ["personality"], "action": "SCMP_ACT_ERRNO",
                    "errnoRet": libc::EXDEV}],
            });
        });
        let (code, said) = oci(&["run", "-b", self.bundle(), "c"]);
        // The kernel has none there.
        if cfg!(target_arch = "sparc64") {
            let refused = code == 1 && said.contains("seccomp");
            return check("a filter is refused", refused, || said.replace('\n', " "));
        }
        let report: Value = serde_json::from_str(&said).unwrap_or_default();
        let [filtered, free] =
            ["call:personality,0", "call:getpriority,0,0"].map(|call| report[call].clone());
        let right = filtered["error"] == libc::EXDEV.to_string() && free == true;
        check("a filter holds", right, || said.replace('\n', " "))
    }

    fn namespaces(&self) -> bool {
        let report = self.report("a container with a user namespace", |config| {
            let map = json!([{"containerID": 0, "hostID": 1000, "size": 500}]);
            config["linux"]["uidMappings"] = map.clone();
            config["linux"]["gidMappings"] = map;
            if let Some(list) = config["linux"]["namespaces"].as_array_mut() {
                list.push(json!({"type": "user"}));
            }
        });
        let map = report["uid_map"].to_string();
        let words: Vec<&str> = map.trim_matches(['[', ']', '"']).split_whitespace().collect();
        let mut good = check("its ids are mapped", words == ["0", "1000", "500"], || map.clone());
        let (uid, host) = (&report["uid"][0], &report["hostname"]);
        good &= check("it is root there", *uid == 0 && host == "inner", || report.to_string());
        let msgmax = self.report_of("read:/proc/sys/kernel/msgmax", |config| {
            config["linux"]["sysctl"] = json!({"kernel.msgmax": "4321"});
        });
        good & check("a sysctl is set", msgmax == "4321", || msgmax.to_string())
    }

    fn refusals(&self) -> bool {
        self.with(&["/bin/nothing"], |_| ());
        let mut good = ends("a missing program", &["run", "-b", self.bundle(), "c"], 1);
        self.with(&["/bin/guest"], |config| config["process"]["cwd"] = json!("relative"));
        good &= ends("a wrong configuration", &["run", "-b", self.bundle(), "c"], 1);
        good & ends("delete what is not there", &["delete", "c"], 1)
    }
}
