//! What a program needs before `main` when there is no libc: the entry point,
//! self-relocation (the binary is a static PIE), the memory functions that the
//! compiler calls, the allocator and the panic handler.
//!
//! Where there has to be a libc (sparc64), it brings the first three, and the
//! architecture's file has its `main`.
//!
//! This room belongs to the binary, not to the library: unit tests and host
//! tools link the library with std, which brings all of these itself.

mod alloc;
mod args;
#[cfg(not(target_arch = "sparc64"))]
mod early;
#[cfg(not(target_arch = "sparc64"))]
mod exchange;
mod memory;
mod panic;
#[cfg(not(target_arch = "sparc64"))]
mod relocate;
#[cfg(not(target_arch = "sparc64"))]
mod relro;

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(all(target_arch = "powerpc64", target_endian = "little"), path = "powerpc64.rs")]
#[cfg_attr(target_arch = "sparc64", path = "sparc64.rs")]
mod arch;

#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    all(target_arch = "powerpc64", target_endian = "little"),
    target_arch = "sparc64",
)))]
compile_error!("no start code for this architecture: add src/sys/start/ARCH.rs");

/// Called by the architecture's `_start` with the initial stack pointer and
/// the address at which the image was loaded.
///
/// # Safety
/// Only `_start` may call this, once, with the values the kernel gave it.
#[cfg(not(target_arch = "sparc64"))]
unsafe extern "C" fn start(stack: *const usize, image: *const u8) -> ! {
    // SAFETY: `stack` is what the kernel gave.
    let vectors = unsafe { args::Vectors::new(stack) };
    // SAFETY: `image` is our own ELF header, not yet relocated; nothing before
    // relocation uses a relocated address.
    unsafe { early::protect(vectors, image) };
    // SAFETY: as above.
    unsafe { relocate::relocate(image) };
    // SAFETY: as above, and the image is relocated now.
    unsafe { relro::protect(image, vectors.page_size()) };
    let (arguments, environment) = (vectors.arguments(), vectors.environment());
    let status = ocinit::main(arguments, environment);
    ocinit::sys::exit(status)
}
