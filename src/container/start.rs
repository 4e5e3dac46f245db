//! The start of a created container.
//!
//! The container's init listens on the AF_UNIX SOCK_SEQPACKET socket
//! `start.sock` in the container's directory. Who connects and sends one byte
//! starts the program: init executes it, which closes the connection (it is
//! close-on-exec), or sends a report of its failure (one packet, see
//! [`report`]). Who connects and sends nothing only asks whether init is still
//! waiting.

use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with,
};
use rustix::process::Signal;

use crate::act::born::until_program;
use crate::act::channel::Channel;
use crate::container::process::Process;
use crate::container::{Directory, Lock, State, Status};
use crate::error::{Context, Error, Result};
use crate::text;

/// The socket's name in the container's directory.
pub const START_SOCKET: &str = "start.sock";

/// The byte that starts the program.
const GO: &[u8] = b"s";

/// How long a killed process may take to end.
const END_MS: u32 = 10_000;

/// Starts the program of the locked container, and returns when it was
/// executed. The hooks are the caller's.
///
/// # Errors
/// `cannot start an already running container`, `cannot start a container that
/// has stopped`, or what went wrong in the container.
pub fn start(lock: &Lock<'_>, state: &State) -> Result<()> {
    match lock.status(Some(state))? {
        Status::Created => {}
        Status::Running => return Err(already()),
        Status::Stopped | Status::Creating => {
            return Err(Error::new("cannot start a container that has stopped"));
        }
        Status::Paused => return Err(Error::new("cannot start a container in the paused state")),
    }
    let directory = lock.directory;
    let what = || "connect to the container's init";
    let socket = socket(SocketFlags::empty()).context(what)?;
    match connect_to(directory, &socket) {
        Err(Errno::CONNREFUSED | Errno::NOENT) => return Err(already()),
        other => other.context(what)?,
    }
    send(&socket, GO, SendFlags::NOSIGNAL).context(|| "start the container's program")?;
    until_program(&Channel::from(socket), &state.listener("created")).inspect_err(|_| {
        // It is about to end, or waits for an agent that does not come: when we
        // return, it has ended.
        if let Ok(Some(init)) = Process::find(state.pid, state.start_time) {
            let _ = init.signal(Signal::KILL);
            init.wait(END_MS);
        }
    })?;
    directory.remove_file(START_SOCKET)
}

fn already() -> Error {
    Error::new("cannot start an already running container")
}

/// Whether the container's init waits for its start.
pub(super) fn is_waiting(directory: &Directory<'_>) -> Result<bool> {
    if !directory.has(START_SOCKET) {
        return Ok(false);
    }
    let what = || "ask the container's init whether it waits";
    match connect_to(directory, &socket(SocketFlags::NONBLOCK).context(what)?) {
        // With a full backlog a call that must not block gets EAGAIN.
        Ok(()) | Err(Errno::AGAIN) => Ok(true),
        Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(false),
        Err(errno) => Err(Error::os(what(), errno)),
    }
}

fn socket(flags: SocketFlags) -> rustix::io::Result<OwnedFd> {
    let flags = flags | SocketFlags::CLOEXEC;
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
}

/// Connects to the container's init. The path through /proc is short whatever
/// the directory's is (sun_path has 108 bytes), and goes to the very directory
/// that we hold.
fn connect_to(directory: &Directory<'_>, socket: &OwnedFd) -> rustix::io::Result<()> {
    let path = text!("/proc/self/fd/{}/{START_SOCKET}", directory.fd.as_raw_fd());
    connect(socket, &SocketAddrUnix::new(path)?)
}
