//! The command's output on stdout.

use crate::error::{Context, Result};
use crate::sys;

/// Writes a command's output.
///
/// # Errors
/// Stdout is closed, full or broken: the caller of a runtime must hear of it.
pub fn print(text: &str) -> Result<()> {
    sys::descriptor::write_all(sys::stdout(), text.as_bytes()).context(|| "write to stdout")
}
