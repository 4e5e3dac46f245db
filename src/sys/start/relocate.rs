//! Self-relocation: a static PIE carries only relative relocations, which add
//! the load address to a word of the image. The linker packs nearly all of them.
//!
//! The format is that of the System V gABI, chapter 5 ("Dynamic Section") and
//! the architecture's psABI for the relocation's number.

use super::arch::RELATIVE;

#[repr(C)]
pub struct ElfHeader {
    ident: [u8; 16],
    kind_machine_version: [u32; 2],
    entry: usize,
    program_headers: usize,
    section_headers: usize,
    flags: u32,
    header_size: u16,
    program_header_size: u16,
    program_header_count: u16,
}

#[repr(C)]
pub struct ProgramHeader {
    pub kind: u32,
    pub flags: u32,
    pub offset: usize,
    pub address: usize,
    physical_address: usize,
    pub file_size: usize,
    pub size: usize,
}

#[repr(C)]
struct Dynamic {
    tag: usize,
    value: usize,
}

#[repr(C)]
struct Rela {
    offset: usize,
    info: u64,
    addend: usize,
}

const PT_DYNAMIC: u32 = 2;
const DT_NULL: usize = 0;
const DT_RELA: usize = 7;
const DT_RELASZ: usize = 8;
const DT_RELRSZ: usize = 35;
const DT_RELR: usize = 36;

/// Applies the image's relative relocations.
///
/// # Safety
/// `image` must be the load address of this very program, and nothing may have
/// used an address that needs relocation before.
#[inline(always)]
pub unsafe fn relocate(image: *const u8) {
    let base = image as usize;
    // SAFETY: the ELF header and the program headers are in the first page of
    // the image, mapped by the kernel; `.dynamic` and the table it names are in
    // mapped segments, and the words it patches are in the writable one (RELRO
    // protection is not yet applied: nobody but us could apply it).
    unsafe {
        let Some(segment) = segment(image, PT_DYNAMIC) else { return };
        let mut dynamic = (base + segment.address) as *const Dynamic;
        let (mut table, mut size) = (0, 0);
        let (mut packed, mut packed_size) = (0, 0);
        while (*dynamic).tag != DT_NULL {
            match (*dynamic).tag {
                DT_RELA => table = base + (*dynamic).value,
                DT_RELASZ => size = (*dynamic).value,
                DT_RELR => packed = base + (*dynamic).value,
                DT_RELRSZ => packed_size = (*dynamic).value,
                _ => {}
            }
            dynamic = dynamic.add(1);
        }
        let mut rela = table as *const Rela;
        let end = (table + size) as *const Rela;
        while rela < end {
            if (*rela).info as u32 == RELATIVE {
                *((base + (*rela).offset) as *mut usize) = base.wrapping_add((*rela).addend);
            }
            rela = rela.add(1);
        }
        relocate_packed(base, packed as *const usize, packed_size / size_of::<usize>());
    }
}

/// The program header of this kind.
///
/// # Safety
/// `image` must be the load address of this very program.
#[inline(always)]
pub unsafe fn segment(image: *const u8, kind: u32) -> Option<&'static ProgramHeader> {
    // SAFETY: the caller's promise.
    unsafe { program_headers(image) }.find(|segment| segment.kind == kind)
}

/// The program headers.
///
/// # Safety
/// `image` must be the load address of this very program.
#[inline(always)]
pub unsafe fn program_headers(image: *const u8) -> impl Iterator<Item = &'static ProgramHeader> {
    // SAFETY: the ELF header and the program headers are in the first page of
    // the image, which is mapped as long as the program runs.
    let (first, size, count) = unsafe {
        let header = &*(image as *const ElfHeader);
        let first = image.add(header.program_headers);
        (first, usize::from(header.program_header_size), usize::from(header.program_header_count))
    };
    // SAFETY: there are so many of that size.
    (0..count).map(move |index| unsafe { &*(first.add(index * size) as *const ProgramHeader) })
}

/// Applies packed relative relocations (`DT_RELR`): an even word is the address
/// of a word to relocate; an odd one is a bitmap of the words that follow the
/// last, bit 1 for the first of them.
///
/// # Safety
/// As [`relocate`]; `words` must be the image's table.
#[inline(always)]
unsafe fn relocate_packed(base: usize, words: *const usize, count: usize) {
    let mut at = core::ptr::null_mut::<usize>();
    for index in 0..count {
        // SAFETY: the linker made the table: the words it names are in the
        // writable segment.
        unsafe {
            let word = *words.add(index);
            if word & 1 == 0 {
                at = (base + word) as *mut usize;
                *at = (*at).wrapping_add(base);
                at = at.add(1);
                continue;
            }
            let mut bits = word >> 1;
            let mut target = at;
            while bits != 0 {
                if bits & 1 != 0 {
                    *target = (*target).wrapping_add(base);
                }
                bits >>= 1;
                target = target.add(1);
            }
            at = at.add(usize::BITS as usize - 1);
        }
    }
}
