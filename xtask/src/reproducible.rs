//! `cargo xtask reproducible`: the same sources give the same binary, wherever
//! they, the sources of dependencies and the target directory are.

use crate::build;
use crate::error::{Context, Result};
use crate::process::{output, run, step};
use crate::workspace::root;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The command.
pub fn command(parser: lexopt::Parser) -> Result<bool> {
    crate::no_more(parser)?;
    possible()?;
    let built = build::release()?;
    check(&built.path)?;
    println!("the same bytes");
    Ok(true)
}

/// Whether the checkout can be copied; the error says why not.
pub fn possible() -> Result {
    let mut git = Command::new("git");
    git.arg("-C").arg(root()).args(["rev-parse", "--git-dir"]);
    match git.output() {
        Ok(out) if out.status.success() => Ok(()),
        _ => Err("git, which says what belongs to the checkout, does not know it".into()),
    }
}

/// Builds the binary once more in other places.
///
/// # Errors
/// The bytes differ, or it does not build there.
pub fn check(binary: &Path) -> Result {
    step("building the release binary once more, elsewhere");
    let elsewhere = std::env::temp_dir().join(format!("ocinit-elsewhere-{}", std::process::id()));
    let result = build_in(&elsewhere).and_then(|other| compare(binary, &other));
    fs::remove_dir_all(&elsewhere).context(elsewhere.display())?;
    result
}

fn build_in(elsewhere: &Path) -> Result<PathBuf> {
    let (checkout, target) = (elsewhere.join("a/deeper/place"), elsewhere.join("t"));
    copy_checkout(&checkout)?;
    // The sources of dependencies are unpacked again from what was fetched.
    let home = elsewhere.join("home of cargo");
    let registry = home.join("registry");
    fs::create_dir_all(&registry).context(registry.display())?;
    for part in ["cache", "index"] {
        let from = build::home()?.join("registry").join(part);
        symlink(&from, registry.join(part)).context(from.display())?;
    }
    let mut command = build::for_host(&home);
    command.args(["--quiet", "--locked", "--offline"]).current_dir(checkout);
    run(command.env("CARGO_HOME", home).env("CARGO_TARGET_DIR", &target))?;
    Ok(target.join("release/ocinit"))
}

/// Copies what git knows or would know, as it is now.
fn copy_checkout(to: &Path) -> Result {
    let mut git = Command::new("git");
    git.arg("-C").arg(root()).args(["ls-files", "-z", "--cached", "--others"]);
    for name in output(git.arg("--exclude-standard"))?.split_terminator('\0') {
        let (from, to) = (root().join(name), to.join(name));
        // Git lists what was deleted since the last commit too.
        if let Some(folder) = to.parent().filter(|_| from.is_file()) {
            fs::create_dir_all(folder).context(folder.display())?;
            fs::copy(&from, &to).context(from.display())?;
        }
    }
    Ok(())
}

fn compare(one: &Path, other: &Path) -> Result {
    let read = |path: &Path| fs::read(path).context(path.display());
    let (one, other) = (read(one)?, read(other)?);
    if one == other {
        return Ok(());
    }
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let (sizes, at) = ((one.len(), other.len()), one.len().min(same));
    Err(format!("sizes {} and {} bytes, the first difference at {at:#x}", sizes.0, sizes.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_said() {
        let folder = std::env::temp_dir().join(format!("ocinit-compare-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let file = |name: &str, bytes: &[u8]| {
            fs::write(folder.join(name), bytes).unwrap();
            folder.join(name)
        };
        let (one, same) = (file("one", b"abcd"), file("same", b"abcd"));
        let (other, longer) = (file("other", b"abxd"), file("longer", b"abcde"));
        assert_eq!(compare(&one, &same), Ok(()));
        let first = |path| compare(&one, path).unwrap_err();
        assert_eq!(first(&other), "sizes 4 and 4 bytes, the first difference at 0x2");
        assert_eq!(first(&longer), "sizes 4 and 5 bytes, the first difference at 0x4");
        fs::remove_dir_all(folder).unwrap();
    }
}
