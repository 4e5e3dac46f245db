//! Profiles to test with: random ones, and those of the distributions.

use alloc::vec;
use alloc::vec::Vec;

use super::super::arch::Family;
use super::{Random, std};
use crate::json::Document;
use crate::spec::{
    Seccomp, SeccompAction, SeccompArch, SeccompArgument, SeccompOperator, SeccompRule,
};

/// A profile without rules.
pub fn bare(default_action: SeccompAction) -> Seccomp<'static> {
    Seccomp {
        default_action,
        default_errno: None,
        architectures: vec![],
        flags: None,
        listener_path: None,
        listener_metadata: None,
        syscalls: vec![],
    }
}

/// A rule without conditions.
pub fn rule(action: SeccompAction, names: &[&'static str]) -> SeccompRule<'static> {
    SeccompRule { names: names.to_vec(), action, errno: None, args: vec![] }
}

/// A condition.
pub fn arg(index: u32, operator: SeccompOperator, value: u64) -> SeccompArgument {
    SeccompArgument { index, value, value_two: 0, operator }
}

/// Values that comparisons have edges at.
pub const EDGES: [u64; 12] = [
    0,
    1,
    2,
    40,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    0x5_0000_0028,
    0xffff_ffff_0000_0000,
    u64::MAX,
];

/// A random profile for calls of a family.
pub fn random(random: &mut Random, family: &Family, native: SeccompArch) -> Seccomp<'static> {
    const ACTIONS: [SeccompAction; 8] = [
        SeccompAction::Allow,
        SeccompAction::Errno,
        SeccompAction::KillProcess,
        SeccompAction::KillThread,
        SeccompAction::Log,
        SeccompAction::Notify,
        SeccompAction::Trace,
        SeccompAction::Trap,
    ];
    let handed_over = ["write", "sendmsg"];
    let names: Vec<&'static str> =
        family.names().filter(|name| !handed_over.contains(name)).collect();
    let mut profile =
        bare(random.of(&[SeccompAction::Errno, SeccompAction::Allow, SeccompAction::Kill]));
    let errno = (profile.default_action == SeccompAction::Errno).then_some(38);
    profile.default_errno = errno.filter(|_| random.below(2) == 0);
    let arches = family.arches.iter().map(|arch| arch.name);
    profile.architectures = arches.filter(|arch| *arch == native || random.below(3) > 0).collect();
    for _ in 0..random.below(40) {
        let action = random.of(&ACTIONS);
        let mut one = rule(action, &[]);
        one.errno = action.takes_errno().then(|| random.below(4000) as u32);
        let names_at_most = if random.below(4) == 0 { 120 } else { 3 };
        for _ in 0..1 + random.below(names_at_most) {
            one.names.push(random.of(&names));
        }
        if random.below(2) == 0 {
            for _ in 0..1 + random.below(3) {
                one.args.push(SeccompArgument {
                    index: random.below(6) as u32,
                    value: random.of(&EDGES),
                    value_two: random.of(&EDGES),
                    operator: random.of(SeccompOperator::ALL),
                });
            }
        }
        profile.syscalls.push(one);
    }
    profile
}

/// Where Debian's golang-github-containers-common and others put podman's
/// default profile.
pub const CONTAINERS: &str = "/usr/share/containers/seccomp.json";

/// Podman's default profile, as podman fills it in for a container with its
/// default capabilities, on the architecture that it calls `arch`; `None`
/// where it is not installed.
pub fn containers(arch: &str, architectures: &[SeccompArch]) -> Option<Seccomp<'static>> {
    const CAPABILITIES: &str = "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL \
        CAP_NET_BIND_SERVICE CAP_SETFCAP CAP_SETGID CAP_SETPCAP CAP_SETUID CAP_SYS_CHROOT";
    let text: &'static [u8] = std::fs::read(CONTAINERS).ok()?.leak();
    let document: &'static Document<'_> =
        alloc::boxed::Box::leak(alloc::boxed::Box::new(Document::parse(text, CONTAINERS).unwrap()));
    let mut profile = document.read(Seccomp::parse).unwrap();
    let mut applies = Vec::new();
    let has = |cap: &&str| CAPABILITIES.split(' ').any(|have| have == *cap);
    document
        .read(|node| {
            node.each_item("syscalls", &mut |rule| {
                let words = |part: &str, list: &str| {
                    let mut words: Vec<&str> = Vec::new();
                    if let Some(part) = rule.get(part) {
                        part.strings(list, &mut words);
                    }
                    words
                };
                let arches = words("includes", "arches");
                applies.push(
                    words("includes", "caps").iter().all(has)
                        && !words("excludes", "caps").iter().any(has)
                        && (arches.is_empty() || arches.contains(&arch))
                        && !words("excludes", "arches").contains(&arch),
                );
            });
        })
        .unwrap();
    let mut applies = applies.into_iter();
    profile.syscalls.retain(|_| applies.next().unwrap());
    profile.architectures = architectures.to_vec();
    Some(profile)
}
