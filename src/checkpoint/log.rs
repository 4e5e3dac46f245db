//! What criu wrote about a failure: its log is long, and few lines of it say why.

use crate::act::bundle::read_config;
use crate::error::Error;
use crate::quote::quoted;
use crate::text;
use alloc::string::String;
use alloc::vec::Vec;

/// How many of the last errors are told, and how long they may be together, in
/// bytes: engines read a few thousand of all that we say.
const LINES: usize = 3;
const LENGTH: usize = 1000;

/// Names the log and quotes the errors in it.
pub fn explain(error: Error, path: &str) -> Error {
    let log = read_config(path).unwrap_or_default();
    let errors = errors(text::lossy(log));
    let says = if errors.is_empty() { "" } else { ", which says: " };
    error.hint(text!("see {}{says}{errors}", quoted(path)))
}

fn is_error(line: &str) -> bool {
    line.as_bytes().windows(5).any(|word| word == b"Error")
}

/// The last errors of a log in one line, without their times.
fn errors(log: &str) -> String {
    let mut lines: Vec<&str> = log.lines().filter(|line| is_error(line)).collect();
    let mut lines = lines.split_off(lines.len().saturating_sub(LINES));
    for line in &mut lines {
        // `(00.042) Error …`
        if let Some((time, rest)) = line.split_once(')')
            && time.starts_with('(')
            && rest.starts_with(" Error")
        {
            *line = rest.trim_ascii_start();
        }
    }
    let mut text = text::joined(&lines, "; ");
    let end = (0..=LENGTH).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn quotes() {
        let log = "(00.01) Dumping\n(00.02) Error (criu/a.c:1): one\n(00.03) x\n\
                   (00.04) Error (criu/b.c:2): two\nError three\n(00.05)     Error four\n";
        assert_eq!(errors(log), "Error (criu/b.c:2): two; Error three; (00.05)     Error four");
        assert_eq!(errors(""), "");
        assert_eq!(errors("(00.01) all is well\n"), "");
        assert_eq!(errors(&format!("Error {}", "é".repeat(900))).len(), 999 + 1);
    }
}
