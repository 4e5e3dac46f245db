//! The entry on sparc64, where rustix needs a C library: `main`, which that
//! library calls when it has started itself.

use super::args::strings;
use core::ffi::{c_char, c_int, c_void};

/// C's main.
///
/// # Safety
/// Only the C library's start code may call this, once.
#[unsafe(no_mangle)]
unsafe extern "C" fn main(
    _count: c_int,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) -> c_int {
    // SAFETY: both are the arrays that the kernel put on the stack: they end
    // with a null and live as long as the process.
    let status = unsafe { ocinit::main(strings(arguments), strings(environment)) };
    ocinit::sys::exit(status)
}

/// Looks a symbol up. rustix asks for functions that an old library may lack: a
/// static program has no table to look in, and the answer is to make the system
/// call. The library's own would bring the whole dynamic loader.
#[unsafe(no_mangle)]
extern "C" fn dlsym(_library: *mut c_void, _name: *const c_char) -> *mut c_void {
    core::ptr::null_mut()
}

/// What a waiting thread does: there is none. The library's own is chosen at the
/// start, in a table that is both writable and executable here.
#[unsafe(no_mangle)]
extern "C" fn __cpu_relax() {}

/// Ends after a failed assertion of the library, whose own words would bring its
/// streams and translations.
#[unsafe(no_mangle)]
extern "C" fn __assert_fail() -> ! {
    ocinit::sys::exit(ocinit::sys::PANIC_STATUS)
}
