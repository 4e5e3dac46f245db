//! One test's workplace: a directory, a state directory, ids, and the check at the end.

use crate::bundle::Bundle;
use crate::cgroups;
use crate::container::Container;
use crate::leaks;
use crate::oci::{self, Call};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use serde_json::Value;
use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The start of every lab directory's name: a mount that mentions it is some test's.
pub const PREFIX: &str = "oci-lab.";

/// A number that no other test of this machine has at this time.
pub fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}n{}x", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A test's workplace.
pub struct Lab {
    dir: PathBuf,
    tag: String,
    state_root: PathBuf,
    ids: RefCell<Vec<String>>,
    mounts: RefCell<Vec<PathBuf>>,
    before: leaks::Mounts,
}

impl Lab {
    /// A new, empty one.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Lab {
        let tag = unique();
        let dir = PathBuf::from(format!("/tmp/{PREFIX}{tag}"));
        fs::create_dir(&dir).expect("make the test's directory");
        // A rootless runtime must be able to come through, whatever the umask.
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).expect("open the directory");
        let state_root = dir.join("state");
        let before = leaks::Mounts::of_others();
        Lab { dir, tag, state_root, ids: Default::default(), mounts: Default::default(), before }
    }

    /// The test's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What every id of this test begins with.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The `--root` of every call.
    pub fn state_root(&self) -> &Path {
        &self.state_root
    }

    /// A new container id, deleted by force at the end.
    pub fn id(&self) -> String {
        let id = format!("t{}{}", self.tag, self.ids.borrow().len());
        self.ids.borrow_mut().push(id.clone());
        id
    }

    /// A call with `--root` set.
    pub fn oci<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Call {
        let call = self.bare().arg("--root").arg(&self.state_root);
        let call = if cgroups::by_systemd() { call.arg("--systemd-cgroup") } else { call };
        call.args(args)
    }

    /// A call without any argument yet.
    pub fn bare(&self) -> Call {
        self.program(&oci::find_binary().expect("checked when the tests began"))
    }

    /// A call of another program, marked as this test's.
    pub fn program(&self, path: &Path) -> Call {
        Call::new(path, &self.dir).env(leaks::MARK, &self.tag)
    }

    /// A bundle with the busybox root file system and the default document.
    pub fn bundle(&self) -> Bundle {
        Bundle::new(&self.dir.join(format!("b{}", unique())), crate::images::busybox())
    }

    /// A bundle whose program waits for signals.
    pub fn waiting_bundle(&self) -> Bundle {
        let mut bundle = self.bundle();
        bundle.waits();
        bundle
    }

    /// A container that runs, and whose program waits for signals.
    #[track_caller]
    pub fn waiting(&self) -> Container<'_> {
        let container = self.container(&self.waiting_bundle());
        container.run_waiting();
        container
    }

    /// A container that is created and not started, whose program would wait.
    #[track_caller]
    pub fn created(&self) -> Container<'_> {
        let container = self.container(&self.waiting_bundle());
        container.create();
        container
    }

    /// A handle on a container that is still to be made from the bundle,
    /// whose document is written down now.
    pub fn container(&self, bundle: &Bundle) -> Container<'_> {
        bundle.save();
        Container::new(self, self.id(), bundle.dir())
    }

    /// Runs the bundle's program to its end and reads the guest's report.
    #[track_caller]
    pub fn report(&self, bundle: &Bundle) -> Value {
        self.container(bundle).run().quiet().json()
    }

    /// Mounts a tmpfs at the directory, for the time of the test.
    pub fn tmpfs(&self, at: &Path, options: &str) {
        fs::create_dir_all(at).expect("make a mount point");
        mount(Some("tmpfs"), at, Some("tmpfs"), MsFlags::empty(), Some(options)).expect("a tmpfs");
        self.mounts.borrow_mut().push(at.to_path_buf());
    }

    /// A writable view of a directory tree that must not change.
    pub fn overlay(&self, lower: &Path) -> PathBuf {
        let base = self.dir.join(format!("o{}", unique()));
        let part = |name: &str| {
            let path = base.join(name);
            fs::create_dir_all(&path).expect("make a directory for the overlay");
            path
        };
        let (upper, work, merged) = (part("upper"), part("work"), part("merged"));
        let options = format!(
            "lowerdir={},upperdir={},workdir={}",
            lower.display(),
            upper.display(),
            work.display()
        );
        let kind = Some("overlay");
        mount(kind, &merged, kind, MsFlags::empty(), Some(options.as_str())).expect("an overlay");
        self.mounts.borrow_mut().push(merged.clone());
        merged
    }

    /// Remembers a mount that the test itself has made, to be taken away.
    pub fn owns_mount(&self, at: &Path) {
        self.mounts.borrow_mut().push(at.to_path_buf());
    }

    /// A root file system as an archive that engines make an image of.
    pub fn archive(&self, rootfs: &Path) -> PathBuf {
        let tar = self.dir.join("image.tar");
        let pack = self.program("/usr/bin/tar".as_ref()).arg("-C").arg(rootfs);
        pack.arg("-cf").arg(&tar).arg(".").ok();
        tar
    }

    /// Panics when anything of this test's containers is still there.
    #[track_caller]
    pub fn assert_clean(&self) {
        let left = self.left();
        assert!(left.is_empty(), "left behind:\n{}", left.join("\n"));
    }

    /// Everything that should be gone but is not.
    pub fn left(&self) -> Vec<String> {
        leaks::left(&self.tag, &self.dir, &self.state_root, &self.mounts.borrow(), &self.before)
    }

    fn delete_all(&self) {
        for id in self.ids.borrow().iter() {
            if self.state_root.join(id).exists() {
                self.oci(["delete", "--force", id]).run();
            }
        }
    }

    fn sweep(&self) {
        for at in self.mounts.borrow().iter().rev() {
            let _ = umount2(at, MntFlags::MNT_DETACH);
        }
        sweep(&self.tag, &self.dir);
    }
}

/// Takes away everything of a lab by force.
fn sweep(tag: &str, dir: &Path) {
    // What is being killed may still write for a moment.
    for _ in 0..50 {
        leaks::kill_marked(tag, dir);
        leaks::unmount_below(dir);
        cgroups::remove_named(tag);
        if fs::remove_dir_all(dir).is_ok() || !dir.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Takes away what the labs of a test process that was killed have left.
pub fn sweep_after(pid: i32) {
    let start = format!("{PREFIX}{pid}n");
    for entry in fs::read_dir("/tmp").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(&start) {
            sweep(&name[PREFIX.len()..], &entry.path());
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        if failed {
            // The binary may hang or panic here too: the test has its verdict.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.delete_all()));
            self.sweep();
            return;
        }
        self.delete_all();
        let left = self.left();
        self.sweep();
        assert!(left.is_empty(), "left behind:\n{}", left.join("\n"));
    }
}
