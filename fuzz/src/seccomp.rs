//! `linux.seccomp`: the compiled filter is run, and answers what the profile
//! says, read rule by rule.

use ocinit::json::Document;
use ocinit::seccomp::compile_for;
use ocinit::seccomp::reference::{Expected, has_table};
use ocinit::spec::{Seccomp, SeccompArch};

/// Calls tried with each number.
const ROUNDS: usize = 8;

/// Reads the bytes as a profile. The machine is the first of its architectures
/// that has a table; otherwise x86_64.
pub fn check(data: &[u8]) {
    let Ok(document) = Document::parse(data, "seccomp.json") else { return };
    let Ok(profile) = document.read(Seccomp::parse) else { return };
    let native = profile.architectures.iter().copied().find(|arch| has_table(*arch));
    let native = native.unwrap_or(SeccompArch::X86_64);
    let Ok(filter) = compile_for(&profile, native) else { return };
    let values = values(&profile);
    let mut random = 0x5eed_u64;
    let mut next = || {
        // Xorshift.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        values[(random >> 11) as usize % values.len()]
    };
    for expected in Expected::all(&profile, native) {
        for number in expected.numbers() {
            for _ in 0..ROUNDS {
                expected.compare(&filter, number, [(); 6].map(|()| next()));
            }
        }
    }
}

/// The values that arguments are compared with, and their neighbours.
fn values(profile: &Seccomp<'_>) -> Vec<u64> {
    let mut values = vec![0, 1, u32::MAX.into(), 1 << 32, u64::MAX];
    for argument in profile.syscalls.iter().flat_map(|rule| &rule.args) {
        for value in [argument.value, argument.value_two, argument.value & argument.value_two] {
            values.extend([value, value.wrapping_add(1), value.wrapping_sub(1)]);
            values.extend([value ^ 1 << 40, value | 1 << 63, value & 0xffff_ffff]);
        }
    }
    values
}
