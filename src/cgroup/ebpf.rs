//! Device rules as a program for the kernel (cgroup-v2.rst, "Device controller";
//! the instructions: Documentation/bpf/standardization/instruction-set.rst).
//!
//! The kernel calls it with a type, a number and the wanted kinds of access. The
//! rules are tried from the last to the first. Each decides about those kinds of
//! access that it names and no later one has decided: one that is denied denies
//! the call, and it is allowed once every kind is allowed. What no rule decides
//! is denied. That is what applying the rules in order means.

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

// Operation codes, all with 32 bits: a number is compared as it is.
const LOAD: u8 = 0x61;
const MOVE: u8 = 0xb4;
const MOVE_REGISTER: u8 = 0xbc;
const AND: u8 = 0x54;
const SHIFT_RIGHT: u8 = 0x74;
const EXIT: u8 = 0x95;
// Jumps of 32 bits came with Linux 5.1; those of 64 compare with the constant
// sign-extended, which is the same for the numbers here, all below 2^31.
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

/// The program for these rules.
pub fn program(rules: &[DeviceRule]) -> Vec<Instruction> {
    let mut out = Vec::with_capacity(16 + rules.len() * 6);
    out.extend([
        instruction(LOAD, WANTED, CONTEXT, 0, 0),
        instruction(LOAD, MAJOR, CONTEXT, 4, 0),
        instruction(LOAD, MINOR, CONTEXT, 8, 0),
        instruction(MOVE_REGISTER, KIND, WANTED, 0, 0),
        instruction(AND, KIND, 0, 0, 0xffff),
        instruction(SHIFT_RIGHT, WANTED, 0, 0, 16),
        // Nothing is wanted: nothing is refused.
        instruction(JUMP_UNEQUAL, WANTED, 0, 2, 0),
    ]);
    answer(&mut out, 1);
    for rule in rules.iter().rev() {
        if rule_block(&mut out, rule) {
            return out;
        }
    }
    answer(&mut out, 0);
    out
}

fn answer(out: &mut Vec<Instruction>, answer: i32) {
    out.push(instruction(MOVE, ANSWER, 0, 0, answer));
    out.push(instruction(EXIT, 0, 0, 0, 0));
}

/// One rule; whether it decides every call, so that no code after it can be
/// reached (which the kernel's verifier refuses).
fn rule_block(out: &mut Vec<Instruction>, rule: &DeviceRule) -> bool {
    let kind = match rule.kind {
        DeviceRuleKind::All => None,
        DeviceRuleKind::Char => Some(CHAR),
        DeviceRuleKind::Block => Some(BLOCK),
    };
    // Device numbers have 12 and 20 bits: larger ones match nothing.
    let number = |number: Option<u32>| number.map(i32::try_from).transpose();
    let (Ok(major), Ok(minor)) = (number(rule.major), number(rule.minor)) else { return false };
    let access = bits(rule.access);
    if access == 0 {
        return false;
    }
    let all = access == MKNOD | READ | WRITE;
    let tests = [(KIND, kind), (MAJOR, major), (MINOR, minor)];
    let count = tests.iter().filter(|(_, value)| value.is_some()).count() as i16;
    let body = match (rule.allow, all) {
        (_, true) => 2,
        (true, false) => 4,
        (false, false) => 5,
    };
    let mut next = count + body;
    for (register, value) in tests {
        if let Some(value) = value {
            next -= 1;
            out.push(instruction(JUMP_UNEQUAL, register, 0, next, value));
        }
    }
    if !all && rule.allow {
        out.push(instruction(AND, WANTED, 0, 0, !access));
        out.push(instruction(JUMP_UNEQUAL, WANTED, 0, 2, 0));
    } else if !all {
        out.push(instruction(MOVE_REGISTER, ANSWER, WANTED, 0, 0));
        out.push(instruction(AND, ANSWER, 0, 0, access));
        out.push(instruction(JUMP_EQUAL, ANSWER, 0, 2, 0));
    }
    answer(out, i32::from(rule.allow));
    all && count == 0
}
