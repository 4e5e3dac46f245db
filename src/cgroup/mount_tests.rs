//! The `cgroup` mount of a container, made for real in a mount namespace.

extern crate std;

use crate::sys::fd::AsFd;
use alloc::format;
use alloc::string::{String, ToString};
use linux_raw_sys::general::{
    CLONE_NEWCGROUP, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY, MS_NOSUID, MS_RDONLY,
};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};

use super::tests::{View, create, in_view, sweep};
use super::{CgroupMount, Cgroups, Layout};
use crate::rootfs::mount::Mount;
use crate::spec::Resources;
use crate::sys::clone::unshare;
use crate::sys::mount::Attributes;
use crate::text;

/// Mounts on DIRECTORY/sys/fs/cgroup; the directory is on a tmpfs that goes with
/// the mount namespace.
fn show(layout: &Layout, cgroups: &Cgroups, readonly: bool, namespace: bool) -> String {
    let root = "/mnt";
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("none", root, "tmpfs", flags, None).unwrap();
    // As `mounts` is read: the attributes, and the same for mount(2).
    let (attribute, flag) = if readonly { (MOUNT_ATTR_RDONLY, MS_RDONLY) } else { (0, 0) };
    let set = u64::from(MOUNT_ATTR_NOSUID | attribute);
    let entry = Mount {
        destination: c"/sys/fs/cgroup",
        attributes: Attributes { set, ..Attributes::default() },
        legacy_flags: u64::from(MS_NOSUID | flag),
        ..Mount::default()
    };
    let mount = CgroupMount::plan(layout, cgroups, entry, namespace, false);
    assert_eq!(mount.to_string(), "mount \"cgroup\" on \"/sys/fs/cgroup\"");
    let fd: OwnedFd = rustix::fs::open(root, OFlags::PATH, Mode::empty()).unwrap();
    if let Err(fault) = mount.act(fd.as_fd()) {
        panic!("{} {:?}", fault.text(), fault.errno);
    }
    format!("{root}/sys/fs/cgroup")
}

/// The options of the mount on top of this place.
fn options(point: &str) -> String {
    let mountinfo = std::fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
    let line = mountinfo.lines().rfind(|line| line.split(' ').nth(4) == Some(point));
    line.unwrap_or_else(|| panic!("no mount on {point}")).split(' ').nth(5).unwrap().to_string()
}

/// Whether the cgroup seen there is the one of this directory: a cgroup made in
/// one is seen in the other.
fn same(shown: &str, directory: &str) -> bool {
    std::fs::create_dir(format!("{directory}/probe")).unwrap();
    let same = std::path::Path::new(&format!("{shown}/probe")).exists();
    std::fs::remove_dir(format!("{directory}/probe")).unwrap();
    same
}

fn check(view: View, readonly: bool, namespace: bool) {
    in_view(view, move |layout| {
        let name = format!("mount-{view:?}-{readonly}-{namespace}");
        let created = create(layout, &name, &Resources::default()).unwrap();
        if namespace {
            // The thread cannot enter the one of v2: its namespace's root there
            // stays the host's.
            super::enter(created.entrances()).unwrap_or_else(|_| panic!("enter"));
            unshare(CLONE_NEWCGROUP).unwrap();
        }
        let cgroups = created.keep();
        let shown = show(layout, &cgroups, readonly, namespace);
        let expect = if readonly { "ro,nosuid" } else { "rw,nosuid" };
        assert!(options(&shown).starts_with(expect), "{}", options(&shown));
        assert!(!std::path::Path::new(&format!("{shown}/unified")).exists());
        let of_v2 = view == View::V2;
        for group in cgroups.groups.iter().filter(|group| group.unified == of_v2) {
            let part = match view {
                View::V2 => shown.clone(),
                _ => format!("{shown}/{}", group.controllers.trim_start_matches("name=")),
            };
            assert!(options(&part).starts_with(expect), "{part}: {}", options(&part));
            // That of v2 is the host's, bound, with the container's own somewhere in it.
            let below =
                if of_v2 { &group.directory[layout.hierarchies[0].mount.len()..] } else { "" };
            if !(namespace && group.unified) {
                assert!(same(&format!("{part}{below}"), group.directory), "{part}");
            }
        }
        if view != View::V2 {
            let made = std::fs::create_dir(format!("{shown}/new"));
            assert_eq!(made.is_err(), readonly, "the tmpfs");
        }
        if namespace {
            for hierarchy in layout.hierarchies.iter().filter(|one| !one.unified) {
                std::fs::write(format!("{}{}/tasks", hierarchy.mount, hierarchy.own), "0").unwrap();
            }
        }
        cgroups.remove().unwrap();
        sweep(&cgroups);
    });
}

#[test]
fn bound_without_a_cgroup_namespace() {
    for view in [View::Hybrid, View::V1, View::V2] {
        check(view, true, false);
        check(view, false, false);
    }
}

#[test]
fn mounted_in_a_cgroup_namespace() {
    for view in [View::Hybrid, View::V1, View::V2] {
        check(view, true, true);
        check(view, false, true);
    }
}

#[test]
fn without_cgroups_of_its_own_those_of_the_caller_are_shown() {
    for (view, readonly) in [(View::Hybrid, false), (View::V1, true)] {
        in_view(view, move |layout| {
            let made = create(layout, &format!("caller-{readonly}"), &Resources::default());
            let caller = made.unwrap().keep();
            // As where a user may make none below: they are planned, and not there.
            let mut planned = caller.clone();
            let mut layout = layout.clone();
            for (group, hierarchy) in planned.groups.iter_mut().zip(&mut layout.hierarchies) {
                hierarchy.own = &group.directory[hierarchy.mount.len()..];
                group.directory = text!("{}/none", group.directory);
            }
            let expect = if readonly { "ro,nosuid" } else { "rw,nosuid" };
            for cgroups in [planned, Cgroups::default()] {
                let shown = show(&layout, &cgroups, readonly, false);
                for group in caller.groups.iter().filter(|group| !group.unified) {
                    let name = group.controllers.trim_start_matches("name=");
                    let part = format!("{shown}/{name}");
                    assert!(options(&part).starts_with(expect), "{part}: {}", options(&part));
                    assert!(same(&part, group.directory), "{part}");
                }
            }
            caller.remove().unwrap();
            sweep(&caller);
        });
    }
}

#[test]
fn a_host_without_cgroups() {
    in_view(View::Hybrid, |_| {
        // Nothing to bind: the file system itself is mounted.
        let shown = show(&Layout::default(), &Cgroups::default(), false, true);
        assert!(options(&shown).starts_with("ro,nosuid"), "{}", options(&shown));
    });
}

#[test]
fn cgroup2_of_a_hybrid_host() {
    let mountinfo = "\
1 0 0:1 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
2 0 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";
    let layout = Layout::parse(mountinfo, "1:memory:/\n0::/\n");
    let entry = |fstype| Mount { fstype, ..Mount::default() };
    for (fstype, view) in [(c"cgroup", "Directories"), (c"cgroup2", "Unified")] {
        let cgroups = Cgroups::default();
        let mount = CgroupMount::plan(&layout, &cgroups, entry(fstype), true, false);
        assert!(format!("{mount:?}").contains(view), "{fstype:?}: {mount:?}");
    }
}

#[test]
fn controllers_together_are_linked() {
    let mountinfo = "\
1 0 0:1 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
2 0 0:2 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
";
    let layout = Layout::parse(mountinfo, "2:cpu,cpuacct:/\n1:memory:/\n");
    let mount = CgroupMount::plan(&layout, &Cgroups::default(), Mount::default(), false, false);
    let shown = format!("{mount:?}");
    for link in ["(\"cpu\", \"cpu,cpuacct\")", "(\"cpuacct\", \"cpu,cpuacct\")"] {
        assert!(shown.contains(link), "{shown}");
    }
}
