//! The commands that are broken at each of their system calls.

use super::scene::Scene;
use super::seen;
use crate::{Bundle, Call, Container, Outcome, cgroups, eventually, json, spec};

/// All of them.
pub static ALL: [Scene; 17] = [
    Scene {
        name: "run",
        bundle: demanding,
        before: |_| (),
        call: |c| c.on_bundle("run", &[]),
        seen: |c, out| seen::report(&out.stdout, c),
        again: None,
    },
    Scene {
        name: "run with a user namespace",
        bundle: |bundle| {
            demanding(bundle);
            spec::add_user_namespace(&mut bundle.config);
        },
        before: |_| (),
        call: |c| c.on_bundle("run", &[]),
        seen: |c, out| seen::report(&out.stdout, c),
        again: None,
    },
    Scene {
        name: "run with a set-up process",
        bundle: |bundle| {
            // A time namespace takes one more process.
            spec::set_namespace(&mut bundle.config, json!({"type": "time"}));
            bundle.config["linux"]["timeOffsets"] = json!({"monotonic": {"secs": 7200}});
        },
        before: |_| (),
        call: |c| c.on_bundle("run", &[]),
        seen: |c, out| seen::report(&out.stdout, c),
        again: None,
    },
    Scene {
        name: "run in the background",
        bundle: waiting,
        before: |_| (),
        call: |c| c.on_bundle("run", &["--detach", "--pid-file", &pid_file(c)]),
        seen: |c, out| ready(c, out) + &limits(c),
        again: None,
    },
    Scene {
        name: "create",
        bundle: waiting,
        before: |_| (),
        call: |c| c.on_bundle("create", &["--pid-file", &pid_file(c)]),
        seen: |c, out| {
            let limits = limits(c);
            c.start();
            ready(c, out) + &limits
        },
        again: None,
    },
    Scene {
        name: "start",
        bundle: waiting,
        before: |c| drop(c.create()),
        call: |c| c.call("start", &[]),
        seen: |c, _| {
            eventually("the program runs", || program(c) == "guest");
            c.status()
        },
        again: None,
    },
    Scene {
        name: "exec",
        bundle: |bundle| {
            demanding(bundle);
            bundle.waits();
        },
        before: |c| drop(c.run_waiting()),
        call: |c| c.exec(&[], &["/bin/guest", "report", "read:/proc/keys", CALL]),
        seen: |c, out| seen::without_ids(&seen::report(&out.stdout, c)),
        again: Some(|c| assert_eq!(c.status(), "running")),
    },
    Scene {
        name: "exec in the background",
        bundle: waiting,
        before: |c| drop(c.run_waiting()),
        call: |c| c.exec(&["--detach", "--pid-file", &pid_file(c)], &["/bin/guest", "exit", "0"]),
        seen: |c, _| {
            let text = std::fs::read_to_string(pid_file(c)).expect("a pid file");
            format!("a number: {}", text.parse::<i32>().is_ok())
        },
        again: Some(|c| {
            let _ = std::fs::remove_file(pid_file(c));
            assert_eq!(c.status(), "running");
        }),
    },
    Scene {
        name: "kill",
        bundle: waiting,
        before: |c| drop(c.run_waiting()),
        call: |c| c.call("kill", &[]).arg("KILL"),
        seen: |c, _| {
            c.wait_for("stopped");
            c.status()
        },
        again: None,
    },
    Scene {
        name: "delete",
        bundle: |bundle| {
            bundle.args(&["/bin/true"]);
        },
        before: |c| {
            c.run_detached();
            c.wait_for("stopped");
        },
        call: |c| c.call("delete", &[]),
        seen: |c, _| c.call("state", &[]).fails(1).stderr.contains("does not exist").to_string(),
        again: None,
    },
    Scene {
        name: "delete by force",
        bundle: waiting,
        before: |c| drop(c.run_waiting()),
        call: |c| c.call("delete", &["--force"]),
        seen: |c, _| c.call("state", &[]).fails(1).stderr.contains("does not exist").to_string(),
        again: None,
    },
    Scene {
        name: "pause",
        bundle: waiting,
        before: |c| drop(c.run_waiting()),
        call: |c| c.call("pause", &[]),
        seen: |c, _| c.status(),
        again: Some(|c| {
            c.call("resume", &[]).run();
            assert_eq!(c.status(), "running");
        }),
    },
    Scene {
        name: "resume",
        bundle: waiting,
        before: |c| {
            c.run_waiting();
            c.call("pause", &[]).ok();
        },
        call: |c| c.call("resume", &[]),
        seen: |c, _| c.status(),
        again: Some(|c| {
            c.call("pause", &[]).run();
            assert_eq!(c.status(), "paused");
        }),
    },
    Scene {
        name: "update",
        bundle: waiting,
        before: |c| drop(c.run_waiting()),
        call: |c| c.call("update", &["--pids-limit", "77", "--memory", "70000000"]),
        seen: |c, _| limits(c),
        again: Some(|c| {
            let back = ["--pids-limit", PIDS, "--memory", MEMORY];
            c.call("update", &back).ok();
        }),
    },
    Scene {
        name: "update of devices",
        bundle: waiting,
        before: |c| drop(c.run_waiting()),
        call: |c| devices(c, &[LOG]),
        seen: |c, _| limits(c) + &programs(c),
        again: Some(|c| drop(devices(c, &[]).ok())),
    },
    Scene {
        name: "state",
        bundle: waiting,
        before: |c| drop(c.run_waiting()),
        call: |c| c.call("state", &[]),
        seen: |c, out| without_times(&out.stdout, c),
        again: Some(|_| ()),
    },
    Scene {
        name: "list",
        bundle: waiting,
        before: |c| drop(c.run_waiting()),
        call: |c| c.list(),
        seen: |c, out| without_times(&out.stdout, c),
        again: Some(|_| ()),
    },
];

/// A call that the filter refuses.
const CALL: &str = "call:getpriority,0,0";
const MEMORY: &str = "80000000";
const PIDS: &str = "99";

/// A bundle that asks for something of every kind, and looks whether it got it.
fn demanding(bundle: &mut Bundle) {
    let config = &mut bundle.config;
    config["process"]["user"] = json!({"uid": 5, "gid": 6, "additionalGids": [7, 8]});
    config["process"]["cwd"] = json!("/tmp");
    config["process"]["oomScoreAdj"] = json!(500);
    config["process"]["apparmorProfile"] = json!("");
    config["domainname"] = json!("domain");
    config["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1", "kernel.msgmax": "7777"});
    config["linux"]["seccomp"] = json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["getpriority"], "action": "SCMP_ACT_ERRNO", "errnoRet": 40}],
    });
    for mount in [
        json!({"destination": "/dev/shm/bound", "type": "bind", "source": "/etc",
               "options": ["rbind", "ro", "nosuid"]}),
        json!({"destination": "/dev/shm/file", "type": "bind", "source": "/etc/passwd",
               "options": ["bind", "ro"]}),
        json!({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs",
               "options": ["nosuid", "nodev", "mode=1777", "tmpcopyup"]}),
    ] {
        spec::add_mount(config, mount);
    }
    limited(config);
    bundle.args(&[
        "/bin/guest",
        "report",
        "read:/proc/keys",
        "write:/proc/sys/kernel/msgmax",
        "read:/proc/sys/kernel/msgmax",
        "read:/proc/sys/net/ipv4/ip_forward",
        "create:/file",
        "list:/sys/firmware",
        "read:/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "read:/sys/fs/cgroup/pids/pids.max",
        "read:/sys/fs/cgroup/devices/devices.list",
        "devices:/dev",
        CALL,
    ]);
}

fn waiting(bundle: &mut Bundle) {
    limited(&mut bundle.config);
    bundle.waits();
}

/// Whether the control groups can limit memory and processes.
pub fn has_limits() -> bool {
    let has = |name: &str| cgroups::v1(name).is_some() || cgroups::unified_has(name);
    has("memory") && has("pids")
}

fn limited(config: &mut crate::Value) {
    if !has_limits() {
        return;
    }
    let number = |text: &str| text.parse::<i64>().expect("a number");
    config["linux"]["resources"]["memory"] = json!({"limit": number(MEMORY)});
    config["linux"]["resources"]["pids"] = json!({"limit": number(PIDS)});
}

fn pid_file(c: &Container) -> String {
    c.bundle().join("rootfs/pid").display().to_string()
}

/// The pid file's number is init's, and the program says that it is ready.
fn ready(c: &Container, out: &Outcome) -> String {
    eventually("the guest is ready", || out.stdout_now().contains("ready"));
    let text = std::fs::read_to_string(pid_file(c)).expect("a pid file");
    std::fs::remove_file(pid_file(c)).expect("remove the pid file");
    assert_eq!(text, c.pid().to_string());
    c.status()
}

fn program(c: &Container) -> String {
    let comm = std::fs::read_to_string(format!("/proc/{}/comm", c.pid()));
    comm.unwrap_or_default().trim().to_string()
}

/// A device that no container may use unasked.
const LOG: (u32, u32) = (1, 11);

/// An update that allows these devices, beyond the default ones, and no others.
fn devices(c: &Container, allowed: &[(u32, u32)]) -> Call {
    let rule = |&(major, minor): &(u32, u32)| json!({"allow": true, "type": "c", "major": major, "minor": minor});
    let mut rules = vec![json!({"allow": false, "access": "rwm"})];
    rules.extend(allowed.iter().map(rule));
    let call = c.call("update", &["--devices", "--resources", "-"]);
    call.stdin(json!({"devices": rules}).to_string())
}

/// How many programs enforce the rules for devices, and what they answer.
fn programs(c: &Container) -> String {
    let unified = cgroups::hierarchies().into_iter().find(cgroups::Hierarchy::unified);
    let dir = unified.and_then(|hierarchy| hierarchy.directory_of(c.pid()));
    let count = dir.map(|dir| cgroups::device_programs(&dir).expect("ask for programs"));
    let node = format!("/tmp/log{}", crate::lab::unique());
    let (major, minor) = LOG;
    let words = format!("mknod {node} c {major} {minor} && : >{node}");
    let open = c.exec(&[], &["sh", "-c", &words]).run().code;
    format!("\n{count:?} programs, the log: {open}")
}

/// Limits and membership as the control groups' files say, in every hierarchy.
fn limits(c: &Container) -> String {
    let pid = c.pid();
    let mut text = String::new();
    for hierarchy in cgroups::hierarchies() {
        let Some(dir) = hierarchy.directory_of(pid) else { continue };
        let place = dir.display().to_string().replace(c.id(), "ID");
        text += &format!("\n{place}");
        for file in ["memory.limit_in_bytes", "memory.max", "pids.max", "devices.list"] {
            if let Ok(value) = std::fs::read_to_string(dir.join(file)) {
                text += &format!("\n{file} {}", value.trim());
            }
        }
    }
    text
}

/// An answer of `state` or `list`, which two containers give alike.
fn without_times(text: &str, c: &Container) -> String {
    let text = text.replace(c.id(), "ID").replace(&c.pid().to_string(), "PID");
    let lines = text.lines().map(|line| line.split("\"created\"").next().unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}
