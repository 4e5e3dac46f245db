//! `linux.devices`, the default devices, and the links of `/dev` (runtime-spec,
//! config-linux.md "Devices" and "Default Devices"; runtime-linux.md).

use super::path::{self, Create};
use super::tree::{Recursion, bind_readonly};
use crate::fault::{Act, Detail, Fault, Quoted};
use crate::sys::fd::AsFd;
use core::ffi::CStr;
use core::fmt;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid, chownat, fstat, makedev, mknodat, openat,
    statat, symlinkat, unlinkat,
};
use rustix::io::Errno;

/// A device node, planned.
#[derive(Debug, Clone)]
pub struct Device {
    /// The directory that holds it, as a path in the container.
    pub directory: &'static CStr,
    /// Its name there.
    pub name: &'static CStr,
    /// The whole path: also where the host has it.
    pub path: &'static CStr,
    /// Character device, block device or FIFO.
    pub kind: FileType,
    /// Device number.
    pub major: u32,
    /// Device number.
    pub minor: u32,
    /// Permission bits.
    pub mode: u32,
    /// Owner in the container.
    pub uid: u32,
    /// Group in the container.
    pub gid: u32,
    /// A node cannot be made in a user namespace: show the host's instead.
    pub bind: bool,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "create device {}", Quoted(self.path))
    }
}

impl Device {
    /// Makes the node beneath `root`; `dev` is `/dev` there, once it was opened.
    pub fn act(&self, root: BorrowedFd<'_>, dev: &mut Option<OwnedFd>) -> Act {
        let mode = Mode::from_raw_mode(0o755);
        let opened = if self.directory == c"/dev" {
            if dev.is_none() {
                // Never through a link that the image put in the place of /dev.
                let found = match path::open_directory_no_link(root, c"dev") {
                    Err(Errno::NOENT) => path::create_in(root, c"/dev", Create::Directory, mode),
                    result => result,
                };
                *dev = Some(found.detail("open \"/dev\"")?);
            }
            None
        } else {
            let found = path::create_in(root, self.directory, Create::Directory, mode);
            Some(found.detail(format_args!("open {}", Quoted(self.directory)))?)
        };
        if self.bind {
            return self.bind(root);
        }
        let directory = opened.as_ref().or(dev.as_ref()).ok_or(Errno::BADF)?;
        let device = makedev(self.major, self.minor);
        match mknodat(directory, self.name, self.kind, Mode::from_raw_mode(self.mode), device) {
            Ok(()) => {}
            Err(Errno::EXIST) => return self.check_existing(directory.as_fd()),
            Err(Errno::PERM) => return self.bind(root),
            Err(errno) => return Err(errno.into()),
        }
        if (self.uid, self.gid) != (0, 0) {
            let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
            chownat(directory, self.name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .detail("chown")?;
        }
        Ok(())
    }

    /// The spec: another file at the path is an error.
    fn check_existing(&self, directory: BorrowedFd<'_>) -> Act {
        let stat = statat(directory, self.name, AtFlags::SYMLINK_NOFOLLOW)?;
        let same = FileType::from_raw_mode(stat.st_mode) == self.kind
            && (self.kind == FileType::Fifo || stat.st_rdev == makedev(self.major, self.minor));
        if same {
            return Ok(());
        }
        Err(Fault::new("a different file exists at this path"))
    }

    /// Shows the host's node, after a look that it is the same device.
    fn bind(&self, root: BorrowedFd<'_>) -> Act {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let node = openat(CWD, self.path, flags, Mode::empty())
            .detail(format_args!("open {} of the host", Quoted(self.path)))?;
        let stat = fstat(&node)?;
        if FileType::from_raw_mode(stat.st_mode) != self.kind
            || (self.kind != FileType::Fifo && stat.st_rdev != makedev(self.major, self.minor))
        {
            return Err(Fault::new("the host's file at this path is another device"));
        }
        let target = path::create_in(root, self.path, Create::File, Mode::from_raw_mode(0o755))?;
        // Read-only, as what masks a file: the node is the host's.
        let reopen = || path::open_in(root, self.path);
        bind_readonly(node.as_fd(), target.as_fd(), Recursion::One, &reopen)
            .detail(format_args!("bind {} of the host", Quoted(self.path)))
    }
}

/// The links that every Linux container has in `/dev`, and where they point.
const LINKS: [(&CStr, &CStr); 5] = [
    (c"/proc/self/fd", c"fd"),
    (c"/proc/self/fd/0", c"stdin"),
    (c"/proc/self/fd/1", c"stdout"),
    (c"/proc/self/fd/2", c"stderr"),
    (c"/proc/kcore", c"core"),
];

/// Makes the links of `/dev`: those of [`LINKS`] and `ptmx`.
pub fn make_links(root: BorrowedFd<'_>) -> Act {
    let dev = match path::open_directory_no_link(root, c"dev") {
        Err(Errno::NOENT) => return Ok(()),
        result => result.detail("open \"/dev\"")?,
    };
    for (target, name) in LINKS {
        if name == c"core" {
            match statat(CWD, target, AtFlags::empty()) {
                Ok(_) => {}
                // A kernel without it, or one that hides it.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => continue,
                Err(errno) => return Err(errno).detail("look for \"/proc/kcore\""),
            }
        }
        match symlinkat(target, &dev, name) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno).detail(format_args!("link {}", Quoted(name))),
        }
    }
    match unlinkat(&dev, c"ptmx", AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(errno).detail("replace \"ptmx\""),
    }
    symlinkat(c"pts/ptmx", &dev, c"ptmx").detail("link \"ptmx\"")
}
