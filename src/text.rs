//! Text that stays: a command lives for milliseconds and its allocator takes
//! nothing back, so what is formatted once is a `&'static str`. That is two words
//! in registers, can be copied, and there is nothing to drop.
//!
//! For errors, paths and what else is made a few times in a command; not where a
//! command goes round for as long as a container lives.

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::string::String;
use core::ffi::CStr;
use core::fmt;

use crate::cut;
use crate::quote::quoted;

/// The words, formatted: what [`text!`](crate::text!) calls.
#[inline(never)]
pub fn stays(words: fmt::Arguments<'_>) -> &'static str {
    alloc::fmt::format(words).leak()
}

/// The template with the subject in place of its `{}`. Where the one thing to show
/// is a text, this takes half of what a call with [`text!`](crate::text!) does.
#[inline(never)]
pub fn about(template: &'static str, subject: &str) -> &'static str {
    fill(template, &[subject])
}

/// The same with two texts, each in place of a `{}`.
#[inline(never)]
pub fn about_both(template: &'static str, first: &str, second: &str) -> &'static str {
    fill(template, &[first, second])
}

#[inline(never)]
fn fill(template: &str, subjects: &[&str]) -> &'static str {
    let mut text = String::new();
    let mut rest = template;
    for subject in subjects {
        let place = rest.as_bytes().windows(2).position(|pair| pair == b"{}");
        let (before, after) = cut::at(rest, place.unwrap_or(rest.len()));
        text.push_str(before);
        text.push_str(subject);
        rest = cut::from(after, 2);
    }
    text.push_str(rest);
    text.leak()
}

/// The same with the subject between quotes.
#[inline(never)]
pub fn about_quoted(template: &'static str, subject: &str) -> &'static str {
    about(template, stays(format_args!("{}", quoted(subject))))
}

/// The parts, and between two of them this. Core's way is made for each kind of part.
#[inline(never)]
pub fn joined(parts: &[&str], between: &str) -> String {
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index != 0 {
            text.push_str(between);
        }
        text.push_str(part);
    }
    text
}

/// The text with this in place of each such byte, which is one of ASCII. Core's way
/// brings a general search.
#[inline(never)]
pub fn replaced(text: &str, byte: u8, by: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(place) = rest.bytes().position(|other| other == byte) {
        out.push_str(cut::before(rest, place));
        out.push_str(by);
        rest = cut::from(rest, place + 1);
    }
    out.push_str(rest);
    out
}

/// A copy that stays.
pub fn keep(text: &str) -> &'static str {
    String::from(text).leak()
}

/// The bytes as text; what is not UTF-8 in them is replaced, as by
/// [`String::from_utf8_lossy`], which takes three times the code.
pub fn lossy(bytes: &[u8]) -> &str {
    let mut error = match str::from_utf8(bytes) {
        Ok(text) => return text,
        Err(error) => error,
    };
    let mut text = String::new();
    let mut rest = bytes;
    loop {
        let valid = cut::first(rest, error.valid_up_to());
        text.push_str(str::from_utf8(valid).unwrap_or_default());
        text.push(char::REPLACEMENT_CHARACTER);
        let length = error.error_len().unwrap_or(rest.len() - valid.len());
        rest = cut::rest(rest, valid.len() + length);
        error = match str::from_utf8(rest) {
            Ok(end) => {
                text.push_str(end);
                return text.leak();
            }
            Err(error) => error,
        };
    }
}

/// A copy that stays, as the kernel takes it; `None` where there is a null byte in it.
pub fn c_string(text: impl AsRef<[u8]>) -> Option<&'static CStr> {
    keep_c(text.as_ref())
}

#[inline(never)]
fn keep_c(bytes: &[u8]) -> Option<&'static CStr> {
    Some(Box::leak(CString::new(bytes).ok()?.into_boxed_c_str()))
}

/// `format!` into a text that stays.
#[macro_export]
macro_rules! text {
    ($($argument:tt)*) => {
        $crate::text::stays(format_args!($($argument)*))
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_replaced_as_by_alloc() {
        let pieces: [&[u8]; 9] = [
            b"a",
            "é漢😀".as_bytes(),
            b"\xff",
            b"\xc3",
            b"\xe6\xbc",
            b"\xf0\x9f",
            b"\xed\xa0\x80",
            b"\x80",
            b"",
        ];
        for one in pieces {
            for two in pieces {
                for three in pieces {
                    let bytes = [one, two, three].concat();
                    assert_eq!(lossy(&bytes), String::from_utf8_lossy(&bytes), "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn parts_are_joined_and_bytes_replaced() {
        assert_eq!(joined(&[], ", "), "");
        assert_eq!(joined(&["a"], ", "), "a");
        assert_eq!(joined(&["a", "", "é"], ", "), "a, , é");
        assert_eq!(replaced("", b'.', "/"), "");
        assert_eq!(replaced(".a.é..", b'.', "/+"), "/+a/+é/+/+");
        assert_eq!(replaced("aé", b'.', "/"), "aé");
    }

    #[test]
    fn places_are_filled_in_order() {
        assert_eq!(about("open {} of it", "{}"), "open {} of it");
        assert_eq!(about("{}", "a"), "a");
        assert_eq!(about_both("{}: {}", "{}", "b"), "{}: b");
        assert_eq!(about_both("a{}{}", "", "é"), "aé");
        assert_eq!(about_quoted("open {}", "a\"b"), "open \"a\\\"b\"");
    }
}
