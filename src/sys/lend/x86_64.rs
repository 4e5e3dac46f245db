//! On x86_64 (System V ABI): the kernel takes only rcx and r11 away.

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
            "lea {stack}, [rsp - {below}]",
            "and {stack}, -16",
            "mov [rdi + {at}], {stack}",
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, {work}",
            "call {begin}",
            "ud2",
            "2:",
            stack = out(reg) _,
            below = const BELOW,
            at = const offset_of!(clone_args, stack),
            begin = in(reg) begin,
            work = in(reg) work,
            in("rdi") arguments,
            in("rsi") size_of::<clone_args>(),
            inlateout("rax") CLONE3 as usize => value,
            out("rcx") _,
            out("r11") _,
        );
    }
    value
}
