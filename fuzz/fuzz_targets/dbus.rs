//! [`ocinit_fuzz::dbus`] under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ocinit_fuzz::dbus::check(data));
