//! Descriptor tables as a whole.

use super::raw::syscall;
use crate::cut;
use crate::number;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicI32, Ordering};
use linux_raw_sys::general::{__NR_close_range, PROC_SUPER_MAGIC, RLIMIT_NOFILE};
use rustix::fd::{BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use rustix::fs::{Mode, OFlags, RawDir, fstatfs, open, openat};
use rustix::io::{Errno, FdFlags, Result};

/// `CLOSE_RANGE_CLOEXEC` of the kernel's include/uapi/linux/close_range.h.
const CLOSE_RANGE_CLOEXEC: usize = 1 << 2;

/// The most descriptors that are looked at one by one (`fs.nr_open`'s default).
const MAX_DESCRIPTORS: u64 = 1 << 20;

/// Marks every descriptor from `first` on close-on-exec: at once, or one by one
/// before Linux 5.11. `proc` is a procfs in place of that on /proc.
pub fn close_on_exec_from(first: u32, proc: Option<BorrowedFd<'_>>) -> Result<()> {
    let range = [first as usize, u32::MAX as usize, CLOSE_RANGE_CLOEXEC, 0, 0, 0];
    // SAFETY: only a flag of descriptors changes.
    match unsafe { syscall(__NR_close_range, range) } {
        Err(Errno::NOSYS | Errno::INVAL) => {
            mark_listed(first, proc).or_else(|_| mark_one_by_one(first))
        }
        result => result.map(drop),
    }
}

/// Marks what procfs lists as open.
fn mark_listed(first: u32, proc: Option<BorrowedFd<'_>>) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let list = match proc {
        Some(proc) => openat(proc, c"self/fd", flags, Mode::empty()),
        None => open(c"/proc/self/fd", flags, Mode::empty()),
    }?;
    if fstatfs(&list)?.f_type as u64 != u64::from(PROC_SUPER_MAGIC) {
        return Err(Errno::NODEV);
    }
    let mut buffer = [MaybeUninit::uninit(); 1024];
    let mut entries = RawDir::new(list, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let number = entry.file_name().to_str().ok().and_then(number::unsigned);
        // "." and ".." are no numbers.
        if let Some(number) = number.filter(|number| *number >= first) {
            mark(number)?;
        }
    }
    Ok(())
}

fn mark_one_by_one(first: u32) -> Result<()> {
    let limit = super::limit::get(RLIMIT_NOFILE)?.hard.min(MAX_DESCRIPTORS);
    (first..limit as u32).try_for_each(mark)
}

/// Marks one that may not be open.
fn mark(number: u32) -> Result<()> {
    let fd = borrow(number as RawFd).ok_or(Errno::BADF)?;
    match rustix::io::fcntl_setfd(fd, FdFlags::CLOEXEC) {
        Err(Errno::BADF) => Ok(()),
        result => result,
    }
}

/// A descriptor known only by its number (one that the user or the caller of
/// the program named, as with `--preserve-fds`).
///
/// The number may not be open: calls on it then give `EBADF`.
pub fn borrow(number: RawFd) -> Option<BorrowedFd<'static>> {
    // SAFETY: -1 is the only forbidden value; inherited descriptors are never
    // closed by us while such a borrow is in use.
    (number >= 0).then(|| unsafe { BorrowedFd::borrow_raw(number) })
}

/// A place for a descriptor that outlives what opened it. It begins empty.
pub struct Slot(AtomicI32);

impl Slot {
    /// An empty one.
    pub const fn empty() -> Slot {
        Slot(AtomicI32::new(-1))
    }

    /// Puts it there.
    pub fn put(&self, fd: OwnedFd) {
        drop(self.swap(fd.into_raw_fd()));
    }

    /// Takes what is there.
    pub fn take(&self) -> Option<OwnedFd> {
        self.swap(-1)
    }

    fn swap(&self, number: RawFd) -> Option<OwnedFd> {
        // In two steps, since there is one thread: a swap would be a call of
        // compiler_builtins on aarch64, which asks the C library for the processor.
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(number, Ordering::Relaxed);
        // SAFETY: a number that is not negative is that of a descriptor which
        // `put` owned, and nobody else has it now.
        (before >= 0).then(|| unsafe { OwnedFd::from_raw_fd(before) })
    }
}

/// Makes `fd` the descriptor `number` (0, 1 or 2), as dup2(2).
pub fn become_stdio(fd: BorrowedFd<'_>, number: RawFd) -> Result<()> {
    // SAFETY: the value is forgotten below and so never closed: this program
    // uses 0, 1 and 2 only by number.
    let mut target = core::mem::ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(number) });
    rustix::io::dup2(fd, &mut target)
}

/// Closes a descriptor that the parent of this process owns: its copy here.
///
/// For a process just cloned, whose descriptors are its own, which shares no code
/// path with the owner any more and never drops it.
pub fn close_inherited(fd: BorrowedFd<'_>) {
    use rustix::fd::AsRawFd;
    // SAFETY: in this process nothing uses the owner again (the caller's
    // promise), so the number is not used after it is closed.
    unsafe { rustix::io::close(fd.as_raw_fd()) }
}

/// Descriptor 0, 1 or 2.
pub fn standard(number: i32) -> BorrowedFd<'static> {
    debug_assert!((0..3).contains(&number));
    // SAFETY: the start of the program makes sure that the three are open, and
    // nothing closes them: they are only ever replaced.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Writes all of `bytes`, in as many calls as it takes.
///
/// # Errors
/// Those of write(2).
pub fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => bytes = cut::rest(bytes, written),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fd::{AsFd, AsRawFd, OwnedFd};
    use rustix::fs::CWD;
    use rustix::io::{fcntl_dupfd_cloexec, fcntl_getfd, fcntl_setfd};

    /// A descriptor that stays open on execution, with a high number.
    fn leaked(number: i32) -> OwnedFd {
        let file = open("/", OFlags::RDONLY, Mode::empty()).unwrap();
        let fd = fcntl_dupfd_cloexec(&file, number).unwrap();
        fcntl_setfd(&fd, FdFlags::empty()).unwrap();
        fd
    }

    #[test]
    fn what_procfs_lists_is_marked() {
        let (kept, marked) = (leaked(900), leaked(950));
        let proc = |path| openat(CWD, path, OFlags::PATH, Mode::empty()).unwrap();
        let first = marked.as_raw_fd() as u32;
        mark_listed(first, Some(proc("/proc").as_fd())).unwrap();
        assert_eq!(fcntl_getfd(&kept).unwrap(), FdFlags::empty());
        assert_eq!(fcntl_getfd(&marked).unwrap(), FdFlags::CLOEXEC);
        assert!(mark_listed(first, Some(proc("/").as_fd())).is_err());
        for way in [|first| mark_listed(first, None), mark_one_by_one] {
            fcntl_setfd(&marked, FdFlags::empty()).unwrap();
            way(first).unwrap();
            assert_eq!(fcntl_getfd(&marked).unwrap(), FdFlags::CLOEXEC);
        }
    }
}
