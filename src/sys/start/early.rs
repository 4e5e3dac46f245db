//! Commands that must run from a protected view of the program (`act::protect`)
//! go there before anything else is done here: what is relocated, allocated and
//! read until then would be thrown away.
//!
//! Nothing here may use a relocated address: no table of strings, no trait
//! object. Where it does not work, nothing has happened: the command does it
//! again, in its own way and with its own errors.

use core::ffi::{CStr, c_char};
use ocinit::sys::exec::fexecve_raw;
use rustix::fd::AsFd;

/// Goes on from the view, if one of the arguments is the name of a command that
/// would and the view can be had. Whoever is the first process is none of them.
///
/// # Safety
/// `stack` must be the stack pointer at the process's entry.
#[inline(always)]
pub unsafe fn protect(stack: *const usize) {
    // SAFETY: the kernel puts argc at the stack pointer, then argv with its null,
    // then envp with its null; the strings live as long as the process.
    unsafe {
        let arguments = stack.add(1) as *const *const c_char;
        let environment = arguments.add(*stack + 1);
        if is_meant(arguments)
            && !rustix::process::getpid().is_init()
            && let Some(file) = ocinit::act::protect::at_start()
        {
            fexecve_raw(file.as_fd(), arguments as usize, environment as usize);
        }
    }
}

/// # Safety
/// `argument` must be a null-terminated array of C strings that live for ever.
unsafe fn is_meant(mut argument: *const *const c_char) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        while !(*argument).is_null() {
            let word = CStr::from_ptr(*argument).to_bytes();
            if matches!(word, b"run" | b"create" | b"exec" | b"mounts") {
                return true;
            }
            argument = argument.add(1);
        }
    }
    false
}
