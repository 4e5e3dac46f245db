//! The entry point on x86_64 (System V ABI, "process initialization").

core::arch::global_asm!(
    ".globl _start",
    ".hidden __ehdr_start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "lea rsi, [rip + __ehdr_start]",
    "and rsp, -16",
    "call {start}",
    "ud2",
    start = sym super::start,
);

/// `R_X86_64_RELATIVE`.
pub const RELATIVE: u32 = 8;
