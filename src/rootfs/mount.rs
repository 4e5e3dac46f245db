//! One entry of `mounts` (runtime-spec, config.md "Mounts").
//!
//! A mount is made detached (fsopen or open_tree), gets its attributes while
//! nobody can see it, and is moved onto the descriptor of its target, which was
//! resolved beneath the root. Kernels without those calls (before 5.2; 5.12 for
//! mount_setattr) get the same by mount(2) on the descriptor's name in procfs.

use super::copy_up::copy_up;
use super::id_map::IdMap;
use super::kept::Kept;
use super::over_proc::{self, Place};
use super::path::{self, Create, FdPath};
use super::tree::{Recursion, clone_tree};
use crate::fault::{Act, Detail, Fault, Quoted};
use crate::sys::fd::AsFd;
use crate::sys::mount::{Attributes, mount, mount_setattr};
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt::{self, Write};
use linux_raw_sys::general::{
    MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY, MS_BIND,
    MS_I_VERSION, MS_RDONLY, MS_REC, MS_REMOUNT,
};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, XattrFlags, fsetxattr, fstat, openat};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};

/// The longest value that fsconfig(2) takes as a string, with its end.
const FSCONFIG_VALUE_MAX: usize = 256;

/// A mount, planned: every option is already sorted into what the kernel calls
/// take.
#[derive(Debug, Default)]
pub struct Mount {
    /// Where, as a path in the container.
    pub destination: &'static CStr,
    /// What: a path on the host for a bind mount, else the file system's source.
    pub source: &'static CStr,
    /// The file system's type; not used for a bind mount.
    pub fstype: &'static CStr,
    /// A bind mount: with what is mounted below it, or without.
    pub bind: Option<Recursion>,
    /// Attributes of this mount.
    pub attributes: Attributes,
    /// Attributes of this mount and of all below it.
    pub recursive: Attributes,
    /// Changes of propagation, in order, made after the mount is attached.
    pub propagation: Vec<(u64, Recursion)>,
    /// Options of the file system: a flag, or a key with a value.
    pub data: Vec<(&'static CStr, Option<&'static CStr>)>,
    /// The same for mount(2): `MS_*` and the comma-separated data.
    pub legacy_flags: u64,
    /// See `legacy_flags`.
    pub legacy_data: &'static CStr,
    /// What is mounted there already gets the options.
    pub remount: bool,
    /// The new file system starts with what the destination holds.
    pub copy_up: bool,
    /// A sysfs that may not be mounted is replaced by the host's.
    pub or_host: bool,
    /// A new tmpfs without `mode`: it gets that of the directory that it hides,
    /// as from runc and crun; its own default where there was none.
    pub inherit_mode: bool,
    /// The SELinux label of the new file system's root, where no option gives it.
    pub root_label: Option<&'static CStr>,
    /// Owners are shown mapped.
    pub id_map: Option<IdMap>,
    /// A bind mount that the command makes: see [`crate::act::prepare`].
    pub by_command: bool,
    /// The mount that the command has made.
    pub tree: Option<OwnedFd>,
}

/// Attributes that take something away.
const LIMITS: u64 =
    (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC) as u64;

/// The mode of a directory in octal digits.
type ModeText = heapless::String<8>;

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.bind.is_some() || !self.source.is_empty() {
            &self.source
        } else {
            &self.fstype
        };
        write!(f, "mount {} on {}", Quoted(what), Quoted(self.destination))
    }
}

impl Mount {
    /// Makes the mount beneath `root`.
    pub fn act(&self, root: BorrowedFd<'_>, kept: &mut Kept) -> Act {
        if self.remount {
            return self.act_remount(root);
        }
        let mode = self.hidden_mode(root)?;
        let mount = match (self.bind, self.make(&mode)) {
            (_, Ok(mount)) => mount,
            // A user namespace may not mount sysfs over a network namespace that
            // is not its own: show the host's, as every runtime does.
            (None, Err(fault))
                if self.or_host && fault.errno == Some(Errno::PERM) && self.fstype == c"sysfs" =>
            {
                let tree = clone_tree(c"/sys", Recursion::All).detail("bind \"/sys\"")?;
                // What is mounted below comes along.
                let limits = self.attributes.set & LIMITS;
                let below = Attributes { set: limits, ..Attributes::default() };
                mount_setattr(tree.as_fd(), below, true)
                    .and_then(|()| self.set_attributes(tree.as_fd()))
                    .detail("mount_setattr")?;
                tree
            }
            (_, Err(fault)) if fault.errno == Some(Errno::NOSYS) => {
                *kept = Kept::default();
                return self.act_legacy(root, &mode);
            }
            (_, Err(fault)) => return Err(fault),
        };
        let place = self.place(root, mount.as_fd(), &mode)?;
        Ok(kept.keep(place, Some(mount.as_fd()))?)
    }

    /// Moves the mount, made and detached, to its place beneath `root`. `mode` is
    /// that of the directory that it hides, if it has it from there.
    pub fn place(
        &self,
        root: BorrowedFd<'_>,
        mount: BorrowedFd<'_>,
        mode: &str,
    ) -> Result<Place, Fault> {
        let target = self.target(root, path::is_directory(mount)?)?;
        let place = over_proc::check(self.destination, self.bind.is_some(), mount, target.as_fd())?;
        if self.copy_up {
            self.fill(target.as_fd(), mount, mode)?;
            self.set_attributes(mount).detail("mount_setattr")?;
        }
        self.label_root(mount)?;
        attached(path::attach(mount, target.as_fd()), "move_mount")?;
        for &(propagation, recursion) in &self.propagation {
            let attributes = Attributes { propagation, ..Attributes::default() };
            mount_setattr(mount, attributes, recursion == Recursion::All)
                .detail("change the propagation")?;
        }
        Ok(place)
    }

    /// The mode of the directory that the new file system is to take it from, in
    /// octal digits; empty where there is none.
    fn hidden_mode(&self, root: BorrowedFd<'_>) -> Result<ModeText, Fault> {
        let mut text = ModeText::new();
        if self.inherit_mode {
            match path::open_in(root, self.destination) {
                Err(Errno::NOENT) => {}
                hidden => {
                    let hidden = hidden.detail("open the mount point")?;
                    let _ = write!(text, "{:o}", fstat(hidden)?.st_mode & 0o7777);
                }
            }
        }
        Ok(text)
    }

    /// The detached mount, with its attributes.
    fn make(&self, mode: &ModeText) -> Result<OwnedFd, Fault> {
        match self.bind {
            Some(_)
                if let Some(tree) = &self.tree
                    && self.id_map.is_some() =>
            {
                Ok(fcntl_dupfd_cloexec(tree, 3)?)
            }
            Some(recursion) => {
                let tree = match (clone_tree(self.source, recursion), &self.tree) {
                    // Root of a user namespace may not come so far.
                    (Err(Errno::ACCESS), Some(tree)) => return Ok(fcntl_dupfd_cloexec(tree, 3)?),
                    (tree, _) => tree.detail(format_args!("open {}", Quoted(self.source)))?,
                };
                self.set_attributes(tree.as_fd()).detail("mount_setattr")?;
                Ok(tree)
            }
            None => self.make_file_system(mode),
        }
    }

    /// Sets the attributes of a mount, and of those below it.
    ///
    /// # Errors
    /// Those of mount_setattr(2).
    pub fn set_attributes(&self, mount: BorrowedFd<'_>) -> Result<(), Errno> {
        if self.attributes.set | self.attributes.clear != 0 {
            mount_setattr(mount, self.attributes, false)?;
        }
        self.set_recursive(mount)
    }

    fn set_recursive(&self, mount: BorrowedFd<'_>) -> Result<(), Errno> {
        match self.recursive.set | self.recursive.clear {
            0 => Ok(()),
            _ => mount_setattr(mount, self.recursive, true),
        }
    }

    fn make_file_system(&self, mode: &ModeText) -> Result<OwnedFd, Fault> {
        let long = |value: &CStr| value.to_bytes().len() >= FSCONFIG_VALUE_MAX;
        if self.data.iter().any(|(_, value)| value.is_some_and(long))
            || self.legacy_flags & u64::from(MS_I_VERSION) != 0
        {
            // One value of mount(2)'s data may be longer (overlay's lowerdir),
            // and fsconfig(2) has no word for this flag.
            return Err(Errno::NOSYS.into());
        }
        let context = fsopen(self.fstype, FsOpenFlags::FSOPEN_CLOEXEC).map_err(|errno| {
            let fault = Fault::from(errno)
                .detail(format_args!("open file system type {}", Quoted(self.fstype)));
            match errno {
                Errno::NODEV => fault.hint("this kernel does not have this file system"),
                _ => fault,
            }
        })?;
        let said = |errno: Errno, part: &CStr| explain(context.as_fd(), errno, part);
        if !self.source.is_empty() {
            fsconfig_set_string(context.as_fd(), c"source", self.source)
                .map_err(|errno| said(errno, c"source"))?;
        }
        if !mode.is_empty() {
            fsconfig_set_string(context.as_fd(), c"mode", mode.as_str())
                .map_err(|errno| said(errno, c"mode"))?;
        }
        for (key, value) in &self.data {
            match value {
                Some(value) => fsconfig_set_string(context.as_fd(), *key, *value),
                None => fsconfig_set_flag(context.as_fd(), *key),
            }
            .map_err(|errno| said(errno, key))?;
        }
        fsconfig_create(context.as_fd()).map_err(|errno| said(errno, c""))?;
        // What is to be filled is read-only later.
        let writable = if self.copy_up { MOUNT_ATTR_RDONLY } else { 0 };
        let attributes = MountAttrFlags::from_bits_retain(self.attributes.set as u32 & !writable);
        let mount = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
            .detail("fsmount")?;
        if !self.copy_up {
            self.set_recursive(mount.as_fd()).detail("mount_setattr")?;
        }
        Ok(mount)
    }

    /// Fills the new file system with what the directory below holds. Its owner
    /// comes along with the mode that is inherited.
    fn fill(&self, target: BorrowedFd<'_>, mount: BorrowedFd<'_>, mode: &str) -> Act {
        let given = |(key, _): &(&'static CStr, _)| [c"uid", c"gid"].contains(key);
        copy_up(target, mount, !mode.is_empty() && !self.data.iter().any(given))
    }

    fn label_root(&self, mounted: BorrowedFd<'_>) -> Act {
        let Some(label) = &self.root_label else { return Ok(()) };
        let root = openat(mounted, c".", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        fsetxattr(&root, c"security.selinux", label.to_bytes_with_nul(), XattrFlags::empty())
            .detail("set the label")
    }

    /// The object to mount on, made where it is missing: a `directory` or a file.
    pub fn target(&self, root: BorrowedFd<'_>, directory: bool) -> Result<OwnedFd, Fault> {
        if self.bind.is_none() && [c"proc", c"sysfs"].contains(&self.fstype) {
            match path::open_without_links(root, self.destination) {
                Err(Errno::LOOP | Errno::NOTDIR) => {
                    return Err(Fault::new(
                        "it must be mounted on an ordinary directory, and \
                        the path has a symbolic link in it",
                    ));
                }
                Err(Errno::NOENT) => {}
                result => return result.detail("open the mount point"),
            }
        }
        let create = if directory { Create::Directory } else { Create::File };
        path::create_in(root, self.destination, create, Mode::from_raw_mode(0o755))
            .detail("create the mount point")
            .map_err(|fault| match fault.errno {
                Some(Errno::ROFS) => fault.hint(
                    "the root file system is read-only: \
                    it must have the mount point, or a writable mount above it",
                ),
                _ => fault,
            })
    }

    /// Changes the options of what is mounted at the destination: of the mount
    /// with `bind`, else of the file system, too.
    fn act_remount(&self, root: BorrowedFd<'_>) -> Act {
        let mounted = path::open_in(root, self.destination).detail("open the mount point")?;
        let bind = if self.bind.is_some() { MS_BIND } else { 0 };
        let flags = u64::from(MS_REMOUNT | bind) | self.legacy_flags;
        let at = FdPath::new(mounted.as_fd());
        mount(self.source, at.as_c_str(), self.fstype, flags, Some(self.legacy_data)).map_err(
            |errno| match errno {
                Errno::INVAL => Fault::from(errno).hint("perhaps nothing is mounted there"),
                _ => errno.into(),
            },
        )?;
        self.set_recursive(mounted.as_fd()).detail("mount_setattr")?;
        self.set_propagation_of(mounted.as_fd())
    }

    /// As [`Mount::act`], by mount(2).
    fn act_legacy(&self, root: BorrowedFd<'_>, mode: &ModeText) -> Act {
        let flags = |fd: BorrowedFd<'_>, flags: u64| {
            mount(c"", FdPath::new(fd).as_c_str(), c"", flags, None)
        };
        let directory = match self.bind {
            None => true,
            Some(_) => {
                let source =
                    openat(CWD, self.source, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
                        .detail(format_args!("open {}", Quoted(self.source)))?;
                path::is_directory(source.as_fd())?
            }
        };
        let target = self.target(root, directory)?;
        if self.bind.is_some() || self.fstype != c"proc" {
            over_proc::check(self.destination, self.bind.is_some(), root, target.as_fd())?;
        }
        let at = FdPath::new(target.as_fd());
        if let Some(recursion) = self.bind {
            let rec = if recursion == Recursion::All { u64::from(MS_REC) } else { 0 };
            let flags = u64::from(MS_BIND) | rec;
            attached(mount(self.source, at.as_c_str(), c"", flags, None), "mount")?;
        } else {
            let later = if self.copy_up { u64::from(MS_RDONLY) } else { 0 };
            self.mount_at(at.as_c_str(), self.legacy_flags & !later, mode).detail("mount")?;
        }
        // The target's descriptor is now below the mount: look again.
        let mounted = path::open_in(root, self.destination)?;
        self.label_root(mounted.as_fd())?;
        if self.copy_up {
            self.fill(target.as_fd(), mounted.as_fd(), mode)?;
        }
        if (self.bind.is_some() || self.copy_up) && self.legacy_flags != 0 {
            let remount = u64::from(MS_BIND | MS_REMOUNT) | self.legacy_flags;
            flags(mounted.as_fd(), remount).detail("remount")?;
        }
        self.set_recursive(mounted.as_fd()).detail("mount_setattr")?;
        self.set_propagation_of(mounted.as_fd())
    }

    /// mount(2) of the new file system.
    #[inline(never)]
    fn mount_at(&self, at: &CStr, flags: u64, mode: &ModeText) -> Result<(), Errno> {
        // The kernel reads one page of data at most.
        let mut data = heapless::Vec::<u8, 4096>::new();
        let given = self.legacy_data.to_bytes();
        let (comma, key) = if mode.is_empty() { ("", "") } else { (",", "mode=") };
        let comma = if given.is_empty() { "" } else { comma };
        for part in [given, comma.as_bytes(), key.as_bytes(), mode.as_bytes(), b"\0"] {
            data.extend_from_slice(part).map_err(|_| Errno::INVAL)?;
        }
        let data = CStr::from_bytes_until_nul(&data).ok().filter(|data| !data.is_empty());
        mount(self.source, at, self.fstype, flags, data)
    }

    /// Changes the propagation of a mount that is in its place, by mount(2).
    fn set_propagation_of(&self, mounted: BorrowedFd<'_>) -> Act {
        let at = FdPath::new(mounted);
        for &(propagation, recursion) in &self.propagation {
            let rec = if recursion == Recursion::All { u64::from(MS_REC) } else { 0 };
            mount(c"", at.as_c_str(), c"", propagation | rec, None)
                .detail("change the propagation")?;
        }
        Ok(())
    }
}

/// What attaching a mount by the call `by` came to.
fn attached(result: Result<(), Errno>, by: &str) -> Act {
    result.detail(by).map_err(|fault| match fault.errno {
        Some(Errno::NOTDIR) => fault.hint("one of them is a directory, the other is not"),
        _ => fault,
    })
}

/// The kernel's own words about a refused option (they are read from the
/// context's descriptor, one message a read, as `e TEXT`).
fn explain(context: BorrowedFd<'_>, errno: Errno, option: &CStr) -> Fault {
    let mut message = [0; 256];
    let length = rustix::io::read(context, &mut message[..]).unwrap_or(0);
    let said = message[..length].strip_prefix(b"e ").unwrap_or(&[]).trim_ascii();
    let fault = Fault::from(errno);
    match said {
        [] if option.is_empty() => fault,
        [] => fault.detail(format_args!("option {}", Quoted(option))),
        said => fault.detail(core::str::from_utf8(said).unwrap_or("?")),
    }
}
