//! Protocol Buffers on the wire, as much as CRIU's messages take
//! (protobuf.dev, "Encoding"): varints, length-delimited fields; those of fixed
//! length are skipped.

use alloc::vec::Vec;

/// A message being written, field by field.
#[derive(Debug, Default, Clone)]
pub struct Message(Vec<u8>);

/// Wire types.
const VARINT: u8 = 0;
const FIXED_64: u8 = 1;
const BYTES: u8 = 2;
const FIXED_32: u8 = 5;

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// A number; a negative one has the ten bytes of its 64-bit form.
    pub fn number(&mut self, field: u32, value: i64) {
        self.varint(u64::from(field) << 3 | u64::from(VARINT));
        self.varint(value as u64);
    }

    /// A bool that is true.
    pub fn set(&mut self, field: u32) {
        self.number(field, 1);
    }

    /// A string or bytes.
    pub fn bytes(&mut self, field: u32, value: &[u8]) {
        self.varint(u64::from(field) << 3 | u64::from(BYTES));
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    /// A message inside.
    pub fn message(&mut self, field: u32, value: &Message) {
        self.bytes(field, &value.0);
    }

    /// What has been written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Of a number, a bool or an enum.
    Number(u64),
    /// Of a string, bytes or a message.
    Bytes(&'a [u8]),
}

/// Calls `visit` with each field of a message; `None` where the bytes are none.
pub fn read<'a>(mut bytes: &'a [u8], visit: &mut dyn FnMut(u64, Value<'a>)) -> Option<()> {
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let field = key >> 3;
        match (key & 7) as u8 {
            VARINT => visit(field, Value::Number(varint(&mut bytes)?)),
            BYTES => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (value, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                visit(field, Value::Bytes(value));
            }
            FIXED_64 => bytes = bytes.get(8..)?,
            FIXED_32 => bytes = bytes.get(4..)?,
            _ => return None,
        }
    }
    Some(())
}

/// Takes a number of at most ten bytes.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the encoding's own documentation.
    #[test]
    fn known_bytes() {
        let mut message = Message::default();
        message.number(1, 150);
        assert_eq!(message.as_bytes(), [0x08, 0x96, 0x01]);
        let mut message = Message::default();
        message.bytes(2, b"testing");
        assert_eq!(message.as_bytes(), b"\x12\x07testing");
        let mut message = Message::default();
        message.number(1, -2);
        assert_eq!(
            message.as_bytes(),
            [0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]
        );
    }

    #[test]
    fn there_and_back() {
        let mut inner = Message::default();
        inner.set(4);
        let mut message = Message::default();
        for value in [0, 1, 127, 128, -1, i64::MAX, i64::MIN] {
            message.number(64, value);
        }
        message.bytes(16, b"");
        message.message(2, &inner);
        let mut seen = Vec::new();
        read(message.as_bytes(), &mut |field, value| seen.push((field, value))).unwrap();
        let number = |value: i64| (64, Value::Number(value as u64));
        let numbers = [0, 1, 127, 128, -1, i64::MAX, i64::MIN].map(number);
        assert_eq!(seen[..7], numbers);
        assert_eq!(seen[7..], [(16, Value::Bytes(b"")), (2, Value::Bytes(b"\x20\x01"))]);
    }

    #[test]
    fn what_is_none() {
        let endless = [0xff; 11];
        for bad in [&b"\x08"[..], b"\x12\x05abc", b"\x09abc", b"\x0dab", b"\x0b", &endless] {
            assert!(read(bad, &mut |_, _| {}).is_none(), "{bad:?}");
        }
        // Fixed lengths are skipped.
        let mut count = 0;
        read(b"\x09abcdefgh\x0dabcd\x08\x01", &mut |_, _| count += 1).unwrap();
        assert_eq!(count, 1);
    }
}
