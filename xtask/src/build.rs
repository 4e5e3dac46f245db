//! `cargo xtask build`: the release binary, for the host or for another target.
//!
//! The package is always built alone (`-p ocinit`): a build of the whole
//! workspace would unify features, and the tests want std in crates that the
//! runtime takes without it.

use crate::error::{Context, Result};
use crate::process::{output, step};
use crate::target::{self, Target};
use crate::toolchain::Toolchain;
use crate::workspace::{binary, cargo, root, sysroot};
use std::io::Write;
use std::path::{Path, PathBuf};
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
    build(for_host(&home()?), binary())
}

/// The command that builds the release binary for the host, where the sources of
/// dependencies are in `home`.
pub fn for_host(home: &Path) -> Command {
    let mut command = cargo(&["build", "--release", "-p", "ocinit"]);
    command.args(everywhere_the_same(home));
    if let Some(commit) = commit() {
        command.env("OCINIT_COMMIT", commit);
    }
    command
}

/// Cargo's home.
pub fn home() -> Result<PathBuf> {
    let given = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = given.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    home.ok_or_else(|| "neither CARGO_HOME nor HOME is set".into())
}

/// Where cargo unpacks what is from crates.io, in its home.
const CRATES: &str = "registry/src/index.crates.io-1949cf8c6b5b557f";

/// What keeps the paths of the machine out of the binary. Those of our own
/// sources are relative; those of dependencies, which a panic names, begin with
/// `cargo` then, and those of the standard library with what the compiler calls
/// them where it does not have its sources. Flags for a `cfg` come on top of those
/// for a target.
fn everywhere_the_same(home: &Path) -> [String; 2] {
    let home = home.display();
    let mut flags = vec![
        format!("--remap-path-prefix={home}=cargo"),
        format!("--remap-path-prefix={home}/{CRATES}=cargo"),
    ];
    flags.extend(library().map(|(from, to)| format!("--remap-path-prefix={from}={to}")));
    ["--config".into(), format!("target.'cfg(all())'.rustflags={flags:?}")]
}

/// Where the sources of the standard library are, and what the compiler calls
/// that place where it does not have them.
fn library() -> Option<(String, String)> {
    let said = output(Command::new("rustc").arg("-vV").current_dir(root())).ok()?;
    let hash = said.lines().find_map(|line| line.strip_prefix("commit-hash: "))?;
    let sources = sysroot().ok()?.join("lib/rustlib/src/rust");
    Some((sources.display().to_string(), format!("/rustc/{hash}")))
}

/// Builds the release binary for a target, and installs what that takes.
pub fn release_for(target: &Target) -> Result<Built> {
    let toolchain = toolchain(target)?;
    build_for(target, &toolchain, &toolchain.directory())
}

/// The same from nothing, in a directory of its own: what is handed out does not
/// depend on what was built before.
pub fn distributed(target: &Target) -> Result<Built> {
    build_for(target, &toolchain(target)?, &crate::workspace::target().join("dist-build"))
}

fn toolchain(target: &Target) -> Result<Toolchain> {
    target.install_linker()?;
    Toolchain::for_target(target)
}

fn build_for(target: &Target, by: &Toolchain, into: &Path) -> Result<Built> {
    step(format_args!("building for {} with {by}", target.name));
    let mut command = by.cargo("build");
    command.args(["--release", "-p", "ocinit", "--target", target.name]);
    command.args(everywhere_the_same(&home()?)).arg("--target-dir").arg(into);
    if let Some(commit) = commit() {
        command.env("OCINIT_COMMIT", commit);
    }
    build(command, into.join(target.name).join("release/ocinit"))
}

fn build(mut command: Command, path: PathBuf) -> Result<Built> {
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
