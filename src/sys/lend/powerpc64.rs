//! On powerpc64le (ELFv2 ABI): a function is called with its address in r12, and
//! the frame above it begins with 32 bytes that are the callee's to use.

use super::{BELOW, Work};
use crate::sys::clone::CLONE3;
use core::arch::asm;
use core::mem::{offset_of, size_of};
use linux_raw_sys::general::clone_args;

/// That is what one instruction takes away.
const _: () = assert!(BELOW == 1 << 16);

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
    // that its side of this is only what stands here. Every register that the
    // kernel's document calls volatile is an output.
    unsafe {
        asm!(
            "addis 5, 1, -1",
            "std 5, {at}(3)",
            "sc",
            "bns+ 3f",
            "neg 3, 3",
            "b 2f",
            "3:",
            "cmpdi 3, 0",
            "bne 2f",
            "li 0, 0",
            "std 0, 0(1)",
            "mr 3, 14",
            "mr 12, 15",
            "mtctr 12",
            "bctrl",
            "trap",
            "2:",
            at = const offset_of!(clone_args, stack),
            in("r14") work,
            in("r15") begin,
            inlateout("r0") CLONE3 as usize => _,
            inlateout("r3") arguments => value,
            inlateout("r4") size_of::<clone_args>() => _,
            out("r5") _,
            lateout("r6") _,
            lateout("r7") _,
            lateout("r8") _,
            lateout("r9") _,
            lateout("r10") _,
            lateout("r11") _,
            lateout("r12") _,
            lateout("cr0") _,
            lateout("ctr") _,
            lateout("xer") _,
        );
    }
    value
}
