//! The time of day. Boards without a battery start in 1970, when no certificate
//! is valid: the clock is set from the RTC, and never left before the time at
//! which this program could have been made.

use crate::named;
use crate::sys::board::{RtcTime, rtc_time};
use crate::sys::clock::realtime;
use rustix::fs::{Mode, OFlags, open};
use rustix::time::{ClockId, Timespec, clock_settime};

/// No clock is right before this: 2026-01-01T00:00:00Z. A constant, and not the
/// time of the build, so that two builds are the same.
const FLOOR: i64 = 1_767_225_600;

/// Sets the clock where it cannot be right; `file` is one of the board's, whose
/// time of change it cannot be before.
pub fn set(file: &str) {
    let changed = named::stat(file).map_or(0, |stat| stat.st_mtime);
    let floor = changed.max(FLOOR);
    if realtime().0 >= floor {
        return;
    }
    let time = Timespec { tv_sec: read_rtc().unwrap_or(0).max(floor), tv_nsec: 0 };
    let _ = clock_settime(ClockId::Realtime, time);
}

fn read_rtc() -> Option<i64> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let rtc = open(c"/dev/rtc0", flags, Mode::empty()).ok()?;
    seconds(&rtc_time(crate::sys::fd::AsFd::as_fd(&rtc)).ok()?)
}

/// The seconds since 1970 of a time in UTC; `None` when it is no time.
fn seconds(time: &RtcTime) -> Option<i64> {
    let RtcTime { second, minute, hour, day, month, year, .. } = *time;
    let valid = (0..60).contains(&second)
        && (0..60).contains(&minute)
        && (0..24).contains(&hour)
        && (1..=31).contains(&day)
        && (0..12).contains(&month)
        && (70..1000).contains(&year);
    if !valid {
        return None;
    }
    // Years are counted from March, so that the leap day is the last one.
    let (month, year) = (i64::from(month), i64::from(year) + 1900);
    let (month, year) = if month < 2 { (month + 10, year - 1) } else { (month - 2, year) };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = 365 * year + leap_days + (153 * month + 2) / 5 + i64::from(day) - 719_469;
    Some(((days * 24 + i64::from(hour)) * 60 + i64::from(minute)) * 60 + i64::from(second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::time::Timestamp;
    use alloc::format;

    #[test]
    fn times() {
        for (year, month, day, hour, text) in [
            (1970, 1, 1, 0, "1970-01-01T00:02:03Z"),
            (2000, 2, 29, 23, "2000-02-29T23:02:03Z"),
            (2000, 3, 1, 0, "2000-03-01T00:02:03Z"),
            (2024, 12, 31, 5, "2024-12-31T05:02:03Z"),
            (2026, 1, 1, 0, "2026-01-01T00:02:03Z"),
            (2100, 3, 1, 1, "2100-03-01T01:02:03Z"),
        ] {
            let (year, month) = (year - 1900, month - 1);
            let time =
                RtcTime { second: 3, minute: 2, hour, day, month, year, ..RtcTime::default() };
            let seconds = seconds(&time).unwrap();
            assert_eq!(format!("{}", Timestamp { seconds, nanoseconds: 0 }), text);
        }
        assert_eq!(
            format!("{}", Timestamp { seconds: FLOOR, nanoseconds: 0 }),
            "2026-01-01T00:00:00Z"
        );
        for bad in [
            RtcTime { day: 0, year: 100, ..RtcTime::default() },
            RtcTime { day: 1, year: 100, hour: -1, ..RtcTime::default() },
            RtcTime { day: 1, year: 9, ..RtcTime::default() },
        ] {
            assert_eq!(seconds(&bad), None);
        }
    }
}
