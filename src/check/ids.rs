//! Which ids a user may map (user_namespaces(7), subuid(5)).

use super::{any_line, field, read};
use crate::namespace::idmap::Range;
use crate::number;
use crate::text;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// A range of ids: the first, and how many.
pub type Span = (u64, u64);

/// The ranges that a file like /etc/subuid gives to a user; it names the user
/// or has the number.
pub fn subordinate(file: &str, uid: u32) -> Vec<Span> {
    let (users, uid) = (read("/etc/passwd").unwrap_or_default(), text!("{uid}"));
    spans(read(file).unwrap_or_default(), name_of(users, uid), uid)
}

fn name_of<'a>(users: &'a str, uid: &str) -> &'a str {
    let line = users.lines().find(|line| field(line, ':', 2) == uid);
    line.map_or("", |line| field(line, ':', 0))
}

fn spans(text: &str, name: &str, uid: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    any_line(text, &mut |line| {
        let user = field(line, ':', 0);
        if !name.is_empty() && user == name || user == uid {
            push(&mut spans, field(line, ':', 1), field(line, ':', 2));
        }
        false
    });
    spans
}

#[inline(never)]
fn push(spans: &mut Vec<Span>, first: &str, count: &str) {
    if let (Some(first), Some(count)) =
        (number::unsigned(first), number::unsigned(count.trim_ascii()))
    {
        spans.push((first, count));
    }
}

/// The ids of our own user namespace, from /proc/self/uid_map or gid_map.
pub fn own(file: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    any_line(read(file).unwrap_or_default(), &mut |line| {
        let mut numbers = line.split_ascii_whitespace();
        if let (Some(first), _, Some(count)) = (numbers.next(), numbers.next(), numbers.next()) {
            push(&mut spans, first, count);
        }
        false
    });
    spans
}

/// The first range of a map that is neither within one of the spans nor `id`
/// alone.
pub fn outside<'a>(map: &'a [Range], spans: &[Span], id: Option<u32>) -> Option<&'a Range> {
    map.iter().find(|range| {
        let (first, end) = (u64::from(range.host), u64::from(range.host) + u64::from(range.size));
        let alone = range.size == 1 && Some(range.host) == id;
        !alone && !spans.iter().any(|span| span.0 <= first && end <= span.0 + span.1)
    })
}

/// Spans as text: `FIRST:COUNT`, with blanks between.
pub fn text(spans: &[Span]) -> &'static str {
    let mut text = String::new();
    for (first, count) in spans {
        let blank = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{blank}{first}:{count}");
    }
    text.leak()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_their_spans() {
        let users = "root:x:0:0::/:\njo:x:1000:1000::/:\n";
        assert_eq!((name_of(users, "1000"), name_of(users, "7")), ("jo", ""));
        let text = "jo:100000:65536\nal:1:2\n1000:5:6\nbroken\njo:x:y\n";
        assert_eq!(spans(text, "jo", "1000"), [(100_000, 65536), (5, 6)]);
        assert_eq!(spans(text, "", "7"), []);
    }

    #[test]
    fn ranges_beyond() {
        let range = |host, size| Range { container: 0, host, size };
        let spans = [(100_000, 65536)];
        let check = |range: Range, fits: bool| {
            assert_eq!(outside(&[range], &spans, Some(1000)).is_none(), fits, "{range:?}");
        };
        check(range(1000, 1), true);
        check(range(1001, 1), false);
        check(range(1000, 2), false);
        check(range(100_000, 65536), true);
        check(range(100_001, 65536), false);
        check(range(u32::MAX, u32::MAX), false);
    }
}
