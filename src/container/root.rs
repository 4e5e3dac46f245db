//! The directory that holds the containers' directories.

use crate::named;
use crate::sys::fd::AsFd;
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, unlinkat};
use rustix::io::Errno;

use crate::container::{ContainerId, Directory};
use crate::cut;
use crate::error::{Context, Error, Result};
use crate::text;
use crate::text::keep;

/// Opens a directory to work in.
pub(super) const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

/// The root of the state, `--root`.
#[derive(Debug)]
pub struct Root {
    pub(super) fd: OwnedFd,
    pub(super) path: &'static str,
}

impl Root {
    /// Opens it; `None` when it does not exist.
    ///
    /// # Errors
    /// It is there but cannot be opened.
    pub fn open(path: &str) -> Result<Option<Root>> {
        match named::open(path, DIRECTORY - OFlags::NOFOLLOW) {
            Ok(fd) => Ok(Some(Root { fd, path: keep(path) })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::os(text::about("open state directory \"{}\"", path), errno)),
        }
    }

    /// Opens it, and makes it and its parents (mode 0700) where they are
    /// missing. With `sticky` it is marked so that cleaners of
    /// $XDG_RUNTIME_DIR leave it alone (XDG base directory specification).
    ///
    /// # Errors
    /// It cannot be made or opened.
    pub fn create(path: &str, sticky: bool) -> Result<Root> {
        if let Some(root) = Root::open(path)? {
            return Ok(root);
        }
        let ends = path.match_indices('/').map(|(index, _)| index).filter(|index| *index > 0);
        for end in ends.chain([path.len()]) {
            let path = cut::before(path, end);
            match rustix::fs::mkdirat(CWD, path, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => {
                    let what = text::about("create state directory \"{}\"", path);
                    return Err(Error::os(what, errno));
                }
            }
        }
        let Some(root) = Root::open(path)? else {
            return Err(Error::about("state directory \"{}\" was removed while it was made", path));
        };
        if sticky {
            rustix::fs::fchmod(&root.fd, Mode::RWXU | Mode::SVTX)
                .context(|| text::about("set the sticky bit of \"{}\"", path))?;
        }
        Ok(root)
    }

    /// The ids of all containers, sorted. What is not a directory with an id
    /// for a name is none of ours.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn ids(&self) -> Result<Vec<ContainerId>> {
        let failed = || text::about("read state directory \"{}\"", self.path);
        // A descriptor of its own: reading moves the position.
        let list =
            rustix::fs::openat(self.fd.as_fd(), c".", DIRECTORY, Mode::empty()).context(failed)?;
        let mut buffer = [MaybeUninit::uninit(); 2048];
        let mut entries = RawDir::new(list, &mut buffer);
        // A heap: less code than a sort, and as good with thousands.
        let mut ids = BinaryHeap::new();
        while let Some(entry) = entries.next() {
            let entry = entry.context(failed)?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            let Ok(id) = ContainerId::new(name) else { continue };
            ids.push(id);
        }
        Ok(ids.into_sorted_vec())
    }

    /// A container's directory; `None` when there is no such container.
    ///
    /// # Errors
    /// It is there but cannot be opened.
    pub fn find(&self, id: &ContainerId) -> Result<Option<Directory<'_>>> {
        match rustix::fs::openat(self.fd.as_fd(), id.as_str(), DIRECTORY, Mode::empty()) {
            Ok(fd) => Ok(Some(Directory { root: self, id: *id, fd })),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(Error::os(
                text::about_both("open state directory \"{}/{}\"", self.path, id.as_str()),
                errno,
            )),
        }
    }

    /// A container's directory.
    ///
    /// # Errors
    /// `container does not exist`.
    pub fn container(&self, id: &ContainerId) -> Result<Directory<'_>> {
        self.find(id)?.ok_or_else(|| missing(self.path, id))
    }

    /// Claims an id by making its directory (mode 0711). Lock it next.
    ///
    /// # Errors
    /// `container with given ID already exists`.
    pub fn claim(&self, id: &ContainerId) -> Result<Directory<'_>> {
        let mode = Mode::from_raw_mode(0o711);
        match rustix::fs::mkdirat(self.fd.as_fd(), id.as_str(), mode) {
            Ok(()) => self.container(id).inspect_err(|_| self.give_back(id)),
            Err(Errno::EXIST) => {
                Err(Error::about("container with given ID already exists: {}", id.as_str()))
            }
            Err(errno) => Err(Error::os(
                text::about_both("create state \"{}/{}\"", self.path, id.as_str()),
                errno,
            )),
        }
    }

    /// Gives back an id that was claimed, as long as its directory is empty.
    pub fn give_back(&self, id: &ContainerId) {
        let _ = unlinkat(self.fd.as_fd(), id.as_str(), AtFlags::REMOVEDIR);
    }
}

/// There is no such container.
pub(super) fn missing(root: &str, id: &ContainerId) -> Error {
    Error::about_both("container does not exist: no \"{}\" in {}", id.as_str(), root)
}
