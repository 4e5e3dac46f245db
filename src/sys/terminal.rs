//! The settings of a terminal (ioctl_tty(2)): as rustix has them, but for sparc64,
//! where rustix 1.1 panics: it has room for fewer control characters than the
//! structure it asks the kernel for. The C library's calls are no way out, since
//! the libc crate asks for versions of them that a static library does not have.

use rustix::fd::BorrowedFd;
use rustix::io::Result;

#[cfg(not(target_arch = "sparc64"))]
type Kept = rustix::termios::Termios;
#[cfg(target_arch = "sparc64")]
type Kept = linux_raw_sys::general::termios;

#[cfg(target_arch = "sparc64")]
use libc::{TCGETS, TCSETS, TCSETSW};

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

    /// The same, with every byte of input passed on as it is, and output as OPOST
    /// asks for.
    #[must_use]
    pub fn raw(&self) -> Settings {
        let mut raw = self.clone();
        raw.0.make_raw();
        raw.0.output_modes |= rustix::termios::OutputModes::OPOST;
        raw
    }

    /// The same, with line ends as they are written.
    #[must_use]
    pub fn plain_lines(&self) -> Settings {
        let mut plain = self.clone();
        plain.0.output_modes -= rustix::termios::OutputModes::ONLCR;
        plain
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
        // SAFETY: all-zero is a valid termios: numbers only.
        let mut kept: Kept = unsafe { core::mem::zeroed() };
        control(terminal, TCGETS, &mut kept)?;
        Ok(Settings(kept))
    }

    /// The same, with every byte of input passed on as it is, and output as OPOST
    /// asks for: what else cfmakeraw(3) does.
    #[must_use]
    pub fn raw(&self) -> Settings {
        use linux_raw_sys::general::*;
        let mut raw = self.0;
        raw.c_iflag &= !(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
        raw.c_oflag |= OPOST;
        raw.c_lflag &= !(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
        raw.c_cflag = raw.c_cflag & !(CSIZE | PARENB) | CS8;
        raw.c_cc[VMIN as usize] = 1;
        raw.c_cc[VTIME as usize] = 0;
        Settings(raw)
    }

    /// The same, with line ends as they are written.
    #[must_use]
    pub fn plain_lines(&self) -> Settings {
        let mut plain = self.0;
        plain.c_oflag &= !linux_raw_sys::general::ONLCR;
        Settings(plain)
    }

    /// Gives them to a terminal.
    pub fn set(&self, terminal: BorrowedFd<'_>, when: When) -> Result<()> {
        let request = match when {
            When::Now => TCSETS,
            When::Drained => TCSETSW,
        };
        control(terminal, request, &mut self.0.clone())
    }
}

#[cfg(target_arch = "sparc64")]
fn control(terminal: BorrowedFd<'_>, request: libc::Ioctl, settings: &mut Kept) -> Result<()> {
    use rustix::fd::AsRawFd;
    let at = core::ptr::from_mut(settings) as usize;
    let arguments = [terminal.as_raw_fd() as usize, request as usize, at, 0, 0, 0];
    let number = linux_raw_sys::general::__NR_ioctl;
    // SAFETY: the three requests read or write one struct termios of the kernel's,
    // which this is; it lives across the call.
    unsafe { super::raw::syscall(number, arguments) }.map(drop)
}
