//! The program runs from a file that nobody can change.
//!
//! A container's process can reach the runtime's file through
//! `/proc/PID/exe` — at the latest when its entry point is
//! `#!/proc/self/exe` — and overwrite it for the next run (CVE-2019-5736).
//! So commands that enter a container first go over to a read-only view of the
//! file: a clone of its mount that belongs to no mount namespace when the program
//! goes on, so that nobody can mount, clone or change it (fs/namespace.c:
//! `check_mnt`, `is_mounted`). Who may not mount executes a copy in memory that
//! is sealed against writing. The view comes first because nothing is copied, and
//! all runtimes share its pages.
//!
//! Over to a view the start code can go without a second execution
//! (`sys/start/exchange.rs`); without it, and to a copy, the way is execveat(2).

use crate::error::{Error, Result};
use crate::rootfs::path::FdPath;
use crate::sys::descriptor::Slot;
use crate::sys::exec::{Strings, fexecve};
use crate::sys::fd::AsFd;
use crate::sys::mount::{Attributes, mount_setattr};
use alloc::ffi::CString;
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering};
use linux_raw_sys::general::MOUNT_ATTR_RDONLY;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{
    CWD, MemfdFlags, Mode, OFlags, SealFlags, StatFs, fcntl_add_seals, fcntl_get_seals, fstat,
    fstatfs, memfd_create, open, sendfile, statfs,
};
use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};

/// The program's own file.
const PROGRAM: &CStr = c"/proc/self/exe";

/// `MFD_EXEC` of Linux 6.3: without it, vm.memfd_noexec may take the right to
/// execute.
const MFD_EXEC: u32 = 0x10;

/// `ST_RDONLY` of statfs(2) (the kernel's include/linux/statfs.h).
const ST_RDONLY: u64 = 1;

const CLONE: OpenTreeFlags = OpenTreeFlags::OPEN_TREE_CLONE.union(OpenTreeFlags::OPEN_TREE_CLOEXEC);

const SEALS: SealFlags =
    SealFlags::SEAL.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::WRITE);

/// The program was protected when it started.
static PROTECTED: AtomicBool = AtomicBool::new(false);

/// The mount that it went over to at the start.
static VIEW: Slot = Slot::empty();

/// What to go over to at the start of the program, to be protected from there on.
pub enum Protected {
    /// The file through a read-only mount of its own: a descriptor of the mount.
    View(OwnedFd),
    /// A sealed copy in memory.
    Copy(OwnedFd),
}

impl Protected {
    /// The file, to execute it.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Protected::View(file) | Protected::Copy(file) => file.as_fd(),
        }
    }

    /// The program's own file, through the view.
    pub fn open(&self) -> Option<OwnedFd> {
        let Protected::View(view) = self else { return None };
        let path = FdPath::new(view.as_fd());
        open(path.as_c_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()
    }
}

/// Remembers that the program runs from there now.
pub fn runs_from(view: Protected) {
    let (Protected::View(file) | Protected::Copy(file)) = view;
    VIEW.put(file);
    is_protected();
}

fn is_protected() {
    PROTECTED.store(true, Ordering::Relaxed);
}

/// What to go over to at the start of the program. `None` where it is protected
/// already, and where neither can be had: [`run_protected`] says why. Uses nothing
/// that has to be relocated.
pub fn at_start() -> Option<Protected> {
    if is_readonly(statfs(PROGRAM)) {
        is_protected();
        return None;
    }
    let view = open_tree(CWD, PROGRAM, CLONE);
    if let Ok(view) = view.and_then(readonly) {
        return Some(Protected::View(view));
    }
    let file = open(PROGRAM, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    if is_sealed(&file) {
        is_protected();
        return None;
    }
    sealed_copy(&file).ok().map(Protected::Copy)
}

/// Goes on from a protected copy: returns when this already is one, or when
/// none is needed: the file is on a read-only mount.
///
/// The value is the mount of the view, if the program went over to one without an
/// execution. Until it is closed, who can reach it and has CAP_SYS_ADMIN may
/// change it (mount_setattr(2)): it must be closed before there is anybody. That
/// takes a grace period of the kernel, milliseconds on a busy machine.
///
/// # Errors
/// No protected copy can be made.
pub fn run_protected(
    arguments: &'static [&'static CStr],
    environment: &'static [&'static CStr],
) -> Result<Option<OwnedFd>> {
    if PROTECTED.load(Ordering::Relaxed) {
        give_a_name();
        return Ok(VIEW.take());
    }
    let file = match open(PROGRAM, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
        // Without /proc there is no way to us, nor a way to find ourselves.
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        result => result.map_err(failed)?,
    };
    if is_readonly(fstatfs(&file)) || is_sealed(&file) {
        give_a_name();
        return Ok(None);
    }
    let (arguments, environment) = (Strings::new(arguments), Strings::new(environment));
    if let Ok(view) = open_tree(&file, c"", CLONE | OpenTreeFlags::AT_EMPTY_PATH).and_then(readonly)
    {
        fexecve(view.as_fd(), &arguments, &environment);
    }
    let copy = sealed_copy(&file).map_err(failed)?;
    Err(failed(fexecve(copy.as_fd(), &arguments, &environment)))
}

/// The kernel names a program without a path after its descriptor, or after the
/// memory file since Linux 6.14. One that has been started by its path, from a
/// read-only mount, keeps its name.
fn give_a_name() {
    let given = |name: CString| {
        let name = name.to_bytes();
        name.first().is_some_and(u8::is_ascii_digit) || name.starts_with(b"memfd:")
    };
    if rustix::thread::name().is_ok_and(given) {
        let _ = rustix::thread::set_name(c"ocinit");
    }
}

fn failed(errno: Errno) -> Error {
    Error::os("make a protected copy of the runtime's own program", errno)
        .hint("see sysctl vm.memfd_noexec, or put the program on a read-only mount")
}

/// Whether what was found is on a read-only mount.
fn is_readonly(found: rustix::io::Result<StatFs>) -> bool {
    found.is_ok_and(|stat| stat.f_flags as u64 & ST_RDONLY != 0)
}

fn is_sealed(file: &OwnedFd) -> bool {
    fcntl_get_seals(file).is_ok_and(|seals| seals.contains(SEALS))
}

fn sealed_copy(file: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let executable = flags | MemfdFlags::from_bits_retain(MFD_EXEC);
    let copy = memfd_create(c"ocinit", executable).or_else(|errno| match errno {
        // Before Linux 6.3 every memory file may be executed.
        Errno::INVAL => memfd_create(c"ocinit", flags),
        errno => Err(errno),
    })?;
    let size = fstat(file)?.st_size as usize;
    let mut copied = 0;
    while copied < size {
        match sendfile(&copy, file, None, size - copied)? {
            0 => return Err(Errno::IO),
            length => copied += length,
        }
    }
    fcntl_add_seals(&copy, SEALS)?;
    Ok(copy)
}

/// Makes a detached mount of the program's file read-only.
///
/// Closing its descriptor takes the mount out of the namespace that was made for
/// it: then nobody can change it any more.
fn readonly(view: OwnedFd) -> rustix::io::Result<OwnedFd> {
    let attributes = Attributes { set: u64::from(MOUNT_ATTR_RDONLY), ..Attributes::default() };
    mount_setattr(view.as_fd(), attributes, false)?;
    // What started from it would otherwise ask for protection again.
    if is_readonly(fstatfs(&view)) { Ok(view) } else { Err(Errno::ROFS) }
}
