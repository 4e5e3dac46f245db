//! What the container sees of its cgroups: `mounts` of type `cgroup`.
//!
//! | host | with a cgroup namespace | without |
//! |---|---|---|
//! | v2 | cgroup2, which shows the namespace's root | the host's mount, bound |
//! | v1, hybrid | a tmpfs with a directory a hierarchy of v1, each mounted | the same, the container's own directories bound |
//!
//! Where there are hierarchies of v1, that of v2 is not shown beside them, as with
//! runc: systemd inside would look there for its cgroups, and find none it may use.
//! All as runc: without a namespace of its own, what watches the host (or systemd)
//! finds the cgroups that /proc/PID/cgroup names. A bind has the options of the
//! mount, `ro` among them, before anybody sees it (CVE-2023-25809). It takes
//! 0.1 ms; cgroup2 mounted from the host's cgroup namespace would take 8.
//!
//! A new mount that is refused becomes a bind: of the container's own directory, or
//! of the whole of v2, and then read-only whatever the options say. Of v1, where a
//! user may make no cgroup, the container stays in its caller's, which is shown.

use crate::cut;
use crate::sys::fd::AsFd;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt::{self, Write};
use linux_raw_sys::general::{MOUNT_ATTR_RDONLY, MS_BIND, MS_RDONLY, MS_REMOUNT};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, mkdirat, openat, symlinkat};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, move_mount};

use super::detached::make;
use super::group::Cgroups;
use super::layout::{Hierarchy, Layout};
use crate::fault::{Act, Detail, Quoted};
use crate::rootfs::mount::Mount;
use crate::rootfs::path::{self, Create, FdPath};
use crate::rootfs::tree::{Recursion, clone_tree};
use crate::sys::mount::{Attributes, mount, mount_setattr};
use crate::text;

/// A `cgroup` mount, planned; everything it needs is allocated.
#[derive(Debug)]
pub struct CgroupMount {
    /// The entry of `mounts`: its destination and attributes count.
    pub mount: Mount,
    view: View,
}

#[derive(Debug)]
enum View {
    /// One hierarchy on the destination itself.
    Unified(Source),
    /// A directory for each on a tmpfs, and links to them: name, target.
    Directories(Vec<(&'static CStr, Source)>, Vec<(&'static CStr, &'static CStr)>),
}

/// How one hierarchy gets to its place.
#[derive(Debug)]
struct Source {
    /// Mount it anew, if that is allowed; else bind.
    fresh: bool,
    fstype: &'static CStr,
    /// Options of a new mount.
    options: Vec<(&'static CStr, Option<&'static CStr>)>,
    /// The same for mount(2).
    data: &'static CStr,
    /// The container's own directory, to bind.
    own: Option<&'static CStr>,
    /// What is bound where that is not there: of v1 the caller's directory, of v2 all.
    host: Option<&'static CStr>,
}

/// A string without NUL bytes: those of the host's mounts have none.
fn c_string(text: &str) -> &'static CStr {
    text::c_string(text).unwrap_or_default()
}

/// Where a hierarchy goes.
enum Place<'a> {
    /// The destination of the mount, and how to find it again: then what has
    /// been mounted there.
    Destination(BorrowedFd<'a>, &'a dyn Fn() -> rustix::io::Result<OwnedFd>),
    /// A directory in the tmpfs that we have just made, which nobody else has
    /// seen.
    Below(BorrowedFd<'a>, &'a CStr),
}

impl Place<'_> {
    fn attach(&self, mount: BorrowedFd<'_>) -> rustix::io::Result<()> {
        match self {
            Place::Destination(target, _) => path::attach(mount, *target),
            Place::Below(top, name) => {
                let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
                move_mount(mount, c"", *top, *name, flags)
            }
        }
    }

    fn open(&self) -> rustix::io::Result<OwnedFd> {
        match self {
            Place::Destination(_, reopen) => reopen(),
            Place::Below(top, name) => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                openat(*top, *name, flags, Mode::empty())
            }
        }
    }
}

impl Source {
    fn plan(hierarchy: &Hierarchy, cgroups: &Cgroups, fresh: bool) -> Source {
        let unified = hierarchy.unified;
        let below = if unified { "" } else { hierarchy.own };
        let own = cgroups.groups.iter().find(|group| {
            group.unified == unified
                && if unified { fresh } else { group.controllers == hierarchy.controllers }
        });
        let mut options = Vec::new();
        let mut data = String::new();
        if !unified {
            if hierarchy.controllers.starts_with("name=") {
                options.push((c_string("none"), None));
                data.push_str("none,");
            }
            data.push_str(hierarchy.controllers);
            for controller in hierarchy.controllers.split(',') {
                options.push(match controller.split_once('=') {
                    Some((key, value)) => (c_string(key), Some(c_string(value))),
                    None => (c_string(controller), None),
                });
            }
        }
        Source {
            fresh,
            fstype: if unified { c"cgroup2" } else { c"cgroup" },
            options,
            data: c_string(&data),
            own: own.map(|group| c_string(group.directory)),
            host: Some(c_string(&text::joined(&[hierarchy.mount, below], ""))),
        }
    }

    fn describe(&self, name: &CStr, lines: &mut String) {
        if !name.is_empty() {
            let _ = write!(lines, "{}: ", Quoted(name));
        }
        let _ = match self.fresh {
            true => writeln!(lines, "mount a new {}", crate::text::lossy(self.fstype.to_bytes())),
            false => writeln!(lines, "bind {}", Quoted(self.bound().unwrap_or_default())),
        };
    }

    /// What a bind shows.
    fn bound(&self) -> Option<&'static CStr> {
        self.own.or(self.host)
    }

    /// Puts the hierarchy there.
    fn act(&self, entry: &Mount, place: &Place<'_>) -> Act {
        if self.fresh {
            let mut options = self.options.iter().copied();
            let result = match make(self.fstype, &mut options, entry.attributes) {
                Ok(mount) => place.attach(mount.as_fd()),
                Err(Errno::NOSYS) => {
                    let target = place.open().detail("open the mount point")?;
                    let at = FdPath::new(target.as_fd());
                    let data = (!self.data.is_empty()).then_some(self.data);
                    mount(c"cgroup", at.as_c_str(), self.fstype, entry.legacy_flags, data)
                }
                Err(errno) => Err(errno),
            };
            match (result, &self.host) {
                (Err(Errno::PERM | Errno::BUSY | Errno::ACCESS), Some(_)) => {}
                (result, _) => return result.detail(Quoted(self.fstype)),
            }
        }
        let bind = |source: &CStr, readonly| bind(source, readonly, entry, place);
        if let Some(own) = &self.own {
            match bind(own, false) {
                // Planned, but a rootless runtime could not make it.
                Err(Errno::NOENT) => {}
                result => return result.detail(format_args!("bind {}", Quoted(own))),
            }
        }
        let host = self.host.unwrap_or_default();
        // Where it stands in for a new mount, it may be more than was asked for.
        bind(host, self.fresh).detail(format_args!("bind {}", Quoted(host)))
    }
}

/// Binds a directory, with the options of the entry or `readonly` in spite of them.
fn bind(source: &CStr, readonly: bool, entry: &Mount, place: &Place<'_>) -> rustix::io::Result<()> {
    let mut attributes = entry.attributes;
    let mut flags = entry.legacy_flags | u64::from(MS_BIND | MS_REMOUNT);
    if readonly {
        attributes.set |= u64::from(MOUNT_ATTR_RDONLY);
        attributes.clear &= !u64::from(MOUNT_ATTR_RDONLY);
        flags |= u64::from(MS_RDONLY);
    }
    let tree = clone_tree(source, Recursion::One)
        .and_then(|tree| mount_setattr(tree.as_fd(), attributes, false).map(|()| tree));
    match tree {
        Ok(tree) => place.attach(tree.as_fd()),
        Err(Errno::NOSYS) => {
            let target = place.open()?;
            let at = FdPath::new(target.as_fd());
            mount(source, at.as_c_str(), c"", u64::from(MS_BIND), None)?;
            let mounted = place.open()?;
            mount(c"", FdPath::new(mounted.as_fd()).as_c_str(), c"", flags, None)
        }
        Err(errno) => Err(errno),
    }
}

impl CgroupMount {
    /// Plans the entry `mount` of type `cgroup`, or of type `cgroup2`: on a hybrid
    /// host the one shows the hierarchies of v1, the other the unified one. Of the
    /// entry the type, the destination, the attributes and (for the unified hierarchy)
    /// the options count. `cgroups` are those of the [`Plan`](super::Plan).
    pub fn plan(
        layout: &Layout,
        cgroups: &Cgroups,
        mut mount: Mount,
        cgroup_namespace: bool,
        user_namespace: bool,
    ) -> CgroupMount {
        let (set, clear) = (mount.recursive.set, mount.recursive.clear);
        mount.attributes.set |= set;
        mount.attributes.clear |= clear;
        // A v1 hierarchy cannot be mounted in a user namespace.
        let fresh_v1 = cgroup_namespace && !user_namespace;
        let alone = mount.fstype == c"cgroup2" || layout.is_unified();
        let view = match layout.unified() {
            Some(unified) if alone => {
                let mut source = Source::plan(unified, cgroups, cgroup_namespace);
                source.options = core::mem::take(&mut mount.data);
                source.data = core::mem::take(&mut mount.legacy_data);
                View::Unified(source)
            }
            // Without any cgroup the kernel says what it thinks of it. What it shows is
            // not the container's own.
            _ if layout.hierarchies.is_empty() => {
                mount.attributes.set |= u64::from(MOUNT_ATTR_RDONLY);
                mount.attributes.clear &= !u64::from(MOUNT_ATTR_RDONLY);
                mount.legacy_flags |= u64::from(MS_RDONLY);
                View::Unified(Source {
                    fresh: true,
                    fstype: c"cgroup2",
                    options: Vec::new(),
                    data: c"",
                    own: None,
                    host: None,
                })
            }
            _ => {
                let (mut parts, mut links) = (Vec::new(), Vec::new());
                for hierarchy in layout.hierarchies.iter().filter(|one| !one.unified) {
                    let Some((_, name)) = cut::at_last(hierarchy.mount, b'/') else { continue };
                    if hierarchy.controllers.as_bytes().contains(&b',') {
                        let joint = hierarchy.controllers.split(',').filter(|one| *one != name);
                        links.extend(joint.map(|one| (c_string(one), c_string(name))));
                    }
                    parts.push((c_string(name), Source::plan(hierarchy, cgroups, fresh_v1)));
                }
                View::Directories(parts, links)
            }
        };
        CgroupMount { mount, view }
    }

    /// The hierarchies with the names of their directories; none for one that is
    /// on the destination itself.
    fn sources(&self) -> Vec<(&CStr, &Source)> {
        match &self.view {
            View::Unified(source) => Vec::from([(c"", source)]),
            View::Directories(parts, _) => {
                parts.iter().map(|(name, source)| (*name, source)).collect()
            }
        }
    }

    /// The entry of `mounts`, and a line for each hierarchy: how it is shown.
    pub fn describe(&self) -> (&Mount, String) {
        let mut lines = String::new();
        for (name, source) in self.sources() {
            source.describe(name, &mut lines);
        }
        if let View::Directories(_, links) = &self.view {
            for (name, target) in links {
                let _ = writeln!(lines, "link {} to {}", Quoted(name), Quoted(target));
            }
        }
        (&self.mount, lines)
    }

    /// What is bound where: nothing where hierarchies are mounted anew.
    pub fn binds(&self) -> Vec<(&'static CStr, &'static CStr)> {
        let place = |name: &CStr| {
            let slash = if name.is_empty() { &b""[..] } else { b"/" };
            let parts = [self.mount.destination.to_bytes(), slash, name.to_bytes()];
            text::c_string(parts.concat()).unwrap_or_default()
        };
        let bound = self.sources().into_iter().filter(|(_, source)| !source.fresh);
        bound.filter_map(|(name, source)| Some((place(name), source.bound()?))).collect()
    }

    /// Makes the mount beneath `root`. Allocates nothing.
    ///
    /// # Errors
    /// The hierarchy and the call that failed.
    pub fn act(&self, root: BorrowedFd<'_>) -> Act {
        let destination = self.mount.destination;
        let target =
            path::create_in(root, destination, Create::Directory, Mode::from_raw_mode(0o755))
                .detail("create the mount point")?;
        let reopen = || path::open_in(root, destination);
        let top = match &self.view {
            View::Unified(source) => {
                source.act(&self.mount, &Place::Destination(target.as_fd(), &reopen))?;
                if self.mount.propagation.is_empty() {
                    return Ok(());
                }
                reopen()?
            }
            View::Directories(parts, links) => {
                let top = self.make_top(target.as_fd(), &reopen).detail("tmpfs")?;
                self.fill(top.as_fd(), parts, links)?;
                top
            }
        };
        for &(propagation, recursion) in &self.mount.propagation {
            let attributes = Attributes { propagation, ..Attributes::default() };
            mount_setattr(top.as_fd(), attributes, recursion == Recursion::All)
                .detail("change the propagation")?;
        }
        Ok(())
    }

    /// The tmpfs, writable so far.
    fn make_top(
        &self,
        target: BorrowedFd<'_>,
        reopen: &dyn Fn() -> rustix::io::Result<OwnedFd>,
    ) -> rustix::io::Result<OwnedFd> {
        let mut attributes = self.mount.attributes;
        attributes.set &= !u64::from(MOUNT_ATTR_RDONLY);
        match make(c"tmpfs", &mut [(c"mode", Some(c"755"))].into_iter(), attributes) {
            Ok(top) => {
                path::attach(top.as_fd(), target)?;
                Ok(top)
            }
            Err(Errno::NOSYS) => {
                let flags = self.mount.legacy_flags & !u64::from(MS_RDONLY);
                let at = FdPath::new(target);
                mount(c"tmpfs", at.as_c_str(), c"tmpfs", flags, Some(c"mode=755"))?;
                reopen()
            }
            Err(errno) => Err(errno),
        }
    }

    /// Directories, mounts and links; then the top is made read-only if asked.
    fn fill(
        &self,
        top: BorrowedFd<'_>,
        parts: &[(&'static CStr, Source)],
        links: &[(&'static CStr, &'static CStr)],
    ) -> Act {
        for (name, source) in parts {
            mkdirat(top, *name, Mode::from_raw_mode(0o755))
                .detail(format_args!("make directory {}", Quoted(name)))?;
            source.act(&self.mount, &Place::Below(top, name))?;
        }
        for (name, target) in links {
            symlinkat(*target, top, &**name).detail(format_args!("make link {}", Quoted(name)))?;
        }
        let readonly = u64::from(MOUNT_ATTR_RDONLY);
        if self.mount.attributes.set & readonly == 0 {
            return Ok(());
        }
        let attributes = Attributes { set: readonly, ..Attributes::default() };
        match mount_setattr(top, attributes, false) {
            Err(Errno::NOSYS) => {
                let flags = self.mount.legacy_flags | u64::from(MS_BIND | MS_REMOUNT | MS_RDONLY);
                mount(c"", FdPath::new(top).as_c_str(), c"", flags, None)
            }
            result => result,
        }
        .detail("make it read-only")
    }
}

impl fmt::Display for CgroupMount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mount \"cgroup\" on {}", Quoted(self.mount.destination))
    }
}
