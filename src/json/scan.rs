//! Says why a text is not JSON. Runs only after the parser has refused it.
//!
//! One loop over the tokens with the open brackets on a heap stack: no
//! recursion, whatever the nesting.

use crate::cut;
use alloc::vec::Vec;

use super::Position;

/// Where a text stops being JSON, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntaxError {
    /// The place of the offending byte.
    pub position: Position,
    /// What is wrong, or what was expected there.
    pub what: &'static str,
}

/// Finds the first error of a text that the parser has refused.
pub(super) fn diagnose(text: &[u8]) -> SyntaxError {
    let mut scanner = Scanner { text, at: 0 };
    let mut what = scanner.document();
    if let Err(error) = core::str::from_utf8(text)
        && error.valid_up_to() <= scanner.at
    {
        scanner.at = error.valid_up_to();
        what = "invalid UTF-8";
    } else if scanner.at >= text.len() {
        what = "unexpected end of file";
    }
    SyntaxError { position: Position::of(text, scanner.at), what }
}

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
}

type Step = Result<(), &'static str>;

impl Scanner<'_> {
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Scans to the first error and says what it is; the cursor is there.
    fn document(&mut self) -> &'static str {
        let mut open = Vec::new();
        loop {
            // A value, or what opens one.
            self.skip_blanks();
            match self.peek() {
                bracket @ (b'{' | b'[') => {
                    self.at += 1;
                    self.skip_blanks();
                    let close = bracket + 2;
                    if self.peek() != close {
                        open.push(close);
                        if close == b'}'
                            && let Err(what) = self.key("expected a property name or `}`")
                        {
                            return what;
                        }
                        continue;
                    }
                    self.at += 1;
                }
                _ => {
                    if let Err(what) = self.scalar() {
                        return what;
                    }
                }
            }
            // What may follow it.
            loop {
                self.skip_blanks();
                let Some(&close) = open.last() else {
                    return "expected the end of the document";
                };
                let found = self.peek();
                if found == close {
                    self.at += 1;
                    open.pop();
                    continue;
                }
                if found != b',' {
                    return if close == b'}' {
                        "expected `,` or `}`"
                    } else {
                        "expected `,` or `]`"
                    };
                }
                self.at += 1;
                if close == b'}'
                    && let Err(what) = self.key("expected a property name")
                {
                    return what;
                }
                break;
            }
        }
    }

    fn key(&mut self, otherwise: &'static str) -> Step {
        self.skip_blanks();
        if self.peek() != b'"' {
            return Err(otherwise);
        }
        self.string()?;
        self.skip_blanks();
        if self.peek() != b':' {
            return Err("expected `:`");
        }
        self.at += 1;
        Ok(())
    }

    fn scalar(&mut self) -> Step {
        match self.peek() {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => Err("expected a value"),
        }
    }

    fn literal(&mut self, word: &[u8]) -> Step {
        for &byte in word {
            if self.peek() != byte {
                return Err("expected `true`, `false` or `null`");
            }
            self.at += 1;
        }
        Ok(())
    }

    fn digits(&mut self) -> Step {
        if !self.peek().is_ascii_digit() {
            return Err("expected a digit");
        }
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Step {
        let start = self.at;
        if self.peek() == b'-' {
            self.at += 1;
        }
        let zero = self.peek() == b'0';
        let first = self.at;
        self.digits()?;
        if zero && self.at > first + 1 {
            self.at = first;
            return Err("a number with a leading zero");
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        if huge(&self.text[start..self.at]) {
            self.at = start;
            return Err("a number beyond the range of numbers");
        }
        Ok(())
    }

    fn string(&mut self) -> Step {
        self.at += 1;
        loop {
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape()?,
                0..0x20 => return Err("a control character in a string"),
                _ => self.at += 1,
            }
        }
    }

    /// One escape; a surrogate needs its other half.
    fn escape(&mut self) -> Step {
        let start = self.at;
        self.at += 1;
        if self.peek() != b'u' {
            if !b"\"\\/bfnrt".contains(&self.peek()) {
                return Err("unknown escape in a string");
            }
            self.at += 1;
            return Ok(());
        }
        let unit = self.code_unit()?;
        if (0xdc00..0xe000).contains(&unit) {
            self.at = start;
            return Err("half of a surrogate pair");
        }
        if (0xd800..0xdc00).contains(&unit) {
            let low = if cut::rest(self.text, self.at).starts_with(b"\\u") {
                self.at += 1;
                self.code_unit()?
            } else {
                0
            };
            if !(0xdc00..0xe000).contains(&low) {
                self.at = start;
                return Err("half of a surrogate pair");
            }
        }
        Ok(())
    }

    /// `uXXXX`, from the `u` on.
    fn code_unit(&mut self) -> Result<u32, &'static str> {
        let mut unit = 0;
        for _ in 0..4 {
            self.at += 1;
            match (self.peek() as char).to_digit(16) {
                Some(digit) => unit = unit * 16 + digit,
                None => return Err("expected four hexadecimal digits"),
            }
        }
        self.at += 1;
        Ok(unit)
    }
}

/// Whether a number is beyond what a double holds, near enough: by its count
/// of integer digits and its exponent.
fn huge(number: &[u8]) -> bool {
    let integer = number.iter().take_while(|byte| !matches!(byte, b'.' | b'e' | b'E')).count();
    let mut exponent = 0usize;
    if let Some(at) = number.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        let number = cut::rest(number, at + 1);
        if number.starts_with(b"-") {
            return false;
        }
        for digit in number.iter().filter(|byte| byte.is_ascii_digit()) {
            exponent = exponent.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
        }
    }
    integer.saturating_add(exponent) > 309
}
