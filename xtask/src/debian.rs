//! Packages of the Debian machine we run on.

use crate::error::Result;
use crate::process::{run, step};
use std::path::Path;
use std::process::Command;

/// Installs the package unless `file`, which it brings, is there.
pub fn install(package: &str, file: &str) -> Result {
    if Path::new(file).exists() {
        return Ok(());
    }
    step(format_args!("installing {package}"));
    run(apt().args(["update", "-qq"]))?;
    run(apt().args(["install", "-qq", "-y", "--no-install-recommends", package]))
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
