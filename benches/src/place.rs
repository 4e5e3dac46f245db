//! Where the benches run: private mounts, a view of the control groups that all
//! runtimes take, and a directory in memory.

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use std::path::Path;

/// The work directory: a tmpfs, as the directory of states is on most machines.
pub const DIRECTORY: &str = "/tmp/ocinit-bench";

/// The layout of control groups that the runtimes see. crun refuses machines
/// with both, so there is one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Only the v1 controllers.
    V1,
    /// Only a cgroup2 tree.
    V2,
}

impl View {
    /// Both.
    pub const ALL: [View; 2] = [View::V1, View::V2];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            View::V1 => "v1",
            View::V2 => "v2",
        }
    }

    /// That of a name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<View, String> {
        let found = View::ALL.into_iter().find(|view| view.name() == name);
        found.ok_or_else(|| format!("no view {name:?}"))
    }
}

/// Moves this process there.
///
/// # Errors
/// A mount that cannot be made.
pub fn enter(view: View) -> Result<(), String> {
    let failed = |what: &'static str| move |e: nix::Error| format!("{what}: {e}");
    nix::sys::prctl::set_child_subreaper(true).map_err(failed("become a subreaper"))?;
    unshare(CloneFlags::CLONE_NEWNS).map_err(failed("make a mount namespace (root?)"))?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(failed("make the mounts private"))?;
    let unified = Path::new("/sys/fs/cgroup/unified");
    match view {
        View::V1 if ocinit_tests::cgroups::is_unified() => {
            return Err("this machine has no v1 controllers".into());
        }
        View::V1 if unified.is_dir() => {
            umount2(unified, MntFlags::MNT_DETACH).map_err(failed("hide cgroup v2"))?;
        }
        View::V2 if !ocinit_tests::cgroups::is_unified() => {
            umount2("/sys/fs/cgroup", MntFlags::MNT_DETACH).map_err(failed("hide cgroup v1"))?;
            mount(Some("none"), "/sys/fs/cgroup", Some("cgroup2"), MsFlags::empty(), none)
                .map_err(failed("mount cgroup2"))?;
        }
        View::V1 | View::V2 => {}
    }
    std::fs::create_dir_all(DIRECTORY).map_err(|e| format!("{DIRECTORY}: {e}"))?;
    mount(Some("bench"), DIRECTORY, Some("tmpfs"), MsFlags::empty(), Some("mode=755"))
        .map_err(failed("mount a tmpfs"))
}

/// Whether all contenders can load a program that decides about devices: with
/// v2 crun and youki want the right to lock memory for it, whether or not the
/// kernel does.
pub fn device_programs() -> bool {
    use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
    /// `CAP_SYS_RESOURCE`.
    const RAISES: u32 = 24;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    effective.is_some_and(|set| set >> RAISES & 1 == 1)
        || getrlimit(Resource::RLIMIT_MEMLOCK).is_ok_and(|(_, hard)| hard == RLIM_INFINITY)
}
