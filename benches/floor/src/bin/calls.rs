//! Prints what a system call costs here, in picoseconds: the fastest of many
//! rounds, so that a busy machine counts for little.
//!
//! The calls are ones that every profile allows and that do next to nothing:
//! one that stands early in a filter's order of numbers, one late.
#![no_std]
#![no_main]

use floor::text::Text;
use floor::{call, call::exit};

/// Rounds of which the fastest counts, and calls in each.
const ROUNDS: u32 = 400;
const CALLS: u64 = 1000;

fn now() -> u64 {
    let mut time = [0_u64; 2];
    // CLOCK_MONOTONIC.
    call!(__NR_clock_gettime, 1, time.as_mut_ptr());
    time[0] * 1_000_000_000 + time[1]
}

fn fastest(call: impl Fn()) -> u64 {
    let mut best = u64::MAX;
    for _ in 0..ROUNDS {
        let start = now();
        for _ in 0..CALLS {
            call();
        }
        best = best.min(now() - start);
    }
    best * 1000 / CALLS
}

#[unsafe(no_mangle)]
extern "C" fn floor_main(_: *const usize) -> ! {
    let mut text = Text::<80>::new();
    text.number(fastest(|| {
        call!(__NR_getppid);
    }));
    text.push(b" ");
    // No such mode: EINVAL at once.
    text.number(fastest(|| {
        call!(__NR_faccessat2, 0, 0, usize::MAX, 0);
    }));
    text.push(b"\n");
    call!(__NR_write, 1, text.address(), text.length());
    exit(0)
}
