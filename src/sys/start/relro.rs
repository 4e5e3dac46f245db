//! What only relocation writes becomes read-only: the segment that the linker
//! marks as `PT_GNU_RELRO`, which is constants with addresses in them.

use super::relocate::segment;
use rustix::mm::{MprotectFlags, mprotect};

const PT_GNU_RELRO: u32 = 0x6474_e552;

/// Protects it, as far as it fills pages of this size. A kernel (or a filter
/// above us) that refuses leaves it as it is.
///
/// # Safety
/// `image` must be the load address of this very program, and its relocation
/// must be done.
#[inline(always)]
pub unsafe fn protect(image: *const u8, page: usize) {
    // SAFETY: the caller's promise.
    let Some(segment) = (unsafe { segment(image, PT_GNU_RELRO) }) else { return };
    // Rounded as in glibc and musl: the start is aligned, and a page at the end
    // that holds other data too stays writable.
    let start = (image as usize + segment.address) & !(page - 1);
    let end = (image as usize + segment.address + segment.size) & !(page - 1);
    // SAFETY: these pages are the image's own, and nothing but the relocation
    // writes into them: that is what the linker's mark says.
    let _ = unsafe { mprotect(start as *mut _, end - start, MprotectFlags::READ) };
}
