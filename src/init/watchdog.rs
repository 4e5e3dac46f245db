//! The hardware watchdog: it resets the board when nobody feeds it
//! (Documentation/watchdog/watchdog-api.rst).

use crate::error::{Context, Error, Result};
use crate::sys::board::watchdog_timeout;
use crate::sys::fd::AsFd;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, open};

/// An open watchdog: it counts from the opening on.
#[derive(Debug)]
pub struct Watchdog {
    device: OwnedFd,
    every: u64,
    next: Option<u64>,
}

impl Watchdog {
    /// Opens it, with a time of so many seconds. Some know only one time: the
    /// second value is what it is then.
    ///
    /// # Errors
    /// There is none, or somebody else has it.
    pub fn open(seconds: u32, now: u64) -> Result<(Watchdog, u32)> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let device = open(c"/dev/watchdog", flags, Mode::empty()).map_err(|errno| {
            Error::os("open \"/dev/watchdog\"", errno)
                .hint("CONFIG_WATCHDOG and the driver of the hardware (or CONFIG_SOFT_WATCHDOG)")
        })?;
        let time = watchdog_timeout(device.as_fd(), seconds as i32)
            .context(|| "set the watchdog's timeout")
            .map_or(seconds, |time| time.max(1) as u32);
        let every = u64::from(time) * 1000 / 3;
        Ok((Watchdog { device, every, next: Some(now) }, time))
    }

    /// When [`Watchdog::time`] is due.
    pub fn deadline(&self) -> Option<u64> {
        self.next
    }

    /// Feeds it, if it is time.
    pub fn time(&mut self, now: u64) {
        if self.next.is_some_and(|next| next <= now) {
            let _ = rustix::io::write(&self.device, b"\0");
            self.next = Some(now + self.every);
        }
    }

    /// Whether it is to be fed from now on.
    pub fn feed(&mut self, well: bool, now: u64) {
        match well {
            true if self.next.is_none() => self.next = Some(now),
            true => {}
            false => self.next = None,
        }
    }

    /// The device.
    pub fn device(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }

    /// Lets the next closing stop it; a closing without this resets the board.
    pub fn disarm(&self) {
        let _ = rustix::io::write(&self.device, b"V");
    }
}
