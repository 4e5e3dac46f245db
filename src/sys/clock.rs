//! The system's clocks, without the vDSO: finding it costs more than the call.

use super::raw::syscall;
use linux_raw_sys::general::{
    __NR_clock_gettime, __kernel_timespec, CLOCK_MONOTONIC, CLOCK_REALTIME,
};

/// The time of day: whole seconds since 1970 in UTC, and nanoseconds below a
/// second.
pub fn realtime() -> (i64, u32) {
    let mut time = __kernel_timespec { tv_sec: 0, tv_nsec: 0 };
    let at = &raw mut time as usize;
    // SAFETY: the structure lives across the call and is the kernel's on
    // 64-bit architectures. The call cannot fail with these arguments.
    let _ = unsafe { syscall(__NR_clock_gettime, [CLOCK_REALTIME as usize, at, 0, 0, 0, 0]) };
    (time.tv_sec, time.tv_nsec as u32)
}

/// Milliseconds since some moment in the past, whatever the time of day does.
pub fn monotonic() -> u64 {
    let mut time = __kernel_timespec { tv_sec: 0, tv_nsec: 0 };
    let at = &raw mut time as usize;
    // SAFETY: as above.
    let _ = unsafe { syscall(__NR_clock_gettime, [CLOCK_MONOTONIC as usize, at, 0, 0, 0, 0]) };
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

/// Sleeps as shortly as can be: for the slack of timers, some 50 µs
/// (`PR_SET_TIMERSLACK` of prctl(2)).
pub fn nap() {
    let _ = rustix::thread::nanosleep(&rustix::time::Timespec { tv_sec: 0, tv_nsec: 1 });
}

/// Sleeps so many milliseconds, below a second, or until a signal comes.
pub fn sleep(milliseconds: u32) {
    let time = rustix::time::Timespec {
        tv_sec: 0,
        tv_nsec: (i64::from(milliseconds) * 1_000_000) as rustix::time::Nsecs,
    };
    let _ = rustix::thread::nanosleep(&time);
}
