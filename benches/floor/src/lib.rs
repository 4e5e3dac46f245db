//! What the programs of this package share: the entry point and system calls by
//! number. Everything here is unsafe in Rust's sense and small enough to read;
//! it is a measuring device and never runs anything but the benches' bundles.
#![no_std]

pub mod call;
pub mod program;
pub mod text;

#[path = "../../../src/sys/start/memory.rs"]
mod memory;

#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call floor_main",
    "ud2",
);

#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(".globl _start", "_start:", "mov x0, sp", "bl floor_main", "brk #1");

/// The argument of that number, where there is one.
///
/// # Safety
/// `stack` is the stack pointer that `floor_main` was given.
pub unsafe fn argument(stack: *const usize, number: usize) -> Option<&'static core::ffi::CStr> {
    // SAFETY: the kernel lays argc and then argv at the initial stack pointer,
    // and the strings live as long as the process.
    unsafe {
        if number >= *stack {
            return None;
        }
        Some(core::ffi::CStr::from_ptr(*stack.add(1 + number) as *const core::ffi::c_char))
    }
}

/// What follows the prefix in a word.
pub fn after(word: &'static core::ffi::CStr, prefix: &[u8]) -> Option<&'static core::ffi::CStr> {
    let rest = word.to_bytes_with_nul().strip_prefix(prefix)?;
    core::ffi::CStr::from_bytes_with_nul(rest).ok()
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    call::exit(101)
}

/// The prebuilt `core` names it; with `panic = "abort"` nothing ever calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
