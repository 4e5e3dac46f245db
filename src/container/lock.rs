//! The exclusive lock on a container: flock(2) on its directory.

use crate::sys::fd::AsFd;
use rustix::fs::{AtFlags, FlockOperation, flock, fstat, statat};
use rustix::io::Errno;

use crate::container::directory::Directory;
use crate::container::root::missing;
use crate::error::{Error, Result};
use crate::sys::clock::sleep;
use crate::text;

/// How long a command waits for another one that changes the same container.
const PATIENCE_MS: u32 = 10_000;
/// How often it looks.
const STEP_MS: u32 = 5;

/// The right to change a container; given back on drop.
///
/// The lock belongs to the open file, which a child after clone shares: it is
/// given back for all of them at the drop, but when the owner is killed it
/// stays for as long as such a child keeps the directory's descriptor. So a
/// child must close that, and must not drop this.
#[derive(Debug)]
pub struct Lock<'d> {
    pub(super) directory: &'d Directory<'d>,
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // An open descriptor can always be unlocked.
        let _ = flock(&self.directory.fd, FlockOperation::Unlock);
    }
}

impl Directory<'_> {
    /// Waits for the lock, for up to 10 seconds.
    ///
    /// # Errors
    /// `container does not exist` when it was deleted meanwhile; another
    /// command keeps the lock.
    pub fn lock(&self) -> Result<Lock<'_>> {
        let mut waited = 0;
        loop {
            match flock(&self.fd, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) if waited < PATIENCE_MS => {
                    waited += STEP_MS;
                    sleep(STEP_MS);
                }
                Err(errno) => {
                    let what = text::about("lock container \"{}\"", self.id.as_str());
                    let error = Error::os(what, errno);
                    return Err(match errno {
                        Errno::WOULDBLOCK => {
                            error.hint("another command is at work on it, such as create or delete")
                        }
                        Errno::NOSYS => error.hint("the kernel needs CONFIG_FILE_LOCKING"),
                        _ => error,
                    });
                }
            }
        }
        let lock = Lock { directory: self };
        // The name may mean another container by now, or none.
        let named = statat(self.root.fd.as_fd(), self.id.as_str(), AtFlags::SYMLINK_NOFOLLOW);
        match (named, fstat(&self.fd)) {
            (Ok(named), Ok(ours)) if (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino) => {
                Ok(lock)
            }
            (Ok(_), Ok(_)) | (Err(Errno::NOENT), _) => Err(missing(self.root.path, &self.id)),
            (Err(errno), _) | (_, Err(errno)) => {
                Err(Error::os(text::about("stat state of \"{}\"", self.id.as_str()), errno))
            }
        }
    }

    /// Whether somebody else holds the lock. Asked with a shared lock, so that
    /// two who ask do not take each other for the one who changes something.
    pub(super) fn is_locked(&self) -> Result<bool> {
        match flock(&self.fd, FlockOperation::NonBlockingLockShared) {
            Ok(()) => {
                let _ = flock(&self.fd, FlockOperation::Unlock);
                Ok(false)
            }
            Err(Errno::WOULDBLOCK) => Ok(true),
            Err(errno) => Err(Error::os("look at the container's lock", errno)),
        }
    }
}
