//! Writes documents byte for byte as Go's `encoding/json` does, without its
//! HTML escapes: [`Writer`] is its `Marshal`, [`indent`] its `Indent`.

use super::Value;
use crate::cut;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// A document under construction, in one line without blanks.
///
/// Calls follow the document: `open_object`, then for each property `key` and
/// its value, then `close`. The writer adds the commas.
#[derive(Default)]
pub struct Writer {
    out: String,
    /// The closing brackets of what is open.
    open: String,
    /// Whether a comma is due before the next item.
    comma: bool,
}

impl Writer {
    /// An empty document.
    pub fn new() -> Self {
        Self::default()
    }

    /// The finished text, without a line break at its end.
    pub fn finish(self) -> String {
        debug_assert!(self.open.is_empty());
        self.out
    }

    /// Begins an object.
    pub fn open_object(&mut self) {
        self.open('{', '}');
    }

    /// Begins an array.
    pub fn open_array(&mut self) {
        self.open('[', ']');
    }

    /// Ends what was opened last.
    pub fn close(&mut self) {
        self.out.extend(self.open.pop());
        self.comma = true;
    }

    /// The name of the next value.
    pub fn key(&mut self, key: &str) {
        self.separate();
        self.quote(key);
        self.out.push(':');
        self.comma = false;
    }

    /// A string.
    pub fn string(&mut self, text: &str) {
        self.separate();
        self.quote(text);
    }

    /// An integer.
    pub fn number(&mut self, number: i64) {
        self.separate();
        let _ = write!(self.out, "{number}");
    }

    /// An integer from 0 to 2^64 - 1.
    pub fn unsigned(&mut self, number: u64) {
        self.separate();
        let _ = write!(self.out, "{number}");
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.literal(if value { "true" } else { "false" });
    }

    /// `null`.
    pub fn null(&mut self) {
        self.literal("null");
    }

    /// A property that is a string.
    pub fn string_field(&mut self, key: &str, text: &str) {
        self.key(key);
        self.string(text);
    }

    /// A property that is an integer.
    pub fn number_field(&mut self, key: &str, number: i64) {
        self.key(key);
        self.number(number);
    }

    /// A property that is an integer from 0 to 2^64 - 1.
    pub fn unsigned_field(&mut self, key: &str, number: u64) {
        self.key(key);
        self.unsigned(number);
    }

    /// A property that is a boolean.
    pub fn bool_field(&mut self, key: &str, value: bool) {
        self.key(key);
        self.bool(value);
    }

    /// A property that is an object; `close` ends it.
    pub fn object_field(&mut self, key: &str) {
        self.key(key);
        self.open_object();
    }

    /// A property that is an array; `close` ends it.
    pub fn array_field(&mut self, key: &str) {
        self.key(key);
        self.open_array();
    }

    /// A property that is an array of strings.
    pub fn strings_field(&mut self, key: &str, texts: &mut dyn Iterator<Item = &str>) {
        self.array_field(key);
        for text in texts {
            self.string(text);
        }
        self.close();
    }

    /// A property that is an object of strings.
    pub fn map_field(&mut self, key: &str, map: &[(&str, &str)]) {
        self.object_field(key);
        for (key, text) in map {
            self.string_field(key, text);
        }
        self.close();
    }

    /// A parsed value with all below it, to a depth of 128; `null` beyond.
    pub fn value(&mut self, value: &Value) {
        self.nested(value, 128);
    }

    fn nested(&mut self, value: &Value, depth: u32) {
        match value {
            Value::Array(array) if depth > 0 => {
                self.open_array();
                for value in array.iter() {
                    self.nested(value, depth - 1);
                }
                self.close();
            }
            Value::Object(object) if depth > 0 => {
                self.open_object();
                for (key, value) in object.sorted() {
                    self.key(key);
                    self.nested(value, depth - 1);
                }
                self.close();
            }
            Value::Null | Value::Array(_) | Value::Object(_) => self.null(),
            Value::Bool(value) => self.bool(*value),
            Value::Number(number) => {
                self.separate();
                let _ = write!(self.out, "{number}");
            }
            Value::String(text) => self.string(text),
        }
    }

    /// A value that is JSON already.
    pub fn literal(&mut self, text: &str) {
        self.separate();
        self.out.push_str(text);
    }

    fn open(&mut self, open: char, close: char) {
        self.separate();
        self.out.push(open);
        self.open.push(close);
        self.comma = false;
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(',');
        }
        self.comma = true;
    }

    /// By runs of bytes that need no escape: nearly all of a document is one.
    fn quote(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut plain = 0;
        let follows =
            |end: &str, at| bytes.get(at..).is_some_and(|rest| rest.starts_with(end.as_bytes()));
        self.out.push('"');
        for (at, &byte) in bytes.iter().enumerate() {
            let (length, escape) = match byte {
                b'"' => (1, "\\\""),
                b'\\' => (1, "\\\\"),
                8 => (1, "\\b"),
                12 => (1, "\\f"),
                b'\n' => (1, "\\n"),
                b'\r' => (1, "\\r"),
                b'\t' => (1, "\\t"),
                ..b' ' => (1, ""),
                0xe2 if follows("\u{2028}", at) => (3, "\\u2028"),
                0xe2 if follows("\u{2029}", at) => (3, "\\u2029"),
                _ => continue,
            };
            self.out.push_str(cut::before(cut::from(text, plain), at - plain));
            plain = at + length;
            if escape.is_empty() {
                let _ = write!(self.out, "\\u{byte:04x}");
            }
            self.out.push_str(escape);
        }
        self.out.push_str(cut::from(text, plain));
        self.out.push('"');
    }
}

/// A valid document without blanks, with a property or an element a line.
pub fn indent(text: &str, unit: &str) -> String {
    let mut out = Vec::with_capacity(text.len() * 2);
    let mut depth = 0usize;
    let mut quoted = false;
    let mut escaped = false;
    // The last byte outside of strings.
    let mut previous = b' ';
    for &byte in text.as_bytes() {
        if quoted {
            quoted = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            out.push(byte);
            continue;
        }
        let closes = matches!(byte, b'}' | b']');
        depth -= usize::from(closes);
        // An empty object or array stays on its line.
        if previous == b',' || matches!(previous, b'{' | b'[') != closes {
            out.push(b'\n');
            for _ in 0..depth {
                out.extend_from_slice(unit.as_bytes());
            }
        }
        depth += usize::from(matches!(byte, b'{' | b'['));
        quoted = byte == b'"';
        previous = byte;
        out.push(byte);
        if byte == b':' {
            out.push(b' ');
        }
    }
    // Only ASCII and the unit have been put between the bytes of strings.
    String::from_utf8(out).unwrap_or_default()
}
