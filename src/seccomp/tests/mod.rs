//! The compiler against a direct reading of the profile, against libseccomp and
//! against the kernel.

extern crate std;

mod kernel;
mod libseccomp;
mod profiles;
mod refusals;
mod sweep;

use super::reference::{Call, Expected, direct, interpreter};
use super::*;
use crate::spec::SeccompOperator;
use alloc::vec;

/// Numbers that look random and are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// The first architecture of each family and byte order.
fn natives() -> Vec<SeccompArch> {
    SeccompArch::ALL.iter().copied().filter(|arch| Family::of(*arch).is_some()).collect()
}

/// An architecture and its family.
fn find(arch: SeccompArch) -> (&'static Family, &'static Arch) {
    let family = Family::of(arch).unwrap();
    (family, family.arches.iter().find(|other| other.name == arch).unwrap())
}
