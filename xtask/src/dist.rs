//! `cargo xtask dist`: what is given to users. The binaries of all targets under
//! their names, and their checksums.

use crate::build;
use crate::error::{Context, Result};
use crate::process::{output, step};
use crate::target::TARGETS;
use crate::workspace::target;
use std::fs;
use std::process::Command;

/// The command.
pub fn command(parser: lexopt::Parser) -> Result<bool> {
    crate::no_more(parser)?;
    let build = target().join("dist-build");
    let directory = target().join("dist");
    for old in [&build, &directory] {
        let _ = fs::remove_dir_all(old);
    }
    fs::create_dir_all(&directory).context(directory.display())?;
    let mut names = Vec::new();
    for target in &TARGETS {
        let built = build::distributed(target)?;
        let name = format!("ocinit-{}", target.name);
        fs::copy(&built.path, directory.join(&name)).context(built.path.display())?;
        names.push(name);
    }
    let _ = fs::remove_dir_all(&build);
    let sums = output(Command::new("sha256sum").args(&names).current_dir(&directory))?;
    fs::write(directory.join("SHA256SUMS"), format!("{sums}\n")).context("SHA256SUMS")?;
    step(format_args!("in {}:", directory.display()));
    println!("{sums}");
    for name in names {
        let file = directory.join(&name);
        println!("{name:40} {:>8} bytes", fs::metadata(&file).context(file.display())?.len());
    }
    Ok(true)
}
