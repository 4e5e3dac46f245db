//! The entry point on aarch64 (AAPCS64; the stack is 16-byte aligned on entry).

core::arch::global_asm!(
    ".globl _start",
    ".hidden __ehdr_start",
    "_start:",
    "mov x29, #0",
    "mov x30, #0",
    "mov x0, sp",
    "adrp x1, __ehdr_start",
    "add x1, x1, :lo12:__ehdr_start",
    "bl {start}",
    "brk #1",
    start = sym super::start,
);

/// `R_AARCH64_RELATIVE`.
pub const RELATIVE: u32 = 1027;
