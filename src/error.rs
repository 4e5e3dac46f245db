//! What went wrong, in one line: the step, the object, the errno by name, and
//! the remedy where it is known.

use alloc::boxed::Box;
use core::fmt;
use core::ops::Deref;
use rustix::io::Errno;

use crate::{errno, text};

/// An error as the user sees it: one line, and the exit status it asks for.
///
/// Its text is `WHAT: ENAME (its meaning): hint`; errors without an errno have
/// no middle part. Engines search the text for the strings of runc: keep those
/// in `what`.
///
/// It is a pointer to what stays, as a [`text!`](crate::text!) does: a result
/// costs a word, and there is nothing to drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error(&'static Parts);

/// What an [`Error`] is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// What was being done, to what: `mount "proc" on "/proc"`.
    pub what: &'static str,
    /// What the kernel said.
    pub errno: Option<Errno>,
    /// What the user can do, where we know it.
    pub hint: Option<&'static str>,
    /// The exit status, where it is not the command's usual one.
    pub status: Option<u8>,
}

/// A result with our [`Error`].
pub type Result<T> = core::result::Result<T, Error>;

impl Deref for Error {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        self.0
    }
}

impl Error {
    #[cold]
    #[inline(never)]
    fn make(parts: Parts) -> Self {
        Error(Box::leak(Box::new(parts)))
    }

    /// An error that no system call reported.
    #[cold]
    #[inline(never)]
    pub fn new(what: &'static str) -> Self {
        Error::make(Parts { what, errno: None, hint: None, status: None })
    }

    /// The same with words that are yet to be formatted: what [`error!`](crate::error!) calls.
    #[cold]
    #[inline(never)]
    pub fn formatted(what: fmt::Arguments<'_>) -> Self {
        Error::new(text::stays(what))
    }

    /// The same with one text in place of `{}`: see [`text::about`].
    #[cold]
    #[inline(never)]
    pub fn about(template: &'static str, subject: &str) -> Self {
        Error::new(text::about(template, subject))
    }

    /// The same with two texts.
    #[cold]
    #[inline(never)]
    pub fn about_both(template: &'static str, first: &str, second: &str) -> Self {
        Error::new(text::about_both(template, first, second))
    }

    /// The same with the text between quotes.
    #[cold]
    #[inline(never)]
    pub fn about_quoted(template: &'static str, subject: &str) -> Self {
        Error::new(text::about_quoted(template, subject))
    }

    /// A system call's error: `what` names the step and its object.
    #[cold]
    #[inline(never)]
    pub fn os(what: &'static str, errno: Errno) -> Self {
        Error::make(Parts { what, errno: Some(errno), hint: None, status: None })
    }

    /// Adds the remedy.
    #[must_use]
    #[cold]
    #[inline(never)]
    pub fn hint(self, hint: &'static str) -> Self {
        Error::make(Parts { hint: Some(hint), ..*self })
    }

    /// Asks for an exit status other than the command's usual one.
    #[must_use]
    #[cold]
    #[inline(never)]
    pub fn status(self, status: u8) -> Self {
        Error::make(Parts { status: Some(status), ..*self })
    }

    /// Puts the larger undertaking before the step: `PREFIX: WHAT…`.
    #[must_use]
    #[cold]
    #[inline(never)]
    pub fn within(self, prefix: &str) -> Self {
        Error::make(Parts { what: text!("{prefix}: {}", self.what), ..*self })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        if let Some(errno) = self.errno {
            write!(f, ": {}", errno::Described(errno))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, ": {hint}")?;
        }
        Ok(())
    }
}

/// Adds the step and the object to a system call's bare errno.
pub trait Context<T> {
    /// The error becomes [`Error::os`] with the text that `what` builds; it is
    /// called only on failure.
    fn context(self, what: impl FnOnce() -> &'static str) -> Result<T>;
}

impl<T> Context<T> for core::result::Result<T, Errno> {
    fn context(self, what: impl FnOnce() -> &'static str) -> Result<T> {
        self.map_err(|errno| Error::os(what(), errno))
    }
}

/// An error with a text that is yet to be formatted.
#[macro_export]
macro_rules! error {
    ($($argument:tt)*) => {
        $crate::error::Error::formatted(format_args!($($argument)*))
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn one_line_with_errno_and_hint() {
        let error = Error::os("mount \"proc\" on \"/proc\"", Errno::PERM)
            .hint("the container needs a user namespace or root");
        assert_eq!(
            error.to_string(),
            "mount \"proc\" on \"/proc\": EPERM (operation not permitted): \
             the container needs a user namespace or root"
        );
        assert_eq!(Error::new("a").within("b").to_string(), "b: a");
    }
}
