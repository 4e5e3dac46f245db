//! The root file system of the test machine: a minimal Debian with systemd, and
//! the engines and tools that the tests use.

use super::kernel::Kernel;
use super::{cache, disk};
use crate::error::{Context, Result};
use crate::process::run;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGES: &str = "apparmor busybox-static conmon containerd cpio criu crun dbus dbus-user-session docker.io iproute2 \
    iptables kmod libpam-systemd podman procps python3-minimal runc strace systemd systemd-sysv tini uidmap";

/// Units that only cost time here.
const MASKED: [&str; 19] = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "containerd.service",
    "docker.service",
    "docker.socket",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty.target",
    "podman.service",
    "podman.socket",
    "podman-auto-update.timer",
    "podman-restart.service",
    "serial-getty@ttyS0.service",
    "systemd-firstboot.service",
    "systemd-hwdb-update.service",
    "systemd-timesyncd.service",
    "systemd-update-utmp.service",
];

const PROGRAM: &str = include_str!("guest/ocinit-vm");
const UNIT: &str = include_str!("guest/ocinit-vm.service");

/// What a user called mary needs: an ordinary one with subordinate ids.
const USER: &str = "useradd --create-home --shell /bin/bash --uid 1000 mary";

/// Makes the disk.
pub fn get(kernel: &Kernel) -> Result<PathBuf> {
    let modules = kernel.tree.to_string_lossy();
    let masked = MASKED.join(" ");
    let inputs = [PACKAGES, &masked, PROGRAM, UNIT, USER, &modules, disk::FORMAT];
    cache::made("root", &inputs, |new| {
        let mut tree = new.as_os_str().to_owned();
        tree.push("-tree");
        let tree = PathBuf::from(tree);
        let result = make(&tree, kernel).and_then(|()| disk::make(new, &tree, "8G"));
        cache::remove(&tree);
        result
    })
}

fn make(tree: &Path, kernel: &Kernel) -> Result {
    let mut command = Command::new("mmdebstrap");
    command.args(["--quiet", "--variant=minbase", "--mode=root"]);
    let packages: Vec<&str> = PACKAGES.split_whitespace().collect();
    command.arg(format!("--include={}", packages.join(",")));
    command.arg("--aptopt=APT::Install-Recommends \"false\"");
    for path in ["man", "doc", "locale", "info"] {
        command.arg(format!("--dpkgopt=path-exclude=/usr/share/{path}/*"));
    }
    command.arg("--dpkgopt=force-unsafe-io");
    command.arg(format!("--customize-hook=chroot \"$1\" {USER}"));
    command.arg("bookworm").arg(tree);
    // The machine's own sources, which may name a mirror that it can reach.
    let sources = Path::new("/etc/apt/sources.list.d/debian.sources");
    if sources.exists() {
        command.arg(sources);
    }
    run(&mut command)?;
    let modules = tree.join("usr/lib/modules");
    let _ = fs::remove_dir_all(&modules);
    run(Command::new("cp").arg("-a").arg(kernel.tree.join("lib/modules")).arg(&modules))?;
    configure(tree).context(tree.display())
}

fn configure(tree: &Path) -> std::io::Result<()> {
    let units = tree.join("etc/systemd/system");
    fs::write(tree.join("etc/hostname"), "ocinit-vm\n")?;
    fs::write(tree.join("etc/fstab"), "")?;
    fs::write(tree.join("etc/machine-id"), "uninitialized\n")?;
    fs::create_dir(tree.join("payload"))?;
    let program = tree.join("usr/lib/ocinit-vm");
    fs::write(&program, PROGRAM)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    fs::write(units.join("ocinit-vm.service"), UNIT)?;
    let wants = units.join("multi-user.target.wants");
    fs::create_dir_all(&wants)?;
    symlink("../ocinit-vm.service", wants.join("ocinit-vm.service"))?;
    let default = units.join("default.target");
    let _ = fs::remove_file(&default);
    symlink("/lib/systemd/system/multi-user.target", default)?;
    for unit in MASKED {
        let path = units.join(unit);
        let _ = fs::remove_file(&path);
        symlink("/dev/null", path)?;
    }
    Ok(())
}
