//! On aarch64 (AAPCS64; the stack is 16-byte aligned): the kernel keeps every
//! register but x0.

use super::{BELOW, Work};
use crate::sys::clone::CLONE3;
use core::arch::asm;
use core::mem::{offset_of, size_of};
use linux_raw_sys::general::clone_args;

/// clone3(2): the value as the kernel gives it. The new process calls `begin` below
/// this stack.
///
/// # Safety
/// With `CLONE_VM` and `CLONE_VFORK`; and nothing else may use the stack below.
pub unsafe fn clone(
    arguments: &mut clone_args,
    begin: extern "C" fn(&mut Work<'_>) -> !,
    work: &mut Work<'_>,
) -> usize {
    let value;
    // SAFETY: the caller's promise. The new process never comes out of `begin`, so
    // that its side of this is only what stands here.
    unsafe {
        asm!(
            "mov {stack}, sp",
            "sub {stack}, {stack}, {below}",
            "str {stack}, [x0, {at}]",
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, #0",
            "mov x30, #0",
            "mov x0, {work}",
            "blr {begin}",
            "brk #1",
            "2:",
            stack = out(reg) _,
            below = const BELOW,
            at = const offset_of!(clone_args, stack),
            begin = in(reg) begin,
            work = in(reg) work,
            inlateout("x0") arguments => value,
            in("x1") size_of::<clone_args>(),
            in("x8") CLONE3 as usize,
        );
    }
    value
}
