//! Busybox for a board, static: what the root file systems of the integration
//! tests are made of. Debian's package, or, where Debian has no kernel for the
//! architecture and no package either, built from its sources.

use super::debian::Packages;
use super::{Board, Kernel};
use crate::debian::install_missing;
use crate::error::{Context, Result};
use crate::process::{output, run, step};
use crate::vm::cache;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What unpacks the sources and builds them: a file of each package.
const TOOLS: [(&str, &str); 3] =
    [("dpkg-dev", "/usr/bin/dpkg-source"), ("gcc", "/usr/bin/gcc"), ("make", "/usr/bin/make")];

/// The program for the board.
pub fn built(board: &Board) -> Result<PathBuf> {
    match &board.file.kernel {
        None => Err(format!("{}: nobody knows what Debian calls its architecture", board.name)),
        Some(Kernel::Package { architecture, .. }) => {
            let name = format!("board-{architecture}-busybox");
            made(&name, &[], |tree| packaged(architecture, tree))
        }
        Some(Kernel::Source { compiler, .. }) => {
            let name = format!("board-{}-busybox", board.name);
            made(&name, &[compiler], |tree| from_sources(compiler, tree))
        }
    }
}

/// Keeps the program that `make` makes in the directory that it is given.
fn made(
    name: &str,
    inputs: &[&str],
    make: impl FnOnce(&Path) -> Result<PathBuf>,
) -> Result<PathBuf> {
    cache::made(name, inputs, |new| {
        let mut tree = new.as_os_str().to_owned();
        tree.push("-tree");
        let tree = PathBuf::from(tree);
        let taken =
            make(&tree).and_then(|program| fs::copy(&program, new).context(program.display()));
        cache::remove(&tree);
        taken.map(drop)
    })
}

/// Fetches Debian's.
fn packaged(architecture: &str, tree: &Path) -> Result<PathBuf> {
    Packages::of(architecture)?.unpack("busybox-static", tree)?;
    Ok(tree.join("bin/busybox"))
}

/// Builds it by the compiler with this prefix, as Debian configures its static
/// package.
fn from_sources(compiler: &str, tree: &Path) -> Result<PathBuf> {
    let package = format!("gcc-{}", compiler.trim_end_matches('-'));
    install_missing(&TOOLS)?;
    install_missing(&[(&package, &format!("/usr/bin/{compiler}gcc"))])?;
    let sources = Packages::sources()?.unpack_sources("busybox", tree)?;
    let config = sources.join("debian/config/pkg/static");
    fs::copy(&config, sources.join(".config")).context(config.display())?;
    step("building busybox: a minute of computing");
    // It has every answer, and asks nothing.
    output(make(&sources, compiler).arg("oldconfig").stdin(Stdio::null()))?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    // Warnings about code that is not ours.
    let mut build = make(&sources, compiler);
    run(build.env("CFLAGS", "-w").arg(format!("-j{jobs}")).arg("busybox"))?;
    Ok(sources.join("busybox"))
}

fn make(sources: &Path, compiler: &str) -> Command {
    let mut make = Command::new("make");
    make.arg("-s").arg(format!("CROSS_COMPILE={compiler}")).current_dir(sources);
    // What cargo sets is not for this build.
    make.env_remove("MAKEFLAGS").env_remove("CARGO_MAKEFLAGS");
    make
}
