//! Classic BPF as the kernel runs it on a `struct seccomp_data`.

use super::Call;
use crate::sys::seccomp::Instruction;

/// What the filter returns for the call, and how many instructions it took.
pub fn run(program: &[Instruction], call: &Call) -> (u32, u32) {
    trace(program, call, |_| ())
}

/// Whether the filter looks at more of the call than its number and
/// architecture. Of calls that it allows without that the kernel keeps a list
/// (`seccomp_is_const_allow` of kernel/seccomp.c, Linux 5.11).
pub fn looks_at_arguments(program: &[Instruction], call: &Call) -> bool {
    let mut looks = false;
    trace(program, call, |offset| looks |= offset > 4);
    looks
}

/// Runs the filter and shows the offsets that it loads.
///
/// Panics on what the kernel's `seccomp_check_filter` and `bpf_check_classic`
/// would not accept, as far as the call gets there.
fn trace(program: &[Instruction], call: &Call, mut loads: impl FnMut(u32)) -> (u32, u32) {
    let mut accumulator = 0;
    let (mut at, mut steps) = (0, 0);
    loop {
        let Instruction { code, jump_true, jump_false, k } = program[at];
        at += 1;
        steps += 1;
        let holds = match code {
            0x20 => {
                loads(k);
                accumulator = word(call, k);
                continue;
            }
            0x54 => {
                accumulator &= k;
                continue;
            }
            0x05 => {
                at += k as usize;
                continue;
            }
            0x06 => return (k, steps),
            0x15 => accumulator == k,
            0x25 => accumulator > k,
            0x35 => accumulator >= k,
            0x45 => accumulator & k != 0,
            _ => panic!("instruction {code:#x}"),
        };
        at += usize::from(if holds { jump_true } else { jump_false });
    }
}

fn word(call: &Call, offset: u32) -> u32 {
    assert!(offset.is_multiple_of(4) && offset < 64, "offset {offset}");
    match offset {
        0 => call.number,
        4 => call.audit,
        8 | 12 => 0,
        _ => {
            let value = call.args[(offset as usize - 16) / 8];
            let first = offset.is_multiple_of(8);
            if first == call.big_endian { (value >> 32) as u32 } else { value as u32 }
        }
    }
}
