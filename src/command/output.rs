//! The command's output on stdout.

use rustix::fd::BorrowedFd;
use rustix::io::Errno;

use crate::error::{Context, Result};
use crate::sys;

/// Writes a command's output.
///
/// # Errors
/// Stdout is closed, full or broken: the caller of a runtime must hear of it.
pub fn print(text: &str) -> Result<()> {
    write_all(sys::stdout(), text.as_bytes()).context(|| "write to stdout")
}

/// Writes all of `bytes`, in as many calls as it takes.
///
/// # Errors
/// Those of write(2).
pub fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> core::result::Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
