//! Things that take long to make, kept from one run to the next.
//!
//! Each is a file or a directory whose name ends in a hash of everything that
//! it is made of, so that a change of a list or of a script makes a new one.

use crate::error::{Context, Result};
use crate::process::step;
use std::fs;
use std::path::{Path, PathBuf};

/// Where they are kept, outside of any checkout.
pub fn dir() -> PathBuf {
    match std::env::var_os("XDG_CACHE_HOME") {
        Some(dir) if !dir.is_empty() => PathBuf::from(dir).join("ocinit-tests"),
        _ => PathBuf::from("/var/cache/ocinit-tests"),
    }
}

/// The thing `name` made of `inputs`; calls `make` with a path for it when it
/// is not there yet.
pub fn made(name: &str, inputs: &[&str], make: impl FnOnce(&Path) -> Result) -> Result<PathBuf> {
    let dir = dir();
    let file = format!("vm-{name}-{:016x}", hash(inputs));
    let path = dir.join(&file);
    if path.exists() {
        return Ok(path);
    }
    step(format_args!("making {name}: {}", path.display()));
    fs::create_dir_all(&dir).context(dir.display())?;
    // Made aside: what is in place is whole, whoever else makes it meanwhile.
    let new = dir.join(format!("{file}.new-{}", std::process::id()));
    let result = make(&new).and_then(|()| match fs::rename(&new, &path) {
        Err(_) if path.exists() => Ok(()),
        moved => moved.context(path.display()),
    });
    remove(&new);
    result?;
    forget(&dir, name, &file);
    Ok(path)
}

/// Removes earlier makes of the thing, which nobody asks for any more, and what
/// was left by somebody who was killed while making one.
fn forget(dir: &Path, name: &str, current: &str) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = file.strip_prefix(&format!("vm-{name}-")) else { continue };
        let stale = match rest.split_once(".new-") {
            Some((_, maker)) => {
                let pid = maker.split('-').next().unwrap_or_default();
                !Path::new("/proc").join(pid).exists()
            }
            None => file != current,
        };
        if stale {
            remove(&entry.path());
        }
    }
}

/// Removes a file or a directory.
pub fn remove(path: &Path) {
    if fs::remove_file(path).is_err() {
        let _ = fs::remove_dir_all(path);
    }
}

/// FNV-1a, with a byte between the texts that no text has.
fn hash(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|t| t.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn a_hash_is_that_of_the_texts_in_order() {
        assert_eq!(hash(&[]), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(&["a", "bc"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["a", "bc"]), hash(&["ab", "c"]));
        assert_ne!(hash(&["a", "bc"]), hash(&["bc", "a"]));
    }
}
