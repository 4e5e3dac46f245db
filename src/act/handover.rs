//! What the command hands to whoever called it: the pid file, the terminal, the
//! pidfd; and what it was handed: descriptors to keep.

use super::channel::send_fd;
use crate::cut;
use crate::error;
use crate::error::{Context, Error, Result};
use crate::named;
use crate::number;
use crate::quote::quoted;
use crate::request::Caller;
use crate::sys::descriptor::write_all;
use crate::sys::fd::AsFd;
use crate::text;
use rustix::fd::{AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, FdFlags, fcntl_getfd};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};

/// Connects to the AF_UNIX stream socket at `path`, however long that is.
///
/// # Errors
/// Nobody listens there, or it may not be reached.
pub fn connect_to(path: &str) -> Result<OwnedFd> {
    let what = || text!("connect to socket {}", quoted(path));
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .context(what)?;
    let result = match SocketAddrUnix::new(path) {
        Ok(address) => connect(&socket, &address),
        Err(_) => {
            let file = named::open(path, OFlags::PATH).context(what)?;
            let short = text!("/proc/self/fd/{}", file.as_raw_fd());
            SocketAddrUnix::new(short).and_then(|address| connect(&socket, &address))
        }
    };
    result.context(what)?;
    Ok(socket)
}

/// Sends a terminal's master end over a console socket: its name and the
/// descriptor in one message.
///
/// # Errors
/// The receiver is gone.
pub fn send_terminal(socket: &OwnedFd, master: BorrowedFd<'_>) -> Result<()> {
    send_fd(socket.as_fd(), b"/dev/ptmx", master).context(|| "send the terminal")
}

/// Sends a pidfd of the process to the socket at `path`.
///
/// # Errors
/// No pidfd, or no receiver.
pub fn send_pidfd(path: &str, pid: Pid) -> Result<()> {
    let socket = connect_to(path)?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).context(|| "open a pidfd")?;
    send_fd(socket.as_fd(), b"pidfd", pidfd.as_fd()).context(|| "send the pidfd")
}

/// Writes the process id, digits only, at once: engines read the file as soon
/// as it is there.
///
/// # Errors
/// Those of open(2), write(2) and rename(2).
pub fn write_pid_file(path: &str, pid: Pid) -> Result<()> {
    let (directory, name) = match cut::at_last(path, b'/') {
        Some((directory, name)) => (text!("{directory}/"), name),
        None => ("", path),
    };
    let temporary = text!("{directory}.{name}");
    // Never through a link that somebody left there: the directory may be a user's.
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o666);
    let text = text!("{}", pid.as_raw_nonzero());
    let create = || openat(CWD, temporary, flags, mode);
    create()
        .or_else(|errno| match errno {
            // Perhaps of a command that was killed.
            Errno::EXIST => named::unlink(temporary).and_then(|()| create()),
            errno => Err(errno),
        })
        .and_then(|file| write_all(file.as_fd(), text.as_bytes()))
        .and_then(|()| named::rename(temporary, path))
        .map_err(|errno| {
            let _ = named::unlink(temporary);
            Error::os(text!("write pid file {}", quoted(path)), errno)
        })
}

/// Makes sure that the program can keep so many descriptors from 3 on.
///
/// # Errors
/// One of them is not open.
pub fn check_kept(count: u32) -> Result<u32> {
    for number in 3..3u32.saturating_add(count) {
        let inherited = crate::sys::descriptor::borrow(number as i32)
            .map_or(Err(Errno::BADF), fcntl_getfd)
            .is_ok_and(|flags| !flags.contains(FdFlags::CLOEXEC));
        if !inherited {
            return Err(error!("preserve-fds: descriptor {number} is not open"));
        }
    }
    Ok(count)
}

/// How many descriptors of socket activation we were given: `LISTEN_PID` says for
/// whom they are, since children inherit the variables (sd_listen_fds(3)).
pub fn listening(caller: &Caller) -> u32 {
    let value = |name| caller.variable(name).and_then(number::unsigned::<u32>);
    if value("LISTEN_PID") != Some(getpid().as_raw_pid().cast_unsigned()) {
        return 0;
    }
    value("LISTEN_FDS").unwrap_or(0)
}
