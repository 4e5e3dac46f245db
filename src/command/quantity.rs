//! Values with a unit on the command line: durations as of Go's
//! time.ParseDuration. In integers: what is below a nanosecond is cut off.

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
        let (number, after) = rest.split_at(start);
        let end = after.find(|letter: char| letter == '.' || letter.is_ascii_digit());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        let (_, scale) = DURATIONS.iter().find(|(name, _)| *name == unit)?;
        total = scaled(number, *scale)?.checked_add(total)?;
        rest = after;
        if rest.is_empty() {
            return Some(if text.starts_with('-') { -total } else { total });
        }
    }
}

/// A decimal number, times a unit.
fn scaled(number: &str, unit: u64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let parse = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u64>().ok() };
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
}
