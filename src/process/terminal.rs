//! `process.terminal`: a pseudo terminal of the container's own devpts.

use crate::fault::{Act, Detail, Fault};
use crate::rootfs::path;
use crate::rootfs::tree::{Recursion, bind};
use crate::sys::descriptor::become_stdio;
use crate::sys::fd::AsFd;
use linux_raw_sys::general::DEVPTS_SUPER_MAGIC;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{
    Dev, FileType, Mode, OFlags, ResolveFlags, fchown, fstat, fstatfs, mknodat, openat, openat2,
};
use rustix::io::Errno;
use rustix::process::{Gid, Uid, ioctl_tiocsctty};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Rows and columns, 0 for unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub rows: u16,
    /// Columns.
    pub columns: u16,
}

/// Both ends of a pseudo terminal.
pub struct Terminal {
    /// For who looks at it.
    pub master: OwnedFd,
    /// For the container.
    pub slave: OwnedFd,
}

/// Opens a new terminal of the devpts mounted at `dev/pts` beneath `root`, owned
/// by `uid`.
///
/// The multiplexer is opened without following links and must be on a devpts;
/// the slave is taken from the master, never by its name (CVE-2025-52565).
pub fn open(root: BorrowedFd<'_>, size: Size, uid: u32) -> Result<Terminal, Fault> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
    let path = c"dev/pts/ptmx";
    let master = match openat2(root, path, flags, Mode::empty(), resolve) {
        Err(Errno::NOSYS) => {
            let pts = path::open_in(root, c"dev/pts")?;
            openat(&pts, c"ptmx", flags | OFlags::NOFOLLOW, Mode::empty())
        }
        result => result,
    }
    .map_err(|errno| {
        Fault::from(errno)
            .detail("open \"/dev/pts/ptmx\"")
            .hint("a terminal needs a devpts mount on /dev/pts")
    })?;
    if fstatfs(&master)?.f_type as u64 != u64::from(DEVPTS_SUPER_MAGIC) {
        return Err(Fault::new("\"/dev/pts/ptmx\" is not on a devpts"));
    }
    unlockpt(&master).detail("unlockpt")?;
    let peer = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let slave = ioctl_tiocgptpeer(&master, peer).detail("TIOCGPTPEER")?;
    if size != Size::default() {
        set_size(slave.as_fd(), size).detail("set the window size")?;
    }
    if uid != 0 {
        fchown(&slave, Some(Uid::from_raw(uid)), None).detail("chown the terminal")?;
    }
    Ok(Terminal { master, slave })
}

/// Sets the window size.
pub fn set_size(terminal: BorrowedFd<'_>, size: Size) -> rustix::io::Result<()> {
    let size = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size)
}

/// Shows the slave as /dev/console beneath `root`.
pub fn bind_console(root: BorrowedFd<'_>, slave: BorrowedFd<'_>) -> Act {
    // Never through a link of the image (CVE-2025-52565).
    let dev = path::open_directory_no_link(root, c"dev").detail("open \"/dev\"")?;
    let mode = Mode::from_raw_mode(0o620);
    match mknodat(&dev, c"console", FileType::RegularFile, mode, Dev::default()) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno).detail("create \"/dev/console\""),
    }
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let target = openat(&dev, c"console", flags, Mode::empty()).detail("open \"/dev/console\"")?;
    if FileType::from_raw_mode(fstat(&target)?.st_mode) == FileType::Symlink {
        return Err(Fault::new("\"/dev/console\" of the image is a symbolic link"));
    }
    bind(slave, target.as_fd(), Recursion::One).detail("mount on \"/dev/console\"")
}

/// Makes the slave descriptors 0, 1 and 2, and the controlling terminal of the
/// session that this process leads.
pub fn take(slave: BorrowedFd<'_>) -> Act {
    for number in 0..3 {
        become_stdio(slave, number).detail("dup2")?;
    }
    ioctl_tiocsctty(slave).detail("TIOCSCTTY")
}

/// Lets `uid` reopen inherited descriptors 0, 1 and 2 by name, as it could a
/// terminal's: they change owner; what cannot, stays as it is. A file or a terminal
/// does so only where it is the program's own (`detached`): otherwise it is somebody's,
/// whatever the caller reads from there or sends there.
pub fn give_stdio(uid: u32, detached: bool) {
    if uid == 0 {
        return;
    }
    for number in 0..3 {
        let Some(fd) = crate::sys::descriptor::borrow(number) else { continue };
        let given = rustix::fs::fstat(fd).is_ok_and(|stat| {
            let null = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev)) == (1, 3);
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Fifo | FileType::Socket => true,
                _ => detached && !null,
            }
        });
        if given {
            let _ = fchown(fd, Some(Uid::from_raw(uid)), None::<Gid>);
        }
    }
}
