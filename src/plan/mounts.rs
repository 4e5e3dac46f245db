//! From `mounts`, masks and the rest of the file system to
//! operations.

use super::Op;
use crate::error;
use crate::error::Result;
use crate::namespace;
use crate::namespace::idmap::{IdMaps, Range};
use crate::quote::quoted;
use crate::rootfs::id_map::IdMap;
use crate::rootfs::mount::Mount;
use crate::rootfs::tree::Recursion;
use crate::spec::validate::sysctl_owner;
use crate::spec::{self, IdMapping, MountOptions, NamespaceKind};
use crate::sys::mount::Attributes;
use crate::text;
use crate::text::keep;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use linux_raw_sys::general::*;

/// Text as a C string.
///
/// # Errors
/// `property` has a null byte in it.
pub fn c_string(property: &str, text: &str) -> Result<&'static CStr> {
    text::c_string(text).ok_or_else(|| error!("{property}: {} has a null byte in it", quoted(text)))
}

/// A path that counts from `directory` where it is not absolute.
pub fn absolute(directory: &str, path: &str) -> &'static str {
    if path.starts_with('/') {
        return keep(path);
    }
    text!("{}/{path}", directory.trim_end_matches('/'))
}

/// Plans one entry of `mounts`; relative sources of bind mounts count from the
/// bundle.
///
/// # Errors
/// An option that a bind mount cannot have, or a null byte.
pub fn mount(mount: &spec::Mount<'_>, bundle: &str) -> Result<Mount> {
    let options = MountOptions::parse(&mount.options);
    let kind = mount.kind.unwrap_or("");
    let bind = options.bind;
    if !options.remount && !is_below(mount.destination, "/") {
        // It would hide the root that was opened before, but only by its name.
        let destination = mount.destination;
        return Err(error!(
            "mounts[].destination: {} is the root itself, which root.path gives",
            quoted(destination)
        ));
    }
    let source = mount.source.unwrap_or(if bind.is_some() { "" } else { kind });
    let source = match bind {
        Some(_) => absolute(bundle, source),
        None => source,
    };
    if bind.is_some() && !options.data.is_empty() {
        return Err(error!(
            "mount {} on {}: a bind mount takes no file system options: {}",
            quoted(source),
            quoted(mount.destination),
            text::joined(&options.data, ",")
        ));
    }
    if options.tmpcopyup && (kind != "tmpfs" || bind.is_some() || options.remount) {
        let destination = mount.destination;
        return Err(error!(
            "mount on {}: tmpcopyup: only a new tmpfs can have it",
            quoted(destination)
        ));
    }
    // One that is filled must be writable meanwhile; its mount is not, then.
    let later = if options.tmpcopyup { MS_RDONLY } else { 0 };
    let mut data = superblock(options.superblock & !later, options.superblock_clear);
    for option in &options.data {
        let (key, value) = MountOptions::key_and_value(option);
        let value = value.map(|value| c_string("mounts[].options", value)).transpose()?;
        data.push((c_string("mounts[].options", key)?, value));
    }
    Ok(Mount {
        destination: c_string("mounts[].destination", absolute("/", mount.destination))?,
        source: c_string("mounts[].source", source)?,
        fstype: c_string("mounts[].type", kind)?,
        bind: bind.map(recursion),
        id_map: options.idmap.map(|all| IdMap { maps: None, recursion: recursion(all) }),
        attributes: attributes(options.attributes),
        recursive: attributes(options.recursive),
        propagation: options
            .propagation
            .iter()
            .map(|&flags| (u64::from(flags & !MS_REC), recursion(flags & MS_REC != 0)))
            .collect(),
        data,
        legacy_flags: u64::from(options.legacy_flags()),
        legacy_data: c_string("mounts[].options", &text::joined(&options.data, ","))?,
        remount: options.remount,
        copy_up: options.tmpcopyup,
        inherit_mode: kind == "tmpfs"
            && bind.is_none()
            && !options.remount
            && !options.data.iter().any(|option| option.starts_with("mode=")),
        ..Mount::default()
    })
}

/// Adds the SELinux label where the file system takes one: new ones, but for
/// those of the kernel's own, whose objects have the labels of the policy. That
/// of mqueue has no option for it, but its root can be labelled. `option` is the
/// mount option.
///
/// # Errors
/// A null byte.
pub fn label(mount: &mut Mount, option: &str, label: &str) -> Result<()> {
    const OWN: [&CStr; 6] = [c"", c"proc", c"sysfs", c"mqueue", c"cgroup", c"cgroup2"];
    let text = |text: &str| c_string("linux.mountLabel", text);
    if mount.fstype == c"mqueue" && mount.bind.is_none() && !mount.remount {
        mount.root_label = Some(text(label)?);
    }
    let given = mount.data.iter().any(|(key, _)| key.to_bytes() == option.as_bytes());
    if mount.bind.is_some() || mount.remount || given || OWN.contains(&mount.fstype) {
        return Ok(());
    }
    mount.data.push((text(option)?, Some(text(label)?)));
    // In mount(2)'s data a label with commas must be quoted.
    let data = mount.legacy_data.to_str().unwrap_or_default();
    let comma = if data.is_empty() { "" } else { "," };
    mount.legacy_data = text(text!("{data}{comma}{option}=\"{label}\""))?;
    Ok(())
}

/// How the owners of a bind mount are mapped: by its own maps, or by those of
/// the container.
///
/// # Errors
/// The mount is none that can be mapped.
pub fn id_map(
    entry: &spec::Mount<'_>,
    mount: &Mount,
    namespaces: &namespace::Plan,
) -> Result<Option<IdMap>> {
    let asked = mount.id_map.as_ref().map(|asked| asked.recursion);
    let own = !entry.uid_mappings.is_empty();
    if !own && asked.is_none() {
        return Ok(None);
    }
    if mount.bind.is_none() || mount.remount {
        return Err(error!("{mount}: idmap: only a bind mount can have its owners mapped"));
    }
    let maps = if own {
        let (uid, gid) = (ranges(&entry.uid_mappings), ranges(&entry.gid_mappings));
        Some(IdMaps { uid, gid, ..IdMaps::default() })
    } else {
        namespaces.id_maps.clone()
    };
    Ok(Some(IdMap { maps, recursion: asked.unwrap_or(Recursion::One) }))
}

fn recursion(all: bool) -> Recursion {
    if all { Recursion::All } else { Recursion::One }
}

/// Id maps as the kernel takes them.
pub fn ranges(map: &[IdMapping]) -> Vec<Range> {
    let range =
        |map: &IdMapping| Range { container: map.container_id, host: map.host_id, size: map.size };
    map.iter().map(range).collect()
}

fn attributes(attributes: spec::Attributes) -> Attributes {
    Attributes {
        set: u64::from(attributes.set),
        clear: u64::from(attributes.clear),
        propagation: 0,
    }
}

/// Superblock flags under the names that fsconfig(2) takes (the kernel's
/// fs/fs_context.c).
fn superblock(set: u32, clear: u32) -> Vec<(&'static CStr, Option<&'static CStr>)> {
    const NAMES: [(u32, bool, &CStr); 9] = [
        (MS_RDONLY, true, c"ro"),
        (MS_SYNCHRONOUS, true, c"sync"),
        (MS_DIRSYNC, true, c"dirsync"),
        (MS_MANDLOCK, true, c"mand"),
        (MS_LAZYTIME, true, c"lazytime"),
        (MS_RDONLY, false, c"rw"),
        (MS_SYNCHRONOUS, false, c"async"),
        (MS_MANDLOCK, false, c"nomand"),
        (MS_LAZYTIME, false, c"nolazytime"),
    ];
    NAMES
        .iter()
        .filter(|(flag, on, _)| if *on { set & flag != 0 } else { clear & flag != 0 })
        .map(|(_, _, name)| (*name, None))
        .collect()
}

/// Makes a new, read-only tmpfs writable; the value is the remount that makes it
/// read-only again, when all that belongs in it is there.
pub fn close_later(mount: &mut Mount) -> Option<Mount> {
    let read_only = u64::from(MOUNT_ATTR_RDONLY);
    let new = mount.bind.is_none() && !mount.remount && mount.fstype == c"tmpfs";
    if !new || mount.attributes.set & read_only == 0 {
        return None;
    }
    let close = Mount {
        destination: mount.destination,
        bind: Some(Recursion::One),
        legacy_flags: mount.legacy_flags,
        remount: true,
        ..Mount::default()
    };
    mount.attributes.set &= !read_only;
    mount.data.retain(|(key, _)| *key != c"ro");
    mount.legacy_flags &= !u64::from(MS_RDONLY);
    Some(close)
}

/// Whether `path` is below `directory`, by its names.
pub fn is_below(path: &str, directory: &str) -> bool {
    rest_below(path.as_bytes(), directory.as_bytes()).is_some_and(|mut rest| rest.next().is_some())
}

/// Whether the mount may hide `path`: it is made there or above it, or where its
/// names do not tell.
pub fn may_hide(mount: &Mount, path: &CStr) -> bool {
    let at = mount.destination.to_bytes();
    names(at).any(|name| name == b"..") || rest_below(path.to_bytes(), at).is_some()
}

/// The names of `path` below the mount, which is at it or above it.
pub fn below<'a>(
    mount: &Mount,
    path: &'a CStr,
) -> Option<impl Iterator<Item = &'a [u8]> + use<'a>> {
    rest_below(path.to_bytes(), mount.destination.to_bytes())
}

/// What is left of `path` in `directory`.
fn rest_below<'a>(path: &'a [u8], directory: &[u8]) -> Option<impl Iterator<Item = &'a [u8]>> {
    let mut rest = names(path);
    names(directory).all(|name| rest.next() == Some(name)).then_some(rest)
}

/// The names in a path, without those that lead nowhere.
pub fn names(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let names = path.split(|byte| *byte == b'/');
    names.filter(|name| !name.is_empty() && *name != b".")
}

/// Whether the mount makes the container's /dev the host's: nothing is made
/// there then.
pub fn binds_dev(mount: &Mount) -> bool {
    mount.bind.is_some() && names(mount.destination.to_bytes()).eq([b"dev"])
}

/// `linux.sysctl`: keys with dots or with slashes.
///
/// # Errors
/// A null byte.
pub fn sysctls(values: &[(&str, &str)]) -> Result<Vec<Op>> {
    let op = |&(key, value): &(&str, &str)| {
        let path = if key.as_bytes().contains(&b'/') {
            String::from(key)
        } else {
            text::replaced(key, b'.', "/")
        };
        Ok(Op::Sysctl {
            kind: sysctl_owner(key).map_or(0, NamespaceKind::clone_flag),
            file: c_string("linux.sysctl", text!("sys/{path}"))?,
            value: c_string("linux.sysctl", value)?,
        })
    };
    values.iter().map(op).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec_mount<'a>(
        kind: &'a str,
        source: &'a str,
        destination: &'a str,
        options: &[&'a str],
    ) -> spec::Mount<'a> {
        spec::Mount {
            destination,
            source: Some(source),
            kind: Some(kind),
            options: options.to_vec(),
            uid_mappings: Vec::new(),
            gid_mappings: Vec::new(),
        }
    }

    #[test]
    fn file_systems_get_their_options() {
        let entry = spec_mount("tmpfs", "tmpfs", "dev", &["nosuid", "ro", "mode=755", "inode64"]);
        let planned = mount(&entry, "/b").unwrap();
        assert_eq!(planned.destination, c"/dev");
        assert_eq!(planned.attributes.set, u64::from(MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY));
        let keys: Vec<_> = planned.data.iter().map(|(key, _)| key.to_str().unwrap()).collect();
        assert_eq!(keys, ["ro", "mode", "inode64"]);
        assert_eq!(planned.legacy_data, c"mode=755,inode64");
    }

    #[test]
    fn a_tmpfs_that_is_filled_is_read_only_later() {
        let entry = spec_mount("tmpfs", "tmpfs", "/d", &["tmpcopyup", "ro", "size=1"]);
        let planned = mount(&entry, "/b").unwrap();
        assert!(planned.copy_up && planned.attributes.set == u64::from(MOUNT_ATTR_RDONLY));
        let keys: Vec<_> = planned.data.iter().map(|(key, _)| key.to_str().unwrap()).collect();
        assert_eq!(keys, ["size"]);
        assert!(mount(&spec_mount("ramfs", "x", "/d", &["tmpcopyup"]), "/b").is_err());
        assert!(mount(&spec_mount("tmpfs", "x", "/d", &["bind", "tmpcopyup"]), "/b").is_err());
    }

    #[test]
    fn bind_sources_count_from_the_bundle() {
        let planned = mount(&spec_mount("none", "data", "/d", &["rbind", "rslave"]), "/b").unwrap();
        assert_eq!(planned.source, c"/b/data");
        assert_eq!(planned.bind, Some(Recursion::All));
        assert_eq!(planned.propagation, [(u64::from(MS_SLAVE), Recursion::All)]);
        assert!(mount(&spec_mount("bind", "x", "/d", &["bind", "size=1"]), "/b").is_err());
    }

    #[test]
    fn a_bound_dev_is_known_however_it_is_written() {
        let bound = |destination| {
            binds_dev(&mount(&spec_mount("bind", "/dev", destination, &["bind"]), "/").unwrap())
        };
        assert!(bound("/dev") && bound("dev/") && bound("//dev/."));
        assert!(!bound("/dev/shm"));
    }

    #[test]
    fn a_read_only_tmpfs_is_closed_when_it_is_full() {
        let mut tmpfs = mount(&spec_mount("tmpfs", "t", "/x", &["ro", "nosuid"]), "/").unwrap();
        let close = close_later(&mut tmpfs).unwrap();
        assert_eq!(tmpfs.attributes.set, u64::from(MOUNT_ATTR_NOSUID));
        assert!(tmpfs.data.is_empty());
        assert_eq!(close.legacy_flags, u64::from(MS_RDONLY | MS_NOSUID));
        assert!(close_later(&mut tmpfs).is_none());
        assert!(is_below("/x//y", "x/.") && !is_below("/x", "/x") && !is_below("/xy/z", "/x"));
    }
}
