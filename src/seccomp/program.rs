//! A program of classic BPF, written from its end to its beginning: all jumps
//! go forward, so what they lead to is there before they are.
//!
//! Where a jump's target is more than 255 instructions away, a copy of the
//! target (a return) or a long jump is put nearby.

use alloc::vec::Vec;

use crate::sys::seccomp::Instruction;

/// `BPF_LD | BPF_W | BPF_ABS`: the accumulator becomes the word at `k` of
/// `struct seccomp_data` (include/uapi/linux/bpf_common.h for this and the rest).
pub const LOAD: u16 = 0x20;
/// `BPF_ALU | BPF_AND | BPF_K`.
pub const AND: u16 = 0x54;
/// `BPF_JMP | BPF_JA`.
pub const JUMP: u16 = 0x05;
/// `BPF_JMP | BPF_JEQ | BPF_K`.
pub const EQUAL: u16 = 0x15;
/// `BPF_JMP | BPF_JGT | BPF_K`.
pub const GREATER: u16 = 0x25;
/// `BPF_JMP | BPF_JGE | BPF_K`.
pub const GREATER_EQUAL: u16 = 0x35;
/// `BPF_RET | BPF_K`.
pub const RETURN: u16 = 0x06;

/// Where an instruction is, counted from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label(usize);

/// The words of `struct seccomp_data` that are known at some point: the
/// accumulator holds `loaded`, and `equal` have these values.
#[derive(Debug, Default)]
pub struct Known {
    /// The offset of the word in the accumulator.
    pub loaded: Option<u32>,
    /// Offsets and values.
    equal: heapless::Vec<(u32, u32), 12>,
}

impl Known {
    /// The word at `offset` has this value.
    pub fn learn(&mut self, offset: u32, value: u32) {
        // Six arguments of two words.
        let _ = self.equal.push((offset, value));
    }
}

/// A program under construction.
#[derive(Debug, Default)]
pub struct Program {
    /// The last instruction first.
    reversed: Vec<Instruction>,
}

impl Program {
    /// A program with room for some instructions.
    pub fn with_capacity(capacity: usize) -> Program {
        Program { reversed: Vec::with_capacity(capacity) }
    }

    /// The instructions in their order.
    pub fn finish(self) -> Vec<Instruction> {
        let mut instructions = self.reversed;
        instructions.reverse();
        instructions
    }

    /// Appends one at the front.
    fn push(&mut self, code: u16, jump_true: u8, jump_false: u8, k: u32) -> Label {
        self.reversed.push(Instruction { code, jump_true, jump_false, k });
        Label(self.reversed.len() - 1)
    }

    /// How many instructions the next one, with `more` before it, would skip to
    /// reach the label.
    fn distance(&self, label: Label, more: usize) -> usize {
        self.reversed.len() + more - label.0 - 1
    }

    /// An instruction that returns `value`; one nearby is used again.
    pub fn ret(&mut self, value: u32) -> Label {
        let near = self.reversed.iter().rev().take(64);
        let same = |other: &Instruction| other.code == RETURN && other.k == value;
        match { near }.position(same) {
            Some(back) => Label(self.reversed.len() - 1 - back),
            None => self.push(RETURN, 0, 0, value),
        }
    }

    /// Loads the word at `offset`, masks it where the mask is not all ones, and
    /// goes to `next`, which must be the instruction written last.
    pub fn load(&mut self, offset: u32, mask: u32, next: Label) -> Label {
        let next = self.adjacent(next);
        debug_assert_eq!(next.0 + 1, self.reversed.len());
        if mask != u32::MAX {
            self.push(AND, 0, 0, mask);
        }
        self.push(LOAD, 0, 0, offset)
    }

    /// Compares the accumulator with `k`.
    pub fn branch(&mut self, code: u16, k: u32, yes: Label, no: Label) -> Label {
        if yes == no {
            return yes;
        }
        let yes = self.near(yes, 1);
        let no = self.near(no, 0);
        let (yes, no) = (self.distance(yes, 0) as u8, self.distance(no, 0) as u8);
        self.push(code, yes, no, k)
    }

    /// The label, or one with the same effect, so near that a branch reaches it
    /// over `more` instructions.
    fn near(&mut self, label: Label, more: usize) -> Label {
        if self.distance(label, more) <= usize::from(u8::MAX) {
            return label;
        }
        match self.reversed[label.0] {
            Instruction { code: RETURN, k, .. } => self.ret(k),
            _ => self.push(JUMP, 0, 0, self.distance(label, 0) as u32),
        }
    }

    /// The label, or one with the same effect, at the program's front.
    fn adjacent(&mut self, label: Label) -> Label {
        match self.distance(label, 0) {
            0 => label,
            distance => match self.reversed[label.0] {
                Instruction { code: RETURN, k, .. } => self.push(RETURN, 0, 0, k),
                _ => self.push(JUMP, 0, 0, distance as u32),
            },
        }
    }

    /// Where a jump to the label may go as well, with what is known there:
    /// behind comparisons whose outcome is known, and behind a load of what is
    /// loaded.
    pub fn thread(&self, mut label: Label, known: &Known) -> Label {
        loop {
            let Instruction { code: LOAD, k: offset, .. } = self.reversed[label.0] else {
                return label;
            };
            let value = known.equal.iter().find(|(word, _)| *word == offset);
            let Some(&(_, mut value)) = value else {
                if known.loaded == Some(offset) {
                    return Label(label.0 - 1);
                }
                return label;
            };
            // What follows a load ends in a return or in another load.
            let mut at = label.0 - 1;
            label = loop {
                let instruction = self.reversed[at];
                let k = instruction.k;
                let holds = match instruction.code {
                    EQUAL => value == k,
                    GREATER => value > k,
                    GREATER_EQUAL => value >= k,
                    AND => {
                        value &= k;
                        at -= 1;
                        continue;
                    }
                    JUMP => {
                        at -= 1 + k as usize;
                        continue;
                    }
                    _ => break Label(at),
                };
                let skip = if holds { instruction.jump_true } else { instruction.jump_false };
                at -= 1 + usize::from(skip);
            };
        }
    }
}
