//! Conditions on arguments, and the order in which rules of one call are tried.
//!
//! That order is libseccomp's, whatever the profile's: it decides where rules
//! overlap and differ in their action.

use core::cmp::Ordering;

use crate::spec::{SeccompArgument, SeccompOperator};

/// How an argument is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Behind the mask the argument is the value.
    Equal,
    /// It is greater.
    Greater,
    /// It is greater or the same.
    GreaterEqual,
}

/// One comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// Which argument, 0 to 5.
    pub argument: u32,
    /// What holds of it…
    pub compare: Compare,
    /// …or does not.
    pub negated: bool,
    /// The bits that count; all unless it is `Equal`.
    pub mask: u64,
    /// The value, without bits outside the mask.
    pub value: u64,
}

/// The bits of an argument that count.
fn width(wide: bool) -> u64 {
    if wide { u64::MAX } else { u64::from(u32::MAX) }
}

impl Condition {
    /// A condition of the profile for an architecture whose arguments have 64
    /// bits (`wide`) or 32, where the upper half of the value is dropped, as
    /// libseccomp does it. `None` where it always holds for want of a mask.
    pub fn new(argument: &SeccompArgument, wide: bool) -> Option<Condition> {
        let (compare, negated) = match argument.operator {
            SeccompOperator::Equal | SeccompOperator::MaskedEqual => (Compare::Equal, false),
            SeccompOperator::NotEqual => (Compare::Equal, true),
            SeccompOperator::Greater => (Compare::Greater, false),
            SeccompOperator::LessEqual => (Compare::Greater, true),
            SeccompOperator::GreaterEqual => (Compare::GreaterEqual, false),
            SeccompOperator::Less => (Compare::GreaterEqual, true),
        };
        let (mask, value) = match argument.operator {
            SeccompOperator::MaskedEqual => (argument.value, argument.value_two),
            _ => (u64::MAX, argument.value),
        };
        let mask = mask & width(wide);
        (mask != 0).then_some(Condition {
            argument: argument.index,
            compare,
            negated,
            mask,
            value: value & mask,
        })
    }

    /// That argument 0 is the number of a multiplexed call.
    pub fn subcall(number: u32, wide: bool) -> Condition {
        Condition {
            argument: 0,
            compare: Compare::Equal,
            negated: false,
            mask: width(wide),
            value: number.into(),
        }
    }

    /// Equality before "less", "less" before "greater".
    fn class(&self) -> u32 {
        match (self.compare, self.negated) {
            (Compare::Equal, _) => 0,
            (_, true) => 1,
            (_, false) => 2,
        }
    }

    /// `Less` where this one is tried before the other: the later argument,
    /// then the class, then the larger value (the smaller one for "less").
    fn order(&self, other: &Condition) -> Ordering {
        let half = |value: u64| (value >> 32) as u32;
        let by_value = |a: u64, b: u64| if self.class() == 1 { a.cmp(&b) } else { b.cmp(&a) };
        let upper = other
            .argument
            .cmp(&self.argument)
            .then(self.class().cmp(&other.class()))
            .then(by_value(half(self.value).into(), half(other.value).into()));
        if upper == Ordering::Equal && half(self.mask) == half(other.mask) {
            return by_value(self.value, other.value);
        }
        upper
    }
}

/// Conditions of one rule: all must hold. Each is about another argument; the
/// first argument is first.
pub type Conditions = heapless::Vec<Condition, 6>;

/// A rule of one call that has conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Its conditions.
    pub conditions: Conditions,
    /// What the filter then returns.
    pub action: u32,
}

impl Guard {
    /// `Less` where this one is tried before the other; a guard before those
    /// that go on where it ends.
    pub fn order(&self, other: &Guard) -> Ordering {
        let mut theirs = other.conditions.iter();
        for ours in &self.conditions {
            let Some(theirs) = theirs.next() else {
                return Ordering::Greater;
            };
            if ours == theirs {
                continue;
            }
            return ours.order(theirs);
        }
        if theirs.next().is_some() { Ordering::Less } else { Ordering::Equal }
    }
}

/// The guards that a rule of the profile makes: one with all its conditions, or
/// one for each where two are about the same argument (runc's reading).
///
/// `subcall` is the number of the multiplexed call that the rule is about; it
/// takes the place of what the rule says of argument 0 (libseccomp's reading).
/// Guards without conditions are possible. `index`es are below 6.
pub fn guards(
    args: &[SeccompArgument],
    action: u32,
    wide: bool,
    subcall: Option<u32>,
    each: &mut dyn FnMut(Guard),
) {
    let twice = |at: usize| args[..at].iter().any(|other| other.index == args[at].index);
    let split = if (1..args.len()).any(twice) { 1 } else { args.len().max(1) };
    let mut rest = args;
    loop {
        let (these, others) = rest.split_at(split.min(rest.len()));
        rest = others;
        let mut conditions = Conditions::new();
        conditions.extend(subcall.map(|number| Condition::subcall(number, wide)));
        for argument in these {
            if subcall.is_some() && argument.index == 0 {
                continue;
            }
            let Some(condition) = Condition::new(argument, wide) else { continue };
            let after = |other: &&Condition| other.argument < condition.argument;
            let at = conditions.iter().take_while(after).count();
            // There are six arguments, and none is here twice.
            let _ = conditions.insert(at, condition);
        }
        each(Guard { conditions, action });
        if rest.is_empty() {
            return;
        }
    }
}
