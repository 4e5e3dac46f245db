//! Extended regular expressions (POSIX.1-2017, XBD 9.4) over the ids of containers,
//! for the flag `--regex` of crun.
//!
//! An expression becomes a short program. All its threads go over the id together,
//! so no expression takes longer than its length times that of the id. Bytes beyond
//! ASCII, back-references and collating symbols are left out: no id needs them.

use alloc::vec;
use alloc::vec::Vec;

use crate::cut;
use crate::error;
use crate::error::Result;
use crate::number;
use crate::quote::quoted;

/// Steps of a program at most: repetitions are written out.
const MAX_STEPS: usize = 4096;
/// Parentheses in each other at most.
const MAX_DEPTH: usize = 32;

/// One step. Targets of forks are relative to it, so a block can be moved.
#[derive(Clone, Copy)]
enum Step {
    /// One byte of this set.
    Byte(u128),
    /// The beginning.
    Begin,
    /// The end.
    End,
    /// Two ways to go on.
    Fork(isize, isize),
}

/// An expression.
pub struct Pattern(Vec<Step>);

impl Pattern {
    /// Parses one.
    ///
    /// # Errors
    /// It is not valid.
    pub fn new(text: &str) -> Result<Pattern> {
        let mut parser = Parser { text: text.as_bytes(), at: 0, depth: 0 };
        let steps = parser.alternatives();
        match steps.filter(|_| parser.at == text.len()) {
            Some(steps) => Ok(Pattern(steps)),
            None => Err(error!(
                "invalid regular expression {}, at byte {}",
                quoted(text),
                parser.at + 1
            )),
        }
    }

    /// Whether it fits some part of `text`.
    pub fn fits(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let mut now = vec![false; self.0.len() + 1];
        for at in 0..=text.len() {
            self.follow(&mut now, 0, at, text.len());
            if now[self.0.len()] {
                return true;
            }
            let mut next = vec![false; now.len()];
            for index in (0..self.0.len()).filter(|index| now[*index]) {
                if let (Step::Byte(set), Some(byte)) = (self.0[index], text.get(at))
                    && set >> (byte & 127) & 1 != 0
                    && byte.is_ascii()
                {
                    self.follow(&mut next, index + 1, at + 1, text.len());
                }
            }
            now = next;
        }
        false
    }

    /// Adds a step and all that are reached from it without a byte.
    fn follow(&self, threads: &mut [bool], step: usize, at: usize, end: usize) {
        let mut open = vec![step];
        while let Some(index) = open.pop() {
            if core::mem::replace(&mut threads[index], true) {
                continue;
            }
            match self.0.get(index) {
                Some(Step::Begin) if at == 0 => open.push(index + 1),
                Some(Step::End) if at == end => open.push(index + 1),
                Some(Step::Fork(one, other)) => {
                    open.extend([one, other].map(|target| index.wrapping_add_signed(*target)));
                }
                _ => {}
            }
        }
    }
}

struct Parser<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, text: &[u8]) -> bool {
        let there = cut::rest(self.text, self.at).starts_with(text);
        self.at += if there { text.len() } else { 0 };
        there
    }

    fn alternatives(&mut self) -> Option<Vec<Step>> {
        let mut block = self.sequence()?;
        while self.take(b"|") {
            let other = self.sequence()?;
            block = either(block, &other);
        }
        (block.len() <= MAX_STEPS).then_some(block)
    }

    fn sequence(&mut self) -> Option<Vec<Step>> {
        let mut block = Vec::new();
        while !matches!(self.peek(), None | Some(b'|' | b')')) {
            let mut piece = self.atom()?;
            while let Some((least, most)) = self.repetition()? {
                piece = repeat(&piece, least, most)?;
            }
            block.extend(piece);
        }
        (block.len() <= MAX_STEPS).then_some(block)
    }

    fn atom(&mut self) -> Option<Vec<Step>> {
        let step = match self.next()? {
            b'(' => {
                self.depth += 1;
                let inner = if self.depth > MAX_DEPTH { None } else { self.alternatives() };
                self.depth -= 1;
                return inner.filter(|_| self.take(b")"));
            }
            b'^' => Step::Begin,
            b'$' => Step::End,
            b'.' => Step::Byte(!0),
            b'[' => Step::Byte(self.set()?),
            b'*' | b'+' | b'?' | b'{' => return None,
            // What an escaped letter or digit means is not defined.
            b'\\' => Step::Byte(bit(self.next().filter(|byte| !byte.is_ascii_alphanumeric())?)?),
            byte => Step::Byte(bit(byte)?),
        };
        Some(vec![step])
    }

    /// What follows an atom: how often, where it says so.
    fn repetition(&mut self) -> Option<Option<(usize, Option<usize>)>> {
        let bounds = match self.peek() {
            Some(b'*') => (0, None),
            Some(b'+') => (1, None),
            Some(b'?') => (0, Some(1)),
            Some(b'{') => {
                self.at += 1;
                let least = self.number()?;
                let most = match self.take(b",") {
                    false => Some(least),
                    true if self.peek() == Some(b'}') => None,
                    true => Some(self.number()?),
                };
                let ordered = most.is_none_or(|most| least <= most);
                return (ordered && self.take(b"}")).then_some(Some((least, most)));
            }
            _ => return Some(None),
        };
        self.at += 1;
        Some(Some(bounds))
    }

    /// A number up to 255, POSIX's `RE_DUP_MAX`.
    fn number(&mut self) -> Option<usize> {
        let rest = cut::rest(self.text, self.at);
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        let number: u8 = number::unsigned(core::str::from_utf8(cut::first(rest, digits)).ok()?)?;
        Some(number.into())
    }

    /// A bracket expression, after its bracket.
    fn set(&mut self) -> Option<u128> {
        let negated = self.take(b"^");
        let mut set = 0;
        let mut first = true;
        loop {
            if self.take(b"[:") {
                set |= self.class()?;
            } else {
                let low = self.next()?;
                if low == b']' && !first {
                    break;
                }
                if low == b'[' && matches!(self.peek(), Some(b'.' | b'=')) {
                    return None;
                }
                let range = self.peek() == Some(b'-') && self.text.get(self.at + 1) != Some(&b']');
                let high = if range {
                    self.at += 1;
                    self.next()?
                } else {
                    low
                };
                if low > high {
                    return None;
                }
                for byte in low..=high {
                    set |= bit(byte)?;
                }
            }
            first = false;
        }
        Some(if negated { !set } else { set })
    }

    /// A character class, after `[:`.
    fn class(&mut self) -> Option<u128> {
        type Class = (&'static [u8], fn(&u8) -> bool);
        const CLASSES: [Class; 8] = [
            (b"alnum:]", u8::is_ascii_alphanumeric),
            (b"alpha:]", u8::is_ascii_alphabetic),
            (b"digit:]", u8::is_ascii_digit),
            (b"lower:]", u8::is_ascii_lowercase),
            (b"punct:]", u8::is_ascii_punctuation),
            (b"space:]", u8::is_ascii_whitespace),
            (b"upper:]", u8::is_ascii_uppercase),
            (b"xdigit:]", u8::is_ascii_hexdigit),
        ];
        let (_, holds) = CLASSES.iter().find(|class| self.take(class.0))?;
        (0..128).filter(holds).try_fold(0, |set, byte| Some(set | bit(byte)?))
    }
}

fn bit(byte: u8) -> Option<u128> {
    1u128.checked_shl(byte.into()).filter(|_| byte.is_ascii())
}

fn either(one: Vec<Step>, other: &[Step]) -> Vec<Step> {
    let (length, rest) = (one.len() as isize, other.len() as isize);
    let mut block = vec![Step::Fork(1, length + 2)];
    block.extend(one);
    block.push(Step::Fork(rest + 1, rest + 1));
    block.extend(other);
    block
}

fn repeat(piece: &[Step], least: usize, most: Option<usize>) -> Option<Vec<Step>> {
    let length = piece.len() as isize;
    let times = most.unwrap_or(least + 1);
    if times * (piece.len() + 2) > MAX_STEPS {
        return None;
    }
    let mut block = Vec::new();
    for time in 0..times {
        if time >= least {
            block.push(Step::Fork(1, length + if most.is_none() { 2 } else { 1 }));
        }
        block.extend(piece);
    }
    if most.is_none() {
        let back = -length - 1;
        block.push(Step::Fork(back, back));
    }
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, fitting: &[&str], others: &[&str]) {
        let pattern = Pattern::new(pattern).unwrap_or_else(|error| panic!("{error}"));
        for (texts, expect) in [(fitting, true), (others, false)] {
            texts.iter().for_each(|text| assert_eq!(pattern.fits(text), expect, "{text}"));
        }
    }

    #[test]
    fn expressions() {
        check("web", &["web", "my-web-1"], &["we", "wEb"]);
        check("^web$", &["web"], &["web1", "1web", ""]);
        check("", &["", "x"], &[]);
        check("a.c", &["abc", "xa-cx"], &["ac"]);
        check("^a*$", &["", "aaa"], &["ab"]);
        check("^ab+c?$", &["ab", "abbbc"], &["a", "abcc"]);
        check("^(web|db)-[0-9]+$", &["web-1", "db-20"], &["web-", "xdb-1"]);
        check("^(|a|bc)d$", &["d", "ad", "bcd"], &["bd"]);
        check("^a{2}$", &["aa"], &["a", "aaa"]);
        check("^(ab){1,2}c{0,1}$", &["ab", "ababc"], &["", "abababc", "abcc"]);
        check("^a{2,}$", &["aa", "aaaaa"], &["a"]);
        check("^a{0}b$", &["b"], &["ab"]);
        check("^(a*)*$", &["", "aaa"], &["b"]);
        check("^(a|^b)$|c$", &["a", "b", "xc"], &["ab"]);
        check("x^", &[], &["x", ""]);
    }

    #[test]
    fn sets() {
        check("^[a-c_]+$", &["abc_"], &["d", "-"]);
        check("^[^a-c]$", &["d", "]"], &["a", ""]);
        check("^[]a]+$", &["]a"], &["b"]);
        check("^[^]]$", &["a"], &["]"]);
        check("^[a-]+$", &["a-"], &["b"]);
        check("^[[:digit:][:upper:].]+$", &["1.A"], &["a"]);
        check(r"^[\.]$", &["\\", "."], &["x"]);
        check(r"^a\.b\+$", &["a.b+"], &["axb+"]);
    }

    #[test]
    fn what_is_invalid() {
        for bad in [
            "*",
            "a|*",
            "(",
            "(a",
            "a)",
            "[",
            "[]",
            "[a",
            "[b-a]",
            "[[:no:]]",
            "[[.a.]]",
            "a{",
            "a{1",
            "a{2,1}",
            "a{,2}",
            "a{256}",
            "\\",
            r"\1",
            r"\d",
            "é",
            "((((a{99}){99}){99}){99})",
        ] {
            let error = Pattern::new(bad).err().unwrap_or_else(|| panic!("{bad}"));
            assert!(alloc::string::ToString::to_string(&error).contains("invalid regular"));
        }
        let deep = |depth| ["(".repeat(depth), "a".into(), ")".repeat(depth)].concat();
        assert!(Pattern::new(&deep(MAX_DEPTH)).is_ok() && Pattern::new(&deep(5000)).is_err());
    }

    /// Where a matcher that tries one way after the other takes forever.
    #[test]
    fn no_expression_takes_long() {
        check("^(a*)*b$", &[], &["a".repeat(200).as_str()]);
        check("^(a|aa)+$", &[], &[("a".repeat(200) + "!").as_str()]);
    }
}
