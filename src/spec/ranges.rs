//! Lists of numbers as cpuset(7) writes them: `0-3,7`.

use crate::sys::schedule::Mask;

/// Visits the ranges of a list, first and last number each. Blanks around
/// numbers are allowed; an empty list is none.
///
/// Returns whether all of it is a list; the ranges before an error are visited.
pub fn each(list: &str, visit: &mut dyn FnMut(u32, u32)) -> bool {
    let mut bytes = list.as_bytes();
    loop {
        let Some(first) = number(&mut bytes) else {
            return false;
        };
        let mut last = first;
        if let Some(rest) = bytes.strip_prefix(b"-") {
            bytes = rest;
            match number(&mut bytes) {
                Some(number) if number >= first => last = number,
                _ => return false,
            }
        }
        visit(first, last);
        match bytes {
            [] => return true,
            [b',', rest @ ..] => bytes = rest,
            _ => return false,
        }
    }
}

/// The numbers of a list as bits; `None` when one does not fit.
pub fn mask(list: &str) -> Option<Mask> {
    let mut mask = Mask::default();
    let mut fits = true;
    let valid = each(list, &mut |first, last| {
        fits &= last < 8 * size_of::<Mask>() as u32;
        for number in first..if fits { last + 1 } else { first } {
            mask[number as usize / 64] |= 1 << (number % 64);
        }
    });
    (valid && fits).then_some(mask)
}

/// Whether a text is such a list.
pub fn is_valid(list: &str) -> bool {
    each(list, &mut |_, _| {})
}

/// Takes a decimal number and the blanks around it off the text.
fn number(bytes: &mut &[u8]) -> Option<u32> {
    let text = bytes.trim_ascii_start();
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(digits);
    *bytes = rest.trim_ascii_start();
    let mut number = None;
    for digit in digits {
        number = Some(number.unwrap_or(0u32).checked_mul(10)?.checked_add((digit - b'0').into())?);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        let some = |words: &[u64]| {
            let mut mask = Mask::default();
            mask[..words.len()].copy_from_slice(words);
            Some(mask)
        };
        assert_eq!(mask("0-3,7"), some(&[0x8f]));
        assert_eq!(mask("63-65"), some(&[1 << 63, 3]));
        assert_eq!(mask("1023").unwrap()[15], 1 << 63);
        assert_eq!(mask("1024"), None);
        assert_eq!(mask("1,0-4294967295"), None);
        assert_eq!(mask("x"), None);
    }

    #[test]
    fn lists() {
        let check = |list, expect: Option<&[(u32, u32)]>| {
            let mut ranges = alloc::vec::Vec::new();
            let valid = each(list, &mut |first, last| ranges.push((first, last)));
            assert_eq!(valid.then_some(&ranges[..]), expect, "{list:?}");
            assert_eq!(is_valid(list), valid);
        };
        check("0", Some(&[(0, 0)]));
        check("0-3,7", Some(&[(0, 3), (7, 7)]));
        check(" 1 - 2 , 4\n", Some(&[(1, 2), (4, 4)]));
        for bad in
            ["", ",", "1,", "3-1", "a", "-1", "+1", "1-", "0x1", "1-2-3", "1 2", "4294967296"]
        {
            check(bad, None);
        }
    }
}
