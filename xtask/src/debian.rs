//! Packages of the Debian machine we run on.

use crate::error::Result;
use crate::process::{run, step};
use std::process::Command;

/// Installs the package.
pub fn install(package: &str) -> Result {
    step(format_args!("installing {package}"));
    run(apt().args(["update", "-qq"]))?;
    run(apt().args(["install", "-qq", "-y", "--no-install-recommends", package]))
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
