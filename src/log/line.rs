//! One record as one line.

use alloc::string::String;
use core::fmt::Write;

use crate::log::time::Timestamp;

/// Appends a record with its newline: a JSON object, or logfmt as logrus
/// writes it.
pub fn append(out: &mut String, json: bool, time: Timestamp, level: &str, message: &str) {
    let (before, after) = if json {
        (alloc::format!("{{\"level\":\"{level}\",\"msg\":\""), "\",\"time\":\"")
    } else {
        (alloc::format!("time=\"{time}\" level={level} msg=\""), "\"")
    };
    out.push_str(&before);
    for char in message.chars() {
        escape(out, json, char);
    }
    out.push_str(after);
    if json {
        let _ = write!(out, "{time}\"}}");
    }
    out.push('\n');
}

/// A character of a string in quotes, by JSON's rules or by Go's.
fn escape(out: &mut String, json: bool, char: char) {
    match char {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\0'..' ' | '\x7f' => {
            let prefix = if json { "\\u00" } else { "\\x" };
            let _ = write!(out, "{prefix}{:02x}", char as u32);
        }
        _ => out.push(char),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: bool, message: &str, expect: &str) {
        let mut out = String::new();
        append(&mut out, json, Timestamp { seconds: 1, nanoseconds: 5 }, "error", message);
        assert_eq!(out, expect);
    }

    #[test]
    fn lines() {
        check(false, "a b", "time=\"1970-01-01T00:00:01Z\" level=error msg=\"a b\"\n");
        check(
            false,
            "\"\\\n\x01é",
            "time=\"1970-01-01T00:00:01Z\" level=error msg=\"\\\"\\\\\\n\\x01é\"\n",
        );
        check(
            true,
            "\"\\\n\x01é",
            "{\"level\":\"error\",\"msg\":\"\\\"\\\\\\n\\u0001é\",\
             \"time\":\"1970-01-01T00:00:01Z\"}\n",
        );
    }
}
