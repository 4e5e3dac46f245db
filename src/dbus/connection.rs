//! A connection to a bus, or to a program that speaks the protocol without one
//! (D-Bus Specification, "Authentication Protocol" and "Message Bus
//! Specification").

use crate::cut;
use crate::sys::fd::AsFd;
use alloc::string::String;
use alloc::vec::Vec;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::net::{connect, recv, send, socket_with};

use super::address::Address;
use super::message::{self, FIXED, Kind, Message};
use super::value::Value;
use crate::error;
use crate::error::{Context, Error, Result};
use crate::quote::quoted;
use crate::sys::clock::monotonic;
use crate::text;
use crate::text::keep;

/// How long a reply may take, in milliseconds: that of other D-Bus libraries.
const REPLY: u64 = 25_000;

/// The longest line of the authentication.
const LINE: usize = 512;

/// The bus itself.
const BUS: (&str, &str, &str) =
    ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus");

/// A connection, ready for calls.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
    serial: u32,
    /// The last message.
    buffer: Vec<u8>,
    /// There is a bus, which routes by name.
    is_bus: bool,
}

/// What came back from a call.
#[derive(Debug)]
pub struct Reply {
    /// The name of the error; empty if it is none.
    pub error: &'static str,
    /// The error's message, or the text (or the variant with a text) that the
    /// body begins with; empty if it is none.
    pub text: &'static str,
    /// The unique name of who answered; empty without a bus.
    pub sender: &'static str,
}

impl Connection {
    /// Connects and authenticates as `uid`; says hello to a bus.
    ///
    /// # Errors
    /// Nobody listens there, or they do not take us.
    pub fn open(address: &Address, uid: u32, is_bus: bool) -> Result<Connection> {
        let what = || text::about("connect to D-Bus socket \"{}\"", address.display());
        let socket =
            socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .context(what)?;
        connect(&socket, &address.socket().context(what)?).context(what)?;
        let mut connection = Connection { socket, serial: 0, buffer: Vec::new(), is_bus };
        match connection.introduce(uid) {
            Ok(()) => Ok(connection),
            Err(error) => Err(error.within(what())),
        }
    }

    fn introduce(&mut self, uid: u32) -> Result<()> {
        self.authenticate(uid)?;
        if self.is_bus {
            let reply = self.call(BUS, "Hello", &[])?;
            if !reply.error.is_empty() {
                return Err(Error::about_both("{}: {}", reply.error, reply.text));
            }
        }
        Ok(())
    }

    /// "Authentication Mechanisms", `EXTERNAL`: the user id, and where that is
    /// another one in the bus's user namespace, whatever the socket says.
    fn authenticate(&mut self, uid: u32) -> Result<()> {
        let mut first = String::from("\0AUTH EXTERNAL ");
        // In hexadecimal the digit N is 3N.
        for digit in text!("{uid}").chars() {
            first.extend(['3', digit]);
        }
        first.push_str("\r\n");
        if !self.is_bus {
            // systemd's own server forgets what it reads together with BEGIN
            // until more comes: nothing follows before its answer.
            first.push_str("BEGIN\r\n");
        }
        let mut answer = self.line(&first)?;
        if self.is_bus && answer.starts_with("REJECTED") {
            answer = self.line("AUTH EXTERNAL\r\n")?;
            if answer.starts_with("DATA") {
                answer = self.line("DATA\r\n")?;
            }
        }
        if !answer.starts_with("OK ") {
            return Err(error!("not authenticated as uid {uid}: {}", quoted(answer)));
        }
        if self.is_bus { self.send(b"BEGIN\r\n") } else { Ok(()) }
    }

    /// Sends a line of the authentication and reads the answer, no further: a
    /// message may come right after it.
    fn line(&mut self, line: &str) -> Result<&'static str> {
        self.send(line.as_bytes())?;
        let deadline = monotonic() + REPLY;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n") {
            let mut byte = [0];
            self.receive_some(&mut byte, deadline)?;
            answer.push(byte[0]);
            if answer.len() > LINE {
                return Err(malformed());
            }
        }
        Ok(keep(text::lossy(answer.trim_ascii_end())))
    }

    fn send(&self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(length) => bytes = cut::rest(bytes, length),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::os("write to the D-Bus socket", errno)),
            }
        }
        Ok(())
    }

    /// What has arrived, at least one byte.
    fn receive_some(&self, buffer: &mut [u8], deadline: u64) -> Result<usize> {
        let what = || "read from the D-Bus socket";
        loop {
            let left = deadline.saturating_sub(monotonic());
            let timeout = Timespec {
                tv_sec: (left / 1000) as i64,
                tv_nsec: (left % 1000 * 1_000_000) as i64,
            };
            match poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&timeout)) {
                Ok(0) => return Err(Error::os(what(), Errno::TIMEDOUT)),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(Error::os(what(), errno)),
            }
            match recv(&self.socket, &mut *buffer, RecvFlags::empty()) {
                Ok((0, _)) => return Err(Error::os(what(), Errno::CONNRESET)),
                Ok((length, _)) => return Ok(length),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::os(what(), errno)),
            }
        }
    }

    fn fill(&mut self, length: usize, deadline: u64) -> Result<()> {
        let mut at = self.buffer.len();
        let mut buffer = core::mem::take(&mut self.buffer);
        buffer.resize(length, 0);
        while at < length {
            at += self.receive_some(&mut buffer[at..], deadline)?;
        }
        self.buffer = buffer;
        Ok(())
    }

    /// The next message.
    fn receive(&mut self, deadline: u64) -> Result<Message<'_>> {
        self.buffer.clear();
        self.fill(FIXED, deadline)?;
        let length = message::length(&self.buffer).ok_or_else(malformed)?;
        self.fill(length, deadline)?;
        Message::parse(&self.buffer).ok_or_else(malformed)
    }

    /// Calls a method and waits for the reply.
    ///
    /// # Errors
    /// The connection breaks, or no reply comes in 25 s. An error that is the
    /// reply is none here.
    pub fn call(&mut self, to: (&str, &str, &str), member: &str, body: &[Value]) -> Result<Reply> {
        let serial = self.write(to, member, body, true)?;
        let deadline = monotonic() + REPLY;
        loop {
            let mut message = self.receive(deadline)?;
            let answers = matches!(message.kind, Kind::Return | Kind::Error);
            if !answers || message.reply_serial != serial {
                continue;
            }
            let text = match message.signature.as_bytes().first() {
                Some(b's' | b'o') => message.body.text(),
                Some(b'v') => message.body.variant_text(),
                _ => Some(""),
            };
            let is_error = message.kind == Kind::Error;
            let error = if is_error { keep(message.error_name) } else { "" };
            return Ok(Reply {
                error,
                text: keep(text.ok_or_else(malformed)?),
                sender: keep(message.sender),
            });
        }
    }

    /// Calls a method without waiting; what it does is done before later calls.
    ///
    /// # Errors
    /// The connection breaks.
    pub fn tell(&mut self, to: (&str, &str, &str), member: &str, body: &[Value]) -> Result<()> {
        self.write(to, member, body, false).map(drop)
    }

    /// Asks the bus for signals ("Match Rules").
    ///
    /// # Errors
    /// The connection breaks.
    pub fn watch(&mut self, rule: &str) -> Result<()> {
        match self.is_bus {
            true => self.tell(BUS, "AddMatch", &[Value::text(rule)]),
            // Without a bus everything comes.
            false => Ok(()),
        }
    }

    fn write(
        &mut self,
        (destination, path, interface): (&str, &str, &str),
        member: &str,
        body: &[Value],
        wants_reply: bool,
    ) -> Result<u32> {
        self.serial += 1;
        let destination = if self.is_bus { destination } else { "" };
        let to = (destination, path, interface, member);
        self.send(&message::call(self.serial, to, body, wants_reply))?;
        Ok(self.serial)
    }

    /// Waits for a signal that `wanted` takes, up to the deadline (a time of
    /// [`monotonic`]).
    ///
    /// # Errors
    /// The connection breaks; `ETIMEDOUT`.
    pub fn wait_signal<T>(
        &mut self,
        deadline: u64,
        wanted: &mut dyn FnMut(&mut Message<'_>) -> Option<T>,
    ) -> Result<T> {
        loop {
            let mut message = self.receive(deadline)?;
            if message.kind == Kind::Signal
                && let Some(found) = wanted(&mut message)
            {
                return Ok(found);
            }
        }
    }
}

impl Connection {
    /// Readable when something has come in.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cold]
fn malformed() -> Error {
    Error::new("a malformed message on the D-Bus socket")
}
