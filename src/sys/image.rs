//! Our own program in memory.

use super::raw::{syscall, syscall_here};
use linux_raw_sys::elf_uapi::{Elf64_Ehdr, Elf64_Phdr, PF_W, PT_LOAD};
use linux_raw_sys::general::{
    __NR_brk, __NR_madvise, __NR_ppoll, __NR_prctl, __kernel_timespec, MADV_DONTNEED,
};
use linux_raw_sys::prctl::{PR_SET_MM, PR_SET_MM_MAP, prctl_mm_map};
use rustix::event::PollFd;
use rustix::io::Result;

unsafe extern "C" {
    /// Where the ELF header is in memory; every linker defines it.
    static __ehdr_start: Elf64_Ehdr;
}

/// poll(2) for so many milliseconds, or until something happens with `None`, with
/// the pages of code and constants given back: those that are used again come again
/// from the file. For a program that has done all it had to do but wait; whether
/// something has happened.
///
/// What is needed while it waits comes again at once: so this is one function, and
/// looks at nothing of the file after the first page is gone.
#[inline(never)]
pub fn rest(fds: &mut [PollFd<'_>], milliseconds: Option<u64>) -> bool {
    // SAFETY: the header and, behind it, the program headers are in the first
    // page of the image, which is mapped as long as the program runs.
    let (base, headers) = unsafe {
        let header = &raw const __ehdr_start;
        let first = header.byte_add((*header).e_phoff as usize).cast::<Elf64_Phdr>();
        (header as usize, core::slice::from_raw_parts(first, usize::from((*header).e_phnum)))
    };
    let ranges: heapless::Vec<(usize, usize), SEGMENTS> =
        constant(base, headers).take(SEGMENTS).collect();
    let time = milliseconds.map(|time| __kernel_timespec {
        tv_sec: (time / 1000) as i64,
        tv_nsec: (time % 1000 * 1_000_000) as i64,
    });
    let time = time.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
    for (start, length) in ranges {
        // SAFETY: a private mapping of a file that was never written to: what
        // is read there afterwards is the same.
        unsafe { syscall_here(__NR_madvise, [start, length, MADV_DONTNEED as usize, 0, 0, 0]) };
    }
    // SAFETY: as many structures as are said, with open descriptors, that nobody
    // else has; the time is null or lives across the call.
    let happened = unsafe {
        syscall_here(__NR_ppoll, [fds.as_mut_ptr() as usize, fds.len(), time as usize, 0, 0, 0])
    };
    happened != 0
}

/// Where the heap of brk(2) ends, 0 where the kernel does not say.
pub fn heap_end() -> usize {
    // SAFETY: an address of 0 changes nothing.
    unsafe { syscall(__NR_brk, [0; 6]) }.unwrap_or(0)
}

/// Changes what the kernel knows about where our memory is, and what
/// `/proc/PID/exe` leads to (prctl(2), `PR_SET_MM_MAP`).
///
/// # Errors
/// EPERM without CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN in the user namespace,
/// EINVAL from a kernel without `CONFIG_CHECKPOINT_RESTORE`, and EBUSY, when all
/// else is right, as long as anything of the file before it is mapped.
pub fn set_map(map: &prctl_mm_map) -> Result<()> {
    let map: *const prctl_mm_map = map;
    let size = size_of::<prctl_mm_map>();
    let arguments = [PR_SET_MM as usize, PR_SET_MM_MAP as usize, map as usize, size, 0, 0];
    // SAFETY: the structure lives across the call, and has no auxiliary vector.
    // The kernel checks the addresses, and shows them; it uses none but the end
    // of the heap, below which there is nothing of ours.
    unsafe { syscall(__NR_prctl, arguments) }.map(drop)
}

/// There are one or two segments that nobody writes to, or three with code in pages
/// of its own.
const SEGMENTS: usize = 4;

/// Where the segments that nobody writes to are, with whole pages at their
/// beginnings, and how long they are, of an image whose ELF header is at `base`.
///
/// A page is no larger than what segments are aligned to, and no other segment
/// is on it. The addresses in the headers are those of memory only where the
/// image does not move; everywhere the first segment begins with the ELF header.
fn constant(base: usize, headers: &[Elf64_Phdr]) -> impl Iterator<Item = (usize, usize)> {
    let mut loaded = headers.iter().filter(|header| header.p_type == PT_LOAD).peekable();
    let moved = base.wrapping_sub(loaded.peek().map_or(0, |first| first.p_vaddr as usize));
    loaded.filter(|header| header.p_flags & PF_W == 0).map(move |header| {
        let begin = header.p_vaddr as usize & !(header.p_align as usize).saturating_sub(1);
        let end = (header.p_vaddr + header.p_memsz) as usize;
        (moved.wrapping_add(begin), end - begin)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use linux_raw_sys::elf_uapi::{PF_R, PF_X};

    fn ranges(base: usize, segments: &[(u32, u64, u64, u64)]) -> Vec<(usize, usize)> {
        let headers = segments.iter().map(|&(p_flags, p_vaddr, p_memsz, p_align)| Elf64_Phdr {
            p_type: PT_LOAD,
            p_flags,
            p_vaddr,
            p_memsz,
            p_align,
            p_offset: 0,
            p_paddr: 0,
            p_filesz: 0,
        });
        constant(base, &headers.collect::<Vec<_>>()).collect()
    }

    #[test]
    fn an_image_that_moved_with_large_pages() {
        let segments = [
            (PF_R, 0, 0x1795, 0x10000),
            (PF_R | PF_X, 0x11798, 0x8f16c, 0x10000),
            (PF_R | PF_W, 0xb0908, 0x186f8, 0x10000),
        ];
        let expect = [(0x7000_0000, 0x1795), (0x7001_0000, 0x90904)];
        assert_eq!(ranges(0x7000_0000, &segments), expect);
    }

    #[test]
    fn an_image_at_its_own_address() {
        let segments = [
            (PF_R | PF_X, 0x10_0000, 0x10_9415, 0x2000),
            (PF_R | PF_W, 0x20_abc8, 0x1_22f8, 0x2000),
        ];
        assert_eq!(ranges(0x10_0000, &segments), [(0x10_0000, 0x10_9415)]);
    }
}
