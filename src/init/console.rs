//! Descriptors 0, 1 and 2.
//!
//! The kernel opens /dev/console for the first process, if the initramfs has
//! that node. The first process never has a controlling terminal: Ctrl-C there
//! would be a signal to it that looks like Ctrl-Alt-Del. A container's terminal
//! is one of its own, and the shell takes the console for itself.

use crate::error::{Context, Result};
use crate::named;
use crate::sys::descriptor::{become_stdio, standard};
use crate::sys::fd::AsFd;
use crate::text;
use rustix::fs::{FileType, OFlags, fstat, major, minor};

/// Makes the console the three descriptors: the one that the settings name, or
/// the kernel's where there is none yet.
///
/// # Errors
/// There is no such device.
pub fn take(device: Option<&str>) -> Result<()> {
    let path = match device {
        Some(name) => text::about("/dev/{}", name),
        None if is_nowhere() => "/dev/console",
        None => return Ok(()),
    };
    let what = || text::about("open console \"{}\"", path);
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let console = named::open(path, flags).context(what)?;
    for number in 0..3 {
        become_stdio(console.as_fd(), number).context(what)?;
    }
    Ok(())
}

/// Whether nobody hears us: the start of the program has put something in the
/// place of descriptors that were closed.
fn is_nowhere() -> bool {
    let Ok(stat) = fstat(standard(2)) else { return true };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => true,
        FileType::CharacterDevice => (major(stat.st_rdev), minor(stat.st_rdev)) == (1, 3),
        _ => false,
    }
}
