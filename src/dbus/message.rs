//! Messages: a header, and a body of values (D-Bus Specification, "Message
//! Protocol").

use crate::text::keep;
use alloc::vec;
use alloc::vec::Vec;

use super::read::Reader;
use super::value::{Value, marshal, pad};

/// What every message begins with: byte order, type, flags, version, the
/// body's length, the serial, and the length of the header's fields.
pub const FIXED: usize = 16;

/// The longest message that is read, in bytes. The protocol allows 128 MiB, but
/// nothing that concerns us is a thousandth of this.
const LONGEST: usize = 1 << 20;

/// Codes of header fields.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SENDER: u8 = 7;
const SIGNATURE: u8 = 8;

/// The type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `METHOD_RETURN`.
    Return,
    /// `ERROR`.
    Error,
    /// `SIGNAL`.
    Signal,
    /// A call to us, or a type that is to be ignored.
    Other,
}

/// A message that has arrived.
#[derive(Debug)]
pub struct Message<'a> {
    /// Its type.
    pub kind: Kind,
    /// The serial of the call that it answers.
    pub reply_serial: u32,
    /// The name of the error.
    pub error_name: &'a str,
    /// The method's or signal's name.
    pub member: &'a str,
    /// Who sent it; empty without a bus between.
    pub sender: &'a str,
    /// The signature of the body.
    pub signature: &'a str,
    /// The body.
    pub body: Reader<'a>,
}

/// A method call, with a reply wanted or not.
pub fn call(
    serial: u32,
    (destination, path, interface, member): (&str, &str, &str, &str),
    body: &[Value],
    wants_reply: bool,
) -> Vec<u8> {
    let (body, signature) = marshal(body);
    let no_reply = u8::from(!wants_reply);
    let order = if cfg!(target_endian = "little") { b'l' } else { b'B' };
    let mut bytes = vec![order, 1, no_reply, 1];
    let mut fields = Vec::new();
    let mut field = |code: u8, kind: u8, text: &str| {
        if !text.is_empty() {
            let value = Value::variant(Value::Text(kind, keep(text)));
            fields.push(Value::pair(Value::Number(b'y', code.into()), value));
        }
    };
    field(PATH, b'o', path);
    field(INTERFACE, b's', interface);
    field(MEMBER, b's', member);
    field(DESTINATION, b's', destination);
    field(SIGNATURE, b'g', &signature);
    for part in [
        Value::Number(b'u', body.len() as u64),
        Value::Number(b'u', serial.into()),
        Value::array("(yv)", fields),
    ] {
        part.marshal(&mut bytes);
    }
    pad(&mut bytes, 8);
    bytes.extend(body);
    bytes
}

/// The length of a whole message, from its first [`FIXED`] bytes; `None` where
/// it is no message, or too long.
pub fn length(fixed: &[u8]) -> Option<usize> {
    let mut reader = Reader::new(fixed, big_endian(fixed)?);
    let start = reader.take(4)?;
    if start[3] != 1 {
        return None;
    }
    let body = reader.u32()? as usize;
    reader.u32()?;
    let fields = reader.u32()? as usize;
    let header = FIXED.checked_add(fields)?.checked_next_multiple_of(8)?;
    header.checked_add(body).filter(|length| *length <= LONGEST)
}

fn big_endian(bytes: &[u8]) -> Option<bool> {
    match bytes.first()? {
        b'l' => Some(false),
        b'B' => Some(true),
        _ => None,
    }
}

impl<'a> Message<'a> {
    /// Takes a whole message apart; `None` where it is malformed.
    pub fn parse(bytes: &'a [u8]) -> Option<Message<'a>> {
        let big_endian = big_endian(bytes)?;
        let mut reader = Reader::new(bytes, big_endian);
        let kind = match reader.take(4)?[1] {
            2 => Kind::Return,
            3 => Kind::Error,
            4 => Kind::Signal,
            _ => Kind::Other,
        };
        let body_length = reader.u32()? as usize;
        reader.u32()?;
        let mut message = Message {
            kind,
            reply_serial: 0,
            error_name: "",
            member: "",
            sender: "",
            signature: "",
            body: Reader::new(&[], big_endian),
        };
        let end = FIXED.checked_add(reader.u32()? as usize)?;
        while reader.at() < end {
            reader.align(8)?;
            let code = reader.byte()?;
            match (code, reader.signature()?) {
                (REPLY_SERIAL, "u") => message.reply_serial = reader.u32()?,
                (SIGNATURE, "g") => message.signature = reader.signature()?,
                (_, "s" | "o") => {
                    let text = reader.text()?;
                    match code {
                        ERROR_NAME => message.error_name = text,
                        MEMBER => message.member = text,
                        SENDER => message.sender = text,
                        _ => {}
                    }
                }
                // Fields that are not known are skipped, if they are as simple
                // as all known ones.
                (_, "u" | "b" | "i") => {
                    reader.u32()?;
                }
                (_, "g") => {
                    reader.signature()?;
                }
                _ => return None,
            }
        }
        if reader.at() != end {
            return None;
        }
        reader.align(8)?;
        message.body = Reader::new(reader.take(body_length)?, big_endian);
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn hello() {
        let to = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello");
        let bytes = call(1, to, &[], true);
        let expect = b"l\x01\0\x01\0\0\0\0\x01\0\0\0\x6d\0\0\0\
            \x01\x01o\0\x15\0\0\0/org/freedesktop/DBus\0\0\0\
            \x02\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0\
            \x03\x01s\0\x05\0\0\0Hello\0\0\0\
            \x06\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0";
        assert_eq!(bytes, expect);
        assert_eq!(length(&bytes), Some(bytes.len()));
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn a_body_and_no_reply() {
        let bytes = call(7, ("", "/a", "", "M"), &[Value::text("x")], false);
        let expect = b"l\x01\x01\x01\x06\0\0\0\x07\0\0\0\x27\0\0\0\
            \x01\x01o\0\x02\0\0\0/a\0\0\0\0\0\0\
            \x03\x01s\0\x01\0\0\0M\0\0\0\0\0\0\0\
            \x08\x01g\0\x01s\0\0\
            \x01\0\0\0x\0";
        assert_eq!(bytes, expect);
    }

    /// An error in answer to call 3, in the other byte order.
    const ERROR: &[u8] = b"B\x03\x01\x01\0\0\0\x07\0\0\0\x09\0\0\0\x23\
        \x05\x01u\0\0\0\0\x03\
        \x04\x01s\0\0\0\0\x03a.b\0\0\0\0\0\
        \x07\x01s\0\0\0\0\x02:1\0\
        \0\0\0\0\0\
        \0\0\0\x02no\0";

    #[test]
    fn an_error() {
        assert_eq!(length(&ERROR[..FIXED]), Some(ERROR.len()));
        let mut message = Message::parse(ERROR).unwrap();
        assert_eq!((message.kind, message.reply_serial), (Kind::Error, 3));
        assert_eq!((message.error_name, message.sender), ("a.b", ":1"));
        assert_eq!(message.body.text(), Some("no"));
    }

    #[test]
    fn broken_messages() {
        for end in 0..ERROR.len() {
            assert!(Message::parse(&ERROR[..end]).is_none(), "{end}");
        }
        // Every byte changed in every way: no panic, whatever comes out.
        let mut bytes = ERROR.to_vec();
        for index in 0..bytes.len() {
            for value in 0..=255 {
                bytes[index] = value;
                let _ = length(&bytes);
                if let Some(mut message) = Message::parse(&bytes) {
                    let _ = message.body.text();
                }
            }
            bytes[index] = ERROR[index];
        }
    }

    #[test]
    fn lengths_that_are_none() {
        for fixed in [
            &b"x\x01\0\x01\0\0\0\0\x01\0\0\0\0\0\0\0"[..],
            b"l\x01\0\x02\0\0\0\0\x01\0\0\0\0\0\0\0",
            b"l\x01\0\x01\xff\xff\xff\xff\x01\0\0\0\0\0\0\0",
            b"l\x01\0\x01\0\0\0\0\x01\0\0\0\xff\xff\xff\xff",
            b"l\x01\0\x01\0\0\0\0\x01\0\0\0\0\0\0",
        ] {
            assert_eq!(length(fixed), None, "{fixed:?}");
        }
    }
}
