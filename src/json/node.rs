//! A typed, path-aware view of a JSON tree.
//!
//! Readers return nothing (`None`, `""`, 0) both for "absent" and for "wrong":
//! a wrong value leaves a complaint behind, and what was built from a tree with
//! a complaint never reaches the caller, since [`read`] hands it out only
//! without one. So a builder needs no error handling between its fields.
//!
//! Lists and objects are written where they belong instead of returned: that
//! saves moving them, which is most of the code of a builder.

use super::{Number, Value, push_key, words};
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;
use core::fmt;

use crate::text;

/// What is wrong with one property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid {
    /// The property: `process.args[2]`, `linux.sysctl["net.core.somaxconn"]`,
    /// empty for the document itself.
    pub path: &'static str,
    /// What is wrong, and what would be right.
    pub what: &'static str,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            f.write_str(self.path)?;
            f.write_str(": ")?;
        }
        f.write_str(self.what)
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
pub fn read<'v, T>(value: &'v Value, build: impl FnOnce(&Node<'v, '_>) -> T) -> Result<T, Invalid> {
    let complaint = OnceCell::new();
    let built = build(&Node { value, place: Place::Root(&complaint) });
    complaint.into_inner().map_or(Ok(built), Err)
}

impl<'v, 'p> Node<'v, 'p> {
    /// The bare value.
    pub fn value(&self) -> &'v Value {
        self.value
    }

    /// Leaves a complaint about this value; the first one of a document counts.
    #[cold]
    #[inline(never)]
    pub fn complain(&self, what: fmt::Arguments<'_>) {
        let mut path = String::new();
        let cell = self.render(&mut path);
        let _ = cell.set(Invalid { path: path.leak(), what: text::stays(what) });
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
                path.push_str(text!("[{index}]"));
                cell
            }
        }
    }

    #[cold]
    fn expected(&self, what: &str) {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(Number::Other) => "a number with a fraction or beyond 64 bits",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.complain(format_args!("expected {what}, found {found}"));
    }

    // The value itself.

    /// A string without NUL bytes: all of them end up in system calls.
    #[inline(never)]
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
    #[inline(never)]
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
    #[inline(never)]
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
    #[inline(never)]
    pub fn as_u64(&self) -> Option<u64> {
        self.integer(0, u64::MAX)
    }

    /// An integer from -2^63 to 2^63 - 1.
    #[inline(never)]
    pub fn as_i64(&self) -> Option<i64> {
        self.integer(i64::MIN, i64::MAX as u64).map(|bits| bits as i64)
    }

    /// An integer from 0 to 2^32 - 1.
    #[inline(never)]
    pub fn as_u32(&self) -> Option<u32> {
        self.integer(0, u32::MAX.into()).map(|bits| bits as u32)
    }

    /// An integer from -2^31 to 2^31 - 1.
    #[inline(never)]
    pub fn as_i32(&self) -> Option<i32> {
        self.integer(i32::MIN.into(), i32::MAX as u64).map(|bits| bits as i32)
    }

    /// The number of a word in a list as [`words`] has them.
    #[inline(never)]
    pub fn word(&self, list: &'static str) -> Option<usize> {
        let word = self.as_str()?;
        let index = words::index(list, word);
        if index.is_none() {
            self.complain(format_args!(
                "unknown value \"{word}\"; known are: {}",
                list.strip_suffix(' ').unwrap_or(list)
            ));
        }
        index
    }

    // The properties of an object. Absent and null are None.

    /// A property.
    #[inline(never)]
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
    #[inline(never)]
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
    #[inline(never)]
    pub fn text(&self, name: &str) -> Option<&'v str> {
        self.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A string that must be there and not be empty.
    #[inline(never)]
    pub fn required_text(&self, name: &str) -> &'v str {
        let Some(node) = self.required(name) else {
            return "";
        };
        let text = node.as_str().unwrap_or("");
        if text.is_empty() {
            node.complain(format_args!("must not be empty"));
        }
        text
    }

    /// An integer from 0 to 2^64 - 1 that must be there.
    #[inline(never)]
    pub fn required_u64(&self, name: &str) -> u64 {
        self.required(name).and_then(|node| node.as_u64()).unwrap_or(0)
    }

    /// An integer from 0 to 2^32 - 1 that must be there.
    #[inline(never)]
    pub fn required_u32(&self, name: &str) -> u32 {
        self.required(name).and_then(|node| node.as_u32()).unwrap_or(0)
    }

    /// One of the words of a list, that must be there: its number.
    #[inline(never)]
    pub fn required_word(&self, name: &str, list: &'static str) -> usize {
        self.required(name).and_then(|node| node.word(list)).unwrap_or(0)
    }

    /// A boolean; absent is false.
    #[inline(never)]
    pub fn flag(&self, name: &str) -> bool {
        self.bool(name).unwrap_or(false)
    }

    /// A boolean.
    #[inline(never)]
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// An integer from 0 to 2^64 - 1.
    #[inline(never)]
    pub fn u64(&self, name: &str) -> Option<u64> {
        self.get(name)?.as_u64()
    }

    /// An integer from -2^63 to 2^63 - 1.
    #[inline(never)]
    pub fn i64(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    /// An integer from 0 to 2^32 - 1.
    #[inline(never)]
    pub fn u32(&self, name: &str) -> Option<u32> {
        self.get(name)?.as_u32()
    }

    /// An integer from -2^31 to 2^31 - 1.
    #[inline(never)]
    pub fn i32(&self, name: &str) -> Option<i32> {
        self.get(name)?.as_i32()
    }

    /// An integer from 0 to 65535.
    #[inline(never)]
    pub fn u16(&self, name: &str) -> Option<u16> {
        self.get(name)?.integer(0, u16::MAX.into()).map(|bits| bits as u16)
    }

    /// An object, built by `build` into `place`.
    pub fn object<T>(
        &self,
        name: &str,
        place: &mut Option<T>,
        build: impl FnOnce(&Node<'v, '_>) -> T,
    ) {
        if let Some(node) = self.get(name) {
            // What was there is nothing; dropping it would cost code.
            core::mem::forget(place.replace(build(&node)));
        }
    }

    /// The elements of an array, added to `place`.
    #[inline(never)]
    pub fn list<T>(&self, name: &str, place: &mut Vec<T>, build: fn(&Node<'v, '_>) -> T) {
        self.each_item(name, &mut |node| place.push(build(node)));
    }

    /// Visits the elements of an array; nothing where it is absent.
    #[inline(never)]
    pub fn each_item(&self, name: &str, visit: &mut dyn FnMut(&Node<'v, '_>)) {
        if let Some(list) = self.get(name) {
            list.each(visit);
        }
    }

    /// Visits the elements of this, which is an array.
    #[inline(never)]
    pub fn each(&self, visit: &mut dyn FnMut(&Node<'v, '_>)) {
        let Value::Array(values) = self.value else {
            self.expected("an array");
            return;
        };
        for (index, value) in values.iter().enumerate() {
            visit(&Node { value, place: Place::Item(self, index) });
        }
    }

    /// The words of an array as bits: bit N is set for word N of `list`.
    #[inline(never)]
    pub fn bits(&self, name: &str, list: &'static str) -> u32 {
        let mut bits = 0;
        self.each_item(name, &mut |node| bits |= node.word(list).map_or(0, |bit| 1 << bit));
        bits
    }

    /// An array of strings, added to `place`.
    #[inline(never)]
    pub fn strings(&self, name: &str, place: &mut Vec<&'v str>) {
        self.each_item(name, &mut |node| place.extend(node.as_str()));
    }

    /// Visits the properties of an object, sorted by key; nothing where it is
    /// absent. Those that are null are left out.
    #[inline(never)]
    pub fn each_property(&self, name: &str, visit: &mut dyn FnMut(&'v str, &Node<'v, '_>)) {
        let Some(node) = self.get(name) else {
            return;
        };
        let Value::Object(object) = node.value else {
            node.expected("an object");
            return;
        };
        for (key, value) in object.sorted() {
            if !matches!(value, Value::Null) {
                visit(key, &Node { value, place: Place::Key(&node, key) });
            }
        }
    }

    /// An object of strings, added to `place` sorted by key.
    #[inline(never)]
    pub fn string_map(&self, name: &str, place: &mut Vec<(&'v str, &'v str)>) {
        self.each_property(name, &mut |key, node| {
            if let Some(text) = node.as_str() {
                place.push((key, text));
            }
        });
    }
}
