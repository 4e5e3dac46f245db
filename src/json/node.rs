//! A typed, path-aware view of a JSON tree.
//!
//! Readers return `None` both for "absent" and for "wrong": a wrong value
//! leaves a complaint behind, and a tree with a complaint never reaches the
//! caller, since [`read`] hands out what was built only without one. So a
//! builder needs no error handling between its fields.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;
use core::fmt;
use miniserde::json::{Number, Value};

use super::{push_key, words};

/// What is wrong with one property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The property: `process.args[2]`, `linux.sysctl["net.core.somaxconn"]`,
    /// empty for the document itself.
    pub path: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            f.write_str(&self.path)?;
            f.write_str(": ")?;
        }
        f.write_str(&self.what)
    }
}

/// A value and its place in the document.
pub struct Node<'v, 'p> {
    value: &'v Value,
    place: Place<'v, 'p>,
}

/// The path, as a list through the callers' stack frames.
#[derive(Clone, Copy)]
enum Place<'v, 'p> {
    Root(&'p OnceCell<Invalid>),
    Key(&'p Node<'v, 'p>, &'p str),
    Item(&'p Node<'v, 'p>, usize),
}

/// Builds something from a tree.
///
/// # Errors
/// The first complaint that a reader made.
pub fn read<'v, T>(
    value: &'v Value,
    build: impl FnOnce(&Node<'v, '_>) -> Option<T>,
) -> Result<T, Invalid> {
    let complaint = OnceCell::new();
    let built = build(&Node { value, place: Place::Root(&complaint) });
    match (built, complaint.into_inner()) {
        (Some(built), None) => Ok(built),
        (_, Some(invalid)) => Err(invalid),
        (None, None) => Err(Invalid { path: String::new(), what: "incomplete".to_owned() }),
    }
}

impl<'v, 'p> Node<'v, 'p> {
    /// The bare value.
    pub fn value(&self) -> &'v Value {
        self.value
    }

    /// The key under which an object has this value, `""` elsewhere.
    pub fn key(&self) -> &'p str {
        match self.place {
            Place::Key(_, key) => key,
            _ => "",
        }
    }

    /// Leaves a complaint about this value; the first one of a document counts.
    #[cold]
    #[inline(never)]
    pub fn complain(&self, what: fmt::Arguments<'_>) {
        let mut path = String::new();
        let cell = self.render(&mut path);
        let _ = cell.set(Invalid { path, what: alloc::format!("{what}") });
    }

    /// Writes the path down. The recursion is as deep as the nesting of our
    /// own readers, not of the input.
    fn render(&self, path: &mut String) -> &'p OnceCell<Invalid> {
        match self.place {
            Place::Root(cell) => cell,
            Place::Key(parent, key) => {
                let cell = parent.render(path);
                push_key(path, key);
                cell
            }
            Place::Item(parent, index) => {
                let cell = parent.render(path);
                path.push_str(&alloc::format!("[{index}]"));
                cell
            }
        }
    }

    #[cold]
    fn expected(&self, what: &str) {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(Number::F64(_)) => "a number with a fraction or beyond 64 bits",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.complain(format_args!("expected {what}, found {found}"));
    }

    // The value itself.

    /// A string without NUL bytes: all of them end up in system calls.
    pub fn as_str(&self) -> Option<&'v str> {
        match self.value {
            Value::String(text) if !text.as_bytes().contains(&0) => Some(text),
            Value::String(_) => {
                self.complain(format_args!("a string with a NUL byte"));
                None
            }
            _ => {
                self.expected("a string");
                None
            }
        }
    }

    /// A boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(*value),
            _ => {
                self.expected("a boolean");
                None
            }
        }
    }

    /// An integer within bounds, as the low 64 bits of its two's complement.
    fn integer(&self, min: i64, max: u64) -> Option<u64> {
        let (fits, bits) = match *self.value {
            Value::Number(Number::U64(number)) => (number <= max, number),
            Value::Number(Number::I64(number)) => {
                (number >= min && (number < 0 || number as u64 <= max), number as u64)
            }
            _ => {
                self.expected("an integer");
                return None;
            }
        };
        if !fits {
            self.complain(format_args!("out of range: allowed are {min} to {max}"));
            return None;
        }
        Some(bits)
    }

    /// An integer from 0 to 2^64 - 1.
    pub fn as_u64(&self) -> Option<u64> {
        self.integer(0, u64::MAX)
    }

    /// An integer from -2^63 to 2^63 - 1.
    pub fn as_i64(&self) -> Option<i64> {
        self.integer(i64::MIN, i64::MAX as u64).map(|bits| bits as i64)
    }

    /// An integer from 0 to 2^32 - 1.
    pub fn as_u32(&self) -> Option<u32> {
        self.integer(0, u32::MAX.into()).map(|bits| bits as u32)
    }

    /// An integer from -2^31 to 2^31 - 1.
    pub fn as_i32(&self) -> Option<i32> {
        self.integer(i32::MIN.into(), i32::MAX as u64).map(|bits| bits as i32)
    }

    /// The number of a word in a list as [`words`] has them.
    pub fn word(&self, list: &'static str) -> Option<usize> {
        let word = self.as_str()?;
        let index = words::index(list, word);
        if index.is_none() {
            self.complain(format_args!("unknown value \"{word}\"; known are: {}", list.trim_end()));
        }
        index
    }

    // The properties of an object. Absent and null are None.

    /// A property.
    pub fn get<'s>(&'s self, name: &'s str) -> Option<Node<'v, 's>> {
        let Value::Object(object) = self.value else {
            self.expected("an object");
            return None;
        };
        match object.get(name) {
            None | Some(Value::Null) => None,
            Some(value) => Some(Node { value, place: Place::Key(self, name) }),
        }
    }

    /// A property that must be there.
    pub fn required<'s>(&'s self, name: &'s str) -> Option<Node<'v, 's>> {
        let node = self.get(name);
        if node.is_none() {
            Node { value: &Value::Null, place: Place::Key(self, name) }
                .complain(format_args!("required property is missing"));
        }
        node
    }

    /// A string. The empty one counts as absent: Go's `omitempty` makes no
    /// difference between them.
    pub fn text(&self, name: &str) -> Option<&'v str> {
        self.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A string that must be there and not be empty.
    pub fn required_text(&self, name: &str) -> Option<&'v str> {
        let node = self.required(name)?;
        let text = node.as_str()?;
        if text.is_empty() {
            node.complain(format_args!("must not be empty"));
            return None;
        }
        Some(text)
    }

    /// A boolean; absent is false.
    pub fn flag(&self, name: &str) -> bool {
        self.bool(name).unwrap_or(false)
    }

    /// A boolean.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// An integer from 0 to 2^64 - 1.
    pub fn u64(&self, name: &str) -> Option<u64> {
        self.get(name)?.as_u64()
    }

    /// An integer from -2^63 to 2^63 - 1.
    pub fn i64(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    /// An integer from 0 to 2^32 - 1.
    pub fn u32(&self, name: &str) -> Option<u32> {
        self.get(name)?.as_u32()
    }

    /// An integer from -2^31 to 2^31 - 1.
    pub fn i32(&self, name: &str) -> Option<i32> {
        self.get(name)?.as_i32()
    }

    /// An integer from 0 to 65535.
    pub fn u16(&self, name: &str) -> Option<u16> {
        self.get(name)?.integer(0, u16::MAX.into()).map(|bits| bits as u16)
    }

    /// An object, read by `build`.
    pub fn object<T>(
        &self,
        name: &str,
        build: impl FnOnce(&Node<'v, '_>) -> Option<T>,
    ) -> Option<T> {
        build(&self.get(name)?)
    }

    /// The elements of an array; empty where it is absent.
    pub fn list<T>(&self, name: &str, mut build: impl FnMut(&Node<'v, '_>) -> Option<T>) -> Vec<T> {
        let Some(list) = self.get(name) else {
            return Vec::new();
        };
        let values = list.elements();
        let mut built = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            built.extend(build(&Node { value, place: Place::Item(&list, index) }));
        }
        built
    }

    fn elements(&self) -> &'v [Value] {
        match self.value {
            Value::Array(array) => array,
            _ => {
                self.expected("an array");
                &[]
            }
        }
    }

    /// An array of strings; empty where it is absent.
    pub fn strings(&self, name: &str) -> Vec<&'v str> {
        self.list(name, |node| node.as_str())
    }

    /// The properties of an object whose keys are data, sorted by key; empty
    /// where it is absent. Those that are null are left out.
    pub fn map<T>(
        &self,
        name: &str,
        mut build: impl FnMut(&Node<'v, '_>) -> Option<T>,
    ) -> Vec<(&'v str, T)> {
        let Some(node) = self.get(name) else {
            return Vec::new();
        };
        let Value::Object(object) = node.value else {
            node.expected("an object");
            return Vec::new();
        };
        let mut built = Vec::with_capacity(object.len());
        for (key, value) in object.iter() {
            if matches!(value, Value::Null) {
                continue;
            }
            if let Some(value) = build(&Node { value, place: Place::Key(&node, key) }) {
                built.push((key.as_str(), value));
            }
        }
        built
    }

    /// An object of strings, sorted by key; empty where it is absent.
    pub fn string_map(&self, name: &str) -> Vec<(&'v str, &'v str)> {
        self.map(name, |node| node.as_str())
    }
}
