//! The bundle with the core of the integration tests: the same programs that run
//! on the machine, built for the board, in a container that is as little contained
//! as the machine's own processes, with the same busybox trees to make bundles of.

use super::bundle::{contained, place, runtime, write};
use super::{Board, busybox, guest};
use crate::error::{Context, Result};
use crate::glibc::Glibc;
use crate::process::run;
use crate::programs::{self, Program};
use crate::workspace::{cargo, target};
use ocinit::spec::capability;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files of tests/suite about the life cycle, mounts, processes with their
/// capabilities, control groups, `exec` and hooks.
const FILES: [&str; 7] =
    ["lifecycle", "mounts", "mount_options", "process", "cgroup", "exec", "hooks"];

/// What runs them.
const RUN: &str = include_str!("run-suite");

/// Makes it, with this runtime in it.
pub fn made(board: &Board, binary: &Path) -> Result<PathBuf> {
    let dir = target().join("boards").join(format!("suite-{}", board.name));
    let _ = fs::remove_dir_all(&dir);
    let root = dir.join("rootfs");
    let tree = root.join("images/busybox");
    fs::create_dir_all(root.join("images")).context(root.display())?;
    let guest = guest::built(board)?;
    let mut setup = cargo(&["run", "-q", "-p", "ocinit-tests", "--bin", "setup", "--"]);
    run(setup.arg(&tree).arg(busybox::built(board)?).arg(&guest))?;
    // The tests want the same tools around them that are in their containers.
    let mut copy = Command::new("cp");
    run(copy.args(["--archive", "--link", "-T"]).arg(&tree).arg(&root))?;
    place(&guest, &root.join("images/guest"))?;
    place(binary, &root.join("bin/ocinit"))?;
    let script = root.join("bin/run-suite");
    fs::write(&script, RUN).context(script.display())?;
    for directory in ["run/ocinit", "tests"] {
        let directory = root.join(directory);
        fs::create_dir_all(&directory).context(directory.display())?;
    }
    let glibc = Glibc::for_target(board.target())?;
    for (name, program) in tests(&glibc)? {
        glibc.strip(&program, &root.join("tests").join(name))?;
    }
    let mut config = runtime(&contained(board));
    let all = capability::NAMES.split_whitespace().map(|name| format!("CAP_{name}"));
    let all: Vec<String> = all.collect();
    config["process"]["capabilities"] =
        json!({"bounding": all, "effective": all, "permitted": all});
    config["process"]["args"] = json!([&["sh", "/bin/run-suite"], &FILES[..]].concat());
    config["process"]["rlimits"] = json!([]);
    // Written to, as a machine's own is: the tests know what is theirs by paths
    // that begin at the file system's root.
    config["root"] = json!({"path": "rootfs"});
    if let Some(mounts) = config["mounts"].as_array_mut() {
        mounts.retain(|mount| mount["destination"] != "/tmp");
        // For the tests' own terminals.
        mounts.push(json!({"destination": "/dev/pts", "type": "devpts", "source": "devpts",
            "options": ["newinstance", "ptmxmode=0666", "mode=0620"]}));
    }
    write(&dir.join("config.json"), &config)?;
    Ok(dir)
}

/// The programs, static.
fn tests(glibc: &Glibc) -> Result<Vec<Program>> {
    let mut command = glibc.tests();
    command.args(["-p", "ocinit-tests"]);
    programs::built(command.args(FILES.iter().flat_map(|file| ["--test", *file])))
}
