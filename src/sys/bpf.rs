//! bpf(2), as far as a device program of a cgroup needs it.

use super::raw::syscall;
use core::mem::size_of;
use linux_raw_sys::general::__NR_bpf;
use rustix::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use rustix::io::{Errno, Result};

/// Commands, types and flags of include/uapi/linux/bpf.h.
const PROG_LOAD: usize = 5;
const PROG_ATTACH: usize = 8;
const PROG_DETACH: usize = 9;
const PROG_GET_FD_BY_ID: usize = 13;
const PROG_QUERY: usize = 16;
const PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const CGROUP_DEVICE: u32 = 6;
const F_ALLOW_MULTI: u32 = 2;

/// Programs at most that [`device_programs`] tells of: as many as the kernel
/// attaches to one cgroup (`BPF_CGROUP_MAX_PROGS`).
pub const MAX_PROGRAMS: usize = 64;

/// How often a program is given to the verifier, which gives up with `EAGAIN` where
/// we are to be interrupted (a tracer, a freezer), whatever signals are blocked.
const ATTEMPTS: usize = 5;

/// `struct bpf_insn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// Class, operation, operand.
    pub code: u8,
    /// Destination and source register, in the order of the machine's bit fields.
    pub registers: u8,
    /// Jump distance, or distance in memory.
    pub offset: i16,
    /// The constant.
    pub constant: i32,
}

/// The part of `union bpf_attr` for `BPF_PROG_LOAD` that Linux 4.15 knows.
#[repr(C)]
#[derive(Default)]
struct Load {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
}

/// The same for `BPF_PROG_ATTACH` and `BPF_PROG_DETACH`.
#[repr(C)]
#[derive(Default)]
struct Attach {
    target_fd: u32,
    attach_bpf_fd: u32,
    attach_type: u32,
    attach_flags: u32,
}

/// The same for `BPF_PROG_QUERY`.
#[repr(C)]
#[derive(Default)]
struct Query {
    target_fd: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    prog_ids: u64,
    prog_cnt: u32,
}

/// The same for `BPF_PROG_GET_FD_BY_ID`.
#[repr(C)]
#[derive(Default)]
struct ById {
    id: u32,
    next_id: u32,
    open_flags: u32,
}

/// # Safety
/// `attributes` is what the command takes, and every pointer in it is valid for
/// what the command reads and writes.
unsafe fn bpf<T>(command: usize, attributes: &mut T) -> Result<usize> {
    let at = core::ptr::from_mut(attributes) as usize;
    // SAFETY: the caller's promise; the size is that of the structure.
    unsafe { syscall(__NR_bpf, [command, at, size_of::<T>(), 0, 0, 0]) }
}

/// Takes the descriptor that a call returned.
fn owned(fd: usize) -> OwnedFd {
    // SAFETY: the kernel has just made this descriptor for us.
    unsafe { OwnedFd::from_raw_fd(fd as i32) }
}

/// Loads a program of type `BPF_PROG_TYPE_CGROUP_DEVICE`.
///
/// Errors: `EPERM` without `CAP_BPF` or `CAP_SYS_ADMIN` in the first user
/// namespace, or with a small `RLIMIT_MEMLOCK` before Linux 5.11; `EINVAL` where
/// the kernel lacks the type (`CONFIG_CGROUP_BPF`); `ENOSYS` without
/// `CONFIG_BPF_SYSCALL`.
pub fn load_device_program(program: &[Instruction]) -> Result<OwnedFd> {
    let mut attributes = Load {
        prog_type: PROG_TYPE_CGROUP_DEVICE,
        insn_cnt: u32::try_from(program.len()).map_err(|_| Errno::TOOBIG)?,
        insns: program.as_ptr() as u64,
        license: c"Apache".as_ptr() as u64,
        ..Load::default()
    };
    let mut left = ATTEMPTS;
    loop {
        left -= 1;
        // SAFETY: the slice and the string live across the call, which only reads
        // them; the count is the slice's.
        match unsafe { bpf(PROG_LOAD, &mut attributes) } {
            Err(Errno::AGAIN) if left > 0 => {}
            result => return result.map(owned),
        }
    }
}

fn attachment(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Attach {
    Attach {
        target_fd: cgroup.as_raw_fd() as u32,
        attach_bpf_fd: program.as_raw_fd() as u32,
        attach_type: CGROUP_DEVICE,
        attach_flags: F_ALLOW_MULTI,
    }
}

/// Attaches a program to a cgroup of v2, beside those that are there: a device
/// is allowed when all of them allow it.
pub fn attach_device_program(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: numbers only.
    unsafe { bpf(PROG_ATTACH, &mut attachment(cgroup, program)) }.map(drop)
}

/// Takes a program off a cgroup.
pub fn detach_device_program(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<()> {
    let mut attributes = Attach { attach_flags: 0, ..attachment(cgroup, program) };
    // SAFETY: numbers only.
    unsafe { bpf(PROG_DETACH, &mut attributes) }.map(drop)
}

/// The ids of the device programs attached to the cgroup itself.
pub fn device_programs(cgroup: BorrowedFd<'_>, ids: &mut [u32; MAX_PROGRAMS]) -> Result<usize> {
    let mut attributes = Query {
        target_fd: cgroup.as_raw_fd() as u32,
        attach_type: CGROUP_DEVICE,
        prog_ids: ids.as_mut_ptr() as u64,
        prog_cnt: MAX_PROGRAMS as u32,
        ..Query::default()
    };
    // SAFETY: the array lives across the call and has room for as many numbers
    // as the structure says.
    unsafe { bpf(PROG_QUERY, &mut attributes) }?;
    Ok((attributes.prog_cnt as usize).min(MAX_PROGRAMS))
}

/// Opens a loaded program by its id.
pub fn program_by_id(id: u32) -> Result<OwnedFd> {
    // SAFETY: numbers only.
    unsafe { bpf(PROG_GET_FD_BY_ID, &mut ById { id, ..ById::default() }) }.map(owned)
}
