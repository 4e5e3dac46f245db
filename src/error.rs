//! What went wrong, in one line: the step, the object, the errno by name, and
//! the remedy where it is known.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::ops::{Deref, DerefMut};
use rustix::io::Errno;

use crate::errno;

/// An error as the user sees it: one line, and the exit status it asks for.
///
/// Its text is `WHAT: ENAME (its meaning): hint`; errors without an errno have
/// no middle part. Engines search the text for the strings of runc: keep those
/// in `what`.
///
/// It is boxed, so that a result costs a word and not a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Parts>);

/// What an [`Error`] is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// What was being done, to what: `mount "proc" on "/proc"`.
    pub what: Cow<'static, str>,
    /// What the kernel said.
    pub errno: Option<Errno>,
    /// What the user can do, where we know it.
    pub hint: Option<Cow<'static, str>>,
    /// The exit status, where it is not the command's usual one.
    pub status: Option<u8>,
}

/// A result with our [`Error`].
pub type Result<T> = core::result::Result<T, Error>;

impl Deref for Error {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl DerefMut for Error {
    fn deref_mut(&mut self) -> &mut Parts {
        &mut self.0
    }
}

impl Error {
    #[cold]
    #[inline(never)]
    fn make(what: Cow<'static, str>, errno: Option<Errno>) -> Self {
        Error(Box::new(Parts { what, errno, hint: None, status: None }))
    }

    /// An error whose text is yet to be formatted: what [`error!`](crate::error!)
    /// calls.
    #[cold]
    #[inline(never)]
    pub fn text(what: fmt::Arguments<'_>) -> Self {
        Error::make(Cow::Owned(alloc::fmt::format(what)), None)
    }

    /// An error that no system call reported.
    pub fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Error::make(what.into(), None)
    }

    /// A system call's error: `what` names the step and its object.
    pub fn os(what: impl Into<Cow<'static, str>>, errno: Errno) -> Self {
        Error::make(what.into(), Some(errno))
    }

    /// Adds the remedy.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Asks for an exit status other than the command's usual one.
    #[must_use]
    pub fn status(mut self, status: u8) -> Self {
        self.status = Some(status);
        self
    }

    /// Puts the larger undertaking before the step: `PREFIX: WHAT…`.
    #[must_use]
    pub fn within(mut self, prefix: impl fmt::Display) -> Self {
        self.what = Cow::Owned(alloc::format!("{prefix}: {}", self.what));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
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
    fn context<W: Into<Cow<'static, str>>>(self, what: impl FnOnce() -> W) -> Result<T>;
}

impl<T> Context<T> for core::result::Result<T, Errno> {
    fn context<W: Into<Cow<'static, str>>>(self, what: impl FnOnce() -> W) -> Result<T> {
        self.map_err(|errno| Error::os(what(), errno))
    }
}

/// `format!` into the text of an error.
#[macro_export]
macro_rules! error {
    ($($argument:tt)*) => {
        $crate::error::Error::text(format_args!($($argument)*))
    };
}

/// The text of an error as an owned string.
impl From<Error> for String {
    fn from(error: Error) -> String {
        alloc::format!("{error}")
    }
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
