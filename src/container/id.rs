//! The name of a container.

use core::fmt;

use crate::error::{Error, Result};
use crate::text::keep;

/// A container's id.
///
/// Holding one proves that it is a safe file name: not empty, not `.` or `..`,
/// nothing but `A-Z a-z 0-9 _ + - .`, and at most [`ContainerId::LIMIT`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerId(&'static str);

impl ContainerId {
    /// The longest id in bytes: that of a file name (NAME_MAX).
    pub const LIMIT: usize = 255;

    /// Checks an id.
    ///
    /// # Errors
    /// `container id cannot be empty` and `invalid container ID format`, as
    /// runc says it.
    pub fn new(id: &str) -> Result<ContainerId> {
        if id.is_empty() {
            return Err(Error::new("container id cannot be empty"));
        }
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-.".contains(&byte);
        if id == "." || id == ".." || id.len() > ContainerId::LIMIT || !id.bytes().all(safe) {
            return Err(Error::new("invalid container ID format"));
        }
        Ok(ContainerId(keep(id)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn ids() {
        for good in ["a", "0", "A-b_c+d.e", "...", "-", ".hidden", &"x".repeat(255)] {
            assert_eq!(ContainerId::new(good).unwrap().as_str(), good);
        }
        let format = "invalid container ID format";
        for bad in [".", "..", "a/b", "a b", "é", "a\0", "a:b", "../a", &"x".repeat(256)] {
            assert_eq!(ContainerId::new(bad).unwrap_err().to_string(), format);
        }
        assert_eq!(ContainerId::new("").unwrap_err().to_string(), "container id cannot be empty");
    }
}
