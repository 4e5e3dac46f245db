//! What `list` shows of most containers, without opening their directories: each
//! file is found beneath the root's in one call.
//!
//! So a container may be deleted and its name taken again between two of these
//! calls, as it may after them. Where there is a start socket, which one has to
//! connect to, or anything is not as with most, [`Directory`](super::Directory)
//! tells, with all that is to be said of errors.

use crate::text;
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, openat2, statat};
use rustix::io::Errno;

use super::directory::{STATE, read_state};
use super::status::without_socket;
use super::{ContainerId, Root, START_SOCKET, State, Status};

/// A container that has, or had, a process.
pub struct Glance {
    /// Its saved state.
    pub state: &'static mut State,
    /// Its status.
    pub status: Status,
    /// The user id of the directory's owner.
    pub owner: u32,
}

/// Looks at a container; `None` where its directory has to be opened.
pub fn glance(root: &Root, id: &ContainerId) -> Option<Glance> {
    let beneath = |file| text::joined(&[id.as_str(), file], "/");
    // A directory that is a link is none of ours. Linux 5.6.
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file =
        openat2(&root.fd, beneath(STATE.to_str().ok()?), flags, Mode::empty(), resolve).ok()?;
    let state = State::from_json(read_state(&file).ok()??).ok()??;
    if state.pid == 0 {
        return None;
    }
    let status = without_socket(state).ok()?;
    let socket = || statat(&root.fd, beneath(START_SOCKET), AtFlags::SYMLINK_NOFOLLOW);
    if status == Status::Running && !matches!(socket(), Err(Errno::NOENT)) {
        return None;
    }
    let owner = statat(&root.fd, id.as_str(), AtFlags::SYMLINK_NOFOLLOW).ok()?.st_uid;
    Some(Glance { state, status, owner })
}
