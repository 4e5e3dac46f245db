//! `cargo xtask build`: the release binary, for the host or for another target.
//!
//! The package is always built alone (`-p ocinit`): a build of the whole
//! workspace would unify features, and the tests want std in crates that the
//! runtime takes without it.

use crate::error::{Context, Result};
use crate::process::{output, step};
use crate::target::{self, Target};
use crate::toolchain::Toolchain;
use crate::workspace::{binary, cargo, root};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The command.
pub fn command(mut parser: lexopt::Parser) -> Result<bool> {
    use lexopt::prelude::*;
    let mut targets = Vec::new();
    while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
        match argument {
            Long("target") => {
                let name = parser.value().and_then(|v| v.string()).map_err(|e| e.to_string())?;
                targets.push(target::find(&name)?);
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    if targets.is_empty() {
        println!("{}", release()?.path.display());
    }
    for target in targets {
        println!("{}", release_for(target)?.path.display());
    }
    Ok(true)
}

/// What a build made.
pub struct Built {
    /// The binary.
    pub path: PathBuf,
    /// The number of warnings of the compiler and the linker.
    pub warnings: usize,
}

/// Builds the release binary for the host.
pub fn release() -> Result<Built> {
    step("building the release binary");
    build(cargo(&["build", "--release", "-p", "ocinit"]), binary())
}

/// Builds the release binary for a target, and installs what that takes.
pub fn release_for(target: &Target) -> Result<Built> {
    target.install_linker()?;
    let toolchain = Toolchain::for_target(target)?;
    step(format_args!("building for {} with {toolchain}", target.name));
    let mut command = toolchain.cargo("build");
    command.args(["--release", "-p", "ocinit", "--target", target.name]);
    build(command, toolchain.directory().join(target.name).join("release/ocinit"))
}

fn build(mut command: Command, path: PathBuf) -> Result<Built> {
    if let Some(commit) = commit() {
        command.env("OCINIT_COMMIT", commit);
    }
    let out = command.stdout(Stdio::inherit()).output().context("cargo build")?;
    // Cargo repeats the warnings of a build that is up to date.
    let said = String::from_utf8_lossy(&out.stderr);
    std::io::stderr().write_all(said.as_bytes()).context("stderr")?;
    if !out.status.success() {
        return Err("the release binary does not build".into());
    }
    let warnings = said.lines().filter(|l| l.starts_with("warning:")).count();
    Ok(Built { path, warnings })
}

/// The commit of the checkout, marked when there are changes on top; none
/// outside of a repository.
fn commit() -> Option<String> {
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(root()).args(args).stderr(Stdio::null());
        output(&mut command).ok()
    };
    let hash = git(&["rev-parse", "HEAD"])?;
    let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changes.is_empty() { hash } else { format!("{hash}-dirty") })
}
