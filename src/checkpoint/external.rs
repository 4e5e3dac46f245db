//! What of a container comes from outside: mounts of the host's files, and
//! namespaces that others own. CRIU saves that it is there and not what it is,
//! and is told at restore what to put in its place.

use super::protobuf::Message;
use super::rpc::{opts, pair};
use crate::error;
use crate::error::Result;
use crate::plan::Op;
use crate::plan::mounts::is_below;
use crate::rootfs::path::{FdPath, is_directory, open_in};
use crate::sys::fd::AsFd;
use crate::text;
use alloc::vec::Vec;
use core::ffi::CStr;
use linux_raw_sys::general::{CLONE_NEWNET, CLONE_NEWPID};
use rustix::fd::BorrowedFd;

/// What is bound on masked files, under the name that runc gives it too.
const NULL: &CStr = c"/dev/null";

/// A mount of something of the host's.
#[derive(Debug, PartialEq, Eq)]
pub struct External {
    /// Where it is in the container.
    pub place: &'static CStr,
    /// What it is on the host.
    pub source: &'static CStr,
    /// It covers a masked file, if the image has that.
    pub mask: bool,
}

/// The mounts that a container's operations make of the host's files.
///
/// # Errors
/// One has mapped owners, which CRIU would lose.
pub fn external(ops: &[Op]) -> Result<Vec<External>> {
    let mut found = Vec::new();
    let mut add = |place, source, mask| {
        found.push(External { place, source, mask });
    };
    for op in ops {
        match op {
            Op::Mount(mount) if mount.id_map.is_some() => {
                return Err(error!("{mount}: CRIU cannot restore mapped owners"));
            }
            Op::Mount(mount) if mount.bind.is_some() && !mount.remount => {
                add(mount.destination, mount.source, false);
            }
            Op::Device(device) if device.bind => add(device.path, device.path, false),
            Op::CgroupMount(mount) => {
                for (place, source) in mount.binds() {
                    add(place, source, false);
                }
            }
            Op::Mask(path) => add(path, NULL, true),
            _ => {}
        }
    }
    Ok(found)
}

/// The operations whose mount points restore makes where they are missing: all
/// mounts but those on new file systems, which CRIU brings back with what is in
/// them.
pub fn mount_points(ops: &[Op]) -> Vec<usize> {
    let text = |path: &'static CStr| text::lossy(path.to_bytes());
    let mut new: Vec<&str> = Vec::new();
    let mut points = Vec::new();
    for (index, op) in ops.iter().enumerate() {
        let Op::Mount(mount) = op else { continue };
        let place = text(mount.destination);
        if mount.remount || new.iter().any(|above| is_below(place, above)) {
            continue;
        }
        points.push(index);
        if mount.bind.is_none() {
            new.push(place);
        }
    }
    points
}

/// Tells CRIU of a mount: `name` stands for what is mounted in the images.
pub fn tell(message: &mut Message, key: &[u8], value: &[u8]) {
    message.message(opts::EXT_MNT, &pair(key, value));
}

/// For `checkpoint`: what is mounted where gets the place for a name; masked
/// files, the null device's.
pub fn tell_dump(message: &mut Message, list: &[External], root: BorrowedFd<'_>) {
    for External { place, mask, .. } in list {
        if *mask {
            // A directory is covered by a file system of the container's own.
            let directory = open_in(root, place).and_then(|fd| is_directory(fd.as_fd()));
            if directory == Ok(false) {
                tell(message, &resolve(root, place), NULL.to_bytes());
            }
            continue;
        }
        let place = resolve(root, place);
        tell(message, &place, &place);
    }
}

/// For `restore`: the names, and what they stand for here.
pub fn tell_restore(message: &mut Message, list: &[External], root: BorrowedFd<'_>) {
    for External { place, source, .. } in list.iter().filter(|external| !external.mask) {
        tell(message, &resolve(root, place), source.to_bytes());
    }
    if list.iter().any(|external| external.mask) {
        tell(message, NULL.to_bytes(), NULL.to_bytes());
    }
}

/// The path that a place has when all links in it are followed beneath `root`;
/// as it is where it is not there.
fn resolve(root: BorrowedFd<'_>, place: &CStr) -> Vec<u8> {
    let path = |fd: BorrowedFd<'_>| FdPath::new(fd).read();
    let found = open_in(root, place).and_then(|fd| Ok((path(fd.as_fd())?, path(root)?)));
    let below = found.ok().and_then(|(found, top)| {
        let top = top.strip_suffix(b"/").unwrap_or(&top);
        found.strip_prefix(top).map(Vec::from)
    });
    below.filter(|path| path.starts_with(b"/")).unwrap_or_else(|| place.to_bytes().into())
}

/// The name in the images for a namespace that is not the container's own;
/// `None` for a kind that CRIU joins by path.
pub fn namespace_key(kind: u32) -> Option<&'static str> {
    match kind {
        CLONE_NEWNET => Some("extRootNetNS"),
        CLONE_NEWPID => Some("extRootPidNS"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::protobuf::{Value, read};
    use crate::rootfs::device::Device;
    use crate::rootfs::id_map::IdMap;
    use crate::rootfs::mount::Mount;
    use crate::rootfs::tree::Recursion;
    use alloc::boxed::Box;
    use rustix::fs::{CWD, FileType, Mode, OFlags, openat};

    fn mount(place: &'static CStr, source: Option<&'static CStr>) -> Op {
        Op::Mount(Box::new(Mount {
            destination: place,
            source: source.unwrap_or_default(),
            bind: source.map(|_| Recursion::All),
            ..Mount::default()
        }))
    }

    fn device(bind: bool) -> Op {
        Op::Device(Device {
            directory: c"/dev",
            name: c"null",
            path: c"/dev/null",
            kind: FileType::CharacterDevice,
            major: 1,
            minor: 3,
            mode: 0o666,
            uid: 0,
            gid: 0,
            bind,
        })
    }

    #[test]
    fn what_comes_from_outside() {
        let remount = Mount { bind: Some(Recursion::One), remount: true, ..Mount::default() };
        let ops = [
            mount(c"/proc", None),
            mount(c"/data", Some(c"/srv")),
            Op::Mount(Box::new(remount)),
            device(false),
            device(true),
            Op::Mask(c"/proc/kcore"),
        ];
        let list = external(&ops).unwrap();
        let list: Vec<_> = list.iter().map(|one| (one.place, one.source, one.mask)).collect();
        assert_eq!(
            list,
            [
                (c"/data", c"/srv", false),
                (c"/dev/null", c"/dev/null", false),
                (c"/proc/kcore", c"/dev/null", true)
            ]
        );
        let id_map = Some(IdMap { maps: None, recursion: Recursion::One });
        let mapped = Mount { bind: Some(Recursion::One), id_map, ..Mount::default() };
        assert!(external(&[Op::Mount(Box::new(mapped))]).is_err());
    }

    #[test]
    fn mount_points_on_new_file_systems_come_with_them() {
        let ops = [
            mount(c"/dev", None),
            mount(c"/dev/pts", None),
            mount(c"/data", Some(c"/srv")),
            mount(c"/data/in", Some(c"/srv2")),
            mount(c"/device", None),
        ];
        assert_eq!(mount_points(&ops), [0, 2, 3, 4]);
    }

    #[test]
    fn what_criu_is_told() {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let root = openat(CWD, "/proc", flags, Mode::empty()).unwrap();
        let one = |place, source, mask| External { place, source, mask };
        let list = [
            one(c"//sys/./kernel", c"/srv", false),
            one(c"/gone", c"/srv2", false),
            one(c"/uptime", NULL, true),
            one(c"/sys", NULL, true),
            one(c"/gone", NULL, true),
        ];
        let pairs = |message: &Message| {
            let mut pairs = Vec::new();
            read(message.as_bytes(), &mut |field, value| {
                assert_eq!(field, 23);
                let Value::Bytes(bytes) = value else { panic!() };
                let mut texts = Vec::new();
                read(bytes, &mut |_, value| {
                    let Value::Bytes(text) = value else { panic!() };
                    texts.push(text::lossy(text));
                });
                pairs.push(texts.join("="));
            })
            .unwrap();
            pairs
        };
        let mut dump = Message::default();
        tell_dump(&mut dump, &list, root.as_fd());
        assert_eq!(pairs(&dump), ["/sys/kernel=/sys/kernel", "/gone=/gone", "/uptime=/dev/null"]);
        let mut restore = Message::default();
        tell_restore(&mut restore, &list, root.as_fd());
        assert_eq!(pairs(&restore), ["/sys/kernel=/srv", "/gone=/srv2", "/dev/null=/dev/null"]);
    }
}
