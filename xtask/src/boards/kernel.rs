//! Kernels of Debian's, unpacked and never installed.

use super::debian::Packages;
use super::one_in;
use crate::error::{Context, Result};
use crate::vm::cache;
use std::fs;
use std::path::PathBuf;

/// The image of the newest kernel behind the package.
pub fn fetched(package: &str, architecture: &str) -> Result<PathBuf> {
    let name = format!("board-{architecture}-kernel");
    cache::made(&name, &[package], |new| {
        let packages = Packages::of(architecture)?;
        let newest = packages.behind(package, "linux-image-")?;
        let mut tree = new.as_os_str().to_owned();
        tree.push("-tree");
        let tree = PathBuf::from(tree);
        let image = packages.unpack(&newest, &tree).and_then(|()| {
            let image = one_in(&tree.join("boot"), "vmlinu")?;
            fs::rename(&image, new).context(image.display())
        });
        cache::remove(&tree);
        image
    })
}
