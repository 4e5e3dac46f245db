//! Boards: what `boards/` has a folder for each of. One more is added by one
//! more folder; nothing here knows any of them by name.

mod boot;
pub mod bundle;
mod busybox;
mod console;
mod count;
mod debian;
mod disk;
pub mod guest;
mod image;
mod kernel;
mod machine;
mod source;
pub mod suite;

pub use boot::command;
pub use console::{Boot, Ending, Said};
pub use count::bench;
pub use disk::{Disk, FileSystem};
pub use image::Image;

use crate::error::{Context, Result};
use crate::workspace::root;
use serde::Deserialize;
use std::fs;
use std::path::PathBuf;

/// A folder of `boards/`.
pub struct Board {
    pub name: String,
    dir: PathBuf,
    file: File,
}

/// Its board.toml.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Rust's name of what the binary is built for.
    target: String,
    /// The kernel's name of the architecture.
    linux: String,
    /// What there is not: `seccomp`, `erofs` or `reset`.
    #[serde(default)]
    lacks: Vec<String>,
    /// Its kernel.config is the whole configuration, and not what comes after
    /// the one that boards share.
    #[serde(default)]
    alone: bool,
    /// What it is tried with.
    #[serde(default)]
    trials: Trials,
    /// The least memory that its kernel boots with, as QEMU takes it, where
    /// that is little.
    least_memory: Option<String>,
    kernel: Option<Kernel>,
    emulator: Option<Emulator>,
}

/// What an emulated board is tried with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trials {
    /// Everything.
    #[default]
    All,
    /// That a container runs with a kernel that has next to nothing.
    Little,
    /// That it starts as it is meant to: the rest is tried on a board like it.
    Start,
}

/// Where a kernel to boot comes from.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Kernel {
    /// Debian's, behind a package that depends on the newest.
    Package { package: String, architecture: String },
    /// Built from Debian's package of its sources, by a compiler with this
    /// prefix; the image is a file of the build's.
    Source { source: String, compiler: String, image: String },
}

/// The package and the program that `start` runs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Emulator {
    package: String,
    program: String,
    /// The package and the file of a firmware that QEMU does not bring.
    firmware: Option<(String, String)>,
    /// A watchdog that QEMU emulates and the kernel has a driver of: its device.
    watchdog: Option<String>,
    /// The device that shows a disk, where it is not QEMU's usual place for it.
    disk: Option<String>,
}

impl Board {
    /// All of them, by name.
    pub fn all() -> Result<Vec<Board>> {
        let dir = root().join("boards");
        let mut boards = Vec::new();
        for entry in fs::read_dir(&dir).context(dir.display())?.flatten() {
            if entry.path().is_dir() {
                boards.push(Board::read(entry.path())?);
            }
        }
        boards.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(boards)
    }

    /// The one of this name.
    pub fn find(name: &str) -> Result<Board> {
        let mut boards = Board::all()?;
        match boards.iter().position(|board| board.name == name) {
            Some(index) => Ok(boards.swap_remove(index)),
            None => {
                let names: Vec<&str> = boards.iter().map(|board| board.name.as_str()).collect();
                Err(format!("no board {name:?}; there are {}", names.join(", ")))
            }
        }
    }

    fn read(dir: PathBuf) -> Result<Board> {
        let path = dir.join("board.toml");
        let text = fs::read_to_string(&path).context(path.display())?;
        let file = toml::from_str(&text).context(path.display())?;
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Board { name, dir, file })
    }

    /// Whether it can be booted here.
    pub fn is_emulated(&self) -> bool {
        self.file.emulator.is_some()
    }

    /// Rust's name of what the binary is built for.
    pub fn target(&self) -> &str {
        &self.file.target
    }

    /// The least memory that its kernel boots with, where that is little.
    pub fn least_memory(&self) -> Option<&str> {
        self.file.least_memory.as_deref()
    }

    /// Whether the kernel can do it there.
    pub fn has(&self, feature: &str) -> bool {
        !self.file.lacks.iter().any(|lacking| lacking == feature)
    }

    /// What it is tried with.
    pub fn trials(&self) -> Trials {
        self.file.trials
    }

    /// QEMU's device with the watchdog, where there is one.
    pub fn watchdog(&self) -> Option<&str> {
        self.file.emulator.as_ref()?.watchdog.as_deref()
    }

    /// QEMU's device that shows a disk.
    fn disk(&self) -> &str {
        let own = self.file.emulator.as_ref().and_then(|emulator| emulator.disk.as_deref());
        own.unwrap_or("virtio-blk-pci")
    }

    /// The fragments of its kernel's configuration, in order.
    fn fragments(&self) -> Vec<PathBuf> {
        let shared = (!self.file.alone).then(|| root().join("boards/kernel.config"));
        shared.into_iter().chain([self.dir.join("kernel.config")]).collect()
    }

    /// What its kernel's sources are changed by, if anything.
    fn patch(&self) -> Option<PathBuf> {
        Some(self.dir.join("kernel.patch")).filter(|path| path.exists())
    }

    fn start(&self) -> PathBuf {
        self.dir.join("start")
    }

    /// Installs the emulator where it is missing.
    pub fn install(&self) -> Result {
        let Some(Emulator { package, program, firmware, .. }) = &self.file.emulator else {
            let readme = self.dir.join("README.md");
            return Err(format!("{} is not emulated here: see {}", self.name, readme.display()));
        };
        let mut files = vec![(package.as_str(), program.as_str())];
        files.push(("util-linux", "/usr/bin/setpriv"));
        files.extend(firmware.iter().map(|(package, file)| (package.as_str(), file.as_str())));
        crate::debian::install_missing(&files)
    }

    /// The directory with the kernel, `image`, and with `modules` where those are
    /// needed; fetched or built where it is not kept.
    pub fn kernel(&self) -> Result<PathBuf> {
        match &self.file.kernel {
            None => Err(format!("{} has no kernel to boot", self.name)),
            Some(Kernel::Package { package, architecture }) => {
                kernel::fetched(package, architecture)
            }
            Some(Kernel::Source { .. }) => source::kernel(self),
        }
    }

    /// Checks that the kernel's own configuration system takes every line of
    /// the fragments.
    pub fn check_config(&self) -> Result {
        source::check(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Board;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn every_board_is_whole() {
        let boards = Board::all().unwrap();
        assert!(boards.len() >= 6);
        for board in boards {
            for file in ["README.md", "kernel.config"] {
                assert!(board.dir.join(file).is_file(), "{}: no {file}", board.name);
            }
            let Some(emulator) = &board.file.emulator else { continue };
            let start = std::fs::read_to_string(board.start()).unwrap();
            let program = emulator.program.rsplit('/').next().unwrap();
            assert!(start.contains(&format!("exec {program} ")), "{}: start", board.name);
            let mode = board.start().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o111, 0o111, "{}: start", board.name);
            assert!(board.file.kernel.is_some(), "{}", board.name);
        }
    }

    #[test]
    fn an_unknown_board_is_told_the_others() {
        let why = Board::find("toaster").err().unwrap();
        assert!(why.contains("qemu-x86_64"), "{why}");
    }
}
