//! File systems with a bundle, as users make them: for `ocinit.root`.

use super::Board;
use super::bundle;
use crate::debian::install_missing;
use crate::error::{Context, Result};
use crate::process::output;
use crate::workspace::target;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Those that the init knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    Squashfs,
    Ext4,
    Erofs,
}

impl FileSystem {
    /// All of them.
    pub const ALL: [FileSystem; 3] = [FileSystem::Squashfs, FileSystem::Ext4, FileSystem::Erofs];

    /// The kernel's name.
    pub fn name(self) -> &'static str {
        match self {
            FileSystem::Squashfs => "squashfs",
            FileSystem::Ext4 => "ext4",
            FileSystem::Erofs => "erofs",
        }
    }

    /// Debian's package that makes it, and the program.
    fn maker(self) -> (&'static str, &'static str) {
        match self {
            FileSystem::Squashfs => ("squashfs-tools", "/usr/bin/mksquashfs"),
            FileSystem::Ext4 => ("e2fsprogs", "/sbin/mke2fs"),
            FileSystem::Erofs => ("erofs-utils", "/usr/bin/mkfs.erofs"),
        }
    }

    /// Makes one of the directory.
    fn make(self, from: &Path, image: &Path) -> Result {
        let (package, program) = self.maker();
        install_missing(&[(package, program)])?;
        let mut command = Command::new(program);
        match self {
            FileSystem::Squashfs => command.arg(from).arg(image).args(["-noappend", "-quiet"]),
            FileSystem::Ext4 => {
                command.args(["-q", "-t", "ext4", "-d"]).arg(from).arg(image).arg("16m")
            }
            FileSystem::Erofs => command.arg(image).arg(from),
        };
        output(&mut command).map(drop)
    }
}

/// An image, and what it was when it was made.
pub struct Disk {
    pub kind: FileSystem,
    path: PathBuf,
    device: String,
    bytes: Vec<u8>,
}

impl Disk {
    /// Makes one of each kind for the board, with a bundle at the top.
    pub fn all(board: &Board) -> Result<Vec<Disk>> {
        let dir = bundle::for_image(board)?;
        let mut disks = Vec::new();
        for kind in FileSystem::ALL {
            let name = format!("{}.{}", board.name, kind.name());
            let path = target().join("boards").join(name);
            let _ = fs::remove_file(&path);
            kind.make(&dir, &path)?;
            let bytes = fs::read(&path).context(path.display())?;
            disks.push(Disk { kind, path, device: board.disk().into(), bytes });
        }
        Ok(disks)
    }

    /// The content.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What QEMU is told to show it as the first disk, which can be written to.
    pub fn arguments(&self) -> [String; 4] {
        let drive = format!("file={},format=raw,if=none,id=root", self.path.display());
        ["-drive".into(), drive, "-device".into(), format!("{},drive=root", self.device)]
    }

    /// That nobody has written to it.
    pub fn check(&self) -> Result {
        let now = fs::read(&self.path).context(self.path.display())?;
        match now == self.bytes {
            true => Ok(()),
            false => Err(format!("{} was written to", self.path.display())),
        }
    }
}
