//! The end of the cgroups.

use alloc::vec::Vec;
use rustix::io::Errno;

use super::create::remove_directory;
use super::file;
use super::freezer::pause;
use super::group::Cgroups;
use super::members::tree;
use crate::error::Result;

/// The pauses while a cgroup is busy, which it is for a moment after its last
/// process has ended, in microseconds: doubled from the first to the last, then
/// the last as often as makes 5 seconds.
const FIRST_PAUSE: u32 = 500;
const LAST_PAUSE: u32 = 128_000;
const PATIENCE: u32 = 5_000_000;

impl Cgroups {
    /// Removes them one by one, as long as nothing is in them; whether all are
    /// gone.
    pub fn remove_empty(&self) -> bool {
        let gone = |removed| matches!(removed, Ok(()) | Err(Errno::NOENT));
        !self.groups.is_empty()
            && self.groups.iter().all(|group| gone(remove_directory(group.directory)))
    }

    /// Removes them, with what is below them but not what is above; those that
    /// do not exist are fine.
    ///
    /// # Errors
    /// One stays busy for 5 seconds.
    pub fn remove(&self) -> Result<()> {
        let mut busy: Vec<&str> = self.groups.iter().map(|group| group.directory).collect();
        let mut pause_length = FIRST_PAUSE;
        let mut waited = 0;
        loop {
            let mut failure = Ok(());
            let mut still_busy = Vec::new();
            for directory in busy {
                match remove_directory(directory) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(Errno::BUSY) => match remove_tree(directory) {
                        Ok(()) => {}
                        Err(errno) => {
                            failure = Err((errno, directory));
                            still_busy.push(directory);
                        }
                    },
                    Err(errno) => failure = Err((errno, directory)),
                }
            }
            busy = still_busy;
            if busy.is_empty() || waited >= PATIENCE {
                return failure.map_err(|(errno, directory)| {
                    file::failed("remove cgroup", directory, "", errno)
                });
            }
            pause(pause_length);
            waited += pause_length;
            pause_length = LAST_PAUSE.min(pause_length * 2);
        }
    }
}

/// Removes a cgroup with those below it, deepest first.
fn remove_tree(directory: &str) -> rustix::io::Result<()> {
    let directories = tree(directory).map_err(|error| error.errno.unwrap_or(Errno::IO))?;
    for directory in directories.iter().rev() {
        match remove_directory(directory) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
