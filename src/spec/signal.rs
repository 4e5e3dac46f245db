//! The names of signals.
//!
//! The numbers differ between architectures: they come from linux-raw-sys.
//! Real-time signals start at 34 as in glibc, which keeps 32 and 33 for itself;
//! engines count on that.

use crate::json::words;
use crate::number;
use linux_raw_sys::general as sys;

/// The first real-time signal, as users count.
const RTMIN: u32 = 34;
/// The last signal.
const RTMAX: u32 = 64;

/// Names without `SIG`, each followed by a space. Aliases come after the names
/// that [`name`] is to give.
const NAMES: &str = concat!(
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM CHLD CONT STOP TSTP ",
    "TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS IOT POLL CLD ",
    "STKFLT ",
);

#[rustfmt::skip]
const NUMBERS: &[u8] = &[
    sys::SIGHUP as u8, sys::SIGINT as u8, sys::SIGQUIT as u8, sys::SIGILL as u8,
    sys::SIGTRAP as u8, sys::SIGABRT as u8, sys::SIGBUS as u8, sys::SIGFPE as u8,
    sys::SIGKILL as u8, sys::SIGUSR1 as u8, sys::SIGSEGV as u8, sys::SIGUSR2 as u8,
    sys::SIGPIPE as u8, sys::SIGALRM as u8, sys::SIGTERM as u8, sys::SIGCHLD as u8,
    sys::SIGCONT as u8, sys::SIGSTOP as u8, sys::SIGTSTP as u8, sys::SIGTTIN as u8,
    sys::SIGTTOU as u8, sys::SIGURG as u8, sys::SIGXCPU as u8, sys::SIGXFSZ as u8,
    sys::SIGVTALRM as u8, sys::SIGPROF as u8, sys::SIGWINCH as u8, sys::SIGIO as u8,
    sys::SIGPWR as u8, sys::SIGSYS as u8, sys::SIGABRT as u8, sys::SIGIO as u8,
    sys::SIGCHLD as u8,
    // The last: sparc64 has none, and its number is another's.
    #[cfg(not(target_arch = "sparc64"))]
    { sys::SIGSTKFLT as u8 },
];

/// The number of a signal: a number from 0 to 64, or a name in any case, with
/// or without `SIG`; also `RTMIN`, `RTMIN+N`, `RTMAX` and `RTMAX-N`.
pub fn number(text: &str) -> Option<u32> {
    if text.bytes().next()?.is_ascii_digit() {
        return number::unsigned(text).filter(|&number| number <= RTMAX);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some(offset) = name.strip_prefix("RTMIN") {
        return RTMIN.checked_add(distance(offset, '+')?).filter(|&number| number <= RTMAX);
    }
    if let Some(offset) = name.strip_prefix("RTMAX") {
        return RTMAX.checked_sub(distance(offset, '-')?).filter(|&number| number >= RTMIN);
    }
    NUMBERS.get(words::index(NAMES, name)?).map(|number| (*number).into())
}

/// The `+N` behind `RTMIN`; nothing is 0.
fn distance(text: &str, sign: char) -> Option<u32> {
    if text.is_empty() {
        return Some(0);
    }
    let digits = text.strip_prefix(sign)?;
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    number::unsigned(digits)
}

/// The name of a signal without `SIG`; `""` for real-time and unknown ones.
pub fn name(number: u32) -> &'static str {
    let place = NUMBERS.iter().position(|&known| u32::from(known) == number);
    place.map_or("", |place| words::nth(NAMES, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let check = |text, expect| assert_eq!(number(text), expect, "{text:?}");
        check("TERM", Some(sys::SIGTERM));
        check("SIGTERM", Some(sys::SIGTERM));
        check("sigterm", Some(sys::SIGTERM));
        check("Kill", Some(sys::SIGKILL));
        check("SIGCHLD", Some(sys::SIGCHLD));
        check("cld", Some(sys::SIGCHLD));
        let stkflt = if cfg!(target_arch = "sparc64") { None } else { Some(16) };
        check("STKFLT", stkflt);
        check("SIGSTKFLT", stkflt);
        check("15", Some(15));
        check("0", Some(0));
        check("64", Some(64));
        check("SIGRTMIN", Some(34));
        check("SIGRTMIN+3", Some(37));
        check("rtmax-1", Some(63));
        check("RTMAX", Some(64));
        for bad in [
            "",
            "SIG",
            "65",
            "-1",
            "+9",
            "9x",
            "FOO",
            "RTMIN+",
            "RTMIN+31",
            "RTMIN-1",
            "RTMAX+1",
            "RTMAX-31",
            "RTMIN++1",
            "RTMIN+4294967295",
            "SIGSIGTERM",
            "TERM ",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn names() {
        let missing = usize::from(cfg!(target_arch = "sparc64"));
        assert_eq!(words::iter(NAMES).count(), NUMBERS.len() + missing);
        for number in 1..32 {
            if !name(number).is_empty() {
                assert_eq!(super::number(name(number)), Some(number));
            }
        }
        assert_eq!(name(sys::SIGABRT), "ABRT");
        assert_eq!(name(40), "");
    }
}
