//! Packages of Debian's for another architecture: downloaded and unpacked, never
//! installed. apt keeps what it knows of them in a directory of its own, so that
//! the machine's own packages are not touched (`dpkg --add-architecture` would
//! be). The same for sources, which a machine's own lists seldom name.

use crate::debian::update;
use crate::error::{Context, Result};
use crate::process::{output, run};
use crate::vm::kernel::one_in;
use crate::workspace::target;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The file of a machine that keeps all its places of packages in one.
const ONE_LIST: &str = "/etc/apt/sources.list";

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
        Packages::apart(architecture, architecture, "")
    }

    /// The sources of the packages that the machine's own lists are about.
    pub fn sources() -> Result<Packages> {
        let own = output(Command::new("dpkg").arg("--print-architecture"))?;
        let lists = target().join("boards/apt/sources.list.d");
        fs::create_dir_all(&lists).context(lists.display())?;
        let directory = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
        let files = directory.map(|entry| entry.path()).chain([PathBuf::from(ONE_LIST)]);
        for file in files.filter(|file| file.is_file()) {
            let name = file.file_name().unwrap_or_default();
            let text = fs::read_to_string(&file).context(file.display())?;
            fs::write(lists.join(name), of_sources(&text)).context(lists.display())?;
        }
        let parts = lists.display();
        let places =
            format!("Dir::Etc::SourceList \"/dev/null\";\nDir::Etc::SourceParts \"{parts}\";\n");
        Packages::apart("sources", &own, &places)
    }

    /// Those that apt knows by a directory and a configuration of their own.
    fn apart(name: &str, architecture: &str, more: &str) -> Result<Packages> {
        let dir = target().join("boards/apt").join(name);
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
             APT::Sandbox::User \"root\";\n\
             {more}"
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

    /// Downloads the sources of the package and unpacks them beneath `dir`, with
    /// Debian's changes; their directory.
    pub fn unpack_sources(&self, package: &str, dir: &Path) -> Result<PathBuf> {
        fs::create_dir_all(dir).context(dir.display())?;
        run(self.apt("apt-get").args(["source", "-qq", package]).current_dir(dir))?;
        one_in(dir, &format!("{package}-"))
    }
}

/// A list of places for packages as one for sources, in either of apt's forms.
fn of_sources(list: &str) -> String {
    let line = |line: &str| match line.strip_prefix("deb ") {
        Some(place) => format!("deb-src {place}\n"),
        None if line.starts_with("Types:") => "Types: deb-src\n".into(),
        None => format!("{line}\n"),
    };
    list.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::of_sources;

    #[test]
    fn both_forms_of_lists_are_changed() {
        let (one, many) = ("deb http://a/debian b main\n", "Types: deb\nURIs: http://a/debian\n");
        assert_eq!(of_sources(one), "deb-src http://a/debian b main\n");
        assert_eq!(of_sources(many), "Types: deb-src\nURIs: http://a/debian\n");
    }
}
