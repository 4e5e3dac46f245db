//! The time of day in UTC, written as RFC 3339 says.

use core::fmt;

/// A moment, counted from 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// Whole seconds, may be negative.
    pub seconds: i64,
    /// The rest, 0 to 999,999,999.
    pub nanoseconds: u32,
}

impl Timestamp {
    /// Now, by the system's clock.
    pub fn now() -> Timestamp {
        let (seconds, nanoseconds) = crate::sys::clock::realtime();
        Timestamp { seconds, nanoseconds }
    }

    /// With the fraction, as Go's RFC3339Nano: no trailing zeros.
    pub fn with_fraction(self) -> WithFraction {
        WithFraction(self)
    }

    fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.seconds.div_euclid(86_400);
        let second = self.seconds.rem_euclid(86_400);
        let (year, month, day) = civil(days);
        write!(f, "{year:04}-{month:02}-{day:02}T")?;
        write!(f, "{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    }
}

/// In whole seconds: `2024-02-29T12:00:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)?;
        f.write_str("Z")
    }
}

/// A moment with its fraction: `2024-02-29T12:00:00.123Z`.
pub struct WithFraction(Timestamp);

impl fmt::Display for WithFraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f)?;
        let (mut fraction, mut width) = (self.0.nanoseconds, 9);
        if fraction != 0 {
            while fraction.is_multiple_of(10) {
                fraction /= 10;
                width -= 1;
            }
            write!(f, ".{fraction:0width$}")?;
        }
        f.write_str("Z")
    }
}

/// Year, month and day of the day that is `days` after 1970-01-01, in the
/// proleptic Gregorian calendar. Years are counted from 1 March of year 0, so
/// that the leap day is the last one.
fn civil(days: i64) -> (i64, i64, i64) {
    const FOUR_CENTURIES: i64 = 146_097;
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(FOUR_CENTURIES), days.rem_euclid(FOUR_CENTURIES));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn dates() {
        for (seconds, expect) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (2_147_483_648, "2038-01-19T03:14:08Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (-62_135_596_800, "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp { seconds, nanoseconds: 0 }.to_string(), expect);
        }
    }

    #[test]
    fn fractions() {
        for (nanoseconds, expect) in [
            (0, "1970-01-01T00:00:00Z"),
            (1, "1970-01-01T00:00:00.000000001Z"),
            (120_000_000, "1970-01-01T00:00:00.12Z"),
            (1_000, "1970-01-01T00:00:00.000001Z"),
            (999_999_999, "1970-01-01T00:00:00.999999999Z"),
        ] {
            let moment = Timestamp { seconds: 0, nanoseconds };
            assert_eq!(moment.with_fraction().to_string(), expect);
        }
    }
}
