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
use crate::spec::{Seccomp, SeccompAction, SeccompRule};

/// One name of one rule.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    /// The rule's place in the profile.
    rule: u32,
    /// The name's place in the family's tables.
    name: u16,
}

/// Looks all the profile's names up; `unknown` gets those that no architecture
/// of the family has.
pub fn resolve<'a>(
    profile: &Seccomp<'a>,
    family: &Family,
    unknown: &mut dyn FnMut(&'a str),
) -> Vec<Named> {
    let count = profile.syscalls.iter().map(|rule| rule.names.len()).sum();
    let mut all = Vec::with_capacity(count);
    for (rule, SeccompRule { names, .. }) in profile.syscalls.iter().enumerate() {
        for name in names {
            match family.find(name) {
                Some(name) => all.push(Named { rule: rule as u32, name }),
                None => unknown(name),
            }
        }
    }
    all
}

/// The rules of one call.
#[derive(Debug, Clone, Copy)]
enum Rules {
    /// There are none.
    None,
    /// All have conditions.
    Guards,
    /// The first one without conditions has this action.
    Action(u32),
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
    pub fn add(
        &mut self,
        profile: &Seccomp<'_>,
        names: &[Named],
        family: &Family,
        arch: &Arch,
    ) -> Result<()> {
        let default = action::value(profile.default_action, profile.default_errno);
        let mut calls = [Rules::None; SLOTS];
        let mut guarded: Vec<(usize, Guard)> = Vec::new();
        let mut newest = None;
        let mut private = 0u32;
        for named in names {
            let direct = arch.slot(named.name);
            match direct.and_then(Arch::private) {
                Some(number) => private |= 1 << number,
                None => newest = newest.max(direct),
            }
            let rule = &profile.syscalls[named.rule as usize];
            let value = action::value(rule.action, rule.errno);
            if value == default {
                continue;
            }
            let mut add = |slot: usize, subcall| {
                guards(&rule.args, value, arch.wide, subcall, &mut |guard| match (
                    guard.conditions.is_empty(),
                    calls[slot],
                ) {
                    (_, Rules::Action(_)) => {}
                    (true, _) => calls[slot] = Rules::Action(value),
                    (false, _) => {
                        calls[slot] = Rules::Guards;
                        guarded.push((slot, guard));
                    }
                });
            };
            if arch.multiplexed
                && let Some((call, number)) = family.multiplexer(named.name)
                && let Some(slot) = arch.slot(call)
            {
                add(slot, Some(number));
            }
            if let Some(slot) = direct {
                add(slot, None);
            }
        }
        let permissive = matches!(
            profile.default_action,
            SeccompAction::Allow | SeccompAction::Log | SeccompAction::Trace
        );
        // As in runc, number 0 alone does not count as a profile's newest.
        newest = newest.filter(|slot| !permissive && arch.number(*slot) != 0);
        if newest.is_some() && arch.multiplexes_zero() {
            calls[0] = Rules::Action(action::ENOSYS);
        }
        if self.ranges.is_empty() {
            self.push(0, 0, Answer::Return(default));
        }
        // Few machines make x32 calls.
        let last = if arch.base == X32_BIT { None } else { Some(arch.last()) };
        for (slot, rules) in calls.into_iter().enumerate() {
            let start = arch.number(slot);
            let named = Arch::private(slot).is_some_and(|number| private & 1 << number != 0);
            let newer = newest.is_some_and(|newest| slot > newest) && !named;
            let answer = match rules {
                Rules::Action(action) => Answer::Return(action),
                Rules::Guards => self.order_guards(slot, &guarded)?,
                Rules::None if newer => Answer::Return(action::ENOSYS),
                Rules::None => Answer::Return(default),
            };
            self.push(start, u32::from(Some(slot) <= last), answer);
        }
        Ok(())
    }

    /// Puts the guards of a call into the order to try them.
    fn order_guards(&mut self, slot: usize, guarded: &[(usize, Guard)]) -> Result<Answer> {
        let begin = self.guards.len();
        for (_, guard) in guarded.iter().filter(|(owner, _)| *owner == slot) {
            self.insert(begin, guard)?;
        }
        Ok(Answer::Guards(begin, self.guards.len()))
    }

    fn insert(&mut self, begin: usize, guard: &Guard) -> Result<()> {
        let mut at = begin;
        while let Some(other) = self.guards.get(at) {
            let order = guard.order(other);
            if order == Ordering::Equal && guard.conditions == other.conditions {
                if guard.action == other.action {
                    return Ok(());
                }
                return Err(super::refusal(
                    "seccomp: two rules for the same call and arguments have different actions",
                ));
            }
            if order == Ordering::Less {
                break;
            }
            at += 1;
        }
        self.guards.insert(at, guard.clone());
        Ok(())
    }
}
