//! To be told when the kernel kills for want of memory: `events`.
//!
//! v1 signals an eventfd that is registered in `cgroup.event_control`
//! (cgroup-v1/memory.rst, "OOM Control"); v2 makes `memory.events` ready when
//! one of its counters changes (cgroup-v2.rst).

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::OFlags;
use rustix::io::{pread, read};

use super::file;
use super::group::{Cgroups, Group};
use super::text::value_of;
use crate::cut;
use crate::error::{Context, Error, Result};
use crate::text;

/// The registration in v1, of a file in [`CONTROL`].
const EVENTS_V1: &str = "memory.oom_control";
const CONTROL: &str = "cgroup.event_control";
/// The file of v2, and the counter of killed processes in it.
const EVENTS_V2: &str = "memory.events";
const KILLED: &str = "oom_kill";

/// The source of news.
pub struct OomWatch<'c> {
    group: &'c Group,
    file: OwnedFd,
    killed: u64,
}

impl Cgroups {
    /// Begins to watch.
    ///
    /// # Errors
    /// There is no memory controller; or the kernel refuses.
    pub fn watch_oom(&self) -> Result<OomWatch<'_>> {
        let Some(group) = self.v1("memory").or_else(|| self.unified()) else {
            return Err(Error::new("memory controller missing"));
        };
        let directory = &group.directory;
        if group.unified {
            let file = file::must_open(directory, EVENTS_V2, OFlags::RDONLY)
                .map_err(|error| error.hint("memory controller missing"))?;
            let mut watch = OomWatch { group, file, killed: 0 };
            watch.happened();
            return Ok(watch);
        }
        let events = file::must_open(directory, EVENTS_V1, OFlags::RDONLY)?;
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let file = eventfd(0, flags).context(|| "eventfd")?;
        let line = text!("{} {}", file.as_raw_fd(), events.as_raw_fd());
        file::must_write(directory, CONTROL, line)?;
        Ok(OomWatch { group, file, killed: 0 })
    }
}

impl OomWatch<'_> {
    /// What to wait for before [`OomWatch::happened`].
    pub fn poll(&self) -> PollFd<'_> {
        let flags = if self.group.unified { PollFlags::PRI } else { PollFlags::IN };
        PollFd::new(&self.file, flags)
    }

    /// Whether it happened since the last call.
    pub fn happened(&mut self) -> bool {
        let mut buffer = [0; 512];
        if !self.group.unified {
            // The end of the cgroup counts as an event, too.
            return read(&self.file, &mut buffer[..8]).is_ok()
                && file::open(self.group.directory, CONTROL, OFlags::PATH).is_ok();
        }
        // A file that is gone tells nothing.
        let length = pread(&self.file, &mut buffer, 0).unwrap_or(0);
        let text = core::str::from_utf8(cut::first(&buffer, length)).unwrap_or_default();
        let killed = value_of(text, KILLED).max(self.killed);
        core::mem::replace(&mut self.killed, killed) != killed
    }
}
