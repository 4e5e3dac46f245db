//! [`ocinit_fuzz::seccomp`] under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ocinit_fuzz::seccomp::check(data));
