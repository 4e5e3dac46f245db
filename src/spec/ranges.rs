//! Lists of numbers as cpuset(7) writes them: `0-3,7`.

use alloc::vec::Vec;

/// The ranges of a list, first and last number each; `None` where it is not
/// one. Blanks around numbers are allowed, an empty list is none.
pub fn parse(list: &str) -> Option<Vec<(u32, u32)>> {
    let mut ranges = Vec::new();
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return None;
        }
        ranges.push((first, last));
    }
    Some(ranges)
}

/// A decimal number without a sign.
fn number(text: &str) -> Option<u32> {
    let text = text.trim_ascii();
    if text.starts_with('+') { None } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let check = |list, expect: Option<&[(u32, u32)]>| {
            assert_eq!(parse(list).as_deref(), expect, "{list:?}");
        };
        check("0", Some(&[(0, 0)]));
        check("0-3,7", Some(&[(0, 3), (7, 7)]));
        check(" 1 - 2 , 4\n", Some(&[(1, 2), (4, 4)]));
        for bad in ["", ",", "1,", "3-1", "a", "-1", "+1", "1-", "0x1", "1-2-3", "4294967296"] {
            check(bad, None);
        }
    }
}
