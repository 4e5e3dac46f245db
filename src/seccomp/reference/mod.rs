//! What a filter must answer, found out without the compiler: the profile read
//! rule by rule, and classic BPF run as the kernel runs it. For the tests and
//! for the fuzzer (feature `reference`).

pub mod direct;
pub mod interpreter;

use alloc::vec;
use alloc::vec::Vec;

use super::arch::{Arch, Family};
use super::{Filter, action};
use crate::spec::{Seccomp, SeccompArch};
use direct::Reading;

/// A call as a filter sees it: `struct seccomp_data`.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// The number.
    pub number: u32,
    /// `AUDIT_ARCH_*`.
    pub audit: u32,
    /// The most significant half of an argument comes first.
    pub big_endian: bool,
    /// The arguments.
    pub args: [u64; 6],
}

/// Whether there is a table for a machine of this architecture.
pub fn has_table(native: SeccompArch) -> bool {
    Family::of(native).is_some()
}

/// What a profile says of the calls of one architecture.
pub struct Expected {
    native: SeccompArch,
    arch: &'static Arch,
    wanted: bool,
    reading: Reading,
}

impl Expected {
    /// The architectures of a machine; none where there is no table for it.
    pub fn all(profile: &Seccomp<'_>, native: SeccompArch) -> Vec<Expected> {
        let Some(family) = Family::of(native) else { return Vec::new() };
        let one = |arch: &'static Arch| Expected {
            native,
            arch,
            wanted: arch.name == native || profile.architectures.contains(&arch.name),
            reading: Reading::new(profile, family, arch),
        };
        family.arches.iter().map(one).collect()
    }

    /// The numbers of the calls that the profile names, and their neighbours.
    pub fn numbers(&self) -> Vec<u32> {
        let near = |number: u32| [number.wrapping_sub(1), number, number.wrapping_add(1)];
        let named = self.reading.numbers().chain(self.reading.newest);
        named.chain([self.arch.base, u32::MAX]).flat_map(near).collect()
    }

    /// Runs the filter on a call of this number; whether it was a call of this
    /// architecture at all.
    ///
    /// # Panics
    /// The filter answers what the profile does not say.
    pub fn compare(&self, filter: &Filter, number: u32, args: [u64; 6]) -> bool {
        let arch = self.arch;
        let number = if self.wanted { number } else { number | arch.base };
        let call = Call { number, audit: arch.audit, big_endian: arch.big_endian, args };
        let (answer, _) = interpreter::run(&filter.instructions, &call);
        // The x32 bit makes a call of x86_64 one of x32.
        if arch.name == SeccompArch::X86_64 && number >= super::arch::X32_BIT {
            return false;
        }
        // And a number without it one of x86_64.
        if number < arch.base {
            return false;
        }
        let expected =
            if self.wanted { self.reading.answers(&call) } else { vec![action::KILL_THREAD] };
        assert!(
            expected.contains(&answer),
            "{:?} {call:x?}: {answer:#x}, not one of {expected:x?}",
            self.native
        );
        true
    }
}
