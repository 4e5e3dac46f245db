//! [`ocinit_fuzz::netlink`] under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ocinit_fuzz::netlink::check(data));
