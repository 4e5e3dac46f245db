//! An error on the child's side of the clone, where nothing may be allocated.
//!
//! Its words and its hint are in one place of the process ([`scratch`]): there is
//! one failure at a time, and the last one is the one that is reported. So a
//! fault itself is eight bytes, which `?` hands on in a register. The
//! interpreter adds the operation and sends it to the parent, where it becomes
//! an [`Error`](crate::error::Error).

use crate::quote::escaped;
use crate::sys::scratch;
use core::fmt::{self, Write};
use rustix::io::Errno;

/// Text in a fixed buffer: what does not fit is dropped.
#[derive(Clone)]
pub struct Text(scratch::Buffer);

impl Text {
    /// No text.
    pub const EMPTY: Text = Text(scratch::Buffer::new());

    /// The text's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.0).unwrap_or("?"))
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = scratch::SIZE - self.0.len();
        let mut end = text.len().min(room);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let _ = self.0.extend_from_slice(&text.as_bytes()[..end]);
        Ok(())
    }
}

/// What failed inside an operation. A new fault with words or with a hint takes
/// those of the one before.
pub struct Fault {
    /// What the kernel said; `None` where no system call failed.
    pub errno: Option<Errno>,
    /// The detail is the whole message: the operation's name adds nothing.
    pub alone: bool,
    /// The buffer has our words: the part of the operation that failed, where
    /// its name does not say it all.
    detailed: bool,
    /// There is a hint.
    hinted: bool,
}

// With a C library (Miri has rustix use one) an errno is larger.
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
const _: () = assert!(size_of::<Act>() <= 8);

/// What an operation of the child returns.
pub type Act = Result<(), Fault>;

impl Fault {
    /// A fault without an errno.
    pub fn new(detail: impl fmt::Display) -> Fault {
        Fault { errno: None, alone: false, detailed: false, hinted: false }.say(&detail)
    }

    /// A fault whose text is already the whole message, as engines expect it.
    pub fn alone(detail: impl fmt::Display) -> Fault {
        Fault { alone: true, ..Fault::new(detail) }
    }

    /// Adds the remedy.
    #[must_use]
    #[cold]
    #[inline(never)]
    pub fn hint(self, hint: &'static str) -> Fault {
        scratch::with(|scratch| scratch.hint = Some(hint));
        Fault { hinted: true, ..self }
    }

    /// What the user can do, where we know it; empty otherwise.
    pub fn remedy(&self) -> &'static str {
        self.hinted.then(|| scratch::with(|scratch| scratch.hint)).flatten().unwrap_or_default()
    }

    /// The words are the whole message.
    #[must_use]
    pub fn whole(self) -> Fault {
        Fault { alone: true, ..self }
    }

    /// Says which part failed, in place of what was said before.
    #[must_use]
    pub fn detail(self, detail: impl fmt::Display) -> Fault {
        self.say(&detail)
    }

    #[cold]
    #[inline(never)]
    fn say(self, detail: &dyn fmt::Display) -> Fault {
        // Formatted beside the buffer: the new words may show the old ones.
        let mut text = Text::EMPTY;
        let _ = write!(text, "{detail}");
        scratch::with(|scratch| scratch.words = text.0);
        Fault { detailed: true, ..self }
    }

    /// The words.
    pub fn text(&self) -> Text {
        match self.detailed {
            true => Text(scratch::with(|scratch| scratch.words.clone())),
            false => Text::EMPTY,
        }
    }
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Fault {
        Fault { errno: Some(errno), alone: false, detailed: false, hinted: false }
    }
}

/// Adds the detail to a system call's errno.
pub trait Detail<T> {
    /// The error becomes a [`Fault`] that says which part failed.
    fn detail(self, what: impl fmt::Display) -> Result<T, Fault>;
}

impl<T> Detail<T> for Result<T, Errno> {
    fn detail(self, what: impl fmt::Display) -> Result<T, Fault> {
        self.map_err(|errno| Fault::from(errno).say(&what))
    }
}

/// A C string as text, quoted, with what is not ASCII escaped.
pub struct Quoted<'a>(pub &'a core::ffi::CStr);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", escaped(self.0.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_stay() {
        let first = Fault::new("first");
        assert_eq!(first.text().as_bytes(), b"first");
        let second = Fault::from(Errno::IO).detail(format_args!("second after {}", 1));
        assert_eq!(second.text().as_bytes(), b"second after 1");
        assert!(Fault::from(Errno::IO).text().is_empty());
        let long = Fault::new("é".repeat(scratch::SIZE));
        assert_eq!(long.text().as_bytes().len(), scratch::SIZE);
    }
}
