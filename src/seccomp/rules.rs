//! What a profile means for the calls of one architecture.
//!
//! - A rule whose action is the default one is as if it were not there.
//! - Of a call's rules without conditions the first counts, and none with
//!   conditions does. Rules with conditions are tried in libseccomp's order.
//!   The same conditions with two actions are an error.
//! - Names that the architecture does not have are skipped. Where it has
//!   socketcall(2) and ipc(2), a rule for one of the calls behind them is also
//!   one for them.
//! - Calls newer than the newest that the profile names return ENOSYS where
//!   the default action would not let them pass: a program falls back to an
//!   older call then, which it does not after EPERM (runc's rule). The newest
//!   is the one with the largest number.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::action;
use super::arch::{Arch, Family, SLOTS, X32_BIT};
use super::condition::{Guard, guards};
use crate::error::Result;
use crate::spec::{Seccomp, SeccompAction};

/// The calls of socketcall(2), from 1 (include/uapi/linux/net.h).
const SOCKETCALLS: &str = "socket bind connect listen accept getsockname getpeername socketpair \
    send recv sendto recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg \
    sendmmsg";
/// The calls of ipc(2), from 1 (include/uapi/linux/ipc.h); `-` for none.
const IPC_CALLS: &str = "semop semget semctl semtimedop - - - - - - msgsnd msgrcv msgget msgctl \
    - - - - - - shmat shmdt shmget shmctl";

/// One name of one rule.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    /// The rule's place in the profile.
    rule: u32,
    /// The name's place in the family's tables.
    name: Option<u16>,
    /// The family's name of the call it is multiplexed by, and its number there.
    subcall: Option<(u16, u8)>,
}

/// Looks all the profile's names up; `unknown` gets those that no architecture
/// of the family has.
pub fn resolve<'a>(
    profile: &Seccomp<'a>,
    family: &Family,
    mut unknown: impl FnMut(&'a str),
) -> Vec<Named> {
    let name = |name: &str| family.find(name).map(|name| name as u16);
    let multiplexers =
        [("socketcall", SOCKETCALLS), ("ipc", IPC_CALLS)].map(|(call, words)| (name(call), words));
    let mut all = Vec::with_capacity(profile.syscalls.iter().map(|rule| rule.names.len()).sum());
    for (index, rule) in profile.syscalls.iter().enumerate() {
        for &text in &rule.names {
            let subcall = multiplexers.iter().find_map(|(call, words)| {
                let number = words.split(' ').position(|word| word == text)?;
                Some(((*call)?, number as u8 + 1))
            });
            let name = name(text);
            if name.is_none() && subcall.is_none() {
                unknown(text);
            }
            all.push(Named { rule: index as u32, name, subcall });
        }
    }
    all
}

/// What a filter does with a range of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It returns this.
    Return(u32),
    /// It tries these of [`Meaning::guards`], and returns the default action.
    Guards(usize, usize),
}

/// A range of numbers, up to the next one's.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// Its first number.
    pub start: u32,
    /// How many calls it has, of those that are likely to be made.
    pub width: u32,
    /// What happens.
    pub answer: Answer,
}

/// A profile's meaning: ranges of numbers that cover all, in order, for the
/// architectures that share a `seccomp_data.arch`.
#[derive(Debug, Default)]
pub struct Meaning {
    /// The ranges.
    pub ranges: Vec<Range>,
    /// What the ranges refer to.
    pub guards: Vec<Guard>,
}

impl Meaning {
    /// Appends a range; one with the same answer as the last is merged.
    pub fn push(&mut self, start: u32, width: u32, answer: Answer) {
        match self.ranges.last_mut() {
            Some(last) if last.answer == answer => last.width += width,
            Some(last) if last.start == start => *last = Range { start, width, answer },
            _ => self.ranges.push(Range { start, width, answer }),
        }
    }

    /// Appends what the profile means for the calls of `arch`.
    ///
    /// # Errors
    /// Two rules that contradict each other.
    pub fn add(&mut self, profile: &Seccomp<'_>, names: &[Named], arch: &Arch) -> Result<()> {
        let default = action::value(profile.default_action, profile.default_errno);
        // The action of a call's first rule without conditions.
        let mut plain: [Option<u32>; SLOTS] = [None; SLOTS];
        let mut guarded: Vec<(usize, Guard)> = Vec::new();
        let mut newest = None;
        let mut private = 0u32;
        for named in names {
            let direct = named.name.and_then(|name| arch.slot(name.into()));
            match direct.and_then(Arch::private) {
                Some(number) => private |= 1 << number,
                None => newest = newest.max(direct),
            }
            let rule = &profile.syscalls[named.rule as usize];
            let value = action::value(rule.action, rule.errno);
            if value == default {
                continue;
            }
            let subcall = named
                .subcall
                .filter(|_| arch.multiplexed)
                .and_then(|(call, number)| Some((arch.slot(call.into())?, Some(number.into()))));
            for (slot, subcall) in [subcall, direct.map(|slot| (slot, None))].into_iter().flatten()
            {
                guards(&rule.args, value, arch.wide, subcall, |guard| {
                    if guard.conditions.is_empty() {
                        plain[slot].get_or_insert(value);
                    } else {
                        guarded.push((slot, guard));
                    }
                });
            }
        }
        let permissive = matches!(
            profile.default_action,
            SeccompAction::Allow | SeccompAction::Log | SeccompAction::Trace
        );
        // As in runc, number 0 alone does not count as a profile's newest.
        newest = newest.filter(|slot| !permissive && arch.number(*slot) != 0);
        if newest.is_some() && arch.multiplexes_zero() {
            plain[0] = Some(action::ENOSYS);
        }
        if self.ranges.is_empty() {
            self.push(0, 0, Answer::Return(default));
        }
        // Few machines make x32 calls.
        let last = if arch.base == X32_BIT { None } else { Some(arch.last()) };
        for (slot, plain) in plain.into_iter().enumerate() {
            let start = arch.number(slot);
            let named = Arch::private(slot).is_some_and(|number| private & 1 << number != 0);
            let newer = newest.is_some_and(|newest| slot > newest) && !named;
            let answer = match plain {
                Some(action) => Answer::Return(action),
                None => match self.take_guards(slot, &mut guarded)? {
                    None if newer => Answer::Return(action::ENOSYS),
                    None => Answer::Return(default),
                    Some(guards) => guards,
                },
            };
            self.push(start, u32::from(Some(slot) <= last), answer);
        }
        Ok(())
    }

    /// Moves the guards of a call to their place, in the order to try them.
    fn take_guards(
        &mut self,
        slot: usize,
        guarded: &mut Vec<(usize, Guard)>,
    ) -> Result<Option<Answer>> {
        let begin = self.guards.len();
        let mut at = 0;
        while let Some((owner, _)) = guarded.get(at) {
            if *owner != slot {
                at += 1;
                continue;
            }
            let (_, guard) = guarded.remove(at);
            self.insert(begin, guard)?;
        }
        let end = self.guards.len();
        Ok((begin < end).then_some(Answer::Guards(begin, end)))
    }

    fn insert(&mut self, begin: usize, guard: Guard) -> Result<()> {
        let mut at = begin;
        while let Some(other) = self.guards.get(at) {
            let order = guard.order(other);
            if order == Ordering::Equal && guard.conditions == other.conditions {
                if guard.action == other.action {
                    return Ok(());
                }
                return Err(crate::error::Error::new(
                    "seccomp: two rules for the same call and arguments have different actions",
                ));
            }
            if order == Ordering::Less {
                break;
            }
            at += 1;
        }
        self.guards.insert(at, guard);
        Ok(())
    }
}
