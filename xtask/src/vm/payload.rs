//! What goes into the machine for one run: the binary, the tests and their
//! images, on disks of their own.

use super::{cache, disk};
use crate::error::{Context, Result};
use crate::process::{output, run};
use crate::workspace::{cargo, target};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A payload that is being put together.
pub struct Payload {
    dir: PathBuf,
    images: Images,
}

/// The images of the integration tests, which they make themselves.
struct Images {
    guest: PathBuf,
    busybox: PathBuf,
    debian: PathBuf,
}

impl Payload {
    /// One of this name with the binary, the images and the tests' set-up.
    pub fn new(name: &str, binary: &Path) -> Result<Payload> {
        let dir = target().join("vm").join(name);
        let _ = fs::remove_dir_all(&dir);
        for part in ["bin", "tests", "images/debian"] {
            fs::create_dir_all(dir.join(part)).context(dir.display())?;
        }
        let images = images()?;
        place(binary, &dir.join("bin/ocinit"))?;
        place(&target().join("debug/setup"), &dir.join("setup"))?;
        place(&images.guest, &dir.join("images/guest"))?;
        let busybox = dir.join("images/busybox");
        run(Command::new("cp").arg("-a").arg(&images.busybox).arg(busybox))?;
        Ok(Payload { dir, images })
    }

    /// Adds a compiled test, without what only a debugger reads.
    pub fn test(&self, name: &str, program: &Path) -> Result {
        let place = self.dir.join("tests").join(name);
        run(Command::new("strip").arg("--strip-debug").arg("-o").arg(place).arg(program))
    }

    /// Adds a text, to be found at /payload/NAME.
    pub fn text(&self, name: &str, text: &str) -> Result {
        fs::write(self.dir.join(name), text).context(name)
    }

    /// Where the file of this name is to be made, for /payload/NAME.
    pub fn place(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Makes the disks.
    pub fn disks(&self) -> Result<Vec<PathBuf>> {
        let payload = self.dir.with_extension("ext4");
        disk::make(&payload, &self.dir, "2G")?;
        let tree = &self.images.debian;
        let inputs = [&*tree.to_string_lossy(), disk::FORMAT];
        let debian = cache::made("debian", &inputs, |new| disk::make(new, tree, "2G"))?;
        Ok(vec![payload, debian])
    }
}

/// The same file under another name.
fn place(from: &Path, to: &Path) -> Result {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).context(from.display())?;
    }
    Ok(())
}

/// Asks the tests' own set-up, which makes them where they are missing.
fn images() -> Result<Images> {
    let said = output(&mut cargo(&["run", "-q", "-p", "ocinit-tests", "--bin", "setup"]))?;
    let path = |name: &str| {
        let line = said.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": "));
        line.map(PathBuf::from).ok_or(format!("the tests' set-up says nothing about {name}"))
    };
    Ok(Images { guest: path("guest")?, busybox: path("busybox")?, debian: path("debian")? })
}
