//! `org.systemd.property.NAME` annotations: properties of the unit, whose value
//! is GVariant text (runc's docs/systemd.md, "Auxiliary properties"; GLib,
//! "GVariant Text Format"): booleans, numbers, strings, and arrays of those.

use alloc::string::String;
use alloc::vec::Vec;

use super::property::property;
use crate::cut;
use crate::dbus::{Value, alignment};
use crate::error;
use crate::error::{Error, Result};
use crate::number;
use crate::text;

/// What the names of such annotations begin with.
const PREFIX: &str = "org.systemd.property.";

/// The words that say a type, with its code.
const TYPES: &[(&str, u8)] = &[
    ("boolean", b'b'),
    ("byte", b'y'),
    ("int16", b'n'),
    ("uint16", b'q'),
    ("int32", b'i'),
    ("uint32", b'u'),
    ("int64", b'x'),
    ("uint64", b't'),
    ("string", b's'),
    ("objectpath", b'o'),
    ("signature", b'g'),
];

/// The properties.
///
/// # Errors
/// A name or a value is not valid.
pub fn properties(annotations: &[(&str, &str)]) -> Result<Vec<Value>> {
    let mut properties = Vec::new();
    for (key, text) in annotations {
        let Some(name) = key.strip_prefix(PREFIX) else { continue };
        if name.len() < 3 || !name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(Error::about(
                "annotation {}: name incorrect: it has at least 3 letters",
                key,
            ));
        }
        // What is documented in seconds is in microseconds on the bus.
        let seconds = name.strip_suffix("Sec").filter(|name| name.ends_with(is_lower));
        let parsed = match seconds {
            None => parse(text).map(|value| property(name, value)),
            Some(name) => microseconds(text)
                .map(|time| property(text::about("{}USec", name), Value::u64(time))),
        };
        properties.push(
            parsed.map_err(|why| error!("annotation {key}={text}: value parse error: {why}"))?,
        );
    }
    Ok(properties)
}

fn is_lower(character: char) -> bool {
    character.is_ascii_lowercase()
}

type Parsed<T> = core::result::Result<T, &'static str>;

/// A number of seconds, of any type and with a fraction.
fn microseconds(text: &str) -> Parsed<u64> {
    const NOT: &str = "not a number";
    const MILLION: u64 = 1_000_000;
    if let Some((whole, fraction)) = text.split_once('.') {
        let whole = whole.strip_prefix("double").unwrap_or(whole).trim_ascii();
        let digits = fraction.get(..6).unwrap_or(fraction);
        let scale = 10u64.pow(6 - digits.len() as u32);
        let sum = || {
            let fraction = number::unsigned::<u64>(digits)? * scale;
            number::unsigned::<u64>(whole)?.checked_mul(MILLION)?.checked_add(fraction)
        };
        return sum().ok_or(NOT);
    }
    match parse(text)? {
        Value::Number(code, seconds) if code != b'b' => seconds.checked_mul(MILLION).ok_or(NOT),
        _ => Err(NOT),
    }
}

/// A value of GVariant text.
pub fn parse(text: &str) -> Parsed<Value> {
    let mut parser = Parser { rest: text };
    let value = parser.value(None)?;
    if parser.blank().is_empty() { Ok(value) } else { Err("more than one value") }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    /// What is left, without white space before it.
    fn blank(&mut self) -> &'a str {
        self.rest = self.rest.trim_ascii_start();
        self.rest
    }

    fn skip(&mut self, token: &str) -> bool {
        match self.blank().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Everything up to where a number or a word ends.
    fn word(&mut self) -> &'a str {
        let all = self.blank();
        let end = all.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'));
        let (word, rest) = cut::at(all, end.unwrap_or(all.len()));
        self.rest = rest;
        word
    }

    /// A value, of the type with this code where it is known.
    fn value(&mut self, code: Option<u8>) -> Parsed<Value> {
        if self.skip("@") {
            return match *self.word().as_bytes() {
                [b'a', element] if self.skip("[") => self.array(Some(element)),
                [code] => self.value(Some(code)),
                _ => Err("only types of one letter and arrays of those can be given"),
            };
        }
        if self.skip("[") {
            return self.array(None);
        }
        if let Some(quote @ ('\'' | '"')) = self.blank().chars().next() {
            let text = self.string(quote)?;
            let code = code.unwrap_or(b's');
            return match code {
                b's' | b'o' | b'g' => Ok(Value::Text(code, text)),
                _ => Err("a string where there should be none"),
            };
        }
        let word = self.word();
        match (word, code) {
            ("true" | "false", None | Some(b'b')) => Ok(Value::bool(word == "true")),
            _ => match TYPES.iter().find(|known| known.0 == word) {
                Some((_, code)) => self.value(Some(*code)),
                None => number(word, code.unwrap_or(b'i')),
            },
        }
    }

    /// The rest of an array: all elements are of one type.
    fn array(&mut self, mut code: Option<u8>) -> Parsed<Value> {
        let mut items = Vec::new();
        while !self.skip("]") {
            if !items.is_empty() && !self.skip(",") {
                return Err("an array without its end");
            }
            let item = self.value(code)?;
            match item {
                Value::Number(found, _) | Value::Text(found, _)
                    if code.is_none_or(|code| code == found) =>
                {
                    code = Some(found);
                }
                _ => return Err("an array of different types, or of arrays"),
            }
            items.push(item);
        }
        let code = code.ok_or("an empty array without its type: write @as []")?;
        const CODES: &str = "bynqiuxtsog";
        let at = CODES.find(char::from(code)).ok_or("no such type")?;
        Ok(Value::array(cut::before(cut::from(CODES, at), 1), items))
    }

    fn string(&mut self, quote: char) -> Parsed<&'static str> {
        let mut text = String::new();
        let mut characters = self.rest.chars();
        characters.next();
        loop {
            match characters.next() {
                Some('\\') => text.push(match characters.next() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('r') => '\r',
                    Some(other) if other.is_ascii_punctuation() => other,
                    _ => return Err("an escape that is not known"),
                }),
                Some('\0') | None => return Err("a string without its end"),
                Some(found) if found == quote => break,
                Some(other) => text.push(other),
            }
        }
        self.rest = characters.as_str();
        Ok(text.leak())
    }
}

/// A number that must fit its type; `0x` is hexadecimal.
fn number(word: &str, code: u8) -> Parsed<Value> {
    let (negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word),
    };
    let magnitude = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    let magnitude = magnitude.map_err(|_| "not a value that is understood")?;
    let most = u64::MAX >> (64 - 8 * alignment(code));
    let fits = match code {
        b'y' | b'q' | b'u' | b't' => magnitude <= if negative { 0 } else { most },
        b'n' | b'i' | b'x' => magnitude <= most / 2 + u64::from(negative),
        _ => false,
    };
    let value = if negative { magnitude.wrapping_neg() } else { magnitude };
    if fits { Ok(Value::Number(code, value)) } else { Err("a number beyond its type") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    #[test]
    fn values() {
        let strings = |texts: &[&str]| {
            Value::array("s", texts.iter().map(|text| Value::text(text)).collect())
        };
        for (text, value) in [
            ("true", Value::bool(true)),
            (" boolean false ", Value::bool(false)),
            ("12", Value::Number(b'i', 12)),
            ("-1", Value::Number(b'i', -1i64 as u64)),
            ("uint64 123456789", Value::u64(123_456_789)),
            ("@t 0xff", Value::u64(255)),
            ("byte 255", Value::Number(b'y', 255)),
            ("int64 -9223372036854775808", Value::Number(b'x', 1 << 63)),
            ("'inactive-or-failed'", Value::text("inactive-or-failed")),
            (r#""a'\"\\b\n""#, Value::text("a'\"\\b\n")),
            ("objectpath '/a'", Value::Text(b'o', "/a")),
            ("['a.target', \"b\"]", strings(&["a.target", "b"])),
            ("@as []", strings(&[])),
            ("@as ['a']", strings(&["a"])),
            ("@au [1,2]", Value::array("u", vec![Value::Number(b'u', 1), Value::Number(b'u', 2)])),
            ("[uint32 1, uint32 2]", parse("@au [1,2]").unwrap()),
        ] {
            assert_eq!(parse(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_value() {
        for text in [
            "",
            "truth",
            "'a",
            "'a\\",
            "\"a'",
            "1 2",
            "[]",
            "[1,",
            "[1 2]",
            "[1,'a']",
            "[[1]]",
            "@ai",
            "@(ss) 1",
            "byte 256",
            "uint32 -1",
            "2147483648",
            "1.5",
            "--1",
            "+",
            "int32 'a'",
            "string 1",
            "@v 1",
            "@az []",
            "<1>",
            "{}",
            "(1,2)",
            "@",
            "@as",
            "'\\u0041'",
            "uint64",
        ] {
            assert!(parse(text).is_err(), "{text}: {:?}", parse(text));
        }
    }

    #[test]
    fn annotations() {
        let check = |key: &str, text: &str| properties(&[("a.b", "c"), (key, text)]);
        let one = |name: &str, value: Value| Ok(vec![property(name, value)]);
        let key = "org.systemd.property.TimeoutStopSec";
        assert_eq!(check(key, "uint64 5"), one("TimeoutStopUSec", Value::u64(5_000_000)));
        assert_eq!(check(key, "1.25"), one("TimeoutStopUSec", Value::u64(1_250_000)));
        assert_eq!(check(key, "double 0.0000019"), one("TimeoutStopUSec", Value::u64(1)));
        let key = "org.systemd.property.TimeoutStopUSec";
        assert_eq!(check(key, "uint64 5"), one("TimeoutStopUSec", Value::u64(5)));
        let key = "org.systemd.property.CollectMode";
        assert_eq!(check(key, "'inactive'"), one("CollectMode", Value::text("inactive")));
        for (key, text, why) in [
            ("org.systemd.property.ab", "1", "name incorrect"),
            ("org.systemd.property.a-b", "1", "name incorrect"),
            ("org.systemd.property.", "1", "name incorrect"),
            ("org.systemd.property.aSec", "'1'", "not a number"),
            ("org.systemd.property.aSec", "true", "not a number"),
            ("org.systemd.property.aSec", "1.x", "not a number"),
            ("org.systemd.property.aSec", "@x -1", "not a number"),
            ("org.systemd.property.abc", "x", "value parse error: not a value"),
        ] {
            let error = check(key, text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
