//! Files of the cgroup file systems and of procfs: small, read and written in
//! one go.

use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, Result, read, write};

use crate::cut;
use crate::error::{self, Error};
use crate::text;

/// The longest path, with its end (`PATH_MAX` of the kernel).
const PATH_MAX: usize = 4096;

/// A path put together on the stack: `DIRECTORY/FILE`.
pub struct Path(heapless::Vec<u8, PATH_MAX>);

impl Path {
    /// The path of `file` in `directory`, or of `directory` for an empty name.
    ///
    /// # Errors
    /// `ENAMETOOLONG`.
    pub fn new(directory: &str, file: &str) -> Result<Path> {
        let mut path = Path(heapless::Vec::new());
        path.set(directory, file)?;
        Ok(path)
    }

    fn set(&mut self, directory: &str, file: &str) -> Result<()> {
        let separator = if file.is_empty() { "" } else { "/" };
        for part in [directory, separator, file, "\0"] {
            self.0.extend_from_slice(part.as_bytes()).map_err(|_| Errno::NAMETOOLONG)?;
        }
        Ok(())
    }

    /// The path, cut at a NUL byte that it should not have.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or(c"")
    }
}

/// Opens a file of a directory.
pub fn open(directory: &str, file: &str, flags: OFlags) -> Result<OwnedFd> {
    // In its place: a result of this size would be copied.
    let mut path = Path(heapless::Vec::new());
    path.set(directory, file)?;
    openat(CWD, path.as_c_str(), flags | OFlags::CLOEXEC, Mode::empty())
}

/// Reads a whole file; what is not UTF-8 is an error (`EILSEQ`).
pub fn read_all(path: &str) -> Result<String> {
    read_to(open(path, "", OFlags::RDONLY)?, 1)
}

/// Reads a whole file of a cgroup's directory. Its lines are short: when much
/// of the buffer stays free, that was all, and the read that would say so is
/// saved.
pub fn read_in(directory: &str, file: &str) -> Result<String> {
    read_to(open(directory, file, OFlags::RDONLY)?, BUFFER / 2)
}

/// Bytes a read.
const BUFFER: usize = 4096;

/// Reads until a read returns less than `enough`.
fn read_to(file: OwnedFd, enough: usize) -> Result<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; BUFFER];
    loop {
        match read(&file, &mut buffer[..]) {
            Ok(length) => {
                bytes.extend_from_slice(cut::first(&buffer, length));
                if length < enough {
                    break;
                }
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    String::from_utf8(bytes).map_err(|_| Errno::ILSEQ)
}

/// Writes a value to a file of a directory.
pub fn write_in(directory: &str, file: &str, value: &str) -> Result<()> {
    write_value(&open(directory, file, OFlags::WRONLY)?, value)
}

/// Writes a value, which the kernel takes as a whole or not at all.
pub fn write_value(file: impl AsFd, value: &str) -> Result<()> {
    loop {
        match write(file.as_fd(), value.as_bytes()) {
            Err(Errno::INTR) => {}
            result => return result.map(drop),
        }
    }
}

/// The error of a step on a file: `STEP "DIRECTORY/FILE"`.
#[cold]
#[inline(never)]
pub fn failed(step: &str, directory: &str, file: &str, errno: Errno) -> Error {
    let separator = if file.is_empty() { "" } else { "/" };
    Error::os(text!("{step} \"{directory}{separator}{file}\""), errno)
}

/// [`open`], with the error as the user sees it.
pub fn must_open(directory: &str, file: &str, flags: OFlags) -> error::Result<OwnedFd> {
    open(directory, file, flags).map_err(|errno| failed("open", directory, file, errno))
}

/// [`read_in`], with the error as the user sees it.
pub fn must_read(directory: &str, file: &str) -> error::Result<String> {
    read_in(directory, file).map_err(|errno| failed("read", directory, file, errno))
}

/// [`write_in`], with the error as the user sees it.
pub fn must_write(directory: &str, file: &str, value: &str) -> error::Result<()> {
    write_in(directory, file, value).map_err(|errno| {
        let step = text::about("write \"{}\" to", value);
        failed(step, directory, file, errno)
    })
}
