//! Off the initial ramfs.
//!
//! That file system has no mount above it, so that pivot_root(2) refuses it
//! before Linux 7.0. A bind mount of it, moved over it, shows the same files and
//! is a mount like any other; the first one stays below, read-only. Our own
//! program was executed from that: nobody can change it through /proc/1/exe, and
//! no protected copy is needed (see [`crate::act::protect`]).

use crate::error::{Context, Result};
use crate::sys::mount::mount;
use linux_raw_sys::general::{MS_BIND, MS_MOVE, MS_RDONLY, MS_REMOUNT, RAMFS_MAGIC, TMPFS_MAGIC};
use rustix::fs::{CWD, Mode, mkdirat, statfs};
use rustix::process::{chdir, chroot};

/// Moves, if `/` is a file system in memory.
///
/// # Errors
/// A step is refused; containers then need `--no-pivot`.
pub fn leave_ramfs() -> Result<()> {
    let Ok(stat) = statfs(c"/") else { return Ok(()) };
    let kind = stat.f_type as u64;
    if ![RAMFS_MAGIC, TMPFS_MAGIC].map(u64::from).contains(&kind) {
        return Ok(());
    }
    let what = || "move off the initial ramfs";
    // Any directory will do: nothing is mounted yet.
    let _ = mkdirat(CWD, "/proc", Mode::from_raw_mode(0o755));
    mount(c"/", c"/proc", c"", MS_BIND.into(), None).context(what)?;
    chdir(c"/proc").context(what)?;
    let readonly = MS_REMOUNT | MS_BIND | MS_RDONLY;
    // Without it there is a copy of the program, as everywhere else.
    let _ = mount(c"", c"/", c"", readonly.into(), None);
    mount(c".", c"/", c"", MS_MOVE.into(), None).context(what)?;
    chroot(c".").context(what)?;
    chdir(c"/").context(what)
}
