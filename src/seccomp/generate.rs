//! From a profile's meaning to instructions.

use super::action;
use super::arch::Arch;
use super::condition::{Compare, Condition, Guard};
use super::program::{EQUAL, GREATER, GREATER_EQUAL, Known, Label, Program};
use super::rules::{Answer, Meaning, Range};

/// Offsets in `struct seccomp_data` (include/uapi/linux/seccomp.h).
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const ARGUMENTS: u32 = 16;

/// Code for the calls of one `seccomp_data.arch`. `arch` is the architecture
/// whose numbers begin the ranges; `default` what guards that all fail return.
pub fn calls(program: &mut Program, meaning: &Meaning, arch: &Arch, default: u32) -> Label {
    let search = Search { meaning, arch, default };
    let tree = search.tree(program, &meaning.ranges);
    program.load(NUMBER, u32::MAX, tree)
}

/// Code that goes to the part for the call's architecture; the last of them is
/// tried first.
pub fn dispatch(program: &mut Program, parts: &[(u32, Label)]) -> Label {
    let mut next = program.ret(action::KILL_THREAD);
    for (audit, part) in parts {
        next = program.branch(EQUAL, *audit, *part, next);
    }
    program.load(ARCH, u32::MAX, next)
}

struct Search<'a> {
    meaning: &'a Meaning,
    arch: &'a Arch,
    default: u32,
}

impl Search<'_> {
    /// A search tree over ranges: each branch halves what is left of their
    /// weight, which is how many calls they have.
    fn tree(&self, program: &mut Program, ranges: &[Range]) -> Label {
        let [first, rest @ ..] = ranges else {
            return program.ret(self.default);
        };
        if rest.is_empty() {
            return self.leaf(program, first.answer);
        }
        let weight = |range: &Range| u64::from(range.width) * 16 + 1;
        let total: u64 = ranges.iter().map(weight).sum();
        let mut before = weight(first);
        let mut at = 1;
        while at < rest.len() {
            let with_next = before + weight(&ranges[at]);
            if with_next.abs_diff(total - with_next) >= before.abs_diff(total - before) {
                break;
            }
            before = with_next;
            at += 1;
        }
        let (below, above) = ranges.split_at(at);
        let above_label = self.tree(program, above);
        let below_label = self.tree(program, below);
        program.branch(GREATER_EQUAL, above[0].start, above_label, below_label)
    }

    fn leaf(&self, program: &mut Program, answer: Answer) -> Label {
        match answer {
            Answer::Return(value) => program.ret(value),
            Answer::Guards(begin, end) => {
                let mut next = program.ret(self.default);
                for guard in self.meaning.guards[begin..end].iter().rev() {
                    next = self.guard(program, guard, next);
                }
                next
            }
        }
    }

    /// Code that returns the guard's action, or goes on at `next`.
    fn guard(&self, program: &mut Program, guard: &Guard, next: Label) -> Label {
        let mut yes = program.ret(guard.action);
        for (at, condition) in guard.conditions.iter().enumerate().rev() {
            let mut known = Known::default();
            for earlier in &guard.conditions[..at] {
                self.learn(earlier, &mut known);
            }
            yes = self.condition(program, condition, known, yes, next);
        }
        yes
    }

    /// What is known of words where the condition holds.
    fn learn(&self, condition: &Condition, known: &mut Known) {
        if condition.compare == Compare::Equal && !condition.negated {
            for (offset, mask, value) in self.halves(condition) {
                if mask == u32::MAX {
                    known.learn(offset, value);
                }
            }
        }
    }

    /// The two words of an argument, the upper one first: offset, mask and
    /// value. Where arguments are narrow, the mask has no bits of the upper one.
    fn halves(&self, condition: &Condition) -> [(u32, u32, u32); 2] {
        let Condition { argument, mask, value, .. } = *condition;
        let upper = if self.arch.big_endian { 0 } else { 4 };
        let at = ARGUMENTS + 8 * argument;
        [
            (at + upper, (mask >> 32) as u32, (value >> 32) as u32),
            (at + 4 - upper, mask as u32, value as u32),
        ]
    }

    /// Code that goes to `yes` where the condition holds and to `no` where not.
    /// `known` is what is known where the code begins.
    fn condition(
        &self,
        program: &mut Program,
        condition: &Condition,
        mut known: Known,
        yes: Label,
        no: Label,
    ) -> Label {
        let [(upper, upper_mask, upper_value), (lower, lower_mask, lower_value)] =
            self.halves(condition);
        let test = match condition.compare {
            Compare::Equal => EQUAL,
            Compare::Greater => GREATER,
            Compare::GreaterEqual => GREATER_EQUAL,
        };
        let exits = |program: &Program, known: &Known| {
            let no = program.thread(no, known);
            if condition.negated { (no, yes) } else { (yes, no) }
        };
        let whole = |offset, mask| (mask == u32::MAX).then_some(offset);
        known.loaded = whole(upper, upper_mask);
        let (upper_holds, upper_fails) = exits(program, &known);
        // The lower half is looked at only where the upper one has its value.
        if upper_mask == u32::MAX {
            known.learn(upper, upper_value);
        }
        let mut next = upper_holds;
        if lower_mask != 0 {
            known.loaded = whole(lower, lower_mask);
            let (holds, fails) = exits(program, &known);
            let compared = program.branch(test, lower_value, holds, fails);
            next = program.load(lower, lower_mask, compared);
        }
        if upper_mask == 0 {
            return next;
        }
        if test == EQUAL || upper_value != 0 {
            next = program.branch(EQUAL, upper_value, next, upper_fails);
        }
        if test != EQUAL {
            next = program.branch(GREATER, upper_value, upper_holds, next);
        }
        program.load(upper, upper_mask, next)
    }
}
