//! Sleeping until something happens.

use rustix::event::{PollFd, poll};
use rustix::time::Timespec;

/// No end, in place of a number of milliseconds.
pub const FOR_EVER: u64 = u64::MAX;

/// poll(2) for so many milliseconds; whether something has happened.
pub fn doze(fds: &mut [PollFd<'_>], milliseconds: u64) -> bool {
    let time = Timespec {
        tv_sec: (milliseconds / 1000) as i64,
        tv_nsec: (milliseconds % 1000 * 1_000_000) as i64,
    };
    poll(fds, (milliseconds != FOR_EVER).then_some(&time)) != Ok(0)
}
