//! System calls on sparc64: the C library's syscall(2), which rustix has
//! brought already, since stable Rust has no assembler here.

/// Makes a system call.
///
/// # Safety
/// The arguments must be what this system call takes.
pub unsafe fn syscall6(
    number: usize,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
) -> usize {
    // SAFETY: the caller's promise; the function takes as many words as there
    // are, and errno is this thread's.
    unsafe {
        match libc::syscall(number as libc::c_long, a, b, c, d, e, f) {
            -1 => -(*libc::__errno_location() as isize) as usize,
            value => value as usize,
        }
    }
}
