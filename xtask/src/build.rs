//! `cargo xtask build`: the release binary.
//!
//! The package is always built alone (`-p ocinit`): a build of the whole
//! workspace would unify features, and the tests want std in crates that the
//! runtime takes without it.

use crate::error::{Context, Result};
use crate::process::{output, step};
use crate::workspace::{binary, cargo, root};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The command.
pub fn command(parser: lexopt::Parser) -> Result<bool> {
    crate::no_more(parser)?;
    let built = release()?;
    println!("{}", built.path.display());
    Ok(true)
}

/// What a build made.
pub struct Built {
    /// The binary.
    pub path: PathBuf,
    /// The number of warnings of the compiler and the linker.
    pub warnings: usize,
}

/// Builds the release binary.
pub fn release() -> Result<Built> {
    step("building the release binary");
    let mut command = cargo(&["build", "--release", "-p", "ocinit"]);
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
    Ok(Built { path: binary(), warnings })
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
