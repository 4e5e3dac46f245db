//! Which compiler builds for a target: the one that runs this tool, where it has
//! the target's libraries (`rustup target add`), or Debian's, which brings the
//! sources of `core` and `alloc` and builds them along.

use crate::debian;
use crate::error::Result;
use crate::process::output;
use crate::target::Target;
use crate::workspace::{self, root};
use std::fmt;
use std::path::PathBuf;
use std::process::Command;

/// Debian's packages, each with a file of it. They are newer than the `rustc`
/// and `cargo` of the release, and go beside them.
const PACKAGES: [(&str, &str); 3] = [
    ("rustc-web", "/usr/bin/rustc"),
    ("cargo-web", "/usr/bin/cargo"),
    ("rust-web-src", "/usr/lib/rustlib/src/rust/library/core/Cargo.toml"),
];

/// Whether the toolchain that runs this tool has the target's libraries.
pub fn has_libraries(target: &Target) -> bool {
    own(&["target-libdir", "--target", target.name]).is_ok_and(|directory| directory.is_dir())
}

/// Debian's Rust, which brings the sources of the standard library.
pub struct Debian {
    /// What its compiler calls itself.
    version: String,
}

impl Debian {
    /// Installs it where it is missing.
    pub fn installed() -> Result<Debian> {
        debian::install_missing(&PACKAGES)?;
        let version = output(debians("/usr/bin/rustc").arg("--version"))?;
        Ok(Debian { version })
    }

    /// A call of its cargo, in the checkout, that builds these crates of the
    /// standard library along.
    pub fn cargo(&self, subcommand: &str, along: &str) -> Command {
        let mut command = debians("/usr/bin/cargo");
        // Building them is an unstable option of a stable compiler.
        command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
        command.arg(subcommand).arg(format!("-Zbuild-std={along}"));
        command
    }
}

/// A compiler with its cargo.
pub enum Toolchain {
    /// The one that runs this tool.
    Own,
    /// Debian's.
    Debian {
        /// The compiler.
        debian: Debian,
        /// Where the one that runs this tool is: it brings a linker.
        own: PathBuf,
    },
}

impl Toolchain {
    /// The one for this target; Debian's is installed where it is needed and
    /// missing.
    pub fn for_target(target: &Target) -> Result<Toolchain> {
        if has_libraries(target) {
            return Ok(Toolchain::Own);
        }
        Ok(Toolchain::Debian { debian: Debian::installed()?, own: own(&["sysroot"])? })
    }

    /// A call of its cargo, in the checkout.
    pub fn cargo(&self, subcommand: &str) -> Command {
        match self {
            Toolchain::Own => workspace::cargo(&[subcommand]),
            Toolchain::Debian { debian, own } => {
                let mut command = debian.cargo(subcommand, "core,alloc");
                command.env("OCINIT_SYSROOT", own);
                command
            }
        }
    }

    /// The target directory: one of its own for Debian's compiler, whose build
    /// scripts would push out those of the other.
    pub fn directory(&self) -> PathBuf {
        match self {
            Toolchain::Own => workspace::target(),
            Toolchain::Debian { .. } => workspace::target().join("cross"),
        }
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Toolchain::Own => f.write_str("the toolchain's own libraries"),
            Toolchain::Debian { debian, .. } => write!(f, "Debian's {}", debian.version),
        }
    }
}

/// A path that the compiler prints which belongs to the cargo that runs us.
fn own(what: &[&str]) -> Result<PathBuf> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    output(rustc.arg("--print").args(what).current_dir(root())).map(PathBuf::from)
}

/// A program of Debian's Rust, without what the cargo that runs us has set.
fn debians(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let ours = ["CARGO", "RUST"].iter().any(|start| text.starts_with(start));
        if (ours && text != "CARGO_HOME") || text == "LD_LIBRARY_PATH" {
            command.env_remove(&name);
        }
    }
    command
}
