//! Disks: ext4 images made of directories.

use crate::error::{Context, Result};
use crate::process::run;
use std::fs::File;
use std::path::Path;
use std::process::Command;

/// How they are formatted. No journal: what is written to them is thrown away.
pub const FORMAT: &str = "-q -F -O ^has_journal -E lazy_itable_init=1";

/// Makes the image of this size, which takes only what is in it.
pub fn make(image: &Path, tree: &Path, size: &str) -> Result {
    drop(File::create(image).context(image.display())?);
    run(Command::new("truncate").args(["--size", size]).arg(image))?;
    let mut mkfs = Command::new("/sbin/mkfs.ext4");
    run(mkfs.args(FORMAT.split(' ')).arg("-d").arg(tree).arg(image))
}
