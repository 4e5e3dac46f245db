//! [`ocinit_fuzz::criu`] under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ocinit_fuzz::criu::check(data));
