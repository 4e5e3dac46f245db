//! The initramfs of a board: made by `ocinit pack`, as a user makes it, and
//! changed for some tests.

use super::Board;
use crate::error::{Context, Result};
use crate::process::run;
use crate::vm::cpio;
use crate::workspace;
use crate::{build, target};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A packed bundle.
pub struct Image {
    pub path: PathBuf,
    /// In bytes.
    pub size: u64,
}

impl Board {
    /// The binary for the board.
    pub fn binary(&self) -> Result<PathBuf> {
        build::release_for(target::find(self.target())?).map(|built| built.path)
    }
}

impl Image {
    /// Packs the bundle with this init, by the binary for this machine.
    pub fn pack(name: &str, packer: &Path, init: &Path, bundle: &Path) -> Result<Image> {
        Image::packed(&format!("{name}.cpio.gz"), packer, init, bundle, "cpio.gz")
    }

    /// The same without a /dev: as made by tools that may not make devices.
    pub fn without_dev(name: &str, packer: &Path, init: &Path, bundle: &Path) -> Result<Image> {
        let file = format!("{name}-bare.cpio");
        let image = Image::packed(&file, packer, init, bundle, "cpio")?;
        let whole = fs::read(&image.path).context(image.path.display())?;
        fs::write(&image.path, without(&whole, "dev")?).context(image.path.display())?;
        Ok(image)
    }

    /// The same with the modules of a directory, for the init to load, and with
    /// more files: an archive after the archive, as boot loaders may give to a
    /// kernel. `kind` tells it from others of the board.
    pub fn with(&self, kind: &str, modules: &Path, files: &[(&str, &[u8])]) -> Result<Image> {
        let mut archive = cpio::Archive::new();
        let entries: Vec<_> = fs::read_dir(modules).into_iter().flatten().flatten().collect();
        if !entries.is_empty() {
            archive.directory("modules");
        }
        for entry in entries {
            let name = format!("modules/{}", entry.file_name().to_string_lossy());
            archive.file(&name, &fs::read(entry.path()).context(&name)?);
        }
        for (name, content) in files {
            if let Some((directory, _)) = name.split_once('/') {
                archive.directory(directory);
            }
            archive.file(name, content);
        }
        let mut whole = fs::read(&self.path).context(self.path.display())?;
        whole.resize(whole.len().next_multiple_of(4), 0);
        whole.extend(archive.finish());
        let path = self.path.with_extension(kind);
        fs::write(&path, &whole).context(path.display())?;
        Ok(Image { path, size: whole.len() as u64 })
    }

    fn packed(
        name: &str,
        packer: &Path,
        init: &Path,
        bundle: &Path,
        format: &str,
    ) -> Result<Image> {
        let dir = workspace::target().join("boards");
        fs::create_dir_all(&dir).context(dir.display())?;
        let path = dir.join(name);
        let mut command = Command::new(packer);
        command.arg("pack").arg("--init").arg(init).arg("--bundle").arg(bundle);
        run(command.args(["--format", format, "--output"]).arg(&path))?;
        let size = path.metadata().context(path.display())?.len();
        Ok(Image { path, size })
    }
}

/// The archive without the object of this name and all below it.
fn without(mut archive: &[u8], name: &str) -> Result<Vec<u8>> {
    let mut kept = Vec::new();
    while !archive.is_empty() {
        let field = |at: usize| {
            let text = archive.get(at..at + 8).and_then(|hex| std::str::from_utf8(hex).ok());
            text.and_then(|hex| usize::from_str_radix(hex, 16).ok()).ok_or("no cpio archive")
        };
        let (content, length) = (field(54)?, field(94)?);
        let head = (110 + length).next_multiple_of(4);
        let size = head + content.next_multiple_of(4);
        let (entry, rest) = archive.split_at_checked(size).ok_or("the archive ends too early")?;
        let path = &entry[110..110 + length - 1];
        let below = path.strip_prefix(name.as_bytes());
        if !below.is_some_and(|rest| matches!(rest, [] | [b'/', ..])) {
            kept.extend(entry);
        }
        archive = rest;
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::{cpio, without};

    #[test]
    fn a_directory_goes_with_all_that_is_in_it() {
        let made = |names: &[&str]| {
            let mut archive = cpio::Archive::new();
            names.iter().for_each(|name| archive.file(name, b"content"));
            archive.finish()
        };
        let kept = without(&made(&["a", "dev", "dev/null", "device", "init"]), "dev").unwrap();
        assert_eq!(kept.len(), made(&["a", "device", "init"]).len());
        assert!(!String::from_utf8_lossy(&kept).contains("dev/null"));
        assert!(without(b"what is this", "dev").is_err());
    }
}
