//! The bundle on the host: its directory, its configuration, its root file
//! system (runtime-spec, bundle.md).

use crate::error;
use crate::error::{Context, Error, Result};
use crate::named;
use crate::plan::mounts::absolute;
use crate::quote::quoted;
use crate::rootfs::path::FdPath;
use crate::spec::Spec;
use crate::sys::fd::AsFd;
use crate::text;
use alloc::vec::Vec;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::OFlags;
use rustix::io::Errno;

/// The largest config.json that is read, in bytes.
const CONFIG_LIMIT: usize = 64 << 20;

/// The bundle's directory, absolute, without links.
///
/// # Errors
/// There is none.
pub fn bundle_directory(path: &str) -> Result<&'static str> {
    let what = || text!("open bundle {}", quoted(path));
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let directory = named::open(path, flags).context(what)?;
    real_path(&directory).context(what)
}

/// The path of an open file as the kernel knows it.
fn real_path(file: &OwnedFd) -> rustix::io::Result<&'static str> {
    let path = FdPath::new(file.as_fd()).read()?;
    core::str::from_utf8(path.leak()).map_err(|_| Errno::ILSEQ)
}

/// Reads a whole configuration file. Of a pipe the writer is waited for, as runc does.
///
/// # Errors
/// It cannot be read, is no file, or is larger than any configuration.
pub fn read_config(path: &str) -> Result<&'static [u8]> {
    let what = || text!("open {}", quoted(path));
    let file = named::open(path, OFlags::RDONLY).map_err(|errno| {
        let error = Error::os(what(), errno);
        match errno {
            Errno::NOENT => error.hint("a bundle is a directory with a config.json: see `spec`"),
            _ => error,
        }
    })?;
    let stat = rustix::fs::fstat(&file).context(what)?;
    let kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
    if kind == rustix::fs::FileType::Directory {
        return Err(Error::os(text!("read {}", quoted(path)), Errno::ISDIR));
    }
    read_document(file.as_fd(), path, stat.st_size as usize)
}

/// Reads a document, of which `size` bytes are expected, from an open file.
///
/// # Errors
/// It cannot be read, or is larger than any configuration.
pub fn read_document(file: BorrowedFd<'_>, path: &str, size: usize) -> Result<&'static [u8]> {
    let mut text = Vec::with_capacity(size + 1);
    loop {
        match rustix::io::read(file, rustix::buffer::spare_capacity(&mut text)) {
            Err(Errno::INTR) => {}
            // The caller's stdin may be so, and the flag is not ours alone.
            Err(Errno::AGAIN) => {
                let _ = poll(&mut [PollFd::from_borrowed_fd(file, PollFlags::IN)], None);
            }
            Err(errno) => return Err(Error::os(text!("read {}", quoted(path)), errno)),
            Ok(0) => return Ok(text.leak()),
            Ok(_) if text.len() > CONFIG_LIMIT => {
                return Err(error!("read {}: more than {CONFIG_LIMIT} bytes", quoted(path)));
            }
            Ok(_) if text.len() == text.capacity() => text.reserve(4096),
            Ok(_) => {}
        }
    }
}

/// The directory of the root file system, absolute, without links.
///
/// # Errors
/// There is none, or what is there is something else.
pub fn check_rootfs(spec: &Spec<'_>, bundle: &str) -> Result<&'static str> {
    let root = spec.root.as_ref().ok_or_else(|| error!("config.json: root: it is missing"))?;
    let path = absolute(bundle, root.path);
    let what = || text!("root.path: open root file system {}", quoted(path));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let directory = named::open(path, flags).map_err(|errno| {
        let error = Error::os(what(), errno);
        match errno {
            Errno::NOENT => error.hint("make the directory, and unpack an image into it"),
            Errno::NOTDIR | Errno::LOOP => error.hint("it must be a directory, and no link to one"),
            _ => error,
        }
    })?;
    real_path(&directory).context(what)
}
