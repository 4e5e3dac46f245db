//! An error on the child's side of the clone, where nothing may be allocated.
//!
//! It is a fixed buffer; the interpreter adds the operation and sends it to the
//! parent, where it becomes an [`Error`](crate::error::Error).

use core::fmt::{self, Write};
use rustix::io::Errno;

/// Bytes of detail that a fault keeps; what is longer is cut.
pub const DETAIL: usize = 512;

/// Text in a fixed buffer: what does not fit is dropped.
#[derive(Clone)]
pub struct Text(heapless::Vec<u8, DETAIL>);

impl Text {
    /// No text.
    pub const EMPTY: Text = Text(heapless::Vec::new());

    /// The text written by `fmt::Display`.
    pub fn of(value: impl fmt::Display) -> Text {
        let mut text = Text::EMPTY;
        let _ = write!(text, "{value}");
        text
    }

    /// The text's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = DETAIL - self.0.len();
        let mut end = text.len().min(room);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let _ = self.0.extend_from_slice(&text.as_bytes()[..end]);
        Ok(())
    }
}

/// What failed inside an operation.
#[derive(Clone)]
pub struct Fault {
    /// What the kernel said; `None` where no system call failed.
    pub errno: Option<Errno>,
    /// The part of the operation that failed, where the operation's own name
    /// does not say it all.
    pub detail: Text,
    /// What the user can do, where we know it; empty otherwise.
    pub hint: &'static str,
    /// The detail is the whole message: the operation's name adds nothing.
    pub alone: bool,
}

/// What an operation of the child returns.
pub type Act = Result<(), Fault>;

impl Fault {
    /// A fault without an errno.
    pub fn new(detail: impl fmt::Display) -> Fault {
        Fault { errno: None, detail: Text::of(detail), hint: "", alone: false }
    }

    /// A fault whose text is already the whole message, as engines expect it.
    pub fn alone(detail: impl fmt::Display) -> Fault {
        Fault { alone: true, ..Fault::new(detail) }
    }

    /// Adds the remedy.
    #[must_use]
    pub fn hint(self, hint: &'static str) -> Fault {
        Fault { hint, ..self }
    }
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Fault {
        Fault { errno: Some(errno), detail: Text::EMPTY, hint: "", alone: false }
    }
}

/// Adds the detail to a system call's errno.
pub trait Detail<T> {
    /// The error becomes a [`Fault`] that says which part failed.
    fn detail(self, what: impl fmt::Display) -> Result<T, Fault>;
}

impl<T> Detail<T> for Result<T, Errno> {
    fn detail(self, what: impl fmt::Display) -> Result<T, Fault> {
        self.map_err(|errno| Fault { detail: Text::of(what), ..Fault::from(errno) })
    }
}

/// A C string as text, quoted, with what is not UTF-8 escaped.
pub struct Quoted<'a>(pub &'a core::ffi::CStr);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.to_bytes().escape_ascii())
    }
}
