//! What is not compiled, and what comes with the program.

use super::profiles::{arg, bare, rule};
use super::*;
use alloc::string::ToString;

fn refused(profile: &Seccomp<'_>) -> String {
    compile_for(profile, SeccompArch::X86_64).unwrap_err().to_string()
}

#[test]
fn the_listener_cannot_decide_all() {
    let all = refused(&bare(SeccompAction::Notify));
    assert_eq!(all, "SCMP_ACT_NOTIFY cannot be used as default action");
    let mut profile = bare(SeccompAction::Allow);
    profile.syscalls = vec![rule(SeccompAction::Notify, &["read", "write"])];
    assert_eq!(refused(&profile), "SCMP_ACT_NOTIFY cannot be used for the write syscall");
    profile.syscalls = vec![rule(SeccompAction::Notify, &["sendmsg"])];
    assert_eq!(refused(&profile), "SCMP_ACT_NOTIFY cannot be used for the sendmsg syscall");
}

#[test]
fn more_than_the_kernel_takes() {
    let mut profile = bare(SeccompAction::Allow);
    for value in 0..2500 {
        let mut one = rule(SeccompAction::Errno, &["personality"]);
        one.args = vec![arg(0, SeccompOperator::Equal, value << 32)];
        profile.syscalls.push(one);
    }
    let error = refused(&profile);
    assert!(error.contains("instructions, of which the kernel takes 4096"), "{error}");
}

#[test]
fn contradictions() {
    let mut profile = bare(SeccompAction::Allow);
    for action in [SeccompAction::Errno, SeccompAction::Trap] {
        let mut one = rule(action, &["socket"]);
        one.args = vec![arg(0, SeccompOperator::Equal, 40)];
        profile.syscalls.push(one);
    }
    assert!(refused(&profile).contains("different actions"));
    profile.syscalls[1].action = SeccompAction::Errno;
    assert!(compile_for(&profile, SeccompArch::X86_64).is_ok());
}

#[test]
fn unknown_names_are_one_warning() {
    let mut profile = bare(SeccompAction::Errno);
    profile.syscalls = vec![rule(SeccompAction::Allow, &["read", "send", "teleport", "warp"])];
    let filter = compile_for(&profile, SeccompArch::X86_64).unwrap();
    assert_eq!(filter.warnings, ["seccomp: unknown system calls are ignored: teleport warp"]);
}

#[test]
fn flags_are_those_of_runc() {
    let mut profile = bare(SeccompAction::Allow);
    let flags = |profile: &Seccomp<'_>| {
        let filter = compile_for(profile, SeccompArch::X86_64).unwrap();
        (filter.flags, filter.listener)
    };
    assert_eq!(flags(&profile), (4, false));
    profile.flags = Some(0);
    assert_eq!(flags(&profile), (0, false));
    profile.flags = Some(0b10_0111);
    assert_eq!(flags(&profile), (0b110, false));
    profile.syscalls = vec![rule(SeccompAction::Notify, &["mkdir"])];
    assert_eq!(flags(&profile), (0b10_1110, true));
}
