//! Programs that use the standard library, built for the architecture of a target:
//! static ones, with glibc. For another architecture than the machine's, Debian's
//! Rust builds the library along from its sources, and Debian has a C library and
//! a linker.

use crate::debian::install_missing;
use crate::error::Result;
use crate::process::run;
use crate::toolchain::Debian;
use crate::workspace::{self, cargo};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crates of the standard library: those of programs and of tests.
const LIBRARY: &str = "std,panic_abort,test";

/// What is built for an architecture.
pub struct Glibc {
    /// What builds for it; none where the machine's own does.
    debian: Option<Debian>,
    architecture: String,
}

impl Glibc {
    /// For the architecture that a target's name begins with; installs what is
    /// missing.
    pub fn for_target(target: &str) -> Result<Glibc> {
        let architecture = architecture(target).to_string();
        if architecture == std::env::consts::ARCH {
            return Ok(Glibc { debian: None, architecture });
        }
        let debian = debians_name(&architecture)
            .ok_or_else(|| format!("no cross compiler for {architecture} is known"))?;
        install_missing(&[
            (
                &format!("gcc-{architecture}-linux-gnu"),
                &format!("/usr/bin/{architecture}-linux-gnu-gcc"),
            ),
            (
                &format!("libc6-dev-{debian}-cross"),
                &format!("/usr/{architecture}-linux-gnu/lib/libc.a"),
            ),
        ])?;
        Ok(Glibc { debian: Some(Debian::installed()?), architecture })
    }

    /// Rust's name of what is built for.
    pub fn triple(&self) -> String {
        format!("{}-unknown-linux-gnu", self.architecture)
    }

    /// The target directory.
    pub fn directory(&self) -> PathBuf {
        workspace::target().join("glibc")
    }

    /// A call of cargo for it.
    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut command = match &self.debian {
            Some(debian) => debian.cargo(subcommand, LIBRARY),
            None => cargo(&[subcommand]),
        };
        let mut flags = String::from("-C target-feature=+crt-static");
        if self.architecture == "powerpc64le" {
            // As for the runtime itself: see .cargo/config.toml.
            flags.push_str(" --cfg=rustix_use_experimental_asm");
        }
        command.env("RUSTFLAGS", flags).env_remove("CARGO_ENCODED_RUSTFLAGS");
        let variable = self.triple().to_uppercase().replace('-', "_");
        let linker = format!("{}-linux-gnu-gcc", self.architecture);
        command.env(format!("CARGO_TARGET_{variable}_LINKER"), linker);
        command.args(["--target", &self.triple()]).arg("--target-dir").arg(self.directory());
        command
    }

    /// Copies a program that was built, without its symbols.
    pub fn strip(&self, program: &Path, to: &Path) -> Result {
        let mut strip = Command::new(format!("{}-linux-gnu-strip", self.architecture));
        run(strip.arg("-o").arg(to).arg(program))
    }

    /// A call of cargo that builds tests and tells of them in JSON.
    pub fn tests(&self) -> Command {
        let mut command = self.cargo("test");
        command.args(["--no-run", "--message-format=json-render-diagnostics"]);
        // A test that fails unwinds, and with both kinds of panics there would be
        // two standard libraries.
        command.env("CARGO_PROFILE_DEV_PANIC", "unwind");
        // They are run by emulators, which nobody debugs in.
        command.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1").env("CARGO_PROFILE_DEV_DEBUG", "none");
        command
    }
}

/// The architecture of a target, as its name begins.
pub fn architecture(target: &str) -> &str {
    target.split('-').next().unwrap_or_default()
}

/// What Debian calls the architecture.
pub fn debians_name(architecture: &str) -> Option<&'static str> {
    match architecture {
        "aarch64" => Some("arm64"),
        "powerpc64le" => Some("ppc64el"),
        "sparc64" => Some("sparc64"),
        _ => None,
    }
}
