//! `cargo xtask dist`: what is given to users. The binaries of all targets under
//! their names, and their checksums.

use crate::build;
use crate::error::{Context, Result};
use crate::footprint::{Figure, TARGETS as RECORD, print};
use crate::process::{output, step};
use crate::target::TARGETS;
use crate::workspace::target;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The command.
pub fn command(mut parser: lexopt::Parser) -> Result<bool> {
    use lexopt::prelude::*;
    let mut write = false;
    while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
        match argument {
            Long("record") => write = true,
            other => return Err(other.unexpected().to_string()),
        }
    }
    let directory = target().join("dist");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).context(directory.display())?;
    let mut names = Vec::new();
    let mut figures = Vec::new();
    for target in &TARGETS {
        let built = build::release_for(target)?;
        let name = format!("ocinit-{}", target.name);
        fs::copy(&built.path, directory.join(&name)).context(built.path.display())?;
        figures.push(size(target.name, &built.path)?);
        names.push(name);
    }
    let sums = output(Command::new("sha256sum").args(&names).current_dir(&directory))?;
    fs::write(directory.join("SHA256SUMS"), format!("{sums}\n")).context("SHA256SUMS")?;
    step(format_args!("in {}:", directory.display()));
    println!("{sums}");
    print(&figures, &RECORD.read()?);
    if write {
        RECORD.write(&figures)?;
        step("sizes recorded");
    }
    Ok(true)
}

/// The size of a target's binary.
pub fn size(target: &str, binary: &Path) -> Result<Figure> {
    let value = fs::metadata(binary).context(binary.display())?.len();
    Ok(Figure { name: target.into(), value, unit: "bytes".into() })
}
