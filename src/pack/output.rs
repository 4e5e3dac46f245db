//! Where an archive goes: to standard output, or to a file that appears under
//! its name when it is whole.

use crate::error;
use crate::error::{Context, Error, Result};
use crate::named;
use crate::sys;
use crate::sys::descriptor::write_all;
use crate::sys::fd::AsFd;
use crate::text;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;

/// An output that is being written.
pub struct Output {
    path: &'static str,
    file: Option<OwnedFd>,
    /// The file's name until it is whole.
    temporary: Option<&'static str>,
}

impl Output {
    /// Standard output, for no path and for `-`.
    ///
    /// # Errors
    /// It is a terminal; or the file cannot be made.
    pub fn open(path: Option<&'static str>) -> Result<Output> {
        match path {
            None | Some("-") if rustix::termios::isatty(sys::stdout()) => {
                Err(Error::new("stdout is a terminal, and the archive is no text")
                    .hint("name a file with -o, or redirect stdout"))
            }
            None | Some("-") => Ok(Output { path: "stdout", file: None, temporary: None }),
            Some(path) => Output::file(path),
        }
    }

    fn file(path: &'static str) -> Result<Output> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let what = || text::about_quoted("create {}", path);
        match named::stat(path).map(|found| FileType::from_raw_mode(found.st_mode)) {
            Err(Errno::NOENT) | Ok(FileType::RegularFile) => {}
            Err(errno) => return Err(Error::os(what(), errno)),
            Ok(FileType::Directory) => return Err(Error::os(what(), Errno::ISDIR)),
            // A device or a pipe is written to, not replaced.
            Ok(_) => {
                let file = named::open(path, flags).context(what)?;
                return Ok(Output { path, file: Some(file), temporary: None });
            }
        }
        let name = text!("{path}.new-{}", rustix::process::getpid().as_raw_nonzero());
        let flags = flags | OFlags::CREATE | OFlags::EXCL;
        let file = openat(CWD, name, flags, Mode::from_raw_mode(0o666)).context(what)?;
        Ok(Output { path, file: Some(file), temporary: Some(name) })
    }

    /// Device and inode of the file.
    pub fn identity(&self) -> Option<(u64, u64)> {
        let found = fstat(self.file.as_ref()?).ok()?;
        Some((found.st_dev, found.st_ino))
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// Those of write(2).
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        let to = self.file.as_ref().map_or(sys::stdout(), AsFd::as_fd);
        write_all(to, bytes).map_err(|errno| match errno {
            Errno::PIPE if self.file.is_none() => error!("write the archive: its reader is gone"),
            _ => Error::os(text::about_quoted("write the archive to {}", self.path), errno),
        })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Those of rename(2).
    pub fn finish(mut self) -> Result<()> {
        let Some(name) = &self.temporary else { return Ok(()) };
        named::rename(name, self.path).context(|| text::about_quoted("create {}", self.path))?;
        self.temporary = None;
        Ok(())
    }
}

/// What is not whole goes.
impl Drop for Output {
    fn drop(&mut self) {
        if let Some(name) = &self.temporary {
            let _ = named::unlink(name);
        }
    }
}
