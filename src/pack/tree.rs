//! A directory with all that is in it, written into an archive in the order of
//! the names.
//!
//! Everything is opened from the directory that it is in, and no symbolic link
//! is followed: a link in a hostile root file system leads nowhere.

use super::archive::{Archive, Attributes};
use crate::error::{Context, Error, Result};
use crate::log::Log;
use crate::named;
use crate::quote::escaped;
use crate::sys::fd::AsFd;
use crate::text;
use alloc::collections::BinaryHeap;
use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::mem::MaybeUninit;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RawDir, Stat, fgetxattr, fstat, fstatfs, major, minor, openat,
    readlinkat_raw, statat,
};
use rustix::io::Errno;

/// File systems that show the kernel and hold nothing: the magic numbers of
/// procfs, sysfs, devpts, cgroup and cgroup2 (statfs(2)).
const SHOWS: [u64; 5] = [0x9fa0, 0x6265_6572, 0x1cd1, 0x0027_e0eb, 0x6367_7270];

/// Writes the directory `path` under the name `name`.
///
/// # Errors
/// Something cannot be read, or not be stored; the archive cannot be written.
pub fn write(archive: &mut Archive, log: &Log, path: &str, name: &[u8]) -> Result<()> {
    let what = || text::about_quoted("open {}", path);
    let directory = named::open(path, DIRECTORY).context(what)?;
    let stat = fstat(&directory).context(what)?;
    let mut name = Vec::from(name);
    Walk { archive, log }.directory(directory, &stat, &mut name)
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

struct Walk<'a> {
    archive: &'a mut Archive,
    log: &'a Log,
}

impl Walk<'_> {
    fn directory(&mut self, fd: OwnedFd, stat: &Stat, name: &mut Vec<u8>) -> Result<()> {
        self.archive.object(name, Attributes::of(stat), (0, 0), &[])?;
        for child in children(fd.as_fd()).context(|| reading(name))? {
            let length = name.len();
            name.push(b'/');
            name.extend(child.to_bytes());
            self.object(fd.as_fd(), stat, &child, name)?;
            name.truncate(length);
        }
        Ok(())
    }

    fn object(
        &mut self,
        parent: BorrowedFd<'_>,
        above: &Stat,
        child: &CStr,
        name: &mut Vec<u8>,
    ) -> Result<()> {
        let stat = statat(parent, child, AtFlags::SYMLINK_NOFOLLOW).context(|| reading(name))?;
        let attributes = Attributes::of(&stat);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let fd =
                    openat(parent, child, DIRECTORY, Mode::empty()).context(|| reading(name))?;
                if stat.st_dev != above.st_dev && shows(&fd) {
                    self.warn(name, "a file system of the kernel's is mounted there");
                    return self.archive.object(name, attributes, (0, 0), &[]);
                }
                self.directory(fd, &stat, name)
            }
            FileType::RegularFile => self.file(parent, child, name),
            FileType::Symlink => {
                // No target is longer (symlink(7)).
                let mut buffer = [MaybeUninit::uninit(); 4096];
                let (target, _) =
                    readlinkat_raw(parent, child, &mut buffer).context(|| reading(name))?;
                self.archive.object(name, attributes, (0, 0), target)
            }
            FileType::Socket => {
                self.warn(name, "a socket without its program");
                Ok(())
            }
            _ => {
                let device = (major(stat.st_rdev), minor(stat.st_rdev));
                self.archive.object(name, attributes, device, &[])
            }
        }
    }

    fn file(&mut self, parent: BorrowedFd<'_>, child: &CStr, name: &[u8]) -> Result<()> {
        // Should a pipe have taken its place, opening does not wait.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(parent, child, flags, Mode::empty()).context(|| reading(name))?;
        let stat = fstat(&file).context(|| reading(name))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Error::os(reading(name), Errno::AGAIN).hint("it changes meanwhile"));
        }
        if self.archive.is_output(&stat) {
            return Err(Error::new("the archive would be in itself")
                .hint("write it somewhere else than into the bundle"));
        }
        if fgetxattr(&file, "security.capability", &mut [0u8; 64]).is_ok() {
            let name = escaped(name);
            let log = self.log;
            log.warning(format_args!("\"{name}\": its capabilities cannot be kept in an archive"));
        }
        self.archive.file(name, Attributes::of(&stat), file.as_fd(), &stat)
    }

    fn warn(&self, name: &[u8], why: &str) {
        self.log.warning(format_args!("\"{}\" is left out: {why}", escaped(name)));
    }
}

fn reading(name: &[u8]) -> &'static str {
    text!("read \"{}\"", escaped(name))
}

fn shows(directory: &OwnedFd) -> bool {
    fstatfs(directory).is_ok_and(|found| SHOWS.contains(&(found.f_type as u64)))
}

/// The names in a directory, sorted.
fn children(directory: BorrowedFd<'_>) -> rustix::io::Result<Vec<CString>> {
    // Less code than a sort, as in `container::Root::ids`.
    let mut names = BinaryHeap::new();
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(directory, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(CString::from(name));
        }
    }
    Ok(names.into_sorted_vec())
}
