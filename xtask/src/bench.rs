//! `cargo xtask bench`: the runtime beside its peers and beside the floor.
//!
//! The measuring is `benches/`; here is what it needs: the release binary, the
//! floor's programs, runc and crun from Debian, youki from crates.io when it is
//! asked for, and Docker's seccomp profile out of a Debian package.

use crate::error::{Context, Result};
use crate::process::{is_root, run, step};
use crate::workspace::{cargo, root, target};
use crate::{build, debian};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The peer that Debian does not have, as `cargo install` takes it.
const YOUKI: &str = "youki@0.7.0";

/// Without these it runs nothing.
const YOUKI_FEATURES: &str = "systemd,v1,v2,cgroupsv2_devices,seccomp";

/// The package that has Docker's default profile, and where in it.
const PROFILE: (&str, &str) = (
    "golang-github-docker-docker-dev",
    "usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json",
);

/// The command.
pub fn command(mut parser: lexopt::Parser) -> Result<bool> {
    use lexopt::prelude::*;
    let (mut words, mut with_youki, mut measure) = (Vec::new(), false, true);
    while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
        match argument {
            Long("youki") => with_youki = true,
            Long("quick") => words.push("--quick".into()),
            Long("write-docs") => {
                measure = false;
                words.push("--write-docs".into());
            }
            Long("with") => {
                words.push("--with".into());
                words.push(parser.value().map_err(|e| e.to_string())?);
            }
            Value(name) if words.is_empty() && name == "boot" => return boards(parser),
            Value(name) => words.push(name),
            other => return Err(other.unexpected().to_string()),
        }
    }
    let mut bench = cargo(&["run", "-q", "--release", "-p", "ocinit-benches", "--"]);
    bench.args(words);
    if measure {
        prepare(&mut bench, with_youki)?;
    }
    run(&mut bench).map(|()| true)
}

/// `bench boot [BOARD...]`: in emulators, so nothing of it is measured in time.
fn boards(mut parser: lexopt::Parser) -> Result<bool> {
    use lexopt::prelude::*;
    let mut names = Vec::new();
    while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
        match argument {
            Value(name) => names.push(name.string().map_err(|e| e.to_string())?),
            other => return Err(other.unexpected().to_string()),
        }
    }
    crate::boards::bench(&names)
}

fn prepare(bench: &mut Command, with_youki: bool) -> Result {
    if !is_root() {
        return Err("the benches make namespaces and cgroups: run them as root".into());
    }
    build::release()?;
    step("building the floor");
    let manifest = root().join("benches/floor/Cargo.toml");
    let mut floor = cargo(&["build", "--quiet", "--release", "--manifest-path"]);
    run(floor.arg(manifest).arg("--target-dir").arg(target().join("floor")))?;
    debian::install_missing(&[("crun", "/usr/bin/crun"), ("runc", "/usr/sbin/runc")])?;
    bench.env("OCINIT_BENCH_PROFILE", profile()?);
    let youki = cache().join("youki-0.7.0");
    if with_youki && !youki.join("bin/youki").exists() {
        install_youki(&youki)?;
    }
    bench.env("OCINIT_BENCH_YOUKI", youki);
    Ok(())
}

/// Where what takes long is kept; the tests keep theirs in the same place.
fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty());
    base.map_or("/var/cache".into(), PathBuf::from).join("ocinit-tests")
}

fn install_youki(to: &Path) -> Result {
    step(format_args!("building {YOUKI}, which takes minutes"));
    debian::install_missing(&[
        ("libseccomp-dev", "/usr/include/seccomp.h"),
        ("libsystemd-dev", "/usr/include/systemd/sd-bus.h"),
        ("libelf-dev", "/usr/include/libelf.h"),
        ("pkg-config", "/usr/bin/pkg-config"),
        ("protobuf-compiler", "/usr/bin/protoc"),
    ])?;
    let mut install = cargo(&["install", YOUKI, "--locked", "--no-default-features"]);
    // Not the toolchain that this checkout pins, and none of its settings.
    install.current_dir("/").args(["--features", YOUKI_FEATURES, "--root"]).arg(to);
    run(&mut install)
}

/// Docker's profile, fetched once.
fn profile() -> Result<PathBuf> {
    let (package, file) = PROFILE;
    let directory = cache().join("docker-profile");
    let profile = directory.join(file);
    if profile.exists() {
        return Ok(profile);
    }
    step(format_args!("fetching Docker's seccomp profile from {package}"));
    let new = directory.with_extension("new");
    let _ = std::fs::remove_dir_all(&new);
    std::fs::create_dir_all(&new).context(new.display())?;
    debian::update()?;
    run(Command::new("apt-get").args(["download", "-qq", package]).current_dir(&new))?;
    let archive = std::fs::read_dir(&new).context(new.display())?.flatten().next();
    let archive = archive.ok_or("apt-get downloaded nothing")?.path();
    run(Command::new("dpkg-deb").arg("--extract").arg(archive).arg(&new))?;
    std::fs::rename(&new, &directory).context(directory.display())?;
    Ok(profile)
}
