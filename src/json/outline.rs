//! A document for people: what [`super::Writer`] wrote, without quotes, brackets
//! and commas, so that the readable form and the JSON cannot disagree.
//!
//! A property is a line `name: value`, an element of an array a line `- value`,
//! and what is inside is indented. The first property of an object in an array
//! stands for the object: its name is left out. An array of plain words is one
//! paragraph. An empty array or object is `none`.

use crate::cut;
use alloc::string::String;
use alloc::vec::Vec;

/// Where a paragraph of words is broken.
const WIDTH: usize = 80;

/// The outline of a valid document without blanks; it ends with a line break.
pub fn outline(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    let mut open: Vec<u8> = Vec::new();
    let mut rest = document;
    // The next token begins a property or an element.
    let mut begins = false;
    // The next property stands for its object.
    let mut nameless = false;
    while let Some(token) = token(rest) {
        rest = cut::from(rest, token.len());
        let kind = token.bytes().next().unwrap_or_default();
        let in_array = open.last() == Some(&b'[');
        match kind {
            b',' => begins = true,
            b':' => {}
            b'}' | b']' => {
                open.pop();
            }
            _ if begins && !in_array => {
                begins = false;
                if !core::mem::take(&mut nameless) {
                    new_line(&mut out, open.len() - 1);
                    plain(&mut out, token);
                    out.push(':');
                }
            }
            _ => {
                if core::mem::take(&mut begins) {
                    new_line(&mut out, open.len() - 1);
                    out.push('-');
                }
                match kind {
                    b'{' | b'[' if rest.starts_with(['}', ']']) => {
                        rest = cut::from(rest, 1);
                        out.push_str(" none");
                    }
                    b'[' if let Some(end) = words_end(rest) => {
                        words(&mut out, cut::before(rest, end), open.len());
                        rest = cut::from(rest, end + 1);
                    }
                    b'{' | b'[' => {
                        nameless = in_array && kind == b'{';
                        open.push(kind);
                        begins = true;
                    }
                    _ => {
                        out.push(' ');
                        plain(&mut out, token);
                    }
                }
            }
        }
    }
    out.push('\n');
    out
}

fn new_line(out: &mut String, depth: usize) {
    if !out.is_empty() {
        out.push('\n');
    }
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// The first token: a bracket, a comma, a colon, or a whole scalar.
fn token(text: &str) -> Option<&str> {
    let first = *text.as_bytes().first()?;
    let length = match first {
        b'"' => {
            let mut escaped = false;
            let end = text.bytes().skip(1).position(|byte| {
                let ends = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                ends
            });
            end.map_or(text.len(), |end| end + 2)
        }
        b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
        _ => text.find([',', '}', ']']).unwrap_or(text.len()),
    };
    text.get(..length)
}

/// A scalar without its quotes. Of escapes only those of quotes and backslashes
/// are resolved: the others keep a terminal safe.
fn plain(out: &mut String, token: &str) {
    let inner = token.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let mut parts = inner.unwrap_or(token).chars();
    while let Some(character) = parts.next() {
        let escaped = character == '\\' && parts.as_str().starts_with(['"', '\\']);
        out.push(if escaped { parts.next().unwrap_or(character) } else { character });
    }
}

/// Where the array ends that has just been opened, if it has only plain words.
fn words_end(rest: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b']' if !quoted => return Some(at),
            b',' if !quoted => {}
            b'_' | b'-' | b'.' => {}
            _ if byte.is_ascii_alphanumeric() => {}
            _ => break,
        }
    }
    None
}

fn words(out: &mut String, list: &str, depth: usize) {
    let line_start = out.bytes().rposition(|byte| byte == b'\n').map_or(0, |at| at + 1);
    let mut column = out.len() - line_start;
    for word in list.split(',') {
        let word = word.trim_matches('"');
        if column + word.len() + 1 > WIDTH && column > depth * 2 {
            new_line(out, depth);
            column = depth * 2;
            if depth > 0 {
                out.pop();
                column -= 1;
            }
        }
        out.push(' ');
        out.push_str(word);
        column += word.len() + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines() {
        let check = |document: &str, expect: &str| assert_eq!(outline(document), expect);
        check(r#"{"a":"b","c":1,"d":true}"#, "a: b\nc: 1\nd: true\n");
        check(
            r#"{"a":[],"b":{},"c":["x-1","Y"],"d":[1,2]}"#,
            "a: none\nb: none\nc: x-1 Y\nd: 1 2\n",
        );
        check(r#"{"a":["x y","z"]}"#, "a:\n  - x y\n  - z\n");
        check(
            r#"{"a":[{"t":"x","u":["k v"],"w":{"p":0}},{"t":"y"}],"b":1}"#,
            "a:\n  - x\n    u:\n      - k v\n    w:\n      p: 0\n  - y\nb: 1\n",
        );
        check(r#"{"a":"say \"a\\b\"\n","b":"é"}"#, "a: say \"a\\b\"\\n\nb: é\n");
        check(r#"{"a":["{x","}"]}"#, "a:\n  - {x\n  - }\n");
        check(r#"{"a":["]","x"]}"#, "a:\n  - ]\n  - x\n");
        check(r#"{"a":["x","y]"],"b":1}"#, "a:\n  - x\n  - y]\nb: 1\n");
        check(r#"{"a":["x,y","z"]}"#, "a:\n  - x,y\n  - z\n");
    }

    #[test]
    fn paragraphs_of_words_are_broken() {
        let list = "\"CAP_SYS_ADMIN\",".repeat(12);
        let text = outline(&alloc::format!("{{\"p\":{{\"s\":[{}]}}}}", list.trim_end_matches(',')));
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(text.lines().nth(2).unwrap().starts_with("    CAP_"), "{text}");
        assert_eq!(text.matches("CAP_SYS_ADMIN").count(), 12);
    }
}
