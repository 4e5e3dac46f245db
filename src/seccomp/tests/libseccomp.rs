//! Our filters against libseccomp's, where it is installed.

use super::super::arch::SLOTS;
use super::super::reference::direct::{BEHIND, Reading, numbers};
use super::profiles::{self, EDGES};
use super::*;
use alloc::string::ToString;
use core::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Shows a figure also of a test that passes: libtest captures only what the
/// print macros write, so this goes through the handle itself.
macro_rules! say {
    ($($text:tt)*) => {
        std::io::stderr().write_all(std::format!("{}\n", format_args!($($text)*)).as_bytes()).unwrap()
    };
}

/// The architectures in libseccomp's words, as far as 2.5 knows them.
const NAMES: [(SeccompArch, &str); 17] = [
    (SeccompArch::X86_64, "x86_64"),
    (SeccompArch::X86, "x86"),
    (SeccompArch::X32, "x32"),
    (SeccompArch::Aarch64, "aarch64"),
    (SeccompArch::Arm, "arm"),
    (SeccompArch::Ppc64le, "ppc64le"),
    (SeccompArch::Ppc64, "ppc64"),
    (SeccompArch::Ppc, "ppc"),
    (SeccompArch::Riscv64, "riscv64"),
    (SeccompArch::S390x, "s390x"),
    (SeccompArch::S390, "s390"),
    (SeccompArch::Mips, "mips"),
    (SeccompArch::Mips64, "mips64"),
    (SeccompArch::Mips64n32, "mips64n32"),
    (SeccompArch::Mipsel64, "mipsel64"),
    (SeccompArch::Parisc, "parisc"),
    (SeccompArch::Parisc64, "parisc64"),
];

fn word(arch: SeccompArch) -> Option<&'static str> {
    NAMES.iter().find(|(name, _)| *name == arch).map(|(_, word)| *word)
}

/// The program beside this file, built; `None` with the reason printed.
fn program() -> Option<&'static PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let why = "no C compiler or no libseccomp (Debian's libseccomp-dev)";
    let built = PROGRAM.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/seccomp/tests/libseccomp.c");
        let program = std::env::current_exe().unwrap().with_extension("libseccomp");
        let cc = Command::new("cc").arg("-o").arg(&program).args([source, "-lseccomp"]).output();
        let built = cc.is_ok_and(|output| output.status.success());
        if !built && let Some(list) = std::env::var_os("OCINIT_SKIPS") {
            let file = std::fs::OpenOptions::new().append(true).create(true).open(list);
            let line = std::format!("seccomp::tests::libseccomp: {why}\n");
            file.and_then(|mut file| file.write_all(line.as_bytes())).unwrap();
        }
        built.then_some(program)
    });
    if built.is_none() {
        say!("skipped: {why}");
    }
    built.as_ref()
}

/// Gives the program its words.
fn ask(words: &str) -> process::Output {
    let mut child = Command::new(program().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let words = words.to_string();
    let writer = std::thread::spawn(move || input.write_all(words.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join();
    output
}

/// libseccomp's filter for a profile, built as runc does; `None` where it says
/// that two rules contradict each other.
fn filter(profile: &Seccomp<'_>, native: SeccompArch) -> Option<Vec<Instruction>> {
    // SCMP_ACT_* are SECCOMP_RET_*, and operators count from 1 in this order.
    const OPERATORS: [SeccompOperator; 7] = [
        SeccompOperator::NotEqual,
        SeccompOperator::Less,
        SeccompOperator::LessEqual,
        SeccompOperator::Equal,
        SeccompOperator::GreaterEqual,
        SeccompOperator::Greater,
        SeccompOperator::MaskedEqual,
    ];
    let default = action::value(profile.default_action, profile.default_errno);
    let mut words = alloc::format!("default {default:x} arch {} ", word(native).unwrap());
    for arch in profile.architectures.iter().filter(|arch| **arch != native) {
        let _ = write!(words, "arch {} ", word(*arch).unwrap());
    }
    if profile.syscalls.iter().map(|rule| rule.names.len()).sum::<usize>() > 32 {
        words.push_str("optimize 2 ");
    }
    for rule in &profile.syscalls {
        let action = action::value(rule.action, rule.errno);
        if action == default {
            continue;
        }
        let seen = |at: usize| rule.args[..at].iter().any(|arg| arg.index == rule.args[at].index);
        let size = if (0..rule.args.len()).any(seen) { 1 } else { rule.args.len().max(1) };
        for name in &rule.names {
            let mut rest = &rule.args[..];
            loop {
                let (these, others) = rest.split_at(size.min(rest.len()));
                rest = others;
                let _ = write!(words, "rule {action:x} {name} {} ", these.len());
                for arg in these {
                    let operator = OPERATORS.iter().position(|op| *op == arg.operator).unwrap() + 1;
                    let _ =
                        write!(words, "{} {operator} {} {} ", arg.index, arg.value, arg.value_two);
                }
                if rest.is_empty() {
                    break;
                }
            }
        }
    }
    words.push_str("load\n");
    let output = ask(&words);
    if output.status.code() == Some(3) {
        return None;
    }
    assert!(output.status.success(), "{output:?}\n{words}");
    let instruction = |bytes: &[u8]| Instruction {
        code: u16::from_le_bytes([bytes[0], bytes[1]]),
        jump_true: bytes[2],
        jump_false: bytes[3],
        k: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
    };
    Some(output.stdout.chunks_exact(8).map(instruction).collect())
}

/// The numbers that libseccomp has for a family's names on an architecture.
fn known(family: &Family, arch: SeccompArch) -> Vec<(String, i64)> {
    let names: Vec<&str> = family.names().collect();
    let output = ask(&alloc::format!("names {} {}", word(arch).unwrap(), names.join(" ")));
    let text = String::from_utf8(output.stdout).unwrap();
    let number = |line: &str| {
        let (name, number) = line.split_once(' ')?;
        Some((name.to_string(), number.parse().ok()?))
    };
    text.lines().filter_map(number).collect()
}

#[test]
fn numbers_are_the_same() {
    if program().is_none() {
        return;
    }
    let mut compared = 0;
    for (arch, _) in NAMES {
        let (family, arch) = find(arch);
        let ours = numbers(family, arch);
        for (name, number) in known(family, arch.name) {
            // Calls that it does not have, or has only behind socketcall(2).
            if number < 0 {
                continue;
            }
            match ours.get(&name) {
                Some(ours) => assert_eq!(i64::from(*ours), number, "{:?} {name}", arch.name),
                None => say!("{:?}: {name} is {number} in libseccomp only", arch.name),
            }
            compared += 1;
        }
    }
    say!("{compared} numbers compared");
}

/// Takes the calls out of a profile whose rules libseccomp gets wrong: it also
/// shares their code with calls whose rules it would get right.
fn untangle(profile: &mut Seccomp<'_>, family: &Family) {
    for arch in family.arches {
        let reading = Reading::new(profile, family, arch);
        let mut tangled = numbers(family, arch);
        tangled.retain(|_, number| reading.tangled(*number));
        let behind = |name: &str| {
            BEHIND.iter().any(|(call, other, _)| *other == name && tangled.contains_key(*call))
        };
        for rule in &mut profile.syscalls {
            rule.names.retain(|name| !tangled.contains_key(*name) && !behind(name));
        }
    }
}

/// Compares the answers of both filters; gives the number of comparisons, and
/// counts in `wrong` those where libseccomp does not do what the profile says.
fn compare(
    profile: &Seccomp<'_>,
    native: SeccompArch,
    random: &mut Random,
    rounds: usize,
    wrong: &mut u64,
) -> u64 {
    let family = Family::of(native).unwrap();
    let ours = compile_for(profile, native);
    // It refuses more: also rules of which one has the first conditions of the
    // other, where we try the shorter one first.
    let (Ok(ours), Some(theirs)) = (ours, filter(profile, native)) else {
        return 0;
    };
    let mut compared = 0;
    for arch in family.arches {
        let reading = Reading::new(profile, family, arch);
        let newest = reading.newest;
        for slot in 0..SLOTS as u32 {
            let number = arch.base + slot;
            for _ in 0..rounds {
                let args = [(); 6].map(|()| random.of(&EDGES));
                let call = Call { number, audit: arch.audit, big_endian: arch.big_endian, args };
                let (answer, _) = interpreter::run(&ours.instructions, &call);
                let (mut expected, _) = interpreter::run(&theirs, &call);
                let wanted = arch.name == native || profile.architectures.contains(&arch.name);
                let zero = arch.multiplexes_zero() && slot == 0 && newest.is_some();
                if wanted && (zero || newest.is_some_and(|newest| number > newest)) {
                    expected = action::ENOSYS;
                }
                compared += 1;
                if answer != expected {
                    // Only where the profile says so, and not what it returns.
                    let says = reading.answers(&call);
                    assert!(
                        says.contains(&answer) && !says.contains(&expected),
                        "{native:?} {:?} {call:x?}: {answer:#x} ours, {expected:#x} libseccomp's, \
                         {says:x?} the profile's\n{profile:x?}",
                        arch.name
                    );
                    *wrong += 1;
                }
            }
        }
    }
    compared
}

#[test]
fn answers_are_the_same_for_random_profiles() {
    if program().is_none() {
        return;
    }
    let mut random = Random(0xfeed);
    let (mut compared, mut wrong) = (0, 0);
    // What it writes for the other byte order is no valid program.
    for native in [SeccompArch::X86_64, SeccompArch::Aarch64, SeccompArch::Ppc64le] {
        let family = Family::of(native).unwrap();
        // libseccomp finds a name by its number on its own machine, and does not
        // have every name on every architecture that has it.
        let mut known_names = known(family, SeccompArch::X86_64);
        // It does not find the last one's number on ppc64.
        known_names.retain(|(name, number)| *number != -1 && name != "sys_debug_setcontext");
        for arch in family.arches.iter().filter(|arch| word(arch.name).is_some()) {
            let (theirs, ours) = (known(family, arch.name), numbers(family, arch));
            known_names.retain(|(name, _)| {
                let has = theirs.iter().any(|(other, number)| other == name && *number >= 0);
                has || !ours.contains_key(name)
            });
        }
        for _ in 0..80 {
            let mut profile = profiles::random(&mut random, family, native);
            profile
                .architectures
                .retain(|arch| !matches!(arch, SeccompArch::Ppc | SeccompArch::Ppc64));
            for rule in &mut profile.syscalls {
                rule.names.retain(|name| known_names.iter().any(|(known, _)| known == name));
            }
            untangle(&mut profile, family);
            compared += compare(&profile, native, &mut random, 4, &mut wrong);
        }
    }
    say!("{compared} calls compared; libseccomp does not do what the profile says in {wrong}");
    assert!(wrong < compared / 1000);
}

#[test]
fn answers_are_the_same_for_the_default_profile() {
    let arches = [SeccompArch::X86_64, SeccompArch::X86, SeccompArch::X32];
    let profile = profiles::containers("amd64", &arches);
    let (Some(_), Some(profile)) = (program(), profile) else {
        say!("skipped: no libseccomp, or no {}", profiles::CONTAINERS);
        return;
    };
    let mut wrong = 0;
    let compared = compare(&profile, SeccompArch::X86_64, &mut Random(11), 100, &mut wrong);
    assert_eq!(wrong, 0);
    say!("{compared} calls compared");
    let ours = compile_for(&profile, SeccompArch::X86_64).unwrap().instructions;
    let theirs = filter(&profile, SeccompArch::X86_64).unwrap();
    say!("instructions: {} ours, {} libseccomp's", ours.len(), theirs.len());
    let (family, arch) = find(SeccompArch::X86_64);
    let numbers = numbers(family, arch);
    let steps = |program: &[Instruction], number| {
        let call = Call { number, audit: arch.audit, big_endian: false, args: [0; 6] };
        interpreter::run(program, &call).1
    };
    for name in
        ["read", "write", "openat", "close", "futex", "mmap", "epoll_wait", "clone", "ptrace"]
    {
        let (ours, theirs) = (steps(&ours, numbers[name]), steps(&theirs, numbers[name]));
        say!("{name}: {ours} ours, {theirs} libseccomp's");
    }
    let mean = |program: &[Instruction]| {
        let all = numbers.values().map(|number| steps(program, *number));
        f64::from(all.sum::<u32>()) / numbers.len() as f64
    };
    say!("mean of all calls: {:.1} ours, {:.1} libseccomp's", mean(&ours), mean(&theirs));
}
