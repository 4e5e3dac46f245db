//! The root file systems and the guest program: made once, then copied or overlaid.

use nix::fcntl::{Flock, FlockArg};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Debian packages in the big root file system.
const DEBIAN: &str = "bash,dbus,python3-minimal,systemd,systemd-sysv,util-linux";

/// The busybox commands that the tests use.
const APPLETS: &[&str] = &[
    "awk", "cat", "chmod", "chown", "cp", "date", "dd", "echo", "env", "expr", "false", "find",
    "grep", "head", "hostname", "id", "ip", "kill", "ln", "ls", "mkdir", "mknod", "mount", "mv",
    "nproc", "od", "printf", "ps", "pwd", "readlink", "rm", "sed", "sh", "sleep", "sort", "stat",
    "stty", "sync", "tail", "tee", "test", "touch", "tr", "true", "tty", "umount", "uname", "wc",
    "which", "yes",
];

/// The workspace's target directory.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").join("target"),
    }
}

/// Where root file systems are kept from one run to the next.
pub fn cache_dir() -> PathBuf {
    match std::env::var_os("XDG_CACHE_HOME") {
        Some(dir) if !dir.is_empty() => PathBuf::from(dir).join("ocinit-tests"),
        _ => PathBuf::from("/var/cache/ocinit-tests"),
    }
}

/// An image that was made beforehand, on another machine: in the directory that
/// `OCINIT_IMAGES` names.
fn prepared(name: &str) -> Option<PathBuf> {
    Some(PathBuf::from(std::env::var_os("OCINIT_IMAGES")?).join(name))
}

/// Holds a lock file in `dir` while `work` is done, against other test binaries.
pub fn locked<T>(dir: &Path, name: &str, work: impl FnOnce() -> T) -> T {
    fs::create_dir_all(dir).unwrap_or_else(|e| panic!("make {}: {e}", dir.display()));
    let file = fs::File::create(dir.join(name)).expect("make a lock file");
    let _lock = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, e)| e).expect("lock");
    work()
}

/// The guest program, built if its source has changed.
pub fn guest() -> &'static Path {
    static GUEST: OnceLock<PathBuf> = OnceLock::new();
    GUEST.get_or_init(|| {
        if let Some(path) = prepared("guest") {
            return path;
        }
        let target = target_dir().join("guest");
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("guest/Cargo.toml");
        locked(&target, ".lock", || {
            let out = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
                .args(["build", "--quiet", "--release", "--manifest-path"])
                .arg(&manifest)
                .arg("--target-dir")
                .arg(&target)
                .env_remove("CARGO_ENCODED_RUSTFLAGS")
                .env("RUSTFLAGS", "-C target-feature=+crt-static")
                .output()
                .expect("start cargo for the guest program");
            let said = String::from_utf8_lossy(&out.stderr);
            assert!(out.status.success(), "building the guest program: {said}");
        });
        target.join("release/guest")
    })
}

/// The busybox tree with the guest program, to be copied.
pub fn busybox() -> &'static Path {
    static TREE: OnceLock<PathBuf> = OnceLock::new();
    TREE.get_or_init(|| {
        if let Some(path) = prepared("busybox") {
            return path;
        }
        let guest = guest();
        let dir = target_dir().join("guest");
        let tree = dir.join("busybox-rootfs");
        locked(&dir, ".lock", || {
            // Newer than both its parts and this program: nothing to do.
            let made = tree.join("made");
            let age = |p: &Path| fs::metadata(p).and_then(|m| m.modified()).ok();
            let this = std::env::current_exe().expect("own path");
            let parts = [guest, Path::new("/bin/busybox"), this.as_path()];
            if !parts.iter().all(|p| age(p).is_some() && age(p) < age(&made)) {
                make_busybox(&tree, guest);
                fs::write(&made, "").expect("mark the tree as made");
            }
        });
        tree.join("root")
    })
}

fn make_busybox(tree: &Path, guest: &Path) {
    crate::packages::install_missing().expect("install packages");
    let _ = fs::remove_dir_all(tree);
    lay_out(&tree.join("root"), Path::new("/bin/busybox"), guest);
}

/// Makes the busybox tree of these two programs, which may be another
/// architecture's.
pub fn lay_out(root: &Path, busybox: &Path, guest: &Path) {
    for dir in ["bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr/bin", "var"] {
        fs::create_dir_all(root.join(dir)).expect("make a directory of the root file system");
    }
    let mode = |path: &str, mode: u32| {
        fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).expect("chmod")
    };
    mode("tmp", 0o1777);
    fs::copy(busybox, root.join("bin/busybox")).expect("copy busybox");
    fs::copy(guest, root.join("bin/guest")).expect("copy the guest program");
    mode("bin/busybox", 0o755);
    mode("bin/guest", 0o755);
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet)).expect("link an applet");
    }
    let passwd = "root:x:0:0:root:/root:/bin/sh\nmary:x:1000:1000:Mary:/home/mary:/bin/sh\n";
    fs::write(root.join("etc/passwd"), passwd).expect("write passwd");
    fs::write(root.join("etc/group"), "root:x:0:\nmary:x:1000:\n").expect("write group");
}

/// A Debian tree with bash, python3, apt and systemd; never to be written to.
pub fn debian() -> &'static Path {
    static TREE: OnceLock<PathBuf> = OnceLock::new();
    TREE.get_or_init(|| {
        if let Some(path) = prepared("debian") {
            return path;
        }
        crate::packages::install_missing().expect("install packages");
        let cache = cache_dir();
        let tree = cache.join("debian-2");
        locked(&cache, ".lock", || {
            if !tree.is_dir() {
                make_debian(&cache.join("debian-2.new"), &tree);
            }
        });
        tree
    })
}

fn make_debian(new: &Path, tree: &Path) {
    let _ = fs::remove_dir_all(new);
    let mut command = Command::new("mmdebstrap");
    command.args(["--quiet", "--variant=minbase", "--mode=root"]);
    command.arg(format!("--include={DEBIAN}"));
    command.arg("--aptopt=APT::Install-Recommends \"false\"");
    for path in ["man", "doc", "locale", "info"] {
        command.arg(format!("--dpkgopt=path-exclude=/usr/share/{path}/*"));
    }
    command.arg("--dpkgopt=force-unsafe-io").arg("bookworm").arg(new);
    // The machine's own sources, which may name a mirror that it can reach.
    let sources = Path::new("/etc/apt/sources.list.d/debian.sources");
    if sources.exists() {
        command.arg(sources);
    }
    let out = command.output().expect("start mmdebstrap");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "mmdebstrap: {said}");
    fs::rename(new, tree).expect("put the Debian tree in its place");
}
