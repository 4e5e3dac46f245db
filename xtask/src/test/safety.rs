//! Where unsafe code may be. The compiler denies it (`unsafe_code` in
//! Cargo.toml) wherever nobody allows it; here is who may.

use crate::error::{Context, Result};
use crate::workspace::root;
use std::path::{Path, PathBuf};

/// The room of the system calls, and the door, which has the start code of that
/// room for its only module.
const ALLOWED: [&str; 2] = ["src/main.rs", "src/sys/mod.rs"];

/// What denies it.
const DENIED: &str = "unsafe_code = \"deny\"";

/// Checks the library and the binary.
///
/// # Errors
/// The lint is off, or a file that may not turns it off for itself.
pub fn check() -> Result {
    let manifest = root().join("Cargo.toml");
    let manifest = std::fs::read_to_string(&manifest).context(manifest.display())?;
    if !manifest.lines().any(|line| line == DENIED) {
        return Err(format!("Cargo.toml has no line {DENIED:?}"));
    }
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files)?;
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).context(file.display())?;
        let name = file.strip_prefix(root()).unwrap_or(&file).to_string_lossy().into_owned();
        wrong.extend(outside(&name, &text));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join(", ")) }
}

/// What a file of this name has that it may not have.
fn outside(name: &str, text: &str) -> Option<String> {
    let lines = || text.lines().filter(|line| !line.trim_start().starts_with("//"));
    if name == ALLOWED[0] && lines().filter(|line| line.contains("mod ")).count() != 1 {
        return Some(format!("{name} has other modules than the start code"));
    }
    let allows = lines().any(|line| line.contains("unsafe_code"));
    (allows && !ALLOWED.contains(&name)).then(|| format!("{name} allows unsafe code"))
}

/// The files with Rust in and below a folder.
fn sources(folder: &Path, files: &mut Vec<PathBuf>) -> Result {
    for entry in folder.read_dir().context(folder.display())? {
        let path = entry.context(folder.display())?.path();
        if path.is_dir() {
            sources(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_allows_it() {
        for text in ["#![allow(unsafe_code)]", "    #[expect(unsafe_code, reason = \"x\")]"] {
            assert!(outside("src/act/child.rs", text).is_some());
            assert!(outside("src/sys/mod.rs", text).is_none());
        }
        assert!(outside("src/lib.rs", "// unsafe_code\nfn f() {}").is_none());
        let door = "#![allow(unsafe_code)]\nmod start;\n";
        assert!(outside("src/main.rs", door).is_none());
        assert!(outside("src/main.rs", &format!("{door}mod more;\n")).is_some());
    }

    #[test]
    fn the_sources_keep_to_it() {
        assert_eq!(check(), Ok(()));
    }
}
