//! The entry point on powerpc64le (ELFv2 ABI, "process initialization"): the
//! table of contents, which r2 points to, is ours to find.

core::arch::global_asm!(
    ".globl _start",
    ".hidden __ehdr_start",
    "_start:",
    // The form of a branch that processors know to be no call.
    "bcl 20, 31, 2f",
    "2:",
    "mflr 12",
    "addis 2, 12, .TOC.-2b@ha",
    "addi 2, 2, .TOC.-2b@l",
    "mr 3, 1",
    "addis 4, 2, __ehdr_start@toc@ha",
    "addi 4, 4, __ehdr_start@toc@l",
    // The smallest stack frame, aligned, without a caller.
    "clrrdi 1, 1, 4",
    "li 0, 0",
    "stdu 0, -32(1)",
    "mtlr 0",
    "bl {start}",
    "nop",
    "trap",
    start = sym super::start,
);

/// `R_PPC64_RELATIVE`.
pub const RELATIVE: u32 = 22;
