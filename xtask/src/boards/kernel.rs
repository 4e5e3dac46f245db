//! Kernels of Debian's, unpacked and never installed. What a board needs of
//! their modules is taken out of the package, in the order in which it has to be
//! loaded.

use super::debian::Packages;
use crate::debian::install_missing;
use crate::error::{Context, Result};
use crate::process::run;
use crate::vm::cache;
use crate::vm::kernel::{index, modules, one_in};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What Debian does not build in everywhere: a disk, images on it, and a watchdog
/// without hardware.
const MODULES: [&str; 8] =
    ["virtio_pci", "virtio_blk", "squashfs", "ext4", "erofs", "loop", "overlay", "softdog"];

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
    let directory = new.join("modules");
    fs::create_dir_all(&directory).context(directory.display())?;
    let image = one_in(&tree.join("boot"), "vmlinu")?;
    fs::rename(&image, new.join("image")).context(image.display())?;
    index(tree)?;
    for (number, file) in modules(tree, &MODULES)?.iter().enumerate() {
        let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
        let place = directory.join(format!("{number:02}-{name}"));
        fs::copy(file, &place).context(file)?;
        if name.ends_with(".xz") {
            run(Command::new("xz").arg("--decompress").arg(&place))?;
        }
    }
    Ok(())
}
