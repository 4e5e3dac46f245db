//! The program goes over to another file with the same bytes, without a second
//! execution: its segments are mapped from there, each in place of itself, and
//! `/proc/PID/exe` is that file from then on (prctl(2), `PR_SET_MM_MAP`).
//!
//! An execve builds an address space and tears one down; this keeps it.

use super::args::Vectors;
use super::memory::fill;
use super::relocate::{ProgramHeader, program_headers};
use core::ffi::CStr;
use linux_raw_sys::elf_uapi::{PF_W, PF_X, PT_LOAD};
use linux_raw_sys::prctl::prctl_mm_map;
use ocinit::sys::image::{heap_end, set_map};
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::{Errno, Result};
use rustix::mm::{MapFlags, ProtFlags, mmap};

/// Goes over to `file`.
///
/// # Errors
/// The kernel refuses it ([`set_map`]). The program runs on as before.
///
/// # Safety
/// `image` must be the load address of this very program, `vectors` what the
/// kernel gave it, and `file` have its bytes. Nothing may have been written to
/// the image yet.
#[inline(always)]
pub unsafe fn exchange(image: *const u8, vectors: Vectors, file: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: the caller's promise.
    let known = unsafe { known(image, vectors, file) };
    // What is mapped yet is the only obstacle, or it is no use to go on.
    match set_map(&known) {
        Err(Errno::BUSY) => {}
        result => return result,
    }
    // SAFETY: the caller's promise.
    unsafe {
        for segment in program_headers(image).filter(|segment| segment.kind == PT_LOAD) {
            map(image, vectors.page_size(), file, segment)?;
        }
    }
    set_map(&known)
}

/// What the kernel knows already, with another file.
///
/// # Safety
/// As [`exchange`].
#[inline(always)]
unsafe fn known(image: *const u8, vectors: Vectors, file: BorrowedFd<'_>) -> prctl_mm_map {
    let (mut code, mut data) = ((0, 0), (0, 0));
    // SAFETY: the caller's promise.
    for segment in unsafe { program_headers(image) }.filter(|segment| segment.kind == PT_LOAD) {
        let start = image as u64 + segment.address as u64;
        let range = if segment.flags & PF_W != 0 { &mut data } else { &mut code };
        if range.0 == 0 {
            range.0 = start;
        }
        range.1 = start + segment.file_size as u64;
    }
    let heap = heap_end() as u64;
    let arguments = range(vectors.arguments(), vectors.stack() as u64);
    let environment = range(vectors.environment(), arguments.1);
    prctl_mm_map {
        start_code: code.0,
        end_code: code.1,
        start_data: data.0,
        end_data: data.1,
        start_brk: heap,
        brk: heap,
        start_stack: vectors.stack() as u64,
        arg_start: arguments.0,
        arg_end: arguments.1,
        env_start: environment.0,
        env_end: environment.1,
        auxv: core::ptr::null_mut(),
        auxv_size: 0,
        exe_fd: file.as_raw_fd() as u32,
    }
}

/// Where the strings of an array begin and end; both at `missing` without any.
#[inline(always)]
fn range(strings: impl Iterator<Item = &'static CStr>, missing: u64) -> (u64, u64) {
    let (mut start, mut end) = (missing, missing);
    for string in strings {
        let address = string.as_ptr() as u64;
        if end == missing {
            start = address;
        }
        end = address + string.to_bytes_with_nul().len() as u64;
    }
    (start, end)
}

/// Maps a segment as the kernel did at the start (`elf_load` of its
/// fs/binfmt_elf.c).
///
/// # Safety
/// As [`exchange`]; `segment` must be one of the image's.
#[inline(always)]
unsafe fn map(
    image: *const u8,
    page: usize,
    file: BorrowedFd<'_>,
    segment: &ProgramHeader,
) -> Result<()> {
    let before = segment.address & (page - 1);
    let mut protection = ProtFlags::READ;
    protection.set(ProtFlags::WRITE, segment.flags & PF_W != 0);
    protection.set(ProtFlags::EXEC, segment.flags & PF_X != 0);
    let (offset, length) = ((segment.offset - before) as u64, segment.file_size + before);
    let how = MapFlags::PRIVATE | MapFlags::FIXED;
    // SAFETY: what is at this address is the same part of the same bytes, to
    // which nothing has been written: whoever looks finds what was there before,
    // and so does the processor, in the middle of this code. No other segment is
    // on these pages.
    unsafe {
        let start = image.add(segment.address - before).cast_mut();
        mmap(start.cast(), length, protection, how, file, offset)?;
        if segment.size > segment.file_size {
            // What the file has behind the segment is not in it: zeros are.
            fill(start.add(length), 0, length.wrapping_neg() & (page - 1));
        }
    }
    Ok(())
}
