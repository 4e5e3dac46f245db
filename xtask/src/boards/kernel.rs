//! Kernels of Debian's, unpacked and never installed. What a board needs of
//! their modules is taken out of the package, in the order in which it has to be
//! loaded.

use super::debian::Packages;
use super::one_in;
use crate::debian::install_missing;
use crate::error::{Context, Result};
use crate::process::{output, run};
use crate::vm::cache;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What Debian does not build in: a disk, images on it, and a watchdog.
const MODULES: [&str; 6] = ["virtio_pci", "virtio_blk", "squashfs", "loop", "overlay", "softdog"];

/// The directory with the newest kernel behind the package: `image`, and
/// `modules` with files in their order.
pub fn fetched(package: &str, architecture: &str) -> Result<PathBuf> {
    let name = format!("board-{architecture}-kernel");
    cache::made(&name, &[package, &MODULES.join(" ")], |new| {
        install_missing(&[("kmod", "/sbin/depmod"), ("xz-utils", "/usr/bin/xz")])?;
        let packages = Packages::of(architecture)?;
        let newest = packages.behind(package, "linux-image-")?;
        let mut tree = new.as_os_str().to_owned();
        tree.push("-tree");
        let tree = PathBuf::from(tree);
        let taken = packages.unpack(&newest, &tree).and_then(|()| take(&tree, new));
        cache::remove(&tree);
        taken
    })
}

fn take(tree: &Path, new: &Path) -> Result {
    let modules = new.join("modules");
    fs::create_dir_all(&modules).context(modules.display())?;
    let image = one_in(&tree.join("boot"), "vmlinu")?;
    fs::rename(&image, new.join("image")).context(image.display())?;
    let version = one_in(&tree.join("lib/modules"), "")?;
    let version = version.file_name().unwrap_or_default();
    run(Command::new("/sbin/depmod").arg("--basedir").arg(tree).arg(version))?;
    let mut order: Vec<String> = Vec::new();
    for module in MODULES {
        let mut modprobe = Command::new("/sbin/modprobe");
        modprobe.arg("--dirname").arg(tree).arg("--set-version").arg(version);
        let needed = output(modprobe.args(["--show-depends", module]))?;
        for file in needed.lines().filter_map(|line| line.trim().strip_prefix("insmod ")) {
            if !order.iter().any(|known| known == file) {
                order.push(file.into());
            }
        }
    }
    for (number, file) in order.iter().enumerate() {
        let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
        let place = modules.join(format!("{number:02}-{name}"));
        fs::copy(file, &place).context(file)?;
        if name.ends_with(".xz") {
            run(Command::new("xz").arg("--decompress").arg(&place))?;
        }
    }
    Ok(())
}
