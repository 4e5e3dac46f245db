//! The cgroup trees as the test process sees them.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// One mounted hierarchy.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    /// Where it is mounted.
    pub mount: PathBuf,
    /// Its v1 controllers (`name=systemd` among them); empty for cgroup2.
    pub controllers: Vec<String>,
}

impl Hierarchy {
    /// Whether it is a cgroup2 tree.
    pub fn unified(&self) -> bool {
        self.controllers.is_empty()
    }

    /// The directory in which the process `pid` is; `None` when it is gone.
    pub fn directory_of(&self, pid: i32) -> Option<PathBuf> {
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let path = text.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (names, path) = rest.split_once(':')?;
            let same = names.split(',').map(String::from).collect::<Vec<_>>();
            (if names.is_empty() { self.unified() } else { same == self.controllers })
                .then(|| path.to_string())
        })?;
        Some(self.mount.join(path.trim_start_matches('/')))
    }
}

/// Every hierarchy that is mounted below /sys/fs/cgroup.
pub fn hierarchies() -> Vec<Hierarchy> {
    let text = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    text.lines()
        .filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let mount = PathBuf::from(before.split(' ').nth(4)?);
            let mut after = after.split(' ');
            let kind = after.next()?;
            let options = after.nth(1)?;
            if !mount.starts_with("/sys/fs/cgroup") {
                return None;
            }
            let controllers = match kind {
                "cgroup2" => Vec::new(),
                "cgroup" => options
                    .split(',')
                    .filter(|o| !matches!(*o, "rw" | "ro" | "xattr" | "noprefix"))
                    .map(String::from)
                    .collect(),
                _ => return None,
            };
            Some(Hierarchy { mount, controllers })
        })
        .collect()
}

/// Whether the runtime is to ask systemd for the containers' cgroups:
/// `OCINIT_CGROUP_MANAGER` is systemd, and not cgroupfs.
pub fn by_systemd() -> bool {
    match std::env::var("OCINIT_CGROUP_MANAGER").as_deref() {
        Ok("systemd") => true,
        Ok("cgroupfs") | Ok("") | Err(_) => false,
        Ok(other) => panic!("OCINIT_CGROUP_MANAGER is {other:?}, not cgroupfs or systemd"),
    }
}

/// A `cgroupsPath` for a container of this name, and how the cgroup that it
/// gets ends.
pub fn path(name: &str) -> (String, String) {
    match by_systemd() {
        true => (format!(":oci:{name}"), format!("oci-{name}.scope")),
        false => (format!("/{name}"), name.to_string()),
    }
}

/// Whether there is a cgroup2 tree and nothing else.
pub fn is_unified() -> bool {
    let place = nix::sys::statfs::statfs("/sys/fs/cgroup");
    place.is_ok_and(|s| s.filesystem_type() == nix::sys::statfs::CGROUP2_SUPER_MAGIC)
}

/// Whether the cgroup2 tree has a controller.
pub fn unified_has(name: &str) -> bool {
    let path = "/sys/fs/cgroup/cgroup.controllers";
    fs::read_to_string(path).unwrap_or_default().split_whitespace().any(|c| c == name)
}

/// The v1 hierarchy that has `controller`.
pub fn v1(controller: &str) -> Option<Hierarchy> {
    hierarchies().into_iter().find(|h| h.controllers.iter().any(|c| c == controller))
}

/// Every cgroup directory, in any hierarchy, whose name contains `part`.
pub fn named(part: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for h in hierarchies() {
        collect(&h.mount, part, &mut found);
    }
    found
}

fn collect(dir: &Path, part: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten().filter(|e| e.file_type().is_ok_and(|t| t.is_dir())) {
        if entry.file_name().to_string_lossy().contains(part) {
            found.push(entry.path());
        }
        collect(&entry.path(), part, found);
    }
}

/// Removes the cgroup directories whose name contains `part` with all that is
/// below them, thawing them so that killed processes can die.
pub fn remove_named(part: &str) {
    for dir in named(part) {
        remove_tree(&dir);
    }
}

fn remove_tree(dir: &Path) {
    let _ = fs::write(dir.join("freezer.state"), "THAWED");
    let _ = fs::write(dir.join("cgroup.freeze"), "0");
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            remove_tree(&entry.path());
        }
    }
    for _ in 0..200 {
        match fs::remove_dir(dir) {
            Err(e) if e.raw_os_error() == Some(libc::EBUSY) => {
                std::thread::sleep(std::time::Duration::from_millis(5))
            }
            _ => break,
        }
    }
}

/// The processes in a cgroup directory.
pub fn processes(dir: &Path) -> Vec<i32> {
    let text = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|l| l.parse().ok()).collect()
}

/// How many device programs are attached to a cgroup of v2 itself (bpf(2), `BPF_PROG_QUERY`).
pub fn device_programs(dir: &Path) -> std::io::Result<usize> {
    const PROG_QUERY: libc::c_int = 16;
    const CGROUP_DEVICE: u32 = 6;
    /// The part of `union bpf_attr` for the command.
    #[repr(C)]
    #[derive(Default)]
    struct Query {
        target_fd: u32,
        attach_type: u32,
        query_flags: u32,
        attach_flags: u32,
        prog_ids: u64,
        prog_cnt: u32,
    }
    let dir = fs::File::open(dir)?;
    let mut query =
        Query { target_fd: dir.as_raw_fd() as u32, attach_type: CGROUP_DEVICE, ..Query::default() };
    // SAFETY: without an array for ids the kernel writes into the structure alone, whose size
    // it is told.
    #[allow(unsafe_code)]
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, PROG_QUERY, &raw mut query, std::mem::size_of::<Query>())
    };
    nix::errno::Errno::result(result)?;
    Ok(query.prog_cnt as usize)
}

/// A cgroup that is frozen until this is dropped.
pub struct Frozen(PathBuf);

/// Freezes the cgroup of the process `pid`, behind the runtime's back.
#[track_caller]
pub fn freeze(pid: i32) -> Frozen {
    let h = v1("freezer").or_else(|| hierarchies().into_iter().find(Hierarchy::unified));
    let h = h.expect("a hierarchy that can freeze");
    let dir = h.directory_of(pid).expect("the process is there");
    assert_ne!(dir, h.mount, "freezing the root cgroup would stop the machine");
    let frozen = Frozen(dir);
    frozen.set(true);
    frozen
}

impl Frozen {
    fn set(&self, on: bool) {
        let v1 = self.0.join("freezer.state");
        let (file, text) = match v1.exists() {
            true => (v1, if on { "FROZEN" } else { "THAWED" }),
            false => (self.0.join("cgroup.freeze"), if on { "1" } else { "0" }),
        };
        // The runtime may have removed it.
        let _ = fs::write(file, text);
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.set(false);
    }
}
