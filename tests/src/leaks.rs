//! What a runtime may have left: mounts, cgroups, processes, state directories.

use crate::wait::patiently;
use crate::{cgroups, lab};
use nix::mount::{MntFlags, umount2};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The variable by which a test's own processes are known.
pub const MARK: &str = "OCINIT_TEST_TAG";

/// The mounts of this process's namespace that belong to no test.
pub struct Mounts(BTreeSet<String>);

impl Mounts {
    /// As they are now.
    pub fn of_others() -> Mounts {
        let all = mountinfo();
        Mounts(all.lines().filter(|l| !l.contains(lab::PREFIX)).map(place).collect())
    }
}

/// A mountinfo line without its ids, which are given out anew all the time, and without the options of cgroup2: criu
/// mounts that for a moment, which takes them away from all its mounts.
fn place(line: &str) -> String {
    let line = match line.rsplit_once(' ') {
        Some((before, _)) if before.contains(" - cgroup2 ") => before,
        _ => line,
    };
    line.splitn(4, ' ').last().unwrap_or_default().to_string()
}

fn mountinfo() -> String {
    fs::read_to_string("/proc/self/mountinfo").expect("mountinfo")
}

/// Everything of a test that is still there, after some time to go away.
pub fn left(tag: &str, dir: &Path, state: &Path, own: &[PathBuf], before: &Mounts) -> Vec<String> {
    let start = Instant::now();
    let limit = patiently(Duration::from_millis(700)).max(Duration::from_secs(2));
    loop {
        let mut found = mounts_left(dir, own, before);
        found.extend(cgroups::named(tag).iter().map(|d| format!("cgroup {}", d.display())));
        found.extend(
            marked(tag, dir).into_iter().map(|(pid, name)| format!("process {pid} {name}")),
        );
        found.extend(state_left(state));
        if found.is_empty() || start.elapsed() > limit {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn mounts_left(dir: &Path, own: &[PathBuf], before: &Mounts) -> Vec<String> {
    let dir = dir.to_string_lossy();
    let expected = |line: &str| {
        let at = line.split(' ').nth(4).unwrap_or_default();
        own.iter().any(|o| o.as_os_str() == at)
    };
    let info = mountinfo();
    let mine = info.lines().filter(|l| l.contains(&*dir) && !expected(l));
    let strange = info
        .lines()
        .filter(|l| !l.contains(lab::PREFIX) && !before.0.contains(&place(l)) && !expected(l));
    mine.chain(strange).map(|l| format!("mount {l}")).collect()
}

fn state_left(state: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(state) else { return Vec::new() };
    entries
        .flatten()
        .filter(|e| !e.file_name().to_string_lossy().starts_with('.'))
        .map(|e| format!("state {}", e.path().display()))
        .collect()
}

/// The processes that carry the mark, or whose root or mounts are in the
/// test's directory.
pub fn marked(tag: &str, dir: &Path) -> Vec<(i32, String)> {
    let mark = format!("{MARK}={tag}");
    let dir = dir.to_string_lossy().into_owned();
    let own_namespace = fs::read_link("/proc/self/ns/mnt").ok();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("list /proc").flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let path = entry.path();
        let has = |file: &str, text: &str| {
            let bytes = fs::read(path.join(file)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).contains(text)
        };
        let root = fs::read_link(path.join("root"));
        let elsewhere = fs::read_link(path.join("ns/mnt")).ok() != own_namespace;
        if has("environ", &mark)
            || root.is_ok_and(|r| r.starts_with(&dir))
            || (elsewhere && has("mountinfo", &dir) && rooted_in(&path, &dir))
        {
            let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
            found.push((pid, name.trim().to_string()));
        }
    }
    found
}

/// Whether the process's root mount comes from below `dir`.
fn rooted_in(process: &Path, dir: &str) -> bool {
    let info = fs::read_to_string(process.join("mountinfo")).unwrap_or_default();
    info.lines().any(|l| {
        let mut fields = l.split(' ').skip(3);
        fields.next().is_some_and(|root| root.contains(dir)) && fields.next() == Some("/")
    })
}

/// Kills the processes that [`marked`] finds.
pub fn kill_marked(tag: &str, dir: &Path) {
    for (pid, _) in marked(tag, dir) {
        let pid = nix::unistd::Pid::from_raw(pid);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
    }
}

/// Takes away every mount below the directory, newest first.
pub fn unmount_below(dir: &Path) {
    let info = mountinfo();
    for line in info.lines().rev() {
        let at = line.split(' ').nth(4).unwrap_or_default();
        if Path::new(at).starts_with(dir) {
            let _ = umount2(at, MntFlags::MNT_DETACH);
        }
    }
}
