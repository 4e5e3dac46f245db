//! Values and how they are put on the wire (D-Bus Specification, "Type System"
//! and "Marshaling").

use crate::text::keep;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A value to send. What it points to stays, as a [`text!`](crate::text!) does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A type of fixed size by its code (`y b n q i u x t d`), with its bits.
    Number(u8, u64),
    /// A string (`s`), object path (`o`) or signature (`g`).
    Text(u8, &'static str),
    /// An array: the signature of its elements, and they.
    Array(&'static str, &'static [Value]),
    /// A structure.
    Struct(&'static [Value]),
    /// A variant.
    Variant(&'static Value),
}

impl Value {
    /// A boolean.
    pub fn bool(value: bool) -> Value {
        Value::Number(b'b', value.into())
    }

    /// An unsigned number of 64 bits.
    pub fn u64(value: u64) -> Value {
        Value::Number(b't', value)
    }

    /// A string.
    pub fn text(value: &str) -> Value {
        Value::Text(b's', keep(value))
    }

    /// An array of bytes.
    pub fn bytes(bytes: &[u8]) -> Value {
        Value::array("y", bytes.iter().map(|byte| Value::Number(b'y', (*byte).into())).collect())
    }

    /// An array of elements of this signature.
    pub fn array(element: &'static str, items: Vec<Value>) -> Value {
        Value::Array(element, items.leak())
    }

    /// A structure of two.
    pub fn pair(first: Value, second: Value) -> Value {
        Value::Struct(Box::leak(Box::new([first, second])))
    }

    /// A variant.
    pub fn variant(value: Value) -> Value {
        Value::Variant(Box::leak(Box::new(value)))
    }

    /// The value's signature, added to `out`.
    pub fn signature(&self, out: &mut String) {
        match self {
            Value::Number(code, _) | Value::Text(code, _) => out.push(char::from(*code)),
            Value::Array(element, _) => {
                out.push('a');
                out.push_str(element);
            }
            Value::Struct(fields) => {
                out.push('(');
                fields.iter().for_each(|field| field.signature(out));
                out.push(')');
            }
            Value::Variant(_) => out.push('v'),
        }
    }

    /// Adds the value to `out`, whose first byte is where alignment counts from.
    pub fn marshal(&self, out: &mut Vec<u8>) {
        match self {
            Value::Number(code, bits) => number(out, *code, *bits),
            Value::Text(code, text) => put_text(out, *code, text),
            Value::Array(element, items) => {
                number(out, b'u', 0);
                let length = out.len() - 4;
                // The padding before the first element is not counted, and is
                // there even if there is none.
                pad(out, alignment(element.as_bytes().first().copied().unwrap_or(b'y')));
                let start = out.len();
                items.iter().for_each(|item| item.marshal(out));
                let bytes = (out.len() - start) as u32;
                if let Some(place) = out.get_mut(length..).and_then(|rest| rest.first_chunk_mut()) {
                    *place = bytes.to_ne_bytes();
                }
            }
            Value::Struct(fields) => {
                pad(out, 8);
                fields.iter().for_each(|field| field.marshal(out));
            }
            Value::Variant(value) => {
                let mut signature = String::new();
                value.signature(&mut signature);
                put_text(out, b'g', &signature);
                value.marshal(out);
            }
        }
    }
}

fn put_text(out: &mut Vec<u8>, code: u8, text: &str) {
    // A signature's length is one byte.
    number(out, if code == b'g' { b'y' } else { b'u' }, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

/// As `systemctl show` has them, about: words, bytes as hexadecimal digits, and
/// what is no limit as infinity.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, values: &[Value], between| {
            values.iter().enumerate().try_for_each(|(index, value)| {
                f.write_str(if index == 0 { "" } else { between })?;
                value.fmt(f)
            })
        };
        match self {
            Value::Number(b'b', bit) => f.write_str(if *bit == 0 { "no" } else { "yes" }),
            Value::Number(b'y', byte) => write!(f, "{byte:02x}"),
            Value::Number(b't', u64::MAX) => f.write_str("infinity"),
            Value::Number(b'n' | b'i' | b'x', bits) => (*bits as i64).fmt(f),
            // No property is one; printing it in decimal would cost 20 KB of code.
            Value::Number(b'd', bits) => write!(f, "double {bits:#x}"),
            Value::Number(_, bits) => bits.fmt(f),
            Value::Text(_, text) => f.write_str(text),
            Value::Array("y", bytes) => list(f, bytes, ""),
            Value::Array(_, values) => list(f, values, " "),
            Value::Struct(fields) => {
                f.write_str("(")?;
                list(f, fields, " ")?;
                f.write_str(")")
            }
            Value::Variant(value) => value.fmt(f),
        }
    }
}

/// Several values after each other, as the body of a message: the bytes and
/// their signature.
pub fn marshal(values: &[Value]) -> (Vec<u8>, String) {
    let (mut bytes, mut signature) = (Vec::new(), String::new());
    for value in values {
        value.signature(&mut signature);
        value.marshal(&mut bytes);
    }
    (bytes, signature)
}

/// The alignment of a type by its first code; for numbers also their size.
pub fn alignment(code: u8) -> usize {
    match code {
        b'y' | b'g' | b'v' => 1,
        b'n' | b'q' => 2,
        b'b' | b'i' | b'u' | b's' | b'o' | b'a' => 4,
        _ => 8,
    }
}

/// Adds zeros up to the next multiple of the alignment.
pub fn pad(out: &mut Vec<u8>, alignment: usize) {
    out.resize(out.len().next_multiple_of(alignment), 0);
}

/// The low bytes of a number, in our own byte order: as many as its type has.
fn number(out: &mut Vec<u8>, code: u8, bits: u64) {
    let size = alignment(code);
    pad(out, size);
    let little = bits.to_le_bytes();
    let bytes = little[..size].iter();
    if cfg!(target_endian = "little") { out.extend(bytes) } else { out.extend(bytes.rev()) }
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;
    use alloc::vec;

    fn check(values: &[Value], signature: &str, expect: &[u8]) {
        let (bytes, found) = marshal(values);
        assert_eq!((found.as_str(), bytes.as_slice()), (signature, expect), "{values:?}");
    }

    #[test]
    fn numbers_are_aligned_to_their_size() {
        check(&[Value::bool(true)], "b", &[1, 0, 0, 0]);
        let values = [
            Value::Number(b'y', 7),
            Value::Number(b'q', 0x0102),
            Value::Number(b'i', -2i64 as u64),
            Value::u64(0x0102_0304_0506_0708),
        ];
        let expect = [7, 0, 2, 1, 0xfe, 0xff, 0xff, 0xff, 8, 7, 6, 5, 4, 3, 2, 1];
        check(&values, "yqit", &expect);
    }

    #[test]
    fn strings_and_signatures() {
        // The example of the specification: "foo", "+", "bar".
        let values = [Value::text("foo"), Value::text("+"), Value::text("bar")];
        let expect = b"\x03\0\0\0foo\0\x01\0\0\0+\0\0\0\x03\0\0\0bar\0";
        check(&values, "sss", expect);
        check(&[Value::Text(b'g', "ay")], "g", b"\x02ay\0");
    }

    #[test]
    fn arrays_count_no_padding() {
        // The example of the specification: an array with the number 5 as `x`.
        let expect = [8, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0];
        check(&[Value::array("x", vec![Value::Number(b'x', 5)])], "ax", &expect);
        check(&[Value::array("x", vec![])], "ax", &[0; 8]);
        check(&[Value::array("s", vec![])], "as", &[0; 4]);
        check(&[Value::bytes(&[1, 255])], "ay", &[2, 0, 0, 0, 1, 255]);
    }

    #[test]
    fn a_property() {
        let value = Value::array("u", vec![Value::Number(b'u', 258)]);
        let property = Value::pair(Value::text("PIDs"), Value::variant(value));
        let expect = b"\x18\0\0\0\0\0\0\0\
            \x04\0\0\0PIDs\0\x02au\0\0\0\0\x04\0\0\0\x02\x01\0\0";
        check(&[Value::array("(sv)", vec![property])], "a(sv)", expect);
    }
}
