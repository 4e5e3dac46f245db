//! JSON in and out: what `serde_json` would do, at a fraction of its size.
//!
//! miniserde parses the text into a tree ([`Value`]). Its errors carry no position and the
//! tree no types, hence the rest of this room: [`Node`] reads a tree with types
//! and knows the path of what it reads, [`locate()`] turns that path into a line
//! and a column, [`SyntaxError`] says what miniserde only rejects, and
//! [`Writer`] writes documents as Go's `encoding/json` does.
//!
//! Rules: nothing recurses on the input; the path is rendered only for an
//! error; `null` is the same as an absent property, as in Go.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use miniserde::json;

mod locate;
mod node;
mod outline;
mod scan;
mod tree;
pub mod words;
mod write;

pub use locate::{Position, locate};
pub use node::{Invalid, Node};
pub use outline::outline;
pub use scan::SyntaxError;
pub use tree::{Number, Object, Value};
pub use write::{Writer, indent};

use crate::error::{Error, Result};

/// Parses one JSON document (RFC 8259, UTF-8).
///
/// Where an object has a key twice, the last one counts, as in Go.
///
/// # Errors
/// Where the text stops being JSON, and what was expected there.
pub fn parse(text: &[u8]) -> core::result::Result<Value, SyntaxError> {
    match core::str::from_utf8(text).map(json::from_str) {
        Ok(Ok(value)) => Ok(value),
        _ => Err(scan::diagnose(text)),
    }
}

/// A parsed document that remembers its text and its name, for the positions
/// in errors.
pub struct Document<'t> {
    text: &'t [u8],
    file: &'t str,
    /// Never dropped: a tree has hundreds of nodes, and the allocator keeps what
    /// it is given back.
    value: &'static Value,
}

impl<'t> Document<'t> {
    /// Parses `text`; `file` is the name that errors show.
    ///
    /// # Errors
    /// One line: `FILE:LINE:COLUMN: what was expected`.
    pub fn parse(text: &'t [u8], file: &'t str) -> Result<Self> {
        match parse(text) {
            Ok(value) => Ok(Document { text, file, value: Box::leak(Box::new(value)) }),
            Err(error) => Err(at(file, error.position, format_args!("{}", error.what))),
        }
    }

    /// The tree.
    pub fn value(&self) -> &'static Value {
        self.value
    }

    /// Lets `build` read the tree, and returns what it built if no reader
    /// complained.
    ///
    /// # Errors
    /// The first complaint: `FILE:LINE:COLUMN: PATH: what is wrong`.
    pub fn read<T>(&self, build: impl FnOnce(&Node<'t, '_>) -> T) -> Result<T> {
        node::read(self.value, build).map_err(|invalid| self.error(&invalid))
    }

    /// As [`Document::read`], for a builder that gives up where something that
    /// only it can judge is missing.
    ///
    /// # Errors
    /// As [`Document::read`], and `FILE:1:1: incomplete` where it gave up
    /// without a complaint.
    pub fn try_read<T>(&self, build: impl FnOnce(&Node<'t, '_>) -> Option<T>) -> Result<T> {
        self.read(|node| {
            let built = build(node);
            if built.is_none() {
                node.complain(format_args!("incomplete"));
            }
            built
        })?
        .ok_or_else(|| crate::error::Error::about("{}: incomplete", self.file))
    }

    /// The error for a complaint about this document, with its position.
    pub fn error(&self, invalid: &Invalid) -> Error {
        at(self.file, locate(self.text, invalid.path), format_args!("{invalid}"))
    }
}

fn at(file: &str, position: Position, what: fmt::Arguments<'_>) -> Error {
    let Position { line, column } = position;
    crate::error!("{file}:{line}:{column}: {what}")
}

/// Appends the path step for a key: `.key`, or `["key"]` where the key could
/// be taken for something else.
fn push_key(path: &mut String, key: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !key.is_empty() && key.bytes().all(plain) {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
    } else {
        for part in ["[\"", key, "\"]"] {
            path.push_str(part);
        }
    }
}

#[cfg(test)]
mod tests;
