//! Kernel modules that the board needs before it has a root file system: the
//! files of `/modules` in the initramfs, in the order of their names, as who
//! packed them has put them. They are not compressed, and nothing is looked up.

use crate::error::{Context, Error, Result};
use crate::named;
use crate::text::{self, keep, lossy};
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use rustix::fs::{OFlags, RawDir};
use rustix::io::Errno;

/// Where they are.
const DIRECTORY: &str = "/modules";

/// Loads all of them; `complain` gets what does not work.
pub fn load_all(complain: &mut dyn FnMut(Error)) {
    let names = match names() {
        Ok(names) => names,
        Err(error) if error.errno == Some(Errno::NOENT) => return,
        Err(error) => return complain(error),
    };
    for name in names {
        load(text::about_both("{}/{}", DIRECTORY, name)).unwrap_or_else(&mut *complain);
    }
}

/// Their names, sorted.
fn names() -> Result<Vec<&'static str>> {
    let what = || text::about("read directory \"{}\"", DIRECTORY);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let directory = named::open(DIRECTORY, flags).context(what)?;
    let mut buffer = [MaybeUninit::uninit(); 2048];
    let mut entries = RawDir::new(directory, &mut buffer);
    // Less code than a sort, as in `container::Root::ids`.
    let mut names = BinaryHeap::new();
    while let Some(entry) = entries.next() {
        let name = keep(lossy(entry.context(what)?.file_name().to_bytes()));
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    Ok(names.into_sorted_vec())
}

fn load(path: &str) -> Result<()> {
    let what = || text::about("load module \"{}\"", path);
    let file = named::open(path, OFlags::RDONLY).context(what)?;
    match rustix::system::finit_module(&file, c"", 0) {
        // It is in the kernel already.
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno @ Errno::NOSYS) => Err(Error::os(what(), errno).hint("CONFIG_MODULES")),
        Err(errno @ Errno::NOEXEC) => {
            Err(Error::os(what(), errno).hint("it is of another kernel, or compressed"))
        }
        Err(errno) => Err(Error::os(what(), errno)),
    }
}
