//! The bundle that boards are tried with: one root file system with a static
//! program that checks what it sees, and a configuration for each situation.
//! `/bundle` is a container with its own namespaces and limits, `/bundle/NAME`
//! the others.

use super::{Board, Trials, guest};
use crate::error::{Context, Result};
use crate::workspace::target;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Directories of the root file system.
const DIRECTORIES: [&str; 8] = ["bin", "dev", "etc", "proc", "run", "sys", "tmp", "run/ocinit"];

/// Makes it, with this runtime in it.
pub fn made(board: &Board, binary: &Path) -> Result<PathBuf> {
    let dir = root_file_system(board, "bundle")?;
    let contained = contained(board);
    let inside = |name: &str| dir.join(name).join("config.json");
    let mut waits = shared(&contained, &[]);
    waits["process"]["args"] = json!(["/bin/guest", "wait"]);
    write(&inside("waits"), &waits)?;
    let mut little = contained.clone();
    little["process"]["args"] = json!(["/bin/guest", "board", "little"]);
    if board.trials() == Trials::Little {
        // There is no memory for more.
        write(&dir.join("config.json"), &little)?;
        little["root"]["path"] = json!("../rootfs");
        little["process"]["args"] = json!(["/bin/guest", "board", "hungry"]);
        write(&inside("hungry"), &little)?;
        return Ok(dir);
    }
    little["root"]["path"] = json!("../rootfs");
    write(&inside("little"), &little)?;
    write(&dir.join("config.json"), &contained)?;
    place(binary, &dir.join("rootfs/bin/ocinit"))?;
    write(&inside("shared"), &shared(&contained, &["shared"]))?;
    write(&inside("watched"), &shared(&contained, &["shared", "watchdog"]))?;
    write(&inside("runtime"), &runtime(&contained))?;
    let mut fails = shared(&contained, &[]);
    fails["process"]["args"] = json!(["/bin/guest", "exit", "3"]);
    write(&inside("fails"), &fails)?;
    fails["process"]["args"] = json!(["/bin/guest", "exit", "42"]);
    fails["linux"]["resources"] = json!({"memory": {"limit": 64 << 20}});
    write(&inside("limited"), &fails)?;
    fails["process"]["args"] = json!(["/bin/nothing"]);
    write(&inside("missing"), &fails)?;
    write(&inside("broken"), &Value::Null)?;
    fs::write(inside("broken"), "{\"ociVersion\": ").context("broken")?;
    Ok(dir)
}

/// Makes the bundle that is put on a disk: it looks at what it is on.
pub fn for_image(board: &Board) -> Result<PathBuf> {
    let dir = root_file_system(board, "disk")?;
    let kept = dir.join("rootfs/etc/kept");
    fs::write(&kept, "as packed\n").context(kept.display())?;
    let mut config = shared(&contained(board), &["image"]);
    config["root"] = json!({"path": "rootfs"});
    write(&dir.join("config.json"), &config)?;
    Ok(dir)
}

/// An empty bundle with the program that checks.
fn root_file_system(board: &Board, kind: &str) -> Result<PathBuf> {
    let dir = target().join("boards").join(format!("{kind}-{}", board.name));
    let _ = fs::remove_dir_all(&dir);
    for directory in DIRECTORIES {
        let path = dir.join("rootfs").join(directory);
        fs::create_dir_all(&path).context(path.display())?;
    }
    place(&guest::built(board)?, &dir.join("rootfs/bin/guest"))?;
    Ok(dir)
}

pub fn place(from: &Path, to: &Path) -> Result {
    fs::copy(from, to).context(from.display()).map(drop)
}

pub fn write(path: &Path, config: &Value) -> Result {
    fs::create_dir_all(path.parent().unwrap_or(path)).context(path.display())?;
    fs::write(path, format!("{config:#}\n")).context(path.display())
}

/// With namespaces of its own, limits and as few rights as a program can have.
/// The guest knows the numbers.
pub fn contained(board: &Board) -> Value {
    let few = json!(["CAP_KILL"]);
    let mut config = json!({
        "ociVersion": "1.3.0",
        "hostname": "board",
        "root": {"path": "rootfs", "readonly": true},
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": ["/bin/guest", "board", "contained"],
            "env": ["PATH=/bin"],
            "cwd": "/",
            "noNewPrivileges": true,
            "capabilities": {"bounding": few, "effective": few, "permitted": few},
            "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 100}],
        },
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
                "options": ["mode=1777"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]},
            {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
                "options": ["ro"]},
        ],
        "linux": {
            "namespaces": [
                {"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"},
                {"type": "network"}, {"type": "cgroup"},
            ],
            "resources": {
                "memory": {"limit": 64 << 20, "swap": 64 << 20},
                "pids": {"limit": 32},
                "devices": [{"allow": false, "access": "rwm"}],
            },
            "maskedPaths": ["/proc/kcore"],
            "readonlyPaths": ["/proc/sys"],
        },
    });
    if board.has("seccomp") {
        config["linux"]["seccomp"] = json!({
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}],
        });
    }
    config
}

/// In the machine's namespaces but for mounts, without limits.
fn shared(contained: &Value, arguments: &[&str]) -> Value {
    let mut config = contained.clone();
    let all = json!(["CAP_KILL", "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"]);
    config["root"]["path"] = json!("../rootfs");
    config["process"]["args"] = json!([&["/bin/guest", "board"], arguments].concat());
    config["process"]["capabilities"] =
        json!({"bounding": all, "effective": all, "permitted": all});
    config["linux"] = json!({"namespaces": [{"type": "mount"}]});
    if let Some(config) = config.as_object_mut() {
        config.remove("hostname");
    }
    let state = json!({"destination": "/run/ocinit", "type": "bind", "source": "/run/ocinit",
        "options": ["bind", "ro"]});
    config["mounts"].as_array_mut().into_iter().for_each(|mounts| mounts.push(state.clone()));
    config
}

/// As little contained as the machine's own processes, with a place to write in:
/// for the runtime itself.
pub fn runtime(contained: &Value) -> Value {
    let mut config = shared(contained, &["runtime"]);
    let all: Vec<String> = CAPABILITIES.iter().map(|name| format!("CAP_{name}")).collect();
    config["process"]["capabilities"] =
        json!({"bounding": all, "effective": all, "permitted": all});
    config["process"]["noNewPrivileges"] = json!(false);
    let temporary = json!({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"});
    if let Some(mounts) = config["mounts"].as_array_mut() {
        for mount in mounts.iter_mut().filter(|mount| mount["destination"] == "/sys/fs/cgroup") {
            // All of them, and not the container's own.
            *mount = json!({"destination": "/sys/fs/cgroup", "type": "bind",
                "source": "/sys/fs/cgroup", "options": ["rbind", "rw"]});
        }
        mounts.push(temporary);
    }
    config
}

/// What a runtime needs for what the tests ask of it.
const CAPABILITIES: [&str; 16] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_ADMIN",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_ADMIN",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_RESOURCE",
];
