//! `cargo xtask demo`: from a fresh checkout to a running container.

use crate::error::{Context, Result};
use crate::process::{is_root, output, run, step};
use crate::workspace::target;
use crate::{build, debian, elf};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A static program, so that it works in an empty root file system.
const BUSYBOX: &str = "/bin/busybox";

/// What runs in the container: it shows what a container is.
const SHOW: &str = r#"
echo "hostname      $(hostname)"
echo "my process id $$"
echo "processes     $(ps -o pid,comm | tail -n +2 | wc -l)"
echo "user          $(id)"
echo "may           $(grep CapEff /proc/self/status)"
echo "network       $(ls /sys/class/net | tr '\n' ' ')"
echo "cgroup        $(head -n 1 /proc/self/cgroup)"
echo "root          $(touch /x 2>&1 || true)"
echo "mounts"
awk '{ print "              " $2 " (" $3 ")" }' /proc/mounts
"#;

/// The command.
pub fn command(parser: lexopt::Parser) -> Result<bool> {
    crate::no_more(parser)?;
    if !is_root() {
        return Err("the demo makes a container as root: run it again as root".into());
    }
    let binary = build::release()?.path;
    if !is_static(Path::new(BUSYBOX)) {
        debian::install("busybox-static")?;
    }
    let bundle = Scratch::new(target().join("demo"))?;
    step(format_args!("a root file system of busybox: {}/rootfs", bundle.0.display()));
    root_file_system(&bundle.0.join("rootfs"))?;
    step(format_args!("ocinit spec --bundle {}", bundle.0.display()));
    run(Command::new(&binary).arg("spec").arg("--bundle").arg(&bundle.0))?;
    step("config.json: no terminal, and a script that looks around in place of `sh`");
    edit(&bundle.0.join("config.json"))?;
    let id = format!("demo-{}", std::process::id());
    step(format_args!("ocinit run --bundle {} {id}", bundle.0.display()));
    let mut ocinit = Command::new(&binary);
    ocinit.arg("--root").arg(bundle.0.join("state"));
    run(ocinit.arg("run").arg("--bundle").arg(&bundle.0).arg(id))?;
    step("the container has ended and left nothing; removing the bundle");
    Ok(true)
}

/// A directory of the demo's own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> Result<Scratch> {
        // What a demo that was killed has left.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).context(path.display())?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether the file is there and needs no loader: Debian has two busyboxes.
fn is_static(program: &Path) -> bool {
    let Ok(data) = fs::read(program) else { return false };
    elf::read(&data).is_ok_and(|elf| elf.segments.iter().all(|s| s.kind != elf::PT_INTERP))
}

fn root_file_system(root: &Path) -> Result {
    for dir in ["bin", "dev", "etc", "proc", "sys", "tmp"] {
        fs::create_dir_all(root.join(dir)).context(root.display())?;
    }
    fs::copy(BUSYBOX, root.join("bin/busybox")).context("copy busybox")?;
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/:/bin/sh\n").context("etc/passwd")?;
    fs::write(root.join("etc/group"), "root:x:0:\n").context("etc/group")?;
    for applet in output(Command::new(BUSYBOX).arg("--list"))?.lines() {
        if applet != "busybox" {
            symlink("busybox", root.join("bin").join(applet)).context(applet)?;
        }
    }
    Ok(())
}

/// Changes two properties of the file, by their text: it was written by `spec`
/// a moment ago.
fn edit(file: &Path) -> Result {
    let mut text = fs::read_to_string(file).context(file.display())?;
    let script = quoted(SHOW.trim());
    let changes = [("\"terminal\": true", "\"terminal\": false"), ("\"sh\"", &script)];
    for (from, to) in changes {
        let (before, after) = text.split_once(from).ok_or(format!("config.json has no {from}"))?;
        text = format!("{before}{to}{after}");
    }
    fs::write(file, text).context(file.display())
}

/// `"sh", "-c", "SCRIPT"` as JSON.
fn quoted(script: &str) -> String {
    let mut text = String::from("\"sh\", \"-c\", \"");
    for c in script.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            _ => text.push(c),
        }
    }
    text.push('"');
    text
}
