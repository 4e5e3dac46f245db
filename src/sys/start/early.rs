//! Commands that must run from a protected view of the program (`act::protect`)
//! go over to it before anything else is done here: what is written to the
//! image, allocated and read until then would be lost, or be in the way.
//!
//! Nothing here may use a relocated address: no table of strings, no trait
//! object, no memcpy of a length that is known only later. Where it does not
//! work, nothing has happened: the command does it again, in its own way and with
//! its own errors.

use super::args::Vectors;
use super::exchange::exchange;
use core::ffi::CStr;
use ocinit::act::protect::{at_start, runs_from};
use ocinit::sys::exec::fexecve_raw;
use rustix::fd::AsFd;

/// Goes on from the view, if one of the arguments is the name of a command that
/// would and the view can be had. Whoever is the first process is none of them.
///
/// # Safety
/// `image` must be the load address of this very program, not yet relocated, and
/// `vectors` what the kernel gave it.
#[inline(always)]
pub unsafe fn protect(vectors: Vectors, image: *const u8) {
    if !is_meant(vectors) || rustix::process::getpid().is_init() {
        return;
    }
    let Some(file) = at_start() else { return };
    if let Some(opened) = file.open()
        // SAFETY: the caller's promise; the view is that of the program's own file.
        && unsafe { exchange(image, vectors, opened.as_fd()) }.is_ok()
    {
        return runs_from(file);
    }
    // SAFETY: two null-terminated arrays of strings.
    unsafe { fexecve_raw(file.as_fd(), vectors.argv() as usize, vectors.envp() as usize) };
}

fn is_meant(vectors: Vectors) -> bool {
    let meant = |word: &CStr| matches!(word.to_bytes(), b"run" | b"create" | b"exec" | b"mounts");
    vectors.arguments().any(meant)
}
