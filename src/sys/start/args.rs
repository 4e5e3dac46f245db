//! The arguments and the environment, where the kernel put them.

use core::ffi::{CStr, c_char};
#[cfg(not(target_arch = "sparc64"))]
use linux_raw_sys::auxvec::AT_PAGESZ;

/// Reads argc, argv and envp from the initial stack.
///
/// # Safety
/// `stack` must be the stack pointer at the process's entry.
#[cfg(not(target_arch = "sparc64"))]
pub unsafe fn from_stack(
    stack: *const usize,
) -> (impl Iterator<Item = &'static CStr>, impl Iterator<Item = &'static CStr>) {
    // SAFETY: the kernel puts argc at the stack pointer, then argv with its
    // null, then envp with its null; the strings live as long as the process.
    unsafe {
        let argv = stack.add(1) as *const *const c_char;
        let envp = argv.add(*stack + 1);
        (strings(argv), strings(envp))
    }
}

/// The size of a page in bytes (`AT_PAGESZ` of getauxval(3)).
///
/// # Safety
/// `stack` must be the stack pointer at the process's entry.
#[cfg(not(target_arch = "sparc64"))]
pub unsafe fn page_size(stack: *const usize) -> usize {
    // SAFETY: behind argc, argv and envp, each with its null, the kernel puts
    // pairs of words, of which AT_PAGESZ is always one.
    unsafe {
        let mut at = stack.add(*stack + 2);
        while *at != 0 {
            at = at.add(1);
        }
        at = at.add(1);
        while *at != AT_PAGESZ as usize {
            at = at.add(2);
        }
        *at.add(1)
    }
}

/// The strings of such an array.
///
/// # Safety
/// `array` must be a null-terminated array of C strings that live for ever.
pub unsafe fn strings(mut array: *const *const c_char) -> impl Iterator<Item = &'static CStr> {
    core::iter::from_fn(move || {
        // SAFETY: the caller's promise; the iterator stops at the null and
        // never moves past it.
        unsafe {
            if (*array).is_null() {
                return None;
            }
            let string = CStr::from_ptr(*array);
            array = array.add(1);
            Some(string)
        }
    })
}
