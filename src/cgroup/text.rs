//! The texts in the files of cgroups: numbers, lists, `KEY NUMBER`.
//!
//! They come from the kernel: what does not look as documented counts as 0.

use crate::number;
use alloc::vec::Vec;

/// A number; `max` is the greatest, and anything else 0.
#[inline(never)]
pub fn parse(text: &str) -> u64 {
    if text == "max" { u64::MAX } else { number::unsigned(text).unwrap_or(0) }
}

/// The value behind a key, in fields of `KEY` and `VALUE` with something between.
#[inline(never)]
pub fn found<'t>(text: &'t str, between: char, inside: char, key: &str) -> Option<&'t str> {
    let mut pairs = text.split(between).filter_map(|field| field.split_once(inside));
    pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// The number behind a key, in lines of `KEY NUMBER`.
pub fn value_of(text: &str, key: &str) -> u64 {
    found(text, '\n', ' ', key).map_or(0, parse)
}

/// One column of numbers, without its heading.
pub fn column(text: &str, index: usize) -> Vec<u64> {
    text.lines().skip(1).filter_map(|line| line.split(' ').nth(index).map(parse)).collect()
}

/// The numbers of a list: `0-3,7`.
pub fn list(text: &str) -> Vec<u64> {
    let mut numbers = Vec::new();
    for range in text.trim_ascii().split(',').filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        numbers.extend(parse(first)..=parse(last).min(u16::MAX.into()));
    }
    numbers
}

/// What was counted for a device: `MAJOR:MINOR`, `Read` or another kind or
/// nothing, the number.
pub type Count<'t> = (&'t str, &'t str, u64);

/// The entries of a blkio file of v1: `MAJOR:MINOR [KIND] NUMBER` a line. The
/// sums have no device.
pub fn devices(text: &str) -> Vec<Count<'_>> {
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs
        .filter(|(device, _)| device.as_bytes().contains(&b':'))
        .map(|(device, rest)| {
            let (kind, number) = rest.split_once(' ').unwrap_or(("", rest));
            (device, kind, parse(number))
        })
        .collect()
}

/// A decimal number as Go writes it: without zeros at the end.
pub fn shortest(number: &str) -> &str {
    match number.as_bytes().contains(&b'.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, expect) in [("0", 0), ("17", 17), ("max", u64::MAX), ("", 0), ("-1", 0)] {
            assert_eq!(parse(text), expect, "{text}");
        }
        for (text, expect) in
            [("0.00", "0"), ("12.30", "12.3"), ("100.00", "100"), ("1.25", "1.25"), ("100", "100")]
        {
            assert_eq!(shortest(text), expect);
        }
    }

    #[test]
    fn keys() {
        let text = "low 0\noom 3\noom_kill 2\noom_group_kill max\n";
        for (key, expect) in
            [("low", 0), ("oom", 3), ("oom_kill", 2), ("oom_group_kill", u64::MAX), ("kill", 0)]
        {
            assert_eq!(value_of(text, key), expect, "{key}");
        }
        assert_eq!(value_of("", "a"), 0);
        assert_eq!(found("some avg10=1.00 total=7", ' ', '=', "total"), Some("7"));
    }

    #[test]
    fn lists() {
        assert_eq!(list("0-3,7\n"), [0, 1, 2, 3, 7]);
        assert_eq!(list("5"), [5]);
        assert_eq!(list("\n"), []);
        assert_eq!(list("0-max").len(), 65_536);
        assert_eq!(column("cpu user system\n0 1 2\n1 3 4\n", 2), [2, 4]);
    }

    #[test]
    fn block_devices() {
        let text = "8:0 Read 4096\n8:0 Total 4096\n252:16 7\nTotal 4103\n";
        assert_eq!(
            devices(text),
            [("8:0", "Read", 4096), ("8:0", "Total", 4096), ("252:16", "", 7)]
        );
        assert_eq!(devices("Total 0\n"), []);
    }
}
