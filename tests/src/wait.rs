//! Waiting without guessing how long.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A limit of time as a slow machine needs it: `OCINIT_PATIENCE` times as long.
pub fn patiently(limit: Duration) -> Duration {
    static PATIENCE: OnceLock<u32> = OnceLock::new();
    let patience = PATIENCE.get_or_init(|| match std::env::var("OCINIT_PATIENCE") {
        Ok(text) => text.parse().expect("OCINIT_PATIENCE is a number"),
        Err(_) => 1,
    });
    limit * *patience
}

/// Asks `done` every few milliseconds until it says yes; panics with `what`
/// when ten seconds have gone by.
#[track_caller]
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let limit = patiently(Duration::from_secs(10));
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "waited {} s in vain for: {what}", limit.as_secs());
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
