//! A small rtnetlink(7) client: one request at a time, and its answers.
//!
//! Numbers are those of include/uapi/linux/netlink.h, rtnetlink.h, if_link.h and
//! if_addr.h. What the kernel sends is read with every length checked.

use crate::errno;
use alloc::vec;
use alloc::vec::Vec;
use rustix::fd::OwnedFd;
use rustix::io::{Errno, Result};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};

/// `RTM_NEWLINK`.
pub const NEW_LINK: u16 = 16;
/// `RTM_GETLINK`.
pub const GET_LINK: u16 = 18;
/// `RTM_NEWADDR`.
pub const NEW_ADDRESS: u16 = 20;
/// `RTM_GETADDR`.
pub const GET_ADDRESS: u16 = 22;

/// `NLM_F_DUMP`: all objects.
pub const DUMP: u16 = 0x300;
/// `NLM_F_CREATE | NLM_F_REPLACE`: a new object, or one in its place.
pub const CREATE: u16 = 0x500;

/// `NLM_F_REQUEST | NLM_F_ACK`.
const REQUEST: u16 = 5;
/// `NLMSG_ERROR`: also the acknowledgement, with the number 0.
const ERROR: u16 = 2;
/// `NLMSG_DONE`: the end of a dump.
const DONE: u16 = 3;

/// The size of `struct nlmsghdr`.
const HEADER: usize = 16;
/// The most that the kernel puts into one datagram.
const LARGEST: usize = 32 << 10;

/// A request being written.
pub struct Message(Vec<u8>);

impl Message {
    /// A request of this type, with the structure that its family begins with.
    pub fn new(kind: u16, flags: u16, body: &[u8]) -> Message {
        let ([a, b], [c, d]) = (kind.to_ne_bytes(), (flags | REQUEST).to_ne_bytes());
        let header: [u8; HEADER] = [0, 0, 0, 0, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut bytes = Vec::from(header);
        bytes.extend_from_slice(body);
        Message(bytes)
    }

    /// A request about a link: `struct ifinfomsg` with its index (0: none) and
    /// the flags (`IFF_*`) to switch on.
    pub fn link(kind: u16, index: u32, flags: u32) -> Message {
        let body = [0, index, flags, flags].map(u32::to_ne_bytes);
        Message::new(kind, 0, body.as_flattened())
    }

    /// Adds an attribute.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) {
        let length = 4 + value.len() as u16;
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    /// The part after the header.
    pub fn body_mut(&mut self) -> &mut [u8] {
        self.0.get_mut(HEADER..).unwrap_or_default()
    }
}

/// A socket to the kernel's network of the namespace that it was made in.
pub struct Netlink(OwnedFd);

impl Netlink {
    /// Makes it in the network namespace that we are in.
    ///
    /// # Errors
    /// `EPROTONOSUPPORT` where the kernel has no network.
    pub fn open() -> Result<Netlink> {
        let family = AddressFamily::NETLINK;
        // NETLINK_ROUTE is the protocol 0.
        socket_with(family, SocketType::RAW, SocketFlags::CLOEXEC, None).map(Netlink)
    }

    /// Sends a request, and hands the type and the body of each answer to
    /// `answer`.
    ///
    /// # Errors
    /// The kernel's answer to the request.
    pub fn ask(&self, mut message: Message, answer: &mut dyn FnMut(u16, &[u8])) -> Result<()> {
        let length = message.0.len() as u32;
        if let Some(place) = message.0.first_chunk_mut() {
            *place = length.to_ne_bytes();
        }
        send(&self.0, &message.0, SendFlags::empty())?;
        let mut buffer = vec![0; LARGEST];
        loop {
            let (length, whole) = match recv(&self.0, &mut buffer[..], RecvFlags::empty()) {
                Err(Errno::INTR) => continue,
                result => result?,
            };
            if length < whole {
                return Err(Errno::MSGSIZE);
            }
            if let Some(end) = read(buffer.get(..length).unwrap_or_default(), answer) {
                return end;
            }
        }
    }

    /// Sends a request that has no answer but its acknowledgement.
    ///
    /// # Errors
    /// The kernel's answer to the request.
    pub fn tell(&self, message: Message) -> Result<()> {
        self.ask(message, &mut |_, _| {})
    }
}

/// Reads a datagram; the result of the request where it has come.
pub fn read(mut bytes: &[u8], answer: &mut dyn FnMut(u16, &[u8])) -> Option<Result<()>> {
    while let Some(header) = bytes.first_chunk::<HEADER>() {
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let Some(body) = bytes.get(HEADER..length) else { return Some(Err(Errno::BADMSG)) };
        match u16::from_ne_bytes([header[4], header[5]]) {
            // Both begin with an errno, negative or 0.
            ERROR | DONE => {
                return Some(match number(body, 0).unwrap_or(0).wrapping_neg() as i32 {
                    0 => Ok(()),
                    number => Err(errno::of(number).unwrap_or(Errno::BADMSG)),
                });
            }
            kind => answer(kind, body),
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    None
}

/// The 32-bit number at this place.
pub fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Visits the attributes, type and value each, up to the first broken one.
pub fn attributes(mut bytes: &[u8], visit: &mut dyn FnMut(u16, &[u8])) {
    while let Some(header) = bytes.first_chunk::<4>() {
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let Some(value) = bytes.get(4..length) else { return };
        visit(u16::from_ne_bytes([header[2], header[3]]) & 0x3fff, value);
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(parts: &[(u16, &[u8])]) -> Vec<u8> {
        let mut all = Vec::new();
        for (kind, body) in parts {
            let mut message = Message::new(*kind, 0, body);
            let length = message.0.len() as u32;
            message.0[..4].copy_from_slice(&length.to_ne_bytes());
            message.0.resize(message.0.len().next_multiple_of(4), 0);
            all.extend(message.0);
        }
        all
    }

    #[test]
    fn answers_up_to_the_end() {
        let mut seen = Vec::new();
        let bytes = datagram(&[(20, b"abcde"), (20, b""), (DONE, &[0; 4]), (20, b"late")]);
        let end = read(&bytes, &mut |kind, body| seen.push((kind, body.to_vec())));
        assert_eq!(end, Some(Ok(())));
        assert_eq!(seen, [(20, b"abcde".to_vec()), (20, Vec::new())]);
        let failed = datagram(&[(ERROR, &(-17i32).to_ne_bytes())]);
        assert_eq!(read(&failed, &mut |_, _| {}), Some(Err(Errno::EXIST)));
        assert_eq!(read(&datagram(&[(20, b"x")]), &mut |_, _| {}), None);
        for number in [17, -4096, i32::MIN] {
            let none = datagram(&[(ERROR, &i32::to_ne_bytes(number))]);
            assert_eq!(read(&none, &mut |_, _| {}), Some(Err(Errno::BADMSG)), "{number}");
        }
    }

    #[test]
    fn lengths_that_lie() {
        for length in [0u32, 15, 21, u32::MAX] {
            let mut bytes = datagram(&[(20, b"abcd")]);
            bytes[..4].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(read(&bytes, &mut |_, _| {}), Some(Err(Errno::BADMSG)), "{length}");
        }
        let mut message = Message::new(0, 0, b"");
        message.attribute(3, b"eth0\0");
        message.attribute(4 | 0x8000, b"");
        message.attribute(5, b"lost");
        let bytes = message.body_mut();
        bytes[16] = 9;
        let mut seen = Vec::new();
        attributes(bytes, &mut |kind, value| seen.push((kind, value.len())));
        assert_eq!(seen, [(3, 5), (4, 0)]);
    }
}
