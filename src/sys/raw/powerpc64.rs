//! System calls on powerpc64 (Documentation/powerpc/syscall64-abi.rst of the
//! kernel): an error is a positive errno with the summary overflow bit of cr0.

use core::arch::asm;

/// Makes a system call.
///
/// # Safety
/// The arguments must be what this system call takes.
#[inline]
pub unsafe fn syscall6(
    number: usize,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
) -> usize {
    let value;
    // SAFETY: the caller's promise for what the kernel does; every register that
    // the kernel's document calls volatile is an output.
    unsafe {
        asm!(
            "sc",
            "bns+ 2f",
            "neg 3, 3",
            "2:",
            inlateout("r0") number => _,
            inlateout("r3") a => value,
            inlateout("r4") b => _,
            inlateout("r5") c => _,
            inlateout("r6") d => _,
            inlateout("r7") e => _,
            inlateout("r8") f => _,
            lateout("r9") _,
            lateout("r10") _,
            lateout("r11") _,
            lateout("r12") _,
            lateout("cr0") _,
            lateout("ctr") _,
            lateout("xer") _,
            options(nostack),
        );
    }
    value
}
