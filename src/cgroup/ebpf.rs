//! Device rules as a program for the kernel (cgroup-v2.rst, "Device controller";
//! the instructions: Documentation/bpf/standardization/instruction-set.rst).
//!
//! The kernel calls it with a type, a number and the wanted kinds of access. The
//! rules are tried from the last to the first. Each decides about those kinds of
//! access that it names and no later one has decided: one that is denied denies
//! the call, and it is allowed once every kind is allowed. What no rule decides
//! is denied. That is what applying the rules in order means.
//!
//! To load it costs what the kernel's verifier has to think about, most of all
//! jumps: so rules that follow one another and say the same of the same type share
//! the test of that type, a device is one comparison, and there is one place for
//! each answer.

use alloc::vec::Vec;

use crate::spec::{DeviceAccess, DeviceRule, DeviceRuleKind};
use crate::sys::bpf::Instruction;

/// Bits of the kernel's `access_type` (include/uapi/linux/bpf.h,
/// `BPF_DEVCG_ACC_*` and `BPF_DEVCG_DEV_*`).
const MKNOD: i32 = 1;
const READ: i32 = 2;
const WRITE: i32 = 4;
const BLOCK: i32 = 1;
const CHAR: i32 = 2;

// Registers: the answer, the argument, and what we keep in the others.
const ANSWER: u8 = 0;
const CONTEXT: u8 = 1;
const WANTED: u8 = 2;
const KIND: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;
/// Major and minor number together, as [`key`].
const KEY: u8 = 6;

// Operation codes; those on numbers with 32 bits.
const LOAD: u8 = 0x61;
const MOVE: u8 = 0xb4;
const MOVE_REGISTER: u8 = 0xbc;
const AND: u8 = 0x54;
const SHIFT_RIGHT: u8 = 0x74;
const MOVE_WIDE: u8 = 0xbf;
const SHIFT_LEFT_WIDE: u8 = 0x67;
const SHIFT_RIGHT_SIGNED_WIDE: u8 = 0xc7;
const OR_WIDE: u8 = 0x4f;
const JUMP: u8 = 0x05;
const EXIT: u8 = 0x95;
// Jumps of 32 bits came with Linux 5.1; those of 64 compare with the constant
// sign-extended, which is the same for the numbers here: all are below 2^31, or
// extended themselves.
const JUMP_EQUAL: u8 = 0x15;
const JUMP_UNEQUAL: u8 = 0x55;

fn instruction(code: u8, to: u8, from: u8, offset: i16, constant: i32) -> Instruction {
    let registers = if cfg!(target_endian = "big") { to << 4 | from } else { from << 4 | to };
    Instruction { code, registers, offset, constant }
}

fn bits(access: DeviceAccess) -> i32 {
    (if access.mknod { MKNOD } else { 0 })
        | (if access.read { READ } else { 0 })
        | (if access.write { WRITE } else { 0 })
}

/// Device numbers have 12 and 20 bits.
const MAJORS: u32 = 1 << 12;
const MINORS: u32 = 1 << 20;

/// A device's numbers in one, as the constant of a comparison.
fn key(major: u32, minor: u32) -> i32 {
    (major << 20 | minor) as i32
}

/// Jumps that wait longer get their answers on the way: they reach 32767 far.
const FAR: usize = 1 << 14;

/// The most rules that share a test.
const SHARE: usize = 1 << 12;

/// The program for these rules.
pub fn program(rules: &[DeviceRule]) -> Vec<Instruction> {
    // Larger numbers match nothing, nor does no access.
    let possible = |rule: &&DeviceRule| {
        rule.major.is_none_or(|number| number < MAJORS)
            && rule.minor.is_none_or(|number| number < MINORS)
            && bits(rule.access) != 0
    };
    let mut rules: Vec<DeviceRule> = rules.iter().rev().filter(possible).copied().collect();
    rules.dedup_by(|next, rule| join(rule, next));
    let mut code =
        Code { out: Vec::with_capacity(16 + rules.len() * 3), waiting: [const { Vec::new() }; 2] };
    code.begin(rules.iter().any(|rule| rule.major.is_some() && rule.minor.is_some()));
    let alike = |a: &DeviceRule, b: &DeviceRule| {
        (a.allow, a.kind, bits(a.access)) == (b.allow, b.kind, bits(b.access))
    };
    for group in rules.chunk_by(alike).flat_map(|group| group.chunks(SHARE)) {
        if let Some(answer) = code.group(group) {
            return code.end(answer);
        }
        code.relay();
    }
    code.end(false)
}

/// Makes one rule of two neighbours that say the same of character devices and of
/// block devices, if they do.
fn join(rule: &mut DeviceRule, next: &DeviceRule) -> bool {
    use DeviceRuleKind::{All, Block, Char};
    let both = matches!((rule.kind, next.kind), (Block, Char) | (Char, Block));
    let joined = both && *next == DeviceRule { kind: next.kind, ..*rule };
    if joined {
        rule.kind = All;
    }
    joined
}

/// A program being written.
struct Code {
    out: Vec<Instruction>,
    /// Jumps that deny, and those that allow, which go nowhere yet.
    waiting: [Vec<usize>; 2],
}

impl Code {
    fn put(&mut self, code: u8, to: u8, from: u8, constant: i32) {
        self.out.push(instruction(code, to, from, 0, constant));
    }

    /// A jump that [`Code::land`] completes.
    fn jump(&mut self, code: u8, register: u8, constant: i32) -> usize {
        self.put(code, register, 0, constant);
        self.out.len() - 1
    }

    /// A jump to an answer.
    fn jump_to(&mut self, answer: bool, code: u8, register: u8, constant: i32) {
        let at = self.jump(code, register, constant);
        self.waiting[usize::from(answer)].push(at);
    }

    /// The jump goes to what comes next.
    fn land(&mut self, jump: usize) {
        self.out[jump].offset = (self.out.len() - jump - 1) as i16;
    }

    /// An answer, where it may be jumped to.
    fn answer(&mut self, answer: bool) {
        for jump in core::mem::take(&mut self.waiting[usize::from(answer)]) {
            self.land(jump);
        }
        self.put(MOVE, ANSWER, 0, i32::from(answer));
        self.put(EXIT, 0, 0, 0);
    }

    fn begin(&mut self, with_key: bool) {
        self.put(LOAD, WANTED, CONTEXT, 0);
        self.out.push(instruction(LOAD, MAJOR, CONTEXT, 4, 0));
        self.out.push(instruction(LOAD, MINOR, CONTEXT, 8, 0));
        self.put(MOVE_REGISTER, KIND, WANTED, 0);
        self.put(AND, KIND, 0, 0xffff);
        self.put(SHIFT_RIGHT, WANTED, 0, 16);
        // Nothing is wanted: nothing is refused.
        self.jump_to(true, JUMP_EQUAL, WANTED, 0);
        if with_key {
            // The major number in bits 20 to 31, and its highest above them.
            self.put(MOVE_WIDE, KEY, MAJOR, 0);
            self.put(SHIFT_LEFT_WIDE, KEY, 0, 52);
            self.put(SHIFT_RIGHT_SIGNED_WIDE, KEY, 0, 32);
            self.put(OR_WIDE, KEY, MINOR, 0);
        }
    }

    /// Rules that differ in their numbers only. The answer, if they decide every
    /// call: then no code after them could be reached, which the verifier refuses.
    fn group(&mut self, rules: &[DeviceRule]) -> Option<bool> {
        let first = rules[0];
        let (access, allow) = (bits(first.access), first.allow);
        let kind = match first.kind {
            DeviceRuleKind::All => None,
            DeviceRuleKind::Char => Some(CHAR),
            DeviceRuleKind::Block => Some(BLOCK),
        };
        let all = access == MKNOD | READ | WRITE;
        let every = rules.iter().any(|rule| rule.major.is_none() && rule.minor.is_none());
        if all && every {
            let Some(kind) = kind else { return Some(allow) };
            self.jump_to(allow, JUMP_EQUAL, KIND, kind);
            return None;
        }
        let mut past: Vec<usize> = Vec::new();
        past.extend(kind.map(|kind| self.jump(JUMP_UNEQUAL, KIND, kind)));
        let tests = rules.iter().map(|rule| match (rule.major, rule.minor) {
            (Some(major), Some(minor)) => (KEY, key(major, minor)),
            (Some(major), None) => (MAJOR, major as i32),
            (None, minor) => (MINOR, minor.unwrap_or_default() as i32),
        });
        if all {
            tests.for_each(|(register, value)| self.jump_to(allow, JUMP_EQUAL, register, value));
        } else {
            if !every {
                let hits: Vec<usize> =
                    tests.map(|(register, value)| self.jump(JUMP_EQUAL, register, value)).collect();
                past.push(self.jump(JUMP, 0, 0));
                hits.into_iter().for_each(|hit| self.land(hit));
            }
            self.part(allow, access);
        }
        past.into_iter().for_each(|jump| self.land(jump));
        None
    }

    /// Decides about some kinds of access.
    fn part(&mut self, allow: bool, access: i32) {
        if allow {
            self.put(AND, WANTED, 0, !access);
            self.jump_to(true, JUMP_EQUAL, WANTED, 0);
        } else {
            self.put(MOVE_REGISTER, ANSWER, WANTED, 0);
            self.put(AND, ANSWER, 0, access);
            self.jump_to(false, JUMP_UNEQUAL, ANSWER, 0);
        }
    }

    /// Answers on the way, if there are jumps that could not reach the end.
    fn relay(&mut self) {
        let first = self.waiting.iter().filter_map(|jumps| jumps.first()).min();
        if first.is_none_or(|first| self.out.len() - first < FAR) {
            return;
        }
        let past = self.jump(JUMP, 0, 0);
        for answer in [false, true] {
            if !self.waiting[usize::from(answer)].is_empty() {
                self.answer(answer);
            }
        }
        self.land(past);
    }

    /// What is left gets this answer.
    fn end(mut self, answer: bool) -> Vec<Instruction> {
        self.answer(answer);
        if !self.waiting[usize::from(!answer)].is_empty() {
            self.answer(!answer);
        }
        self.out
    }
}
