//! The program that runs in the containers of boards and checks what it sees:
//! tests/guest, built for each of them. It uses the standard library, which for
//! another architecture is built along; so it is kept.

use super::Board;
use crate::error::{Context, Result};
use crate::glibc::{Glibc, architecture};
use crate::process::run;
use crate::vm::cache;
use crate::workspace::{cargo, root, target};
use std::fs;
use std::path::PathBuf;

/// The program for the board, static.
pub fn built(board: &Board) -> Result<PathBuf> {
    let architecture = architecture(board.target());
    let dir = root().join("tests/guest");
    let manifest = dir.join("Cargo.toml");
    if architecture == std::env::consts::ARCH {
        let target = target().join("guest");
        let mut command = cargo(&["build", "--quiet", "--release", "--manifest-path"]);
        command.arg(&manifest).arg("--target-dir").arg(&target);
        command.env_remove("CARGO_ENCODED_RUSTFLAGS");
        run(command.env("RUSTFLAGS", "-C target-feature=+crt-static"))?;
        return Ok(target.join("release/guest"));
    }
    let mut files = vec![manifest.clone(), dir.join("Cargo.lock")];
    let sources = dir.join("src");
    let entries = fs::read_dir(&sources).context(sources.display())?;
    files.extend(entries.flatten().map(|entry| entry.path()));
    files.sort();
    let mut inputs = Vec::new();
    for file in files {
        inputs.push(fs::read_to_string(&file).context(file.display())?);
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    cache::made(&format!("board-{architecture}-guest"), &inputs, |new| {
        let glibc = Glibc::for_target(board.target())?;
        let mut command = glibc.cargo("build");
        command.args(["--quiet", "--release", "--manifest-path"]).arg(&manifest);
        run(&mut command)?;
        let built = glibc.directory().join(glibc.triple()).join("release/guest");
        fs::copy(&built, new).context(built.display()).map(drop)
    })
}
