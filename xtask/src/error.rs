//! Errors of a tool that only ever prints them: one line of text.

use std::fmt::Display;

/// What every step returns.
pub type Result<T = ()> = std::result::Result<T, String>;

/// Says what was being done when an error came up.
pub trait Context<T> {
    /// Puts `what` and a colon before the error.
    fn context(self, what: impl Display) -> Result<T>;
}

impl<T, E: Display> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl Display) -> Result<T> {
        self.map_err(|e| format!("{what}: {e}"))
    }
}
