//! From the path of a property to its line and column.
//!
//! The text is known to be valid JSON here, so skipping a value only has to
//! count brackets.

use crate::cut;
use crate::number;

/// A place in a text, as editors count: both from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
}

impl Position {
    /// The position of the byte at `offset`.
    pub(super) fn of(text: &[u8], offset: usize) -> Position {
        let before = cut::first(text, offset);
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        Position {
            line: 1 + before.iter().filter(|&&byte| byte == b'\n').count(),
            column: 1 + cut::rest(before, start)
                .iter()
                .filter(|&&byte| byte & 0xc0 != 0x80)
                .count(),
        }
    }
}

/// Where the property at `path` (as [`super::Invalid`] has it) begins: its key,
/// or the value where it has none. A path that leads nowhere gives the last
/// place on the way: the object that lacks the property.
pub fn locate(text: &[u8], path: &str) -> Position {
    let mut cursor = Cursor { text, at: 0 };
    let mut rest = path;
    cursor.skip_blanks();
    let mut found = cursor.at;
    while let Some((step, tail)) = next_step(rest) {
        match cursor.enter(&step) {
            Some(place) => found = place,
            None => break,
        }
        rest = tail;
    }
    Position::of(text, found)
}

enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

/// Takes the first step off a path.
fn next_step(path: &str) -> Option<(Step<'_>, &str)> {
    if let Some(rest) = path.strip_prefix("[\"") {
        let end = rest.as_bytes().windows(2).position(|pair| pair == b"\"]")?;
        return Some((Step::Key(rest.get(..end)?), rest.get(end + 2..)?));
    }
    if let Some(rest) = path.strip_prefix('[') {
        let (index, rest) = rest.split_once(']')?;
        return Some((Step::Index(number::unsigned(index)?), rest));
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (key, rest) = cut::at(path, end);
    (!key.is_empty()).then_some((Step::Key(key), rest))
}

struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Cursor<'t> {
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Skips a string and gives what is between its quotes.
    fn skip_string(&mut self) -> &'t [u8] {
        self.at += 1;
        let start = self.at;
        while !matches!(self.peek(), b'"' | 0) {
            self.at += if self.peek() == b'\\' { 2 } else { 1 };
        }
        let end = self.at.min(self.text.len());
        self.at += 1;
        self.text.get(start..end).unwrap_or_default()
    }

    fn skip_value(&mut self) {
        let mut depth = 0usize;
        loop {
            match self.peek() {
                b'"' => {
                    self.skip_string();
                    if depth == 0 {
                        return;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' if depth == 0 => return,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return;
                    }
                }
                0 => return,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Goes to the child of the container at the cursor and gives the place to
    /// point at: the key, or the element. The cursor is then at the value.
    /// Where a key comes twice, the last one counts, as in the parser.
    fn enter(&mut self, step: &Step<'_>) -> Option<usize> {
        let open = match step {
            Step::Key(_) => b'{',
            Step::Index(_) => b'[',
        };
        if self.peek() != open {
            return None;
        }
        let mut found = None;
        let mut number = 0;
        loop {
            self.at += 1;
            self.skip_blanks();
            if matches!(self.peek(), b'}' | b']' | 0) {
                break;
            }
            let place = self.at;
            let wanted = match *step {
                Step::Key(key) => {
                    let here = self.skip_string() == key.as_bytes();
                    self.skip_blanks();
                    self.at += 1;
                    self.skip_blanks();
                    here
                }
                Step::Index(index) => number == index,
            };
            if wanted {
                found = Some((place, self.at));
            }
            number += 1;
            self.skip_value();
            self.skip_blanks();
            if self.peek() != b',' {
                break;
            }
        }
        let (place, value) = found?;
        self.at = value;
        Some(place)
    }
}
