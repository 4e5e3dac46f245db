//! [`ocinit_fuzz::state`] under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ocinit_fuzz::state::check(data));
