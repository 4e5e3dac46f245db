//! Paths inside a root file system that may be hostile.
//!
//! A path is resolved to a descriptor once, beneath the root, and everything is
//! done on that descriptor: nothing is checked by name and used by name later.
//! Symbolic links are followed as they would be after a chroot into the root;
//! magic links (those of procfs) are never followed.
//!
//! Where the path exists and the kernel has openat2(2), one call does it. The
//! walk component by component serves older kernels, and the paths that have to
//! be created, because a missing component behind a symbolic link must be made
//! where the link points, inside the root (CVE-2019-19921, CVE-2021-30465,
//! CVE-2024-45310 are what happens otherwise).

use crate::cut;
use crate::sys::fd::AsFd;
use alloc::vec::Vec;
use core::ffi::CStr;
use rustix::fd::{AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{
    CWD, Dev, FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, mknodat, openat, openat2,
    readlinkat_raw,
};
use rustix::io::{Errno, Result, dup};

/// The longest path, with its end (`PATH_MAX` of the kernel).
const PATH_MAX: usize = 4096;

/// Symbolic links followed at most (`MAXSYMLINKS` of the kernel).
const MAX_LINKS: usize = 40;

/// Directories between the root and the object at most, in the walk.
const MAX_DEPTH: usize = 128;

/// What to make where a component is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Create {
    /// Nothing: a missing component is `ENOENT`.
    Nothing,
    /// Directories, the last component too.
    Directory,
    /// Directories, and the last component as an empty regular file.
    File,
}

/// Opens `path` beneath `root` with `O_PATH`; symbolic links resolve within it.
///
/// Errors: those of openat2(2); `ENOENT` where a component is missing.
pub fn open_in(root: BorrowedFd<'_>, path: &CStr) -> Result<OwnedFd> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..16 {
        match openat2(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve) {
            // EAGAIN: a rename raced with the look-up of a `..`.
            Err(Errno::AGAIN) => {}
            Err(Errno::NOSYS | Errno::PERM) => break,
            result => return result,
        }
    }
    Walk::new(root)?.to(path, Create::Nothing, Mode::empty())
}

/// As [`open_in`], and makes what is missing: directories with `mode`, a last
/// component of [`Create::File`] with mode 0644 less nothing (the caller's umask
/// applies).
pub fn create_in(root: BorrowedFd<'_>, path: &CStr, create: Create, mode: Mode) -> Result<OwnedFd> {
    match open_in(root, path) {
        Err(Errno::NOENT) => match create_last(root, path, create, mode) {
            Some(made) => Ok(made),
            None => Walk::new(root)?.to(path, create, mode),
        },
        result => result,
    }
}

/// Makes the last component, where it is what is missing: the walk's work in
/// four calls. `None` for what only the walk can tell: more is missing, a link
/// leads nowhere, somebody else is at it too.
fn create_last(root: BorrowedFd<'_>, path: &CStr, create: Create, mode: Mode) -> Option<OwnedFd> {
    let text = path.to_bytes_with_nul();
    let slash = text.iter().rposition(|byte| *byte == b'/')?;
    let name = CStr::from_bytes_until_nul(cut::rest(text, slash + 1)).ok()?;
    if create == Create::Nothing || matches!(name.to_bytes(), b"" | b"." | b"..") {
        return None;
    }
    let mut parent = heapless::Vec::<u8, 256>::new();
    parent.extend_from_slice(cut::first(text, slash + 1)).ok()?;
    parent.push(0).ok()?;
    let parent = open_in(root, CStr::from_bytes_until_nul(&parent).ok()?).ok()?;
    make(parent.as_fd(), name, create, mode).ok()?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = openat(&parent, name, flags, Mode::empty()).ok()?;
    let kind = FileType::from_raw_mode(fstat(&made).ok()?.st_mode);
    let wanted = match create {
        Create::File => FileType::RegularFile,
        _ => FileType::Directory,
    };
    (kind == wanted).then_some(made)
}

fn make(directory: BorrowedFd<'_>, name: &CStr, create: Create, mode: Mode) -> Result<()> {
    if create == Create::File {
        let mode = Mode::from_raw_mode(0o644);
        return mknodat(directory, name, FileType::RegularFile, mode, Dev::default());
    }
    mkdirat(directory, name, mode)
}

/// A walk from the root, one component at a time, never through a link that the
/// kernel follows for us.
struct Walk {
    /// The directories from the root to where we are; `..` takes one off.
    directories: heapless::Vec<OwnedFd, MAX_DEPTH>,
    links: usize,
}

impl Walk {
    fn new(root: BorrowedFd<'_>) -> Result<Walk> {
        let mut directories = heapless::Vec::new();
        directories.push(dup(root)?).map_err(|_| Errno::NAMETOOLONG)?;
        Ok(Walk { directories, links: 0 })
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.directories[self.directories.len() - 1].as_fd()
    }

    fn to(mut self, path: &CStr, create: Create, mode: Mode) -> Result<OwnedFd> {
        let mut rest = Rest::new(path)?;
        let mut name = [0; 256];
        while let Some(length) = rest.next(&mut name)? {
            let component = CStr::from_bytes_until_nul(cut::first(&name, length + 1))
                .map_err(|_| Errno::INVAL)?;
            if component == c"." {
                continue;
            }
            if component == c".." {
                if self.directories.len() > 1 {
                    self.directories.pop();
                }
                continue;
            }
            let last = rest.is_empty();
            let fd = self.component(component, last, create, mode)?;
            match FileType::from_raw_mode(fstat(&fd)?.st_mode) {
                FileType::Symlink => self.follow(&fd, &mut rest)?,
                FileType::Directory => {
                    self.directories.push(fd).map_err(|_| Errno::NAMETOOLONG)?;
                }
                _ if last => return Ok(fd),
                _ => return Err(Errno::NOTDIR),
            }
        }
        self.directories.pop().ok_or(Errno::NOENT)
    }

    fn component(&self, name: &CStr, last: bool, create: Create, mode: Mode) -> Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(self.here(), name, flags, Mode::empty()) {
            Err(Errno::NOENT) if create != Create::Nothing => {
                let create = if last { create } else { Create::Directory };
                match make(self.here(), name, create, mode) {
                    // Somebody else made it: it is checked like any other.
                    Ok(()) | Err(Errno::EXIST) => openat(self.here(), name, flags, Mode::empty()),
                    Err(errno) => Err(errno),
                }
            }
            result => result,
        }
    }

    /// Puts the link's target before what is left of the path.
    fn follow(&mut self, link: &OwnedFd, rest: &mut Rest) -> Result<()> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Errno::LOOP);
        }
        let mut target = [0; PATH_MAX];
        let length = readlinkat_raw(link, c"", &mut target[..])?;
        if target.first() == Some(&b'/') {
            self.directories.truncate(1);
        }
        rest.prepend(cut::first(&target, length))
    }
}

/// What is left of a path, in a fixed buffer, filled from the end.
struct Rest {
    buffer: [u8; PATH_MAX],
    start: usize,
}

impl Rest {
    fn new(path: &CStr) -> Result<Rest> {
        let mut rest = Rest { buffer: [0; PATH_MAX], start: PATH_MAX };
        rest.prepend(path.to_bytes())?;
        Ok(rest)
    }

    fn prepend(&mut self, text: &[u8]) -> Result<()> {
        let needed = text.len() + 1;
        if needed > self.start {
            return Err(Errno::NAMETOOLONG);
        }
        self.start -= needed;
        let rest = self.buffer.get_mut(self.start..).unwrap_or_default();
        let Some((place, [slash, ..])) = rest.split_at_mut_checked(text.len()) else {
            return Err(Errno::NAMETOOLONG);
        };
        place.copy_from_slice(text);
        *slash = b'/';
        Ok(())
    }

    fn skip_slashes(&mut self) {
        while self.start < PATH_MAX && self.buffer[self.start] == b'/' {
            self.start += 1;
        }
    }

    fn is_empty(&mut self) -> bool {
        self.skip_slashes();
        self.start == PATH_MAX
    }

    /// Takes the next component into `name`, with a null after it; its length.
    fn next(&mut self, name: &mut [u8; 256]) -> Result<Option<usize>> {
        if self.is_empty() {
            return Ok(None);
        }
        let mut length = 0;
        while self.start < PATH_MAX && self.buffer[self.start] != b'/' {
            if length == name.len() - 1 {
                return Err(Errno::NAMETOOLONG);
            }
            name[length] = self.buffer[self.start];
            length += 1;
            self.start += 1;
        }
        name[length] = 0;
        Ok(Some(length))
    }
}

/// Whether the object is a directory.
pub fn is_directory(fd: BorrowedFd<'_>) -> Result<bool> {
    Ok(FileType::from_raw_mode(fstat(fd)?.st_mode) == FileType::Directory)
}

/// As [`open_in`], where no component may be a symbolic link (`ELOOP`).
pub fn open_without_links(root: BorrowedFd<'_>, path: &CStr) -> Result<OwnedFd> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
    match openat2(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve) {
        Err(Errno::NOSYS | Errno::PERM) => {
            let mut walk = Walk::new(root)?;
            // The first link is one too many.
            walk.links = MAX_LINKS;
            walk.to(path, Create::Nothing, Mode::empty())
        }
        result => result,
    }
}

/// Opens the directory `name`, one component, in `root`; a symbolic link in its
/// place is an error (`ENOTDIR`), as it must be for `/dev` (CVE-2026-41579).
pub fn open_directory_no_link(root: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(root, name, flags, Mode::empty())
}

/// The name of a descriptor in procfs, for the calls that take only a path.
pub struct FdPath([u8; 25]);

impl FdPath {
    /// `/proc/self/fd/N`. Uses nothing that has to be relocated.
    pub fn new(fd: BorrowedFd<'_>) -> FdPath {
        const FIRST_DIGIT: usize = 14;
        let mut path = *b"/proc/self/fd/\0\0\0\0\0\0\0\0\0\0\0";
        let mut number = fd.as_raw_fd().unsigned_abs();
        let mut at = FIRST_DIGIT + number.checked_ilog10().unwrap_or(0) as usize;
        while at >= FIRST_DIGIT {
            path[at] = b'0' + (number % 10) as u8;
            number /= 10;
            at -= 1;
        }
        FdPath(path)
    }

    /// The path.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or(c"")
    }

    /// The object's name as the kernel knows it: its path, or `pipe:[INODE]` and
    /// the like.
    ///
    /// # Errors
    /// There is no /proc.
    pub fn read(&self) -> Result<Vec<u8>> {
        let mut buffer = [core::mem::MaybeUninit::uninit(); PATH_MAX];
        Ok(readlinkat_raw(CWD, self.as_c_str(), &mut buffer)?.0.to_vec())
    }
}

/// Attaches the detached mount `mount` on the object `target` refers to.
///
/// Errors: those of move_mount(2), but `ENOTDIR` where one is a directory and the
/// other is not: the kernel has `EINVAL` for that as for much else, and engines look
/// for what mount(2) says.
pub fn attach(mount: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<()> {
    use rustix::mount::{MoveMountFlags, move_mount};
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    match move_mount(mount, c"", target, c"", flags) {
        Err(Errno::INVAL) if is_directory(mount)? != is_directory(target)? => Err(Errno::NOTDIR),
        result => result,
    }
}
