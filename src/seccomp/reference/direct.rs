//! What a profile says about one call, read rule by rule.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::super::action;
use super::super::arch::{Arch, Family};
use super::Call;
use crate::spec::{Seccomp, SeccompAction, SeccompArch, SeccompArgument, SeccompOperator};

/// The calls behind socketcall(2) and ipc(2), from their manual pages and the
/// kernel's headers.
pub const BEHIND: [(&str, &str, u64); 32] = [
    ("socketcall", "socket", 1),
    ("socketcall", "bind", 2),
    ("socketcall", "connect", 3),
    ("socketcall", "listen", 4),
    ("socketcall", "accept", 5),
    ("socketcall", "getsockname", 6),
    ("socketcall", "getpeername", 7),
    ("socketcall", "socketpair", 8),
    ("socketcall", "send", 9),
    ("socketcall", "recv", 10),
    ("socketcall", "sendto", 11),
    ("socketcall", "recvfrom", 12),
    ("socketcall", "shutdown", 13),
    ("socketcall", "setsockopt", 14),
    ("socketcall", "getsockopt", 15),
    ("socketcall", "sendmsg", 16),
    ("socketcall", "recvmsg", 17),
    ("socketcall", "accept4", 18),
    ("socketcall", "recvmmsg", 19),
    ("socketcall", "sendmmsg", 20),
    ("ipc", "semop", 1),
    ("ipc", "semget", 2),
    ("ipc", "semctl", 3),
    ("ipc", "semtimedop", 4),
    ("ipc", "msgsnd", 11),
    ("ipc", "msgrcv", 12),
    ("ipc", "msgget", 13),
    ("ipc", "msgctl", 14),
    ("ipc", "shmat", 21),
    ("ipc", "shmdt", 22),
    ("ipc", "shmget", 23),
    ("ipc", "shmctl", 24),
];

/// One rule for one number.
struct Rule {
    action: u32,
    subcall: Option<u64>,
    args: Vec<SeccompArgument>,
}

/// A profile on one architecture.
pub struct Reading {
    rules: BTreeMap<u32, Vec<Rule>>,
    default: u32,
    /// Calls above it return ENOSYS.
    pub newest: Option<u32>,
    /// The private calls of ARM that are named.
    private: Vec<u32>,
    wide: bool,
    zero: bool,
}

/// The numbers of an architecture by name.
pub fn numbers(family: &Family, arch: &Arch) -> BTreeMap<String, u32> {
    let all = family.names().enumerate();
    all.filter_map(|(at, name)| Some((name.to_string(), arch.number(arch.slot(at as u16)?))))
        .collect()
}

impl Reading {
    /// Reads a profile.
    pub fn new(profile: &Seccomp<'_>, family: &Family, arch: &Arch) -> Reading {
        let numbers = numbers(family, arch);
        let default = action::value(profile.default_action, profile.default_errno);
        let arm = arch.name == SeccompArch::Arm;
        let mut rules: BTreeMap<u32, Vec<Rule>> = BTreeMap::new();
        let (mut newest, mut private) = (0, vec![]);
        for rule in &profile.syscalls {
            for &name in &rule.names {
                let action = action::value(rule.action, rule.errno);
                let direct = numbers.get(name);
                match direct {
                    Some(number) if arm && *number >= 0xf0000 => private.push(*number),
                    _ => newest = newest.max(*direct.unwrap_or(&0)),
                }
                if action == default {
                    continue;
                }
                let mut add = |number, subcall| {
                    let rule = Rule { action, subcall, args: rule.args.clone() };
                    rules.entry(number).or_default().push(rule);
                };
                for (multiplexer, _, number) in BEHIND.iter().filter(|(_, call, _)| *call == name) {
                    if let Some(at) = numbers.get(*multiplexer).filter(|_| arch.multiplexed) {
                        add(*at, Some(*number));
                    }
                }
                if let Some(number) = direct {
                    add(*number, None);
                }
            }
        }
        let strict = !matches!(
            profile.default_action,
            SeccompAction::Allow | SeccompAction::Log | SeccompAction::Trace
        );
        Reading {
            rules,
            default,
            newest: (strict && newest != 0).then_some(newest),
            private,
            wide: arch.wide,
            zero: matches!(arch.name, SeccompArch::S390 | SeccompArch::S390x),
        }
    }

    /// The numbers of the calls that have rules.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.rules.keys().copied()
    }

    /// What a filter may return. It is one value unless rules with conditions
    /// overlap.
    pub fn answers(&self, call: &Call) -> Vec<u32> {
        let newer = self.newest.is_some_and(|newest| call.number > newest)
            && !self.private.contains(&call.number);
        let zero = self.zero && self.newest.is_some() && call.number == 0;
        if newer || zero {
            return vec![action::ENOSYS];
        }
        let mut matching = Vec::new();
        for rule in self.rules.get(&call.number).into_iter().flatten() {
            let mut args: Vec<_> = rule.args.iter().collect();
            let mut seen = [0; 6];
            args.iter().for_each(|arg| seen[arg.index as usize] += 1);
            let any = seen.iter().any(|count| *count > 1);
            if rule.subcall.is_some() {
                args.retain(|arg| any || arg.index != 0);
            }
            let vacuous = |arg: &SeccompArgument| {
                arg.operator == SeccompOperator::MaskedEqual && self.cut(arg.value) == 0
                    || rule.subcall.is_some() && arg.index == 0
            };
            let holds = |arg: &&SeccompArgument| vacuous(arg) || self.holds(arg, call);
            let unconditional = args.is_empty()
                || if any {
                    args.iter().any(|a| vacuous(a))
                } else {
                    args.iter().all(|a| vacuous(a))
                };
            if unconditional && rule.subcall.is_none() {
                return vec![rule.action];
            }
            let of_it = rule.subcall.is_none_or(|number| self.cut(call.args[0]) == number);
            if of_it
                && (unconditional
                    || if any { args.iter().any(holds) } else { args.iter().all(holds) })
            {
                matching.push(rule.action);
            }
        }
        if matching.is_empty() {
            matching.push(self.default);
        }
        matching
    }

    /// Whether a call has several rules that are not all one comparison for
    /// equality.
    ///
    /// libseccomp 2.5.4 gets those wrong: where the first conditions of a rule
    /// hold and a later one does not, it returns the default action without
    /// trying the other rules, or tries them with the wrong argument; "less" and
    /// "greater" of one argument share comparisons that they must not.
    pub fn tangled(&self, number: u32) -> bool {
        let rules = self.rules.get(&number).map_or(&[][..], |rules| rules);
        let mut comparisons = rules.iter().flat_map(|rule| &rule.args);
        let equality = |arg: &SeccompArgument| arg.operator == SeccompOperator::Equal;
        let alone = |rule: &Rule| rule.args.len() + usize::from(rule.subcall.is_some()) < 2;
        let indexes: Vec<u32> = comparisons.clone().map(|arg| arg.index).collect();
        let twice = |at: usize| indexes[..at].contains(&indexes[at]);
        (rules.len() > 1 || (0..indexes.len()).any(twice))
            && !(rules.iter().all(alone) && comparisons.all(equality))
    }

    fn cut(&self, value: u64) -> u64 {
        if self.wide { value } else { value & 0xffff_ffff }
    }

    fn holds(&self, arg: &SeccompArgument, call: &Call) -> bool {
        let given = self.cut(call.args[arg.index as usize]);
        let value = self.cut(arg.value);
        match arg.operator {
            SeccompOperator::Equal => given == value,
            SeccompOperator::NotEqual => given != value,
            SeccompOperator::Less => given < value,
            SeccompOperator::LessEqual => given <= value,
            SeccompOperator::Greater => given > value,
            SeccompOperator::GreaterEqual => given >= value,
            SeccompOperator::MaskedEqual => given & value == arg.value_two & value,
        }
    }
}
