//! Device rules: what v1 gets written, and what the eBPF program answers, both
//! compared with the meaning of the rules.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::devices::Devices;
use super::group::Group;
use super::{devices_v1, ebpf};
use crate::json::Document;
use crate::spec::{DeviceAccess, DeviceRule, DeviceRuleKind, Resources};
use crate::sys::bpf::{Instruction, load_device_program};
use rustix::io::Errno;

fn with_rules<T>(json: &str, test: impl FnOnce(&[DeviceRule]) -> T) -> T {
    let text = alloc::format!("{{\"devices\":[{json}]}}");
    let document = Document::parse(text.as_bytes(), "devices").unwrap();
    test(&document.read(Resources::parse).unwrap().devices)
}

fn check(json: &str, expect: &[&str]) {
    let lines = with_rules(json, devices_v1::lines).map(|lines| {
        lines
            .into_iter()
            .map(|(allow, line)| (if allow { "+" } else { "-" }).to_string() + line)
            .collect::<Vec<String>>()
    });
    assert_eq!(lines.unwrap(), expect, "{json}");
}

const DENY_ALL: &str = r#"{"allow":false,"access":"rwm"}"#;
const ALLOW_ALL: &str = r#"{"allow":true,"access":"rwm"}"#;

#[test]
fn lines_of_v1() {
    let with = |first: &str, rest: &str| alloc::format!("{first},{rest}");
    check("", &["-a"]);
    check(DENY_ALL, &["-a"]);
    check(ALLOW_ALL, &["+a"]);
    check(&with(DENY_ALL, ALLOW_ALL), &["+a"]);
    check(r#"{"allow":true,"type":"c","major":1,"minor":3,"access":"r"}"#, &["-a", "+c 1:3 r"]);
    check(r#"{"allow":true,"access":"m"}"#, &["-a", "+c *:* m", "+b *:* m"]);
    // Allowed twice, in part taken back, wholly taken back.
    let one = r#"{"allow":true,"type":"c","major":1,"minor":3,"access":"r"}"#;
    let two = r#"{"allow":true,"type":"c","major":1,"minor":3,"access":"wm"}"#;
    check(&with(one, two), &["-a", "+c 1:3 rwm"]);
    let back = r#"{"allow":false,"type":"c","major":1,"access":"rm"}"#;
    check(&with(&with(one, two), back), &["-a", "+c 1:3 w"]);
    check(&with(one, r#"{"allow":false,"type":"c"}"#), &["-a"]);
    // Everything but.
    let but = r#"{"allow":false,"type":"b","major":8,"access":"w"}"#;
    check(&with(ALLOW_ALL, but), &["+a", "-b 8:* w"]);
    let wide = r#"{"allow":true,"type":"c","major":1}"#;
    let part = r#"{"allow":false,"type":"c","major":1,"minor":3}"#;
    let error = with_rules(&with(wide, part), devices_v1::lines).unwrap_err().to_string();
    assert!(error.contains("\"c 1:3 rwm\" takes a part out of \"c 1:* rwm\""), "{error}");
}

/// The kernel's view of one access: kind (1 block, 2 char), bits (1 mknod, 2
/// read, 4 write), numbers.
/// What an update writes, with the kernel's rules for exceptions applied to the
/// list of before.
#[test]
fn changes_of_v1() {
    let tun = r#"{"allow":true,"type":"c","major":10,"minor":200,"access":"rw"}"#;
    let tun_read = r#"{"allow":true,"type":"c","major":10,"minor":200,"access":"r"}"#;
    let disk = r#"{"allow":true,"type":"b","major":8,"access":"m"}"#;
    let but = r#"{"allow":false,"type":"b","major":8,"access":"w"}"#;
    let both = |first: &str, second: &str| alloc::format!("{first},{second}");
    for (list, rules, expect) in [
        ("", tun, "+c 10:200 rw"),
        ("c 10:200 rw\n", tun, "+c 10:200 rw"),
        ("c 10:200 rwm\nc 10:20 r\n", tun_read, "+c 10:200 r -c 10:200 wm -c 10:20 r"),
        ("b 8:* rwm\n", &both(tun, disk), "+c 10:200 rw +b 8:* m -b 8:* rw"),
        ("c 1:3 rwm\n", DENY_ALL, "-c 1:3 rwm"),
        ("a *:* rwm\n", tun, "-a +c 10:200 rw"),
        ("c 1:3 rwm\n", ALLOW_ALL, "+a"),
        ("c 1:3 rwm\n", &both(ALLOW_ALL, but), "+a -b 8:* w"),
    ] {
        let lines = with_rules(rules, devices_v1::lines).unwrap();
        let changes = devices_v1::changes(list, lines);
        let sign = |allow| if allow { "+" } else { "-" };
        let shown: Vec<String> =
            changes.into_iter().map(|(allow, line)| sign(allow).to_string() + line).collect();
        assert_eq!(shown.join(" "), expect, "{list:?} {rules}");
    }
}

type Access = (u32, u32, u32, u32);

/// Runs a program, as far as ours use the instruction set.
fn run(program: &[Instruction], (kind, bits, major, minor): Access) -> u64 {
    let context = [bits << 16 | kind, major, minor];
    let mut registers = [0u64; 11];
    let mut at = 0usize;
    loop {
        let Instruction { code, registers: pair, offset, constant } = program[at];
        let (low, high) = (usize::from(pair & 15), usize::from(pair >> 4));
        let (to, from) = if cfg!(target_endian = "big") { (high, low) } else { (low, high) };
        let constant32 = constant as u32;
        at += 1;
        match code {
            0x61 => registers[to] = u64::from(context[offset as usize / 4]),
            0x05 => at += offset as usize,
            0x4f => registers[to] |= registers[from],
            0x67 => registers[to] <<= constant,
            0xb4 => registers[to] = u64::from(constant32),
            0xbf => registers[to] = registers[from],
            0xc7 => registers[to] = (registers[to] as i64 >> constant) as u64,
            0xbc => registers[to] = u64::from(registers[from] as u32),
            0x54 => registers[to] = u64::from(registers[to] as u32 & constant32),
            0x74 => registers[to] = u64::from(registers[to] as u32 >> constant32),
            0x15 if registers[to] == i64::from(constant) as u64 => at += offset as usize,
            0x55 if registers[to] != i64::from(constant) as u64 => at += offset as usize,
            0x15 | 0x55 => {}
            0x95 => return registers[0],
            _ => panic!("instruction {code:#x}"),
        }
    }
}

/// What the rules mean: each kind of access is as the last rule about it says.
fn meaning(rules: &[DeviceRule], (kind, bits, major, minor): Access) -> bool {
    [1, 2, 4].into_iter().filter(|bit| bits & bit != 0).all(|bit| {
        let about = |rule: &&DeviceRule| {
            let DeviceAccess { read, write, mknod } = rule.access;
            let right_kind = match rule.kind {
                DeviceRuleKind::All => true,
                DeviceRuleKind::Block => kind == 1,
                DeviceRuleKind::Char => kind == 2,
            };
            right_kind
                && rule.major.is_none_or(|number| number == major)
                && rule.minor.is_none_or(|number| number == minor)
                && (bit == 1 && mknod || bit == 2 && read || bit == 4 && write)
        };
        rules.iter().rev().find(about).is_some_and(|rule| rule.allow)
    })
}

#[test]
fn program_means_the_rules() {
    let mut seed = 1u32;
    let mut random = |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % below
    };
    for _ in 0..2000 {
        let count = random(7);
        let rules: Vec<DeviceRule> = (0..count)
            .map(|_| {
                let bits = random(8);
                DeviceRule {
                    allow: random(2) == 1,
                    kind: [DeviceRuleKind::All, DeviceRuleKind::Char, DeviceRuleKind::Block]
                        [random(3) as usize],
                    major: [None, Some(1), Some(2), Some(4095), Some(u32::MAX)][random(5) as usize],
                    minor: [None, Some(1), Some(2), Some(0xf_ffff), Some(0x10_0001)]
                        [random(5) as usize],
                    access: DeviceAccess {
                        read: bits & 1 != 0,
                        write: bits & 2 != 0,
                        mknod: bits & 4 != 0,
                    },
                }
            })
            .collect();
        let program = ebpf::program(&rules);
        for kind in [1, 2] {
            for bits in 0..8 {
                for (major, minor) in
                    [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (4095, 1), (4095, 0xf_ffff)]
                {
                    let access = (kind, bits, major, minor);
                    let answer = run(&program, access) == 1;
                    assert_eq!(answer, meaning(&rules, access), "{rules:?} {access:?}");
                }
            }
        }
        verified(&program);
    }
}

/// The kernel takes the program, where it takes any from us.
fn verified(program: &[Instruction]) {
    match load_device_program(program) {
        Ok(_) | Err(Errno::PERM | Errno::NOSYS) => {}
        Err(errno) => panic!("{errno} for {program:?}"),
    }
}

/// Jumps reach 32767 instructions far.
#[test]
fn very_many_rules() {
    let rule = |index: u32| DeviceRule {
        allow: !index.is_multiple_of(3),
        kind: DeviceRuleKind::Char,
        major: Some(index / 100 % 4096),
        minor: Some(index % 100),
        access: DeviceAccess { read: true, write: index.is_multiple_of(2), mknod: true },
    };
    let rules: Vec<DeviceRule> = (0..30_000).map(rule).collect();
    let program = ebpf::program(&rules);
    assert!(program.len() > 40_000, "{}", program.len());
    for index in (0..30_100).step_by(97) {
        for bits in [1, 3, 4] {
            let access = (2, bits, index / 100, index % 100);
            let answer = run(&program, access) == 1;
            assert_eq!(answer, meaning(&rules, access), "{access:?}");
        }
    }
    // All alike.
    let rules: Vec<DeviceRule> = (0..6000)
        .map(|index| DeviceRule { allow: true, access: DeviceAccess::ALL, ..rule(index) })
        .collect();
    let program = ebpf::program(&rules);
    assert_eq!(run(&program, (2, 7, 59, 99)), 1);
    assert_eq!(run(&program, (2, 7, 60, 0)), 0);
    verified(&program);
}

#[test]
fn where_the_rules_go() {
    let group =
        |unified, controllers: &'static str| Group { unified, controllers, directory: "/d" };
    let plan = |json: &str, groups: &[Group]| {
        with_rules(json, |rules| {
            let devices = Devices::plan(rules, groups, false)?;
            let shown = core::fmt::from_fn(|f| match &devices {
                Some(devices) => devices.describe(groups, f),
                None => f.write_str("none"),
            });
            Ok::<String, crate::error::Error>(shown.to_string())
        })
    };
    let v1 = plan("", &[group(false, "devices"), group(true, "")]).unwrap();
    assert!(v1.starts_with("write \"a\" to \"/d/devices.deny\"\nwrite \"c *:* m\""), "{v1}");
    let v2 = plan("", &[group(true, "")]).unwrap();
    assert!(v2.starts_with("attach a device program of "), "{v2}");
    assert_eq!(plan(ALLOW_ALL, &[group(true, "")]).unwrap(), "none");
    assert_eq!(plan("", &[]).unwrap(), "none");
    let error = plan(DENY_ALL, &[group(false, "memory")]).unwrap_err().to_string();
    assert!(error.contains("no device cgroup here"), "{error}");
}
