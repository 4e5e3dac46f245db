//! Values with a unit on the command line: durations as of Go's
//! time.ParseDuration, sizes as of docker's go-units. Both in integers: what is
//! below a nanosecond or a byte is cut off.

use crate::cut;
use crate::error::{Error, Result};
use crate::number;

/// Digits after the point that count.
const FRACTION: usize = 9;

/// The units of a duration in nanoseconds; `µs` in both of Unicode's ways.
const DURATIONS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A duration in nanoseconds: `5s`, `1m30s`, `0.5h`, `-1s`; `0` needs no unit.
/// `None` for anything else, and beyond 64 bits.
pub fn duration(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "0" {
        return Some(0);
    }
    let mut total = 0;
    let mut rest = unsigned;
    loop {
        let start = rest.find(|letter: char| letter != '.' && !letter.is_ascii_digit())?;
        let (number, after) = cut::at(rest, start);
        let end = after.find(|letter: char| letter == '.' || letter.is_ascii_digit());
        let (unit, after) = cut::at(after, end.unwrap_or(after.len()));
        let (_, scale) = DURATIONS.iter().find(|(name, _)| *name == unit)?;
        total = scaled(number, *scale)?.checked_add(total)?;
        rest = after;
        if rest.is_empty() {
            return Some(if text.starts_with('-') { -total } else { total });
        }
    }
}

/// A number of bytes: `1024`, `512k`, `1.5G`, `64 MiB`; the units are powers of
/// 1024, in any case.
///
/// # Errors
/// In the words of go-units: `invalid size: 'x'`, `invalid suffix: 'x'`.
pub fn bytes(text: &str) -> Result<i64> {
    let invalid = || Error::about("invalid size: '{}'", text);
    let digit = |letter: u8| letter.is_ascii_digit() || letter == b'.' || letter == b' ';
    let end = text.bytes().rposition(digit).ok_or_else(invalid)? + 1;
    let (number, suffix) = cut::at(text, end);
    let unit = suffix.to_ascii_lowercase();
    let (letter, rest) = unit.split_at_checked(1).unwrap_or((&unit, ""));
    let power = b"bkmgtp".iter().position(|known| [*known] == *letter.as_bytes());
    let power = match (power, letter, rest) {
        (_, "", "") | (Some(0), _, "") => 0,
        (Some(power @ 1..), _, "" | "b" | "ib") => power,
        _ => return Err(Error::about("invalid suffix: '{}'", &unit)),
    };
    let number = number.strip_suffix(' ').unwrap_or(number);
    scaled(number, 1 << (10 * power)).ok_or_else(invalid)
}

/// A decimal number, times a unit.
fn scaled(number: &str, unit: u64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let parse =
        |digits: &str| if digits.is_empty() { Some(0) } else { number::unsigned::<u64>(digits) };
    let fraction = parse(fraction.get(..FRACTION).unwrap_or(fraction))
        .filter(|_| fraction.bytes().all(|digit| digit.is_ascii_digit()))?
        * 10u64.pow(FRACTION.saturating_sub(fraction.len()) as u32);
    let part = u128::from(fraction) * u128::from(unit) / 10u128.pow(FRACTION as u32);
    let whole = i64::try_from(unit).ok()?.checked_mul(parse(whole)?.try_into().ok()?)?;
    whole.checked_add(part as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn durations() {
        for (text, expect) in [
            ("0", 0),
            ("+0", 0),
            ("5s", 5_000_000_000),
            ("+5s", 5_000_000_000),
            ("-5s", -5_000_000_000),
            ("500ms", 500_000_000),
            ("1m", 60_000_000_000),
            ("1h2m3s4ms5us6ns", 3_723_004_005_006),
            ("1µs1μs", 2_000),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("0.333333333333333333333h", 1_199_999_998_800),
            ("2562047h", 9_223_369_200_000_000_000),
        ] {
            assert_eq!(duration(text), Some(expect), "{text}");
        }
        for text in
            ["", "-", "5", "s", ".s", "5 s", "5x", "5s5", "1..5s", "2562048h", "--5s", "5S", "é"]
        {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes() {
        let check = |text: &str, expect: &str| {
            let got = bytes(text);
            assert_eq!(got.map_or_else(|e| e.to_string(), |n| n.to_string()), expect, "{text}");
        };
        check("0", "0");
        check("1024", "1024");
        check("32b", "32");
        check("32k", "32768");
        check("32 KiB", "32768");
        check("32mB", "33554432");
        check("1.5G", "1610612736");
        check("1t", "1099511627776");
        check("2P", "2251799813685248");
        check("9223372036854775807", "9223372036854775807");
        check("9223372036854775808", "invalid size: '9223372036854775808'");
        check("9000p", "invalid size: '9000p'");
        check("", "invalid size: ''");
        check("-2", "invalid size: '-2'");
        check("-1k", "invalid size: '-1k'");
        check("x", "invalid size: 'x'");
        check(".", "invalid size: '.'");
        check(" 1", "invalid size: ' 1'");
        check("1  k", "invalid size: '1  k'");
        check("1.2.3", "invalid size: '1.2.3'");
        check("1kk", "invalid suffix: 'kk'");
        check("1bb", "invalid suffix: 'bb'");
        check("1x", "invalid suffix: 'x'");
        check("1é", "invalid suffix: 'é'");
    }
}
