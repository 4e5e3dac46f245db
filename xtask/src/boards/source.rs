//! Kernels built from Debian's package of their sources and what `boards/` has for
//! them: fragments of a configuration, a patch. And the check that every line of a
//! fragment holds.

use super::debian::Packages;
use super::{Board, Kernel};
use crate::debian::install_missing;
use crate::error::{Context, Result};
use crate::process::{output, run, step};
use crate::vm::cache;
use crate::vm::kernel::one_in;
use crate::workspace::target;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whose configuration system the fragments are checked with, where a board does
/// not name its own.
const SOURCE: &str = "linux-source-6.1";

/// What configures and builds a kernel: a file of each package.
const TOOLS: [(&str, &str); 9] = [
    ("bc", "/usr/bin/bc"),
    ("bison", "/usr/bin/bison"),
    ("flex", "/usr/bin/flex"),
    ("gcc", "/usr/bin/gcc"),
    ("libelf-dev", "/usr/include/gelf.h"),
    ("libssl-dev", "/usr/include/openssl/ssl.h"),
    ("make", "/usr/bin/make"),
    ("patch", "/usr/bin/patch"),
    ("xz-utils", "/usr/bin/xz"),
];

/// The directory with the board's kernel, `image`, built when the sources, the
/// fragments or the patch are new.
pub fn kernel(board: &Board) -> Result<PathBuf> {
    let Some(Kernel::Source { source, compiler, image }) = &board.file.kernel else {
        return Err(format!("{} names no sources of a kernel", board.name));
    };
    let (name, inputs) = (format!("board-{}-kernel", board.name), inputs(board, source)?);
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    cache::made(&name, &inputs, |new| {
        let package = format!("gcc-{}", compiler.trim_end_matches('-'));
        install_missing(&[(&package, &format!("/usr/bin/{compiler}gcc"))])?;
        let Configured { dir, tree, build } = Configured::new(board, source, compiler)?;
        step(format_args!("building the kernel of {}: minutes of computing", board.name));
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut make = Command::new("make");
        make.arg("-s").arg(format!("O={}", build.display())).arg(format!("-j{jobs}"));
        environment(&mut make, board, compiler);
        // The kernel's targets are called as the files that they make.
        let goal = Path::new(image).file_name().unwrap_or_default();
        run(make.arg(goal).current_dir(&tree))?;
        fs::create_dir(new).context(new.display())?;
        fs::copy(build.join(image), new.join("image")).context(image)?;
        cache::remove(&dir);
        Ok(())
    })
}

/// Whether the kernel's configuration has every line of the fragments; an error
/// names those that it has not.
pub fn check(board: &Board) -> Result {
    let source = match &board.file.kernel {
        Some(Kernel::Source { source, .. }) => source,
        _ => SOURCE,
    };
    let (name, inputs) = (format!("board-{}-config", board.name), inputs(board, source)?);
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    cache::made(&name, &inputs, |new| {
        let configured = Configured::new(board, source, "")?;
        fs::copy(configured.build.join(".config"), new).context(new.display())?;
        cache::remove(&configured.dir);
        Ok(())
    })
    .map(drop)
}

/// What a configuration and a build depend on.
fn inputs(board: &Board, source: &str) -> Result<Vec<String>> {
    let mut inputs = vec![version(source)?, board.file.linux.clone()];
    for path in board.fragments().into_iter().chain(board.patch()) {
        inputs.push(fs::read_to_string(&path).context(path.display())?);
    }
    Ok(inputs)
}

/// The newest version of a package that apt knows.
fn version(package: &str) -> Result<String> {
    let ask = || {
        let said = output(Command::new("apt-cache").args(["show", "--no-all-versions", package]));
        let said = said.ok()?;
        said.lines().find_map(|line| line.strip_prefix("Version: ")).map(String::from)
    };
    if let Some(version) = ask() {
        return Ok(version);
    }
    crate::debian::update()?;
    ask().ok_or_else(|| format!("apt knows no package {package}"))
}

/// The unpacked sources.
fn tree(source: &str) -> Result<PathBuf> {
    let dir = target().join("boards").join(format!("{source}-{}", version(source)?));
    if !dir.exists() {
        install_missing(&TOOLS)?;
        step(format_args!("unpacking {source}"));
        let new = target().join("boards/new");
        cache::remove(&new);
        Packages::of(&output(Command::new("dpkg").arg("--print-architecture"))?)?
            .unpack(source, &new)?;
        let archive = one_in(&new.join("usr/src"), "linux-source-")?;
        run(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&new))?;
        let unpacked = one_in(&new, "linux-source-")?;
        fs::rename(&unpacked, &dir).context(dir.display())?;
        cache::remove(&new);
    }
    Ok(dir)
}

fn environment(command: &mut Command, board: &Board, compiler: &str) {
    command.env("ARCH", &board.file.linux).env("CROSS_COMPILE", compiler);
    for name in ["TIMESTAMP", "USER", "HOST"] {
        command.env(format!("KBUILD_BUILD_{name}"), "1");
    }
    // What cargo sets is not for the kernel's build.
    command.env_remove("MAKEFLAGS").env_remove("CARGO_MAKEFLAGS");
}

/// A kernel that only has to be built.
struct Configured {
    /// All that is made for it.
    dir: PathBuf,
    /// The sources.
    tree: PathBuf,
    /// Where it is built, with its configuration.
    build: PathBuf,
}

impl Configured {
    fn new(board: &Board, source: &str, compiler: &str) -> Result<Configured> {
        let dir = target().join("boards").join(format!("build-{}", board.name));
        cache::remove(&dir);
        let build = dir.join("build");
        fs::create_dir_all(&build).context(build.display())?;
        let tree = match board.patch() {
            Some(patch) => patched(&tree(source)?, &patch, &dir)?,
            None => tree(source)?,
        };
        let mut merge = Command::new(tree.join("scripts/kconfig/merge_config.sh"));
        merge.args(["-n", "-O"]).arg(&build).args(board.fragments()).current_dir(&tree);
        environment(&mut merge, board, compiler);
        let said = output(&mut merge)?;
        let lost = lost(&said);
        if lost.is_empty() {
            Ok(Configured { dir, tree, build })
        } else {
            Err(format!("{}: lost {}", board.name, lost.join(", ")))
        }
    }
}

/// The sources with the patch, in `dir`: links to all files but those that it
/// changes, which `patch` makes anew.
fn patched(tree: &Path, patch: &Path, dir: &Path) -> Result<PathBuf> {
    let new = dir.join("sources");
    output(Command::new("cp").args(["--archive", "--link"]).arg(tree).arg(&new))?;
    let mut command = Command::new("patch");
    command.args(["--strip=1", "--fuzz=0", "--directory"]).arg(&new).arg("--input").arg(patch);
    output(&mut command)?;
    Ok(new)
}

/// The symbols that merge_config.sh says are not as they were asked for.
fn lost(said: &str) -> Vec<&str> {
    let lines = said.lines().filter_map(|line| line.strip_prefix("Value requested for "));
    lines.filter_map(|line| line.strip_suffix(" not in final .config")).collect()
}
