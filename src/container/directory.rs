//! One container's directory: its files.

use crate::sys::fd::AsFd;
use core::ffi::CStr;
use core::mem::MaybeUninit;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, RawDir, openat, statat, unlinkat};
use rustix::io::Errno;

use crate::container::notify;
use crate::container::root::DIRECTORY;
use crate::container::{ContainerId, Lock, Root, State};
use crate::error::{Context, Error, Result};
use crate::sys::descriptor::write_all;
use crate::text;

/// The state's file.
pub(super) const STATE: &CStr = c"state.json";
/// The state while it is being written.
const NEW_STATE: &CStr = c"state.json.new";
/// The state's file of crun, which has no [`STATE`].
const CRUN_STATE: &str = "status";
/// The most that is read of a state, in bytes.
const STATE_LIMIT: usize = 16 << 20;

/// A container's directory, open.
#[derive(Debug)]
pub struct Directory<'r> {
    pub(super) root: &'r Root,
    pub(super) id: ContainerId,
    pub(super) fd: OwnedFd,
}

impl Directory<'_> {
    /// The directory itself.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Directory<'_> {
    /// Whose directory it is.
    pub fn id(&self) -> &ContainerId {
        &self.id
    }

    /// The user id of the directory's owner.
    ///
    /// # Errors
    /// Those of fstat(2).
    pub fn owner(&self) -> Result<u32> {
        let stat = rustix::fs::fstat(&self.fd);
        Ok(stat.context(|| text::about("stat state of \"{}\"", self.id.as_str()))?.st_uid)
    }

    /// The saved state; `None` when there is none, or none that can be
    /// understood: a creation that is not that far, or was killed before.
    ///
    /// # Errors
    /// It is there but cannot be read, or another runtime made it.
    pub fn load(&self) -> Result<Option<&'static mut State>> {
        let failed = || text::about("read state of container \"{}\"", self.id.as_str());
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = match openat(self.fd.as_fd(), STATE, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) if self.has(CRUN_STATE) => return Err(self.foreign()),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(Error::os(failed(), errno)),
        };
        match read_state(&file) {
            Ok(Some(text)) => State::from_json(text).map_err(|_| self.foreign()),
            Ok(None) => Ok(None),
            Err(errno) => Err(Error::os(failed(), errno)),
        }
    }

    /// Whether there is a file of this name, as far as can be seen.
    pub fn has(&self, name: &str) -> bool {
        !matches!(statat(self.fd.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW), Err(Errno::NOENT))
    }

    /// The error that keeps us from touching, or even deleting, the containers
    /// of others: a link called `runc` may lead us to its root.
    fn foreign(&self) -> Error {
        Error::about("container \"{}\" was made by another runtime", self.id.as_str())
            .hint("use that one, or another --root")
    }

    /// The saved state of a container that must have one.
    ///
    /// # Errors
    /// As [`Directory::load`]; and there is none.
    pub fn state(&self) -> Result<&'static mut State> {
        let hint = "it is being created, or its creation was interrupted and `delete` removes it";
        self.load()?.ok_or_else(|| {
            Error::about("container \"{}\" has no state", self.id.as_str()).hint(hint)
        })
    }

    /// Replaces the saved state at once. Hold the lock.
    ///
    /// # Errors
    /// It cannot be written; the old state is still there then.
    pub fn save(&self, lock: &Lock<'_>, state: &State) -> Result<()> {
        self.prepare(lock, state)?;
        self.replace(lock)
    }

    /// Writes a state beside the saved one, which holds until [`Directory::replace`].
    /// Hold the lock.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn prepare(&self, _lock: &Lock<'_>, state: &State) -> Result<()> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        openat(self.fd.as_fd(), NEW_STATE, flags, Mode::RUSR | Mode::WUSR)
            .and_then(|file| write_all(file.as_fd(), state.to_json().as_bytes()))
            .context(|| self.failed_to_write())
    }

    /// Puts the state that was prepared in the place of the saved one.
    ///
    /// # Errors
    /// Those of renameat(2).
    pub fn replace(&self, _lock: &Lock<'_>) -> Result<()> {
        rustix::fs::renameat(self.fd.as_fd(), NEW_STATE, self.fd.as_fd(), STATE)
            .context(|| self.failed_to_write())
    }

    fn failed_to_write(&self) -> &'static str {
        text::about("write state of container \"{}\"", self.id.as_str())
    }

    /// Removes a file of the directory; a missing one is fine.
    ///
    /// # Errors
    /// Those of unlinkat(2).
    pub fn remove_file(&self, name: &str) -> Result<()> {
        match unlinkat(self.fd.as_fd(), name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(Error::os(
                text::about_both("remove \"{}\" of container \"{}\"", name, self.id.as_str()),
                errno,
            )),
        }
    }

    /// Removes the directory with all its files, and so frees the id. Hold the
    /// lock. Directories inside (mount points of a killed creation) must be
    /// empty.
    ///
    /// # Errors
    /// Something cannot be removed; removing again goes on from there.
    pub fn remove(&self, _lock: &Lock<'_>) -> Result<()> {
        let failed = || text::about("remove state of container \"{}\"", self.id.as_str());
        let remove = || unlinkat(self.root.fd.as_fd(), self.id.as_str(), AtFlags::REMOVEDIR);
        // Most have nothing else.
        let _ = unlinkat(self.fd.as_fd(), STATE, AtFlags::empty());
        if remove().is_ok() {
            return Ok(());
        }
        let _ = unlinkat(self.fd.as_fd(), notify::SOCKET, AtFlags::empty());
        let list = openat(self.fd.as_fd(), c".", DIRECTORY, Mode::empty()).context(failed)?;
        let mut buffer = [MaybeUninit::uninit(); 1024];
        let mut entries = RawDir::new(list, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry.context(failed)?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            match unlinkat(self.fd.as_fd(), name, AtFlags::empty()) {
                Err(errno @ (Errno::ISDIR | Errno::PERM)) => {
                    match unlinkat(self.fd.as_fd(), name, AtFlags::REMOVEDIR) {
                        Err(Errno::NOTDIR) => Err(errno),
                        result => result,
                    }
                    .context(failed)?;
                }
                other => other.context(failed)?,
            }
        }
        remove().context(failed)
    }
}

/// The text of a state, which is to stay; `None` when it is too long for one.
pub(super) fn read_state(file: &OwnedFd) -> rustix::io::Result<Option<&'static [u8]>> {
    // Nearly every state fits, and memory is never given back: `list` reads many.
    let mut first = [0; 4096];
    let length = rustix::io::read(file, &mut first[..])?;
    let mut text = first[..length].to_vec();
    if length == first.len() {
        text.reserve(4096);
        loop {
            match rustix::io::read(file, rustix::buffer::spare_capacity(&mut text)) {
                Ok(0) => break,
                Ok(_) if text.len() > STATE_LIMIT => return Ok(None),
                Ok(_) => text.reserve(4096),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
    Ok(Some(text.leak()))
}
