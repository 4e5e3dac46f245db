//! The program that runs in the containers of boards and checks what it sees:
//! tests/guest, built for each of them. It uses the standard library, which
//! Debian's Rust builds along from its sources; so it is kept.

use super::Board;
use crate::debian::install_missing;
use crate::error::{Context, Result};
use crate::process::{output, run};
use crate::vm::cache;
use crate::workspace::{cargo, root, target};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Debian's Rust, which is the only one here with the sources.
const RUST: [(&str, &str); 3] = [
    ("rustc-web", "/usr/bin/rustc"),
    ("cargo-web", "/usr/bin/cargo"),
    ("rust-web-src", "/usr/lib/rustlib/src/rust/library/std/Cargo.toml"),
];

/// The name of an architecture in Rust's triples, and in Debian's packages.
const NAMES: [(&str, &str); 3] =
    [("aarch64", "arm64"), ("powerpc64le", "ppc64el"), ("sparc64", "sparc64")];

/// The program for the board, static.
pub fn built(board: &Board) -> Result<PathBuf> {
    let architecture = board.target().split('-').next().unwrap_or_default();
    let dir = root().join("tests/guest");
    let mut files = vec![dir.join("Cargo.toml"), dir.join("Cargo.lock")];
    let sources = dir.join("src");
    let entries = fs::read_dir(&sources).context(sources.display())?;
    files.extend(entries.flatten().map(|entry| entry.path()));
    files.sort();
    let mut inputs = Vec::new();
    for file in files {
        inputs.push(fs::read_to_string(&file).context(file.display())?);
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    if architecture == std::env::consts::ARCH {
        let target = target().join("guest");
        let mut command = cargo(&["build", "--quiet", "--release", "--manifest-path"]);
        command.arg(dir.join("Cargo.toml")).arg("--target-dir").arg(&target);
        command.env_remove("CARGO_ENCODED_RUSTFLAGS");
        run(command.env("RUSTFLAGS", "-C target-feature=+crt-static"))?;
        return Ok(target.join("release/guest"));
    }
    cache::made(&format!("board-{architecture}-guest"), &inputs, |new| {
        let target = target().join("boards/guest");
        let triple = format!("{architecture}-unknown-linux-gnu");
        let mut command = cross(architecture)?;
        command.arg("--manifest-path").arg(dir.join("Cargo.toml"));
        command.args(["--target", &triple]).arg("--target-dir").arg(&target);
        run(&mut command)?;
        let built = target.join(triple).join("release/guest");
        fs::copy(&built, new).context(built.display()).map(drop)
    })
}

/// A call of cargo that builds for another architecture, with glibc.
fn cross(architecture: &str) -> Result<Command> {
    let name = NAMES.iter().find(|name| name.0 == architecture);
    let (_, debian) = name.ok_or(format!("no cross compiler for {architecture} is known"))?;
    let gcc = format!("{architecture}-linux-gnu-gcc");
    install_missing(&RUST)?;
    install_missing(&[
        (&format!("gcc-{architecture}-linux-gnu"), &format!("/usr/bin/{gcc}")),
        (
            &format!("libc6-dev-{debian}-cross"),
            &format!("/usr/{architecture}-linux-gnu/lib/libc.a"),
        ),
    ])?;
    output(Command::new("/usr/bin/rustc").arg("--version"))?;
    let mut command = Command::new("/usr/bin/cargo");
    // Nothing of what the cargo that runs us has set.
    command.env_clear().env("PATH", "/usr/bin:/bin");
    for kept in ["HOME", "CARGO_HOME"] {
        command.envs(std::env::var_os(kept).map(|value| (kept, value)));
    }
    // Building the standard library is an unstable option of a stable compiler.
    command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
    command.env("RUSTFLAGS", "-C target-feature=+crt-static");
    let linker = format!("CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_LINKER", architecture.to_uppercase());
    command.env(linker, gcc);
    command.args(["build", "--quiet", "--release", "-Zbuild-std=std,panic_abort"]);
    Ok(command)
}
