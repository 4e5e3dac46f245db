//! Our own program in memory.

use super::raw::syscall;
use linux_raw_sys::elf_uapi::{Elf64_Ehdr, Elf64_Phdr, PF_W, PT_LOAD};
use linux_raw_sys::general::{__NR_madvise, MADV_DONTNEED};

unsafe extern "C" {
    /// Where the ELF header is in memory; every linker defines it.
    static __ehdr_start: Elf64_Ehdr;
}

/// The smallest page of the architectures.
const PAGE: usize = 4096;

/// Gives the pages of code and constants back: those that are used again come
/// again from the file. For a program that has done all it had to do but wait.
pub fn forget() {
    // SAFETY: the header and, behind it, the program headers are in the first
    // page of the image, which is mapped as long as the program runs.
    let (base, headers) = unsafe {
        let header = &raw const __ehdr_start;
        let first = header.byte_add((*header).e_phoff as usize).cast::<Elf64_Phdr>();
        (header as usize, core::slice::from_raw_parts(first, usize::from((*header).e_phnum)))
    };
    for header in headers {
        if header.p_type != PT_LOAD || header.p_flags & PF_W != 0 {
            continue;
        }
        let start = (base + header.p_vaddr as usize) & !(PAGE - 1);
        let length = header.p_memsz as usize;
        // SAFETY: a private mapping of a file that was never written to: what
        // is read there afterwards is the same.
        let _ = unsafe { syscall(__NR_madvise, [start, length, MADV_DONTNEED as usize, 0, 0, 0]) };
    }
}
