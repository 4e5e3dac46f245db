//! The settings of a terminal (termios(3)): as rustix has them, but on sparc64
//! from the C library, since rustix 1.1 panics there: it has less room for control
//! characters than the kernel's structure.

use rustix::fd::BorrowedFd;
use rustix::io::Result;

#[cfg(not(target_arch = "sparc64"))]
type Kept = rustix::termios::Termios;
#[cfg(target_arch = "sparc64")]
type Kept = libc::termios;

/// The settings of a terminal.
#[derive(Clone)]
pub struct Settings(Kept);

/// When new settings hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
    /// When all that was written has gone out.
    Drained,
}

#[cfg(not(target_arch = "sparc64"))]
impl Settings {
    /// Those of this terminal. `ENOTTY` where it is none.
    pub fn of(terminal: BorrowedFd<'_>) -> Result<Settings> {
        rustix::termios::tcgetattr(terminal).map(Settings)
    }

    /// The same, with every byte passed on as it is.
    #[must_use]
    pub fn raw(&self) -> Settings {
        let mut raw = self.clone();
        raw.0.make_raw();
        raw
    }

    /// Gives them to a terminal.
    pub fn set(&self, terminal: BorrowedFd<'_>, when: When) -> Result<()> {
        use rustix::termios::{OptionalActions, tcsetattr};
        let when = match when {
            When::Now => OptionalActions::Now,
            When::Drained => OptionalActions::Drain,
        };
        tcsetattr(terminal, when, &self.0)
    }
}

#[cfg(target_arch = "sparc64")]
impl Settings {
    /// Those of this terminal. `ENOTTY` where it is none.
    pub fn of(terminal: BorrowedFd<'_>) -> Result<Settings> {
        use rustix::fd::AsRawFd;
        // SAFETY: all-zero is a valid termios: numbers only.
        let mut kept = unsafe { core::mem::zeroed() };
        // SAFETY: the structure lives across the call, which fills it in.
        checked(unsafe { libc::tcgetattr(terminal.as_raw_fd(), &raw mut kept) })?;
        Ok(Settings(kept))
    }

    /// The same, with every byte passed on as it is.
    #[must_use]
    pub fn raw(&self) -> Settings {
        let mut raw = self.clone();
        // SAFETY: changes the numbers of one structure, which lives across the call.
        unsafe { libc::cfmakeraw(&raw mut raw.0) };
        raw
    }

    /// Gives them to a terminal.
    pub fn set(&self, terminal: BorrowedFd<'_>, when: When) -> Result<()> {
        use rustix::fd::AsRawFd;
        let when = match when {
            When::Now => libc::TCSANOW,
            When::Drained => libc::TCSADRAIN,
        };
        // SAFETY: the structure lives across the call, which only reads it.
        checked(unsafe { libc::tcsetattr(terminal.as_raw_fd(), when, &raw const self.0) })
    }
}

#[cfg(target_arch = "sparc64")]
fn checked(value: libc::c_int) -> Result<()> {
    // SAFETY: errno is this thread's.
    let errno = unsafe { *libc::__errno_location() };
    if value == 0 { Ok(()) } else { Err(rustix::io::Errno::from_raw_os_error(errno)) }
}
