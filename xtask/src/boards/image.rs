//! The initramfs of a board: made by `ocinit pack`, as a user makes it.

use super::Board;
use crate::build;
use crate::error::{Context, Result};
use crate::process::run;
use crate::workspace::target;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A packed bundle.
pub struct Image {
    pub path: PathBuf,
    /// In bytes.
    pub size: u64,
}

impl Board {
    /// The binary for the board.
    pub fn binary(&self) -> Result<PathBuf> {
        build::release().map(|built| built.path)
    }
}

impl Image {
    /// Packs the bundle with this init, by the binary for this machine.
    pub fn pack(name: &str, packer: &Path, init: &Path, bundle: &Path) -> Result<Image> {
        let dir = target().join("boards");
        fs::create_dir_all(&dir).context(dir.display())?;
        let path = dir.join(format!("{name}.cpio.gz"));
        let mut command = Command::new(packer);
        command.arg("pack").arg("--init").arg(init).arg("--bundle").arg(bundle);
        run(command.arg("--output").arg(&path))?;
        let size = path.metadata().context(path.display())?.len();
        Ok(Image { path, size })
    }
}
