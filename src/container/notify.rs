//! `$NOTIFY_SOCKET`: telling the service manager that the container is ready
//! (sd_notify(3)).
//!
//! As in runc, the program gets a socket of ours, in a directory of the
//! container's state that is mounted on /run/notify. Only `READY=` goes on to
//! the host, followed by who the service's main process is: nothing else of
//! what a container may say is its to decide.

use super::{ContainerId, Directory, process};
use crate::act::channel::send_fd;
use crate::cut;
use crate::error::{Context, Error, Result};
use crate::plan::mounts::absolute;
use crate::sys::fd::AsFd;
use crate::text;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, chmodat, mkdirat};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, bind, connect,
    recv, send, socket_with,
};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::time::Timespec;

/// The socket's directory in the container's.
pub const DIRECTORY: &str = "notify";
/// The socket, below the container's directory.
pub(super) const SOCKET: &str = "notify/notify.sock";
/// Where the directory is in the container.
pub const INSIDE: &str = "/run/notify";
/// What the program is told.
pub const VARIABLE: &str = "NOTIFY_SOCKET=/run/notify/notify.sock";

/// How long the service manager gets to read what was sent, as in
/// systemd-notify(1).
const BARRIER: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// The socket of the container, and the service manager's.
pub struct Notify {
    socket: OwnedFd,
    host: OwnedFd,
}

/// Where the directory of a container's socket is, absolute; `root` is that of
/// the state.
pub fn path(root: &str, id: &ContainerId) -> &'static str {
    text!("{}/{id}/{DIRECTORY}", absolute("/proc/self/cwd", root))
}

/// Makes the directory for the socket.
///
/// # Errors
/// Those of mkdir(2).
pub fn make_directory(directory: &Directory<'_>) -> Result<()> {
    mkdirat(directory.as_fd(), DIRECTORY, Mode::RWXU)
        // Whatever the umask is.
        .and_then(|()| {
            chmodat(directory.as_fd(), DIRECTORY, Mode::from_raw_mode(0o755), AtFlags::empty())
        })
        .context(|| "make the directory of the notify socket")
}

impl Notify {
    /// Makes the container's socket; what comes in will go to `host`, the value
    /// of `$NOTIFY_SOCKET`. `None` where the container was made without.
    ///
    /// # Errors
    /// Nobody is at the other end, or the socket cannot be made.
    pub fn bind(directory: &Directory<'_>, host: &str) -> Result<Option<Notify>> {
        let what = || text::about_quoted("connect to NOTIFY_SOCKET {}", host);
        let there = match host.strip_prefix('@') {
            Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes()),
            None => SocketAddrUnix::new(host),
        }
        .context(what)?;
        let datagrams = || {
            let flags = SocketFlags::CLOEXEC;
            socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None).context(what)
        };
        let notify = Notify { socket: datagrams()?, host: datagrams()? };
        connect(&notify.host, &there).context(what)?;
        let path = text!("/proc/self/fd/{}/{SOCKET}", directory.as_fd().as_raw_fd());
        let bound = SocketAddrUnix::new(path).and_then(|here| bind(&notify.socket, &here));
        match bound {
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(Error::os("make the container's notify socket", errno)),
            Ok(()) => {}
        }
        // The program may run as anybody.
        chmodat(directory.as_fd(), SOCKET, Mode::from_raw_mode(0o777), AtFlags::empty())
            .context(|| "chmod the container's notify socket")?;
        Ok(Some(notify))
    }

    /// Relays what has come in, with `main` as the service's main process;
    /// whether the container is ready. Does not wait.
    pub fn relay(&self, main: i32) -> bool {
        let mut ready = false;
        let mut buffer = [0; 4096];
        // Not for ever, however much comes in.
        for _ in 0..8 {
            let Ok((length, _)) = recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT) else {
                break;
            };
            let Some(line) = ready_line(cut::first(&buffer, length)) else { continue };
            ready = true;
            for text in [line, text!("MAINPID={main}").as_bytes()] {
                let _ = send(&self.host, &[text, b"\n"].concat(), SendFlags::NOSIGNAL);
            }
        }
        ready
    }

    /// Waits until the container is ready, or its init `main` has ended, and
    /// then until the service manager has read it: who reads it later would not
    /// find the sender any more, and not believe it.
    pub fn wait(&self, main: i32, start_time: u64) {
        let pidfd = Pid::from_raw(main).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        // Before Linux 5.3 there is no pidfd: look now and then.
        let step = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        let other = pidfd.as_ref().unwrap_or(&self.socket);
        let limit = pidfd.is_none().then_some(&step);
        loop {
            // In this order: what it said before its end still counts.
            let alive = process::Process::is_alive(main, start_time).unwrap_or(true);
            if self.relay(main) {
                break;
            }
            if !alive {
                return;
            }
            let wanted = [&self.socket, other].map(|fd| PollFd::new(fd, PollFlags::IN));
            let _ = poll(&mut { wanted }, limit);
        }
        let Ok((read, write)) = pipe_with(PipeFlags::CLOEXEC) else { return };
        if send_fd(self.host.as_fd(), b"BARRIER=1", write.as_fd()).is_ok() {
            drop(write);
            let _ = poll(&mut [PollFd::new(&read, PollFlags::IN)], Some(&BARRIER));
        }
    }
}

impl AsFd for Notify {
    /// Readable when something has come in.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The line of a message that may go on.
fn ready_line(message: &[u8]) -> Option<&[u8]> {
    message.split(|byte| *byte == b'\n').find(|line| line.starts_with(b"READY="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ready_goes_on() {
        assert_eq!(ready_line(b"READY=1"), Some(&b"READY=1"[..]));
        assert_eq!(ready_line(b"STATUS=x\nREADY=1\nMAINPID=1"), Some(&b"READY=1"[..]));
        for other in [&b""[..], b"STATUS=READY=1", b"MAINPID=1\nXREADY=1", b"ready=1"] {
            assert_eq!(ready_line(other), None);
        }
    }
}
