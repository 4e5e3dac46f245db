//! The kernel: Debian's for clouds, unpacked and never installed, and an
//! initramfs with the modules that are needed to find the root file system.

use super::{cache, cpio};
use crate::debian;
use crate::error::{Context, Result};
use crate::process::{output, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packages that depend on the newest kernel, the first that there is: Debian
/// 12 has 6.12 beside its own.
const PACKAGES: [&str; 2] = ["linux-image-6.12-cloud-amd64", "linux-image-cloud-amd64"];

/// The modules that the initramfs loads: the disk, and what the root file system
/// may not have loaded by itself for lack of an alias.
const MODULES: [&str; 4] = ["virtio_pci", "virtio_blk", "overlay", "loop"];

const INIT: &str = include_str!("guest/init");
const BUSYBOX: &str = "/bin/busybox";

/// A kernel with its initramfs.
pub struct Kernel {
    /// The unpacked package.
    pub tree: PathBuf,
    pub image: PathBuf,
    pub initramfs: PathBuf,
}

/// Makes both.
pub fn get() -> Result<Kernel> {
    let tree = cache::made("kernel", &PACKAGES, unpack)?;
    let inputs = [tree.to_string_lossy().into_owned(), MODULES.join(" "), INIT.into()];
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let initramfs = cache::made("initramfs", &inputs, |new| {
        let archive = archive(&tree)?;
        fs::write(new, archive).context(new.display())
    })?;
    Ok(Kernel { image: one_in(&tree.join("boot"), "vmlinuz-")?, tree, initramfs })
}

/// Fetches the package and unpacks it into `new`.
fn unpack(new: &Path) -> Result {
    debian::update()?;
    let package = PACKAGES.iter().find_map(|meta| newest(meta));
    let package = package.ok_or(format!("apt knows none of {}", PACKAGES.join(", ")))?;
    fs::create_dir(new).context(new.display())?;
    run(Command::new("apt-get").args(["download", "-q", &package]).current_dir(new))?;
    let archive = one_in(new, "linux-image-")?;
    run(Command::new("dpkg-deb").arg("--extract").arg(&archive).arg(new))?;
    fs::remove_file(&archive).context(archive.display())?;
    index(new)
}

/// The package that a package without content depends on.
fn newest(meta: &str) -> Option<String> {
    let depends = output(Command::new("apt-cache").args(["depends", meta])).ok()?;
    let mut lines = depends.lines().filter_map(|l| l.trim().strip_prefix("Depends: "));
    lines.find(|name| name.starts_with("linux-image-")).map(String::from)
}

/// The version of the kernel in the tree.
pub fn version(tree: &Path) -> Result<String> {
    let dir = one_in(&tree.join("lib/modules"), "")?;
    Ok(dir.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

/// The only entry of the directory whose name starts so.
pub fn one_in(dir: &Path, start: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(dir).context(dir.display())?.flatten();
    let mut found = entries.filter(|e| e.file_name().to_string_lossy().starts_with(start));
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry.path()),
        _ => Err(format!("{}: not one entry that starts with {start:?}", dir.display())),
    }
}

/// Writes down which module of the kernel in the tree needs which.
pub fn index(tree: &Path) -> Result {
    run(Command::new("/sbin/depmod").arg("--basedir").arg(tree).arg(version(tree)?))
}

/// The files of these modules and of those that they need, in the order in which
/// they are loaded. The tree is [`index`]ed.
pub fn modules(tree: &Path, names: &[&str]) -> Result<Vec<String>> {
    let version = version(tree)?;
    let mut order: Vec<String> = Vec::new();
    for name in names {
        let mut modprobe = Command::new("/sbin/modprobe");
        modprobe.arg("--dirname").arg(tree).arg("--set-version").arg(&version);
        let needed = output(modprobe.args(["--show-depends", name]))?;
        for file in needed.lines().filter_map(|line| line.trim().strip_prefix("insmod ")) {
            if !order.iter().any(|known| known == file) {
                order.push(file.into());
            }
        }
    }
    Ok(order)
}

/// The initramfs: busybox, the modules in the order of their dependencies, and
/// the script.
fn archive(tree: &Path) -> Result<Vec<u8>> {
    let mut archive = cpio::Archive::new();
    for dir in ["bin", "dev", "m", "mnt", "proc", "sys"] {
        archive.directory(dir);
    }
    archive.program("bin/busybox", &fs::read(BUSYBOX).context(BUSYBOX)?);
    archive.program("init", INIT.as_bytes());
    let mut order = String::new();
    for file in modules(tree, &MODULES)? {
        let name = Path::new(&file).file_name().unwrap_or_default().to_string_lossy();
        let (name, data) = match name.strip_suffix(".xz") {
            Some(name) => (name, unxz(&file)?),
            None => (&*name, fs::read(&file).context(&file)?),
        };
        order.push_str(name);
        order.push('\n');
        archive.file(&format!("m/{name}"), &data);
    }
    archive.file("modules", order.as_bytes());
    Ok(archive.finish())
}

fn unxz(file: &str) -> Result<Vec<u8>> {
    let out = Command::new(BUSYBOX).args(["unxz", "-c", file]).output().context("unxz")?;
    if out.status.success() { Ok(out.stdout) } else { Err(format!("{file}: cannot be unpacked")) }
}
