//! Text of others between quotes, on one line, as it is: what would end the line
//! or the quotes, is not seen, or turns the writing around, is escaped as Rust
//! does. It stands for `{:?}`, which takes 4 KB of code and tables to know all
//! that cannot be printed.

use core::fmt::{self, Write};

/// See [`quoted`].
pub struct Quoted<'a>(&'a str);

/// The text between quotes.
pub fn quoted(text: &str) -> Quoted<'_> {
    Quoted(text)
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => f.write_char('\\').and_then(|()| f.write_char(character)),
                '\n' => f.write_str("\\n"),
                '\r' => f.write_str("\\r"),
                '\t' => f.write_str("\\t"),
                _ if is_hidden(character) => write!(f, "\\u{{{:x}}}", u32::from(character)),
                _ => f.write_char(character),
            }?;
        }
        f.write_char('"')
    }
}

/// See [`escaped`].
pub struct Escaped<'a>(&'a [u8]);

/// Bytes that may be text, as [`u8::escape_ascii`] shows them, in a third of its
/// code.
pub fn escaped(bytes: &[u8]) -> Escaped<'_> {
    Escaped(bytes)
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.0 {
            let letter = match byte {
                b'\t' => b't',
                b'\r' => b'r',
                b'\n' => b'n',
                b'\'' | b'"' | b'\\' => byte,
                b' '..=b'~' => 0,
                _ => {
                    write!(f, "\\x{byte:02x}")?;
                    continue;
                }
            };
            if letter != 0 {
                f.write_char('\\')?;
            }
            f.write_char(char::from(if letter == 0 { byte } else { letter }))?;
        }
        Ok(())
    }
}

/// Controls, and what Unicode calls format characters: marks of direction
/// (UAX #9), joiners, tags and the like.
fn is_hidden(character: char) -> bool {
    matches!(
        character,
        ..'\x20'
            | '\x7f'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn bytes_as_rust_does() {
        let all: alloc::vec::Vec<u8> = (0..=255).collect();
        assert_eq!(format!("{}", escaped(&all)), format!("{}", all.escape_ascii()));
    }

    #[test]
    fn as_rust_does() {
        for text in ["", "/a b", "a\"b\\", "a\nb\r\t\x1b[2J\x7f", "é漢😀", "a\u{202e}b\u{200b}"]
        {
            assert_eq!(format!("{}", quoted(text)), format!("{text:?}"));
        }
    }
}
