//! Waiting without guessing how long.

use std::time::{Duration, Instant};

/// Asks `done` every few milliseconds until it says yes; panics with `what`
/// when ten seconds have gone by.
#[track_caller]
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(10), "waited 10 s in vain for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// As [`eventually`], for something that is there at last.
#[track_caller]
pub fn found<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut value = None;
    eventually(what, || {
        value = look();
        value.is_some()
    });
    value.expect("eventually returned")
}
