//! `cargo xtask dist`: what is given to users. The binaries of all targets under
//! their names, and their checksums.

use crate::build::{self, Built};
use crate::error::{Context, Result};
use crate::process::{output, step};
use crate::target::{TARGETS, Target};
use crate::workspace::target;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The file with the checksums, as sha256sum reads them.
const SUMS: &str = "SHA256SUMS";

/// The command: everything is built from nothing, or with `--built` taken from the
/// usual builds, which are brought up to date.
pub fn command(mut parser: lexopt::Parser) -> Result<bool> {
    use lexopt::prelude::*;
    let mut built = false;
    while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
        match argument {
            Long("built") => built = true,
            other => return Err(other.unexpected().to_string()),
        }
    }
    let directory = if built { lay_out(build::release_for)? } else { from_nothing()? };
    check(&directory)?;
    step(format_args!("in {}:", directory.display()));
    let sums = directory.join(SUMS);
    print!("{}", fs::read_to_string(&sums).context(sums.display())?);
    for target in &TARGETS {
        let file = directory.join(name(target));
        let size = fs::metadata(&file).context(file.display())?.len();
        println!("{:40} {size:>8} bytes", name(target));
    }
    Ok(true)
}

fn from_nothing() -> Result<PathBuf> {
    let build = target().join("dist-build");
    let _ = fs::remove_dir_all(&build);
    let directory = lay_out(build::distributed);
    let _ = fs::remove_dir_all(&build);
    directory
}

/// Where everything is put.
pub fn directory() -> PathBuf {
    target().join("dist")
}

/// Fills the directory with the binaries that `built` makes.
fn lay_out(built: impl Fn(&Target) -> Result<Built>) -> Result<PathBuf> {
    let directory = directory();
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).context(directory.display())?;
    let mut names = Vec::new();
    for target in &TARGETS {
        let (path, name) = (built(target)?.path, name(target));
        fs::copy(&path, directory.join(&name)).context(path.display())?;
        names.push(name);
    }
    let sums = output(Command::new("sha256sum").args(&names).current_dir(&directory))?;
    fs::write(directory.join(SUMS), format!("{sums}\n")).context(SUMS)?;
    Ok(directory)
}

/// That the directory has what users are told of: a binary for each target that
/// can be executed and has the checksum, and no more.
pub fn check(directory: &Path) -> Result {
    let mut sha256sum = Command::new("sha256sum");
    output(sha256sum.args(["--check", "--strict", "--quiet", SUMS]).current_dir(directory))?;
    let mut expected: Vec<String> = TARGETS.iter().map(name).chain([SUMS.into()]).collect();
    let sums = fs::read_to_string(directory.join(SUMS)).context(SUMS)?;
    let mut summed: Vec<&str> = sums.lines().filter_map(|line| line.split("  ").nth(1)).collect();
    summed.push(SUMS);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).context(directory.display())?.flatten() {
        use std::os::unix::fs::PermissionsExt;
        let name = entry.file_name().to_string_lossy().into_owned();
        let mode = entry.metadata().context(&name)?.permissions().mode();
        if name != SUMS && mode & 0o111 != 0o111 {
            return Err(format!("{name}: mode {mode:o}"));
        }
        found.push(name);
    }
    found.sort();
    summed.sort();
    expected.sort();
    match found == expected && summed == expected {
        true => Ok(()),
        false => Err(format!("{found:?}, with the sums of {summed:?}, and not {expected:?}")),
    }
}

/// The name of a target's binary.
fn name(target: &Target) -> String {
    format!("ocinit-{}", target.name)
}
