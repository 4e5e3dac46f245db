//! Every number of every architecture, and arguments at the edges and at
//! random: the filter returns what the profile says.

use super::super::arch::SLOTS;
use super::profiles::{self, EDGES, bare, rule};
use super::*;
use std::println;

/// Numbers to ask an architecture's filter about.
fn numbers(arch: &Arch) -> impl Iterator<Item = u32> + use<> {
    let base = arch.base;
    let far = [0xf_0000, 0xf_0001, 0xf_0006, 0xf_0007, 0x3fff_ffff, 0x7fff_ffff, u32::MAX];
    let others = far.into_iter().filter(move |number| base == 0 || *number > base);
    (base..base + SLOTS as u32 + 8).chain(others)
}

/// Compares a filter with the profile; gives the number of comparisons.
fn check(profile: &Seccomp<'_>, native: SeccompArch, random: &mut Random, rounds: usize) -> u64 {
    let family = Family::of(native).unwrap();
    let filter = compile_for(profile, native).unwrap();
    assert!(filter.instructions.len() <= 4096);
    let mut compared = 0;
    for (arch, expected) in family.arches.iter().zip(Expected::all(profile, native)) {
        for number in numbers(arch) {
            for _ in 0..rounds {
                let args = [(); 6].map(|()| match random.below(4) {
                    0 => random.next(),
                    _ => random.of(&EDGES),
                });
                compared += u64::from(expected.compare(&filter, number, args));
            }
        }
    }
    compared
}

#[test]
fn every_number_of_every_architecture() {
    let mut random = Random(0x5eed);
    let (mut compared, mut refused) = (0, 0);
    for native in natives() {
        let family = Family::of(native).unwrap();
        for _ in 0..12 {
            let profile = profiles::random(&mut random, family, native);
            match compile_for(&profile, native) {
                Ok(_) => compared += check(&profile, native, &mut random, 4),
                Err(error) => {
                    let known = ["different actions", "of which the kernel takes"];
                    assert!(known.iter().any(|text| error.what.contains(text)), "{error}");
                    refused += 1;
                }
            }
        }
    }
    println!("{compared} calls compared; {refused} profiles refused");
    assert!(compared > 1_000_000);
}

#[test]
fn the_default_profile_of_containers_common() {
    let arches = [SeccompArch::X86_64, SeccompArch::X86, SeccompArch::X32];
    let Some(profile) = profiles::containers("amd64", &arches) else {
        println!("skipped: no {}", profiles::CONTAINERS);
        return;
    };
    let mut random = Random(7);
    let compared = check(&profile, SeccompArch::X86_64, &mut random, 50);
    let arm = profiles::containers("arm64", &[SeccompArch::Aarch64, SeccompArch::Arm]).unwrap();
    let compared = compared + check(&arm, SeccompArch::Aarch64, &mut random, 50);
    let power = profiles::containers("ppc64le", &[SeccompArch::Ppc64le]).unwrap();
    let compared = compared + check(&power, SeccompArch::Ppc64le, &mut random, 50);
    for (profile, native) in [
        (&profile, SeccompArch::X86_64),
        (&arm, SeccompArch::Aarch64),
        (&power, SeccompArch::Ppc64le),
    ] {
        let filter = compile_for(profile, native).unwrap();
        println!("{native:?}: {} instructions", filter.instructions.len());
    }
    println!("{compared} calls compared");
}

#[test]
fn calls_allowed_whatever_their_arguments_are_for_the_kernels_cache() {
    let Some(profile) = profiles::containers("amd64", &[]) else {
        println!("skipped: no {}", profiles::CONTAINERS);
        return;
    };
    let filter = compile_for(&profile, SeccompArch::X86_64).unwrap();
    let (family, arch) = find(SeccompArch::X86_64);
    let numbers = direct::numbers(family, arch);
    let plain =
        |rule: &&SeccompRule<'_>| rule.action == SeccompAction::Allow && rule.args.is_empty();
    let mut allowed = 0;
    for name in profile.syscalls.iter().filter(plain).flat_map(|rule| &rule.names) {
        let Some(&number) = numbers.get(*name) else { continue };
        let call = Call { number, audit: arch.audit, big_endian: false, args: [0; 6] };
        assert_eq!(interpreter::run(&filter.instructions, &call).0, action::ALLOW, "{name}");
        assert!(!interpreter::looks_at_arguments(&filter.instructions, &call), "{name}");
        allowed += 1;
    }
    println!("{allowed} calls");
}

#[test]
fn unknown_architectures_are_killed_and_foreign_ones_ignored() {
    let mut profile = bare(SeccompAction::Allow);
    profile.architectures = vec![SeccompArch::X86, SeccompArch::Arm, SeccompArch::S390x];
    let filter = compile_for(&profile, SeccompArch::X86_64).unwrap();
    let run = |audit, number| {
        let call = Call { number, audit, big_endian: false, args: [0; 6] };
        interpreter::run(&filter.instructions, &call).0
    };
    assert_eq!(run(0xc000_003e, 1), action::ALLOW);
    assert_eq!(run(0xc000_003e, 0x4000_0001), action::KILL_THREAD);
    assert_eq!(run(0x4000_0003, 1), action::ALLOW);
    assert_eq!(run(0x4000_0028, 1), action::KILL_THREAD);
    assert_eq!(run(0, 1), action::KILL_THREAD);
}

#[test]
fn many_separate_calls_need_long_jumps() {
    // Each call with another errno, so that no ranges merge.
    for native in natives() {
        let family = Family::of(native).unwrap();
        let mut profile = bare(SeccompAction::Allow);
        let arches = family.arches.iter().map(|arch| arch.name);
        profile.architectures = arches.take(3).collect();
        for (errno, name) in family.names().enumerate() {
            let mut one = rule(SeccompAction::Errno, &[name]);
            one.errno = Some(errno as u32 + 1);
            profile.syscalls.push(one);
        }
        check(&profile, native, &mut Random(3), 2);
    }
}
