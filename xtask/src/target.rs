//! The targets that the binary is built for, and what builds and runs them on a
//! Debian machine for x86_64. targets/README.md has the same for readers.

use crate::debian;
use crate::error::Result;
use std::path::Path;

/// A target.
pub struct Target {
    /// Rust's name.
    pub name: &'static str,
    /// Whether the binary moves: a static PIE. The others are static programs at
    /// a fixed address.
    pub is_pie: bool,
    /// Packages of Debian that link for it, each with a file of it.
    linker: &'static [(&'static str, &'static str)],
    /// QEMU's program that runs its binaries; none where the machine does.
    emulator: Option<&'static str>,
}

/// All of them, the machine's own architecture first.
pub const TARGETS: [Target; 4] = [
    Target {
        name: "x86_64-unknown-linux-musl",
        is_pie: true,
        linker: &[("gcc", "/usr/bin/gcc")],
        emulator: None,
    },
    Target {
        name: "aarch64-unknown-linux-musl",
        is_pie: true,
        linker: &[("gcc-aarch64-linux-gnu", "/usr/bin/aarch64-linux-gnu-gcc")],
        emulator: Some("/usr/bin/qemu-aarch64-static"),
    },
    Target {
        name: "powerpc64le-unknown-linux-musl",
        is_pie: true,
        linker: &[("gcc-powerpc64le-linux-gnu", "/usr/bin/powerpc64le-linux-gnu-gcc")],
        emulator: Some("/usr/bin/qemu-ppc64le-static"),
    },
    Target {
        name: "sparc64-unknown-linux-gnu",
        is_pie: false,
        linker: &[
            ("gcc-sparc64-linux-gnu", "/usr/bin/sparc64-linux-gnu-gcc"),
            ("libc6-dev-sparc64-cross", "/usr/sparc64-linux-gnu/lib/libc.a"),
        ],
        emulator: Some("/usr/bin/qemu-sparc64-static"),
    },
];

/// The target of this name.
pub fn find(name: &str) -> Result<&'static Target> {
    TARGETS.iter().find(|target| target.name == name).ok_or_else(|| {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        format!("no target {name:?}; there are {}", names.join(", "))
    })
}

impl Target {
    /// Installs what links for it, where that is missing.
    pub fn install_linker(&self) -> Result {
        debian::install_missing(self.linker)
    }

    /// The program that runs its binaries, installed where it is missing, as the
    /// words before the binary's path.
    pub fn runner(&self) -> Result<Option<&'static Path>> {
        let Some(emulator) = self.emulator else { return Ok(None) };
        debian::install_missing(&[("qemu-user-static", emulator)])?;
        Ok(Some(Path::new(emulator)))
    }
}

#[cfg(test)]
mod tests {
    use super::TARGETS;
    use crate::workspace::root;

    fn text(path: &str) -> String {
        std::fs::read_to_string(root().join(path)).unwrap()
    }

    /// cross takes a target without an image of its own for one to build on the
    /// host.
    #[test]
    fn what_cross_is_told_is_about_all_targets() {
        let config: toml::Table = text("Cross.toml").parse().unwrap();
        assert_eq!(config["build"]["dockerfile"]["file"].as_str(), Some("targets/Dockerfile"));
        let targets = config["target"].as_table().unwrap();
        assert_eq!(targets.len(), TARGETS.len());
        for target in &TARGETS {
            let image = targets[target.name]["image"].as_str();
            assert_eq!(image, Some("localhost/ocinit-cross"), "{}", target.name);
        }
    }

    #[test]
    fn the_image_of_cross_has_every_linker() {
        let image = text("targets/Dockerfile");
        let words: Vec<&str> = image.split_whitespace().collect();
        for (package, _) in TARGETS.iter().flat_map(|target| target.linker) {
            assert!(words.contains(package), "{package}");
        }
    }
}
