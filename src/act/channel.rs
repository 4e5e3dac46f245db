//! The socket between the command and the processes it sets up: a pair of
//! `SOCK_SEQPACKET` sockets, closed by exec, so that end of file after
//! [`Kind::Ready`](super::report::Kind::Ready) means that the program runs.

use super::report::Report;
use crate::sys::fd::AsFd;
use core::mem::MaybeUninit;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::{Errno, IoSlice, IoSliceMut, Result};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv, recvmsg, send, sendmsg,
    socketpair,
};

/// One end.
pub struct Channel(OwnedFd);

/// The most descriptors that go with one message.
pub const DESCRIPTORS: usize = 16;

/// Descriptors that came with a message.
pub type Descriptors = heapless::Vec<OwnedFd, DESCRIPTORS>;

/// Makes the two ends.
pub fn pair() -> Result<(Channel, Channel)> {
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    Ok((Channel(ours), Channel(theirs)))
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<OwnedFd> for Channel {
    /// A connected `SOCK_SEQPACKET` socket that was made elsewhere.
    fn from(socket: OwnedFd) -> Channel {
        Channel(socket)
    }
}

impl Channel {
    /// Sends a message.
    pub fn send(&self, report: &Report) -> Result<()> {
        send(&self.0, report.as_bytes(), SendFlags::NOSIGNAL).map(drop)
    }

    /// Sends a message with descriptors, no more than [`DESCRIPTORS`].
    pub fn send_with(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> Result<()> {
        send_fds(self.0.as_fd(), bytes, fds)
    }

    /// Lets the other side go on.
    pub fn go(&self) -> Result<()> {
        send(&self.0, b"g", SendFlags::NOSIGNAL).map(drop)
    }

    /// Waits until the other side says go on; `EPIPE` when it is gone.
    pub fn wait_go(&self) -> Result<()> {
        let mut byte = [0];
        match self.receive(&mut byte)? {
            (0, _) => Err(Errno::PIPE),
            _ => Ok(()),
        }
    }

    /// Waits until the other side is gone, or has become the program. What it said
    /// before is still to be received.
    pub fn wait_closed(&self) {
        // Without events it is the end alone that wakes us.
        let _ = poll(&mut [PollFd::new(&self.0, PollFlags::empty())], None);
    }

    /// The length of a message that is there already, as by [`Channel::receive`].
    pub fn receive_now(&self, packet: &mut [u8]) -> Option<usize> {
        loop {
            match recv(&self.0, &mut *packet, RecvFlags::DONTWAIT) {
                Err(Errno::INTR | Errno::CONNRESET) => {}
                result => return result.ok().map(|(length, _)| length),
            }
        }
    }

    /// Receives a message into `packet`: its length (0: the other side is gone,
    /// or has become the program), and the descriptor that came with it.
    pub fn receive(&self, packet: &mut [u8]) -> Result<(usize, Option<OwnedFd>)> {
        self.receive_all(packet).map(|(length, mut fds)| (length, fds.pop()))
    }

    /// The same, with all descriptors that came with it.
    pub fn receive_all(&self, packet: &mut [u8]) -> Result<(usize, Descriptors)> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let length = loop {
            let mut parts = [IoSliceMut::new(packet)];
            match recvmsg(&self.0, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                // The peer died with something of ours unread: that is said once,
                // before what it sent.
                Err(Errno::INTR | Errno::CONNRESET) => {}
                Err(errno) => return Err(errno),
                Ok(message) => break message.bytes,
            }
        };
        let mut received = Descriptors::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                // What does not fit is closed.
                fds.for_each(|fd| drop(received.push(fd)));
            }
        }
        Ok((length, received))
    }
}

/// Sends bytes and one descriptor.
pub fn send_fd(socket: BorrowedFd<'_>, bytes: &[u8], fd: BorrowedFd<'_>) -> Result<()> {
    send_fds(socket, bytes, &[fd])
}

/// Sends bytes and descriptors, no more than [`DESCRIPTORS`], over a connected
/// socket (unix(7), `SCM_RIGHTS`).
fn send_fds(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(fds));
    }
    sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL).map(drop)
}
