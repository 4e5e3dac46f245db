//! Packages of Debian's for another architecture: downloaded and unpacked, never
//! installed. apt keeps what it knows of them in a directory of its own, so that
//! the machine's own packages are not touched (`dpkg --add-architecture` would
//! be).

use crate::debian::update;
use crate::error::{Context, Result};
use crate::process::{output, run};
use crate::vm::kernel::one_in;
use crate::workspace::target;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The packages of one architecture.
pub struct Packages {
    /// apt's configuration; none for the machine's own.
    config: Option<PathBuf>,
}

impl Packages {
    /// Fetches the lists of packages.
    pub fn of(architecture: &str) -> Result<Packages> {
        let own = output(Command::new("dpkg").arg("--print-architecture"))?;
        if own == architecture {
            update()?;
            return Ok(Packages { config: None });
        }
        let dir = target().join("boards/apt").join(architecture);
        for part in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(dir.join(part)).context(dir.display())?;
        }
        fs::write(dir.join("status"), "").context(dir.display())?;
        let config = dir.join("apt.conf");
        let at = dir.display();
        let text = format!(
            "Dir::State \"{at}\";\n\
             Dir::State::status \"{at}/status\";\n\
             Dir::State::Lists \"{at}/lists\";\n\
             Dir::Cache \"{at}/cache\";\n\
             APT::Architecture \"{architecture}\";\n\
             APT::Architectures {{ \"{architecture}\"; }};\n\
             APT::Sandbox::User \"root\";\n"
        );
        fs::write(&config, text).context(config.display())?;
        let packages = Packages { config: Some(config) };
        // A stale list of one suite must not stop us: what is needed is looked
        // for by name.
        if let Err(why) = run(packages.apt("apt-get").args(["update", "-qq"])) {
            println!("{why}: going on with the lists that there are");
        }
        Ok(packages)
    }

    fn apt(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        if let Some(config) = &self.config {
            command.env("APT_CONFIG", config);
        }
        command
    }

    /// The package that a package without content depends on: the first whose
    /// name starts so.
    pub fn behind(&self, meta: &str, start: &str) -> Result<String> {
        let depends = output(self.apt("apt-cache").args(["depends", meta]))?;
        let mut lines = depends.lines().filter_map(|l| l.trim().strip_prefix("Depends: "));
        let name = lines.find(|name| name.starts_with(start)).map(String::from);
        name.ok_or_else(|| format!("{meta} depends on no package {start}…"))
    }

    /// Downloads the package and unpacks it into `dir`.
    pub fn unpack(&self, package: &str, dir: &Path) -> Result {
        fs::create_dir_all(dir).context(dir.display())?;
        run(self.apt("apt-get").args(["download", "-q", package]).current_dir(dir))?;
        let archive = one_in(dir, &format!("{package}_"))?;
        run(Command::new("dpkg-deb").arg("--extract").arg(&archive).arg(dir))?;
        fs::remove_file(&archive).context(archive.display())
    }
}
