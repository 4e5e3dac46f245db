//! `tmpcopyup`: a new tmpfs starts with what the directory below it held
//! (runtime-spec, config.md "Linux mount options").
//!
//! Files, directories, links, devices and FIFOs are copied with their owners,
//! modes and times; sockets, extended attributes and hard links are not. The
//! source may be hostile: links in it are never followed.

use crate::fault::{Act, Detail, Fault, Quoted};
use crate::sys::fd::AsFd;
use core::ffi::CStr;
use core::mem::MaybeUninit;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RawDir, Stat, Timespec, Timestamps, chmodat, chownat, mkdirat,
    mknodat, openat, readlinkat_raw, sendfile, statat, symlinkat, utimensat,
};
use rustix::io::{Errno, Result};
use rustix::process::{Gid, Uid};

/// Directories in each other at most: each takes some of the stack.
const MAX_DEPTH: usize = 64;

/// A piece of a file.
const PIECE: usize = 1 << 20;

/// Copies the content of the directory `from` into the directory `to`, and its
/// owner and mode with `itself`.
pub fn copy_up(from: BorrowedFd<'_>, to: BorrowedFd<'_>, itself: bool) -> Act {
    let source = open_directory(from, c".")?;
    if itself {
        let stat = statat(&source, c"", AtFlags::EMPTY_PATH)?;
        keep(to, c".", &stat, false).detail("copy the directory's owner and mode")?;
    }
    directory(&source, open_directory(to, c".")?.as_fd(), 0)
}

fn open_directory(at: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, name, flags, Mode::empty())
}

fn directory(from: &OwnedFd, to: BorrowedFd<'_>, depth: usize) -> Act {
    if depth == MAX_DEPTH {
        return Err(Fault::new("too many directories in each other"));
    }
    let mut buffer = [MaybeUninit::uninit(); 1024];
    let mut entries = RawDir::new(from, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let failed =
            |errno: Errno| Fault::from(errno).detail(format_args!("copy {}", Quoted(name)));
        let stat = statat(from, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        match kind {
            FileType::Socket => continue,
            FileType::Directory => {
                mkdirat(to, name, Mode::RWXU).map_err(failed)?;
                let below = open_directory(from.as_fd(), name).map_err(failed)?;
                let copy = open_directory(to, name).map_err(failed)?;
                directory(&below, copy.as_fd(), depth + 1)?;
            }
            FileType::RegularFile => file(from, to, name).map_err(failed)?,
            FileType::Symlink => link(from, to, name).map_err(failed)?,
            _ => mknodat(to, name, kind, Mode::empty(), stat.st_rdev).map_err(failed)?,
        }
        keep(to, name, &stat, kind == FileType::Symlink).map_err(failed)?;
    }
    Ok(())
}

fn file(from: &OwnedFd, to: BorrowedFd<'_>, name: &CStr) -> Result<()> {
    let common = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let source = openat(from, name, common, Mode::empty())?;
    let flags = common | OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let copy = openat(to, name, flags, Mode::empty())?;
    while sendfile(&copy, &source, None, PIECE)? > 0 {}
    Ok(())
}

#[inline(never)]
fn link(from: &OwnedFd, to: BorrowedFd<'_>, name: &CStr) -> Result<()> {
    let mut target = [0; 4096];
    let length = readlinkat_raw(from, name, &mut target[..])?;
    // The kernel's links are shorter than PATH_MAX, which has room for the end.
    let end = target.get_mut(length).ok_or(Errno::NAMETOOLONG)?;
    *end = 0;
    let target = CStr::from_bytes_until_nul(&target).map_err(|_| Errno::INVAL)?;
    symlinkat(target, to, name)
}

/// Gives a copy the owner, the mode and the times of the original. In the new
/// tmpfs nobody else can put a link in its place.
fn keep(at: BorrowedFd<'_>, name: &CStr, stat: &Stat, link: bool) -> Result<()> {
    let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
    chownat(at, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
    if !link {
        chmodat(at, name, Mode::from_raw_mode(stat.st_mode), AtFlags::empty())?;
    }
    let times = Timestamps {
        last_access: Timespec { tv_sec: stat.st_atime, tv_nsec: stat.st_atime_nsec as i64 },
        last_modification: Timespec { tv_sec: stat.st_mtime, tv_nsec: stat.st_mtime_nsec as i64 },
    };
    utimensat(at, name, &times, AtFlags::SYMLINK_NOFOLLOW)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use rustix::fs::CWD;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    #[test]
    fn a_tree_is_copied_and_links_are_not_followed() {
        let base = std::env::temp_dir().join(std::format!("copy-up.{}", std::process::id()));
        let (from, to) = (base.join("from"), base.join("to"));
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::create_dir_all(&to).unwrap();
        fs::write(from.join("a/b/file"), std::vec![7; 5000]).unwrap();
        fs::set_permissions(from.join("a/b/file"), fs::Permissions::from_mode(0o4751)).unwrap();
        fs::set_permissions(from.join("a"), fs::Permissions::from_mode(0o1711)).unwrap();
        symlink("/etc", from.join("link")).unwrap();
        let open = |path: &std::path::Path| {
            openat(CWD, path.to_str().unwrap(), OFlags::PATH, Mode::empty()).unwrap()
        };
        assert!(copy_up(open(&from).as_fd(), open(&to).as_fd(), true).is_ok());
        let copy = fs::metadata(to.join("a/b/file")).unwrap();
        assert_eq!((copy.size(), copy.mode() & 0o7777), (5000, 0o4751));
        assert_eq!(copy.mtime_nsec(), fs::metadata(from.join("a/b/file")).unwrap().mtime_nsec());
        assert_eq!(fs::metadata(to.join("a")).unwrap().mode() & 0o7777, 0o1711);
        assert_eq!(fs::read_link(to.join("link")).unwrap().to_str(), Some("/etc"));
        fs::remove_dir_all(&base).unwrap();
    }
}
