//! Packages of the Debian machine we run on.

use crate::error::Result;
use crate::process::{run, step};
use std::path::Path;
use std::process::Command;

/// Installs the package.
pub fn install(package: &str) -> Result {
    install_all(&[package])
}

/// Installs those packages, each given with a file of it, whose file is missing.
pub fn install_missing(packages: &[(&str, &str)]) -> Result {
    let missing = packages.iter().filter(|(_, file)| !Path::new(file).exists());
    let missing: Vec<&str> = missing.map(|(package, _)| *package).collect();
    if missing.is_empty() { Ok(()) } else { install_all(&missing) }
}

/// Fetches the lists of packages.
pub fn update() -> Result {
    run(apt().args(["update", "-qq"]))
}

fn install_all(packages: &[&str]) -> Result {
    step(format_args!("installing {}", packages.join(" ")));
    update()?;
    run(apt().args(["install", "-qq", "-y", "--no-install-recommends"]).args(packages))
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
