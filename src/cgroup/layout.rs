//! Which cgroup hierarchies this host has, and where this process is in them.
//!
//! A hierarchy's place comes from /proc/PID/mountinfo (proc_pid_mountinfo(5)),
//! but for cgroup v2 where every distribution has it, which two inodes tell; this
//! process's place in it from /proc/PID/cgroup (cgroups(7)).

use alloc::string::String;
use alloc::vec::Vec;

use linux_raw_sys::general::CGROUP2_SUPER_MAGIC;
use rustix::fs::statfs;

use super::file;
use crate::cut::split;
use crate::error::{Context, Result};
use crate::mountinfo::{Mounted, unescape};
use crate::named;
use crate::text;
use crate::text::keep;

/// Where every distribution has its cgroups.
const USUAL: &str = "/sys/fs/cgroup";

/// The inode of the directory above all others of a hierarchy (fs/kernfs/dir.c
/// counts from there).
const HIERARCHY: u64 = 1;

/// That of the first cgroup namespace: `PROC_CGROUP_INIT_INO` of the kernel's
/// include/linux/proc_ns.h.
const FIRST_NAMESPACE: u64 = 0xefff_fffb;

/// A file of our own in /proc. In a test it is the thread's: tests give their
/// threads mount namespaces.
macro_rules! own {
    ($name:literal) => {
        if cfg!(test) {
            concat!("/proc/thread-self/", $name)
        } else {
            concat!("/proc/self/", $name)
        }
    };
}

/// One hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// It is the one of cgroup v2.
    pub unified: bool,
    /// Its controllers, with commas between; `name=systemd` for a named one.
    pub controllers: &'static str,
    /// Its mount point.
    pub mount: &'static str,
    /// The cgroup of this process below the mount point: `/` or `/a/b`.
    pub own: &'static str,
}

/// The hierarchies of this host, in the order of their mounts, the unified one
/// last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// See the type.
    pub hierarchies: Vec<Hierarchy>,
}

impl Hierarchy {
    /// Whether it has the controller.
    pub fn has(&self, controller: &str) -> bool {
        self.controllers.split(',').any(|name| name == controller)
    }
}

impl Layout {
    /// Looks at the mounts and the cgroups of this process.
    ///
    /// # Errors
    /// procfs cannot be read.
    pub fn detect() -> Result<Layout> {
        let read =
            |name: &'static str| file::read_all(name).context(|| text::about("read {}", name));
        let own = match file::read_all(own!("cgroup")) {
            // A kernel without cgroups has no such file.
            Err(rustix::io::Errno::NOENT) => String::new(),
            result => result.context(|| "read /proc/self/cgroup")?,
        };
        let layout = match whole_unified() {
            Some(mount) => Layout { hierarchies: own_of(&own, &mount).into_iter().collect() },
            None => Layout::parse(&read(own!("mountinfo"))?, &own),
        };
        let Some(unified) = layout.unified() else { return Ok(layout) };
        let controllers = file::must_read(unified.mount, "cgroup.controllers")?;
        Ok(layout.with_unified_controllers(&controllers))
    }

    /// As [`Layout::detect`], from the text of both files. Which controllers
    /// cgroup v2 has is in neither: see [`Layout::with_unified_controllers`].
    pub fn parse(mountinfo: &str, own: &str) -> Layout {
        let mounts: Vec<Mounted<'_>> = split(mountinfo, b'\n').filter_map(Mounted::parse).collect();
        // A later mount on the same place covers the earlier ones.
        let usual = mounts.iter().rfind(|mount| mount.point == USUAL);
        if let Some(mount) = usual.filter(|mount| mount.fstype == "cgroup2") {
            return Layout { hierarchies: own_of(own, mount).into_iter().collect() };
        }
        let mut hierarchies: Vec<Hierarchy> = Vec::new();
        let mut unified = None;
        for mount in &mounts {
            let Some(found) = own_of(own, mount) else { continue };
            // Of two places of one hierarchy the usual one counts, else the first.
            let known = if found.unified {
                &mut unified
            } else {
                match hierarchies.iter_mut().find(|old| old.controllers == found.controllers) {
                    Some(old) => {
                        prefer(old, found);
                        continue;
                    }
                    None => {
                        hierarchies.push(found);
                        continue;
                    }
                }
            };
            match known {
                Some(old) => prefer(old, found),
                None => *known = Some(found),
            }
        }
        hierarchies.extend(unified);
        Layout { hierarchies }
    }

    /// Adds what the unified hierarchy's `cgroup.controllers` says.
    #[must_use]
    pub fn with_unified_controllers(mut self, controllers: &str) -> Layout {
        for hierarchy in &mut self.hierarchies {
            if hierarchy.unified {
                hierarchy.controllers = listed(controllers);
            }
        }
        self
    }

    /// Cgroup v2 alone.
    pub fn is_unified(&self) -> bool {
        matches!(&self.hierarchies[..], [only] if only.unified)
    }

    /// The hierarchy of cgroup v2.
    pub fn unified(&self) -> Option<&Hierarchy> {
        self.hierarchies.iter().find(|hierarchy| hierarchy.unified)
    }
}

/// The controllers of a `cgroup.controllers`, as `/proc/PID/cgroup` lists those of v1.
pub(super) fn listed(controllers: &str) -> &'static str {
    text::replaced(controllers.trim_ascii(), b' ', ",").leak()
}

/// The whole of cgroup v2 at its usual place, seen from the first cgroup
/// namespace: what mountinfo would say is known then. Where there are hundreds of
/// containers, the kernel writes thousands of lines for it.
fn whole_unified() -> Option<Mounted<'static>> {
    let stat = statfs(c"/sys/fs/cgroup").ok()?;
    let whole = stat.f_type as u64 == u64::from(CGROUP2_SUPER_MAGIC)
        && inode(USUAL)? == HIERARCHY
        && inode(own!("ns/cgroup"))? == FIRST_NAMESPACE;
    whole.then_some(Mounted { root: "/", point: USUAL, fstype: "cgroup2", source: "", options: "" })
}

#[inline(never)]
fn inode(path: &str) -> Option<u64> {
    named::stat(path).ok().map(|stat| stat.st_ino)
}

fn prefer(old: &mut Hierarchy, found: Hierarchy) {
    let usual = |hierarchy: &Hierarchy| hierarchy.mount.starts_with(USUAL);
    // On the same place the later one is on top.
    if old.mount == found.mount || usual(&found) && !usual(old) {
        *old = found;
    }
}

/// The hierarchy that is mounted here, with the own path in it; `None` for any
/// other file system.
fn own_of(own: &str, mount: &Mounted<'_>) -> Option<Hierarchy> {
    let unified = match mount.fstype {
        "cgroup" => false,
        "cgroup2" => true,
        _ => return None,
    };
    // `ID:CONTROLLERS:PATH`; the unified one has no controllers there.
    let mut lines = split(own, b'\n').filter_map(|line| {
        let mut fields = split(line, b':');
        let (number, controllers) = (fields.next()?, fields.next()?);
        // The rest may have colons.
        Some((controllers, line.get(number.len() + controllers.len() + 2..)?))
    });
    let here = |controllers: &str| {
        let option = |name| split(mount.options, b',').any(|option| option == name);
        if unified { controllers.is_empty() } else { split(controllers, b',').all(option) }
    };
    let (controllers, path) = lines.find(|(controllers, _)| here(controllers))?;
    Some(Hierarchy {
        unified,
        controllers: keep(controllers),
        mount: unescape(mount.point),
        own: keep(below(path, unescape(mount.root))),
    })
}

/// `path` as seen from `root`, which is mounted; `/` where it is not below it,
/// as in a container that was given some other cgroup's directory, or outside of
/// the cgroup namespace (`/..`).
fn below<'a>(path: &'a str, root: &str) -> &'a str {
    let root = root.trim_end_matches('/');
    let rest = path.strip_prefix(root).unwrap_or_default();
    match rest.as_bytes() {
        [b'/', b'.', b'.', ..] => "/",
        [b'/', ..] => rest,
        _ => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn check(mountinfo: &str, own: &str, unified: bool, expect: &[&str]) {
        let layout = Layout::parse(mountinfo, own);
        let found: Vec<String> = layout
            .hierarchies
            .iter()
            .map(|one| {
                let kind = if one.unified { "v2" } else { "v1" };
                alloc::format!("{kind} {} {} {}", one.controllers, one.mount, one.own)
            })
            .collect();
        assert_eq!(found, expect, "{mountinfo}");
        assert_eq!(layout.is_unified(), unified);
    }

    const V1: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
";

    const OWN: &str = "9:name=systemd:/s\n4:memory:/a/b\n1:cpuacct,cpu:/\n0::/u/v\n";

    #[test]
    fn v1_hybrid_v2_none() {
        let v1 = [
            "v1 cpuacct,cpu /sys/fs/cgroup/cpu,cpuacct /",
            "v1 memory /sys/fs/cgroup/memory /a/b",
            "v1 name=systemd /sys/fs/cgroup/systemd /s",
        ];
        check(V1, OWN, false, &v1);
        let hybrid = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let all = [v1[0], v1[1], v1[2], "v2  /sys/fs/cgroup/unified /u/v"];
        check(&(hybrid.to_string() + V1), OWN, false, &all);
        let v2 = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
        check(v2, "0::/u/v\n", true, &["v2  /sys/fs/cgroup /u/v"]);
        // v2 over v1, and v1 over v2, without unmounting anything.
        check(&(V1.to_string() + v2), OWN, true, &["v2  /sys/fs/cgroup /u/v"]);
        check(
            &(v2.to_string() + V1),
            OWN,
            false,
            &[v1[0], v1[1], v1[2], "v2  /sys/fs/cgroup /u/v"],
        );
        check("23 1 0:1 / / rw - ext4 /dev/vda rw\n", OWN, false, &[]);
        check("", "", false, &[]);
        check("garbage\n - \n1 2 3 - cgroup\n", "x\n:\n", false, &[]);
    }

    #[test]
    fn nested_in_a_container() {
        let mount = |root| alloc::format!("31 23 0:28 {root} /sys/fs/cgroup rw - cgroup2 c rw\n");
        for (root, own, expect) in [
            ("/docker/1", "/docker/1", "/"),
            ("/docker/1", "/docker/1/x", "/x"),
            ("/docker/1", "/docker/12", "/"),
            ("/docker/1", "/other", "/"),
            ("/a:b", "/a:b/c:d", "/c:d"),
            ("/../..", "/", "/"),
            // A process that is outside of its cgroup namespace.
            ("/", "/..", "/"),
            ("/", "/../other", "/"),
            ("/../..", "/../../x", "/x"),
            ("/", "/a/b", "/a/b"),
        ] {
            let expect = "v2  /sys/fs/cgroup ".to_string() + expect;
            check(&mount(root), &alloc::format!("0::{own}\n"), true, &[&expect]);
        }
    }

    #[test]
    fn two_places_and_odd_names() {
        let mounts = "\
1 0 0:1 / /mnt/memory rw - cgroup cgroup rw,memory
2 0 0:1 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
3 0 0:1 / /else rw - cgroup cgroup rw,memory
4 0 0:2 / /a\\040b\\134c rw - cgroup2 none rw
";
        let own = "4:memory:/\n0::/\n";
        check(mounts, own, false, &["v1 memory /sys/fs/cgroup/memory /", "v2  /a b\\c /"]);
    }
}
