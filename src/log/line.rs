//! One record as one line.

use alloc::format;
use alloc::string::String;
use core::fmt::Write;

use crate::json::Writer;
use crate::log::Level;
use crate::log::time::Timestamp;
use crate::text;

/// A JSON object, with the keys in the order of logrus.
pub fn json(time: Timestamp, level: &str, message: &str) -> String {
    let mut out = Writer::new();
    out.open_object();
    out.string_field("level", level);
    out.string_field("msg", message);
    out.string_field("time", text!("{time}"));
    out.close();
    let mut line = out.finish();
    line.push('\n');
    line
}

/// logfmt as logrus writes it, with the message always in Go's quotes.
pub fn text(time: Timestamp, level: &str, message: &str) -> String {
    let mut line = format!("time=\"{time}\" level={level} msg=\"");
    for char in message.chars() {
        match char {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            '\0'..' ' | '\x7f' => {
                let _ = write!(line, "\\x{:02x}", char as u32);
            }
            _ => line.push(char),
        }
    }
    line.push_str("\"\n");
    line
}

/// A line as the first process of a board writes them; a record of the kernel's
/// log begins with its level, and has an end.
pub fn board(level: Level, message: &str, record: bool) -> String {
    /// What the kernel takes in one write, less what it adds (kernel/printk).
    const RECORD: usize = 900;
    let mut line = String::new();
    if record {
        let number = match level {
            Level::Error => 3,
            Level::Warning => 4,
            Level::Info => 6,
            Level::Debug => 7,
        };
        let _ = write!(line, "<{number}>");
    }
    let _ = write!(line, "ocinit: {}: {message}", level.name());
    if record && line.len() > RECORD {
        let mut end = RECORD;
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Timestamp = Timestamp { seconds: 1, nanoseconds: 5 };

    #[test]
    fn texts() {
        for (message, expect) in [
            ("a b", "time=\"1970-01-01T00:00:01Z\" level=error msg=\"a b\"\n"),
            (
                "\"\\\n\x01é",
                "time=\"1970-01-01T00:00:01Z\" level=error msg=\"\\\"\\\\\\n\\x01é\"\n",
            ),
        ] {
            assert_eq!(text(TIME, "error", message), expect);
        }
    }

    #[test]
    fn lines_of_boards() {
        assert_eq!(board(Level::Warning, "a", false), "ocinit: warning: a\n");
        assert_eq!(board(Level::Error, "a", true), "<3>ocinit: error: a\n");
        let long = board(Level::Error, &"é".repeat(800), true);
        assert!(long.ends_with("é\n") && (899..=901).contains(&long.len()), "{}", long.len());
    }

    #[test]
    fn objects() {
        assert_eq!(
            json(TIME, "error", "\"\\\n\x01é"),
            "{\"level\":\"error\",\"msg\":\"\\\"\\\\\\n\\u0001é\",\
             \"time\":\"1970-01-01T00:00:01Z\"}\n"
        );
    }
}
