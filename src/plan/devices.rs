//! Device nodes: those that every container has, and `linux.devices`.

use super::mounts::{absolute, c_string, names};
use crate::cut;
use crate::error::Result;
use crate::rootfs::device::Device;
use crate::spec::{self, DeviceKind};
use alloc::vec::Vec;
use rustix::fs::FileType;

/// The devices that every container has (config-linux.md "Default Devices"),
/// then those of the configuration; of two at one path the later. Not `/dev/ptmx`,
/// which is always the link to the container's own, and which could not take the
/// place of a node that is bound.
///
/// # Errors
/// A null byte.
pub fn devices(configured: &[spec::Device<'_>], in_user_namespace: bool) -> Result<Vec<Device>> {
    const DEFAULT: [(&str, u32, u32); 6] = [
        ("/dev/null", 1, 3),
        ("/dev/zero", 1, 5),
        ("/dev/full", 1, 7),
        ("/dev/random", 1, 8),
        ("/dev/urandom", 1, 9),
        ("/dev/tty", 5, 0),
    ];
    let mut devices: Vec<Device> = Vec::new();
    for (path, major, minor) in DEFAULT {
        let node = spec::Device {
            path,
            kind: DeviceKind::Char,
            major,
            minor,
            file_mode: None,
            uid: None,
            gid: None,
        };
        devices.push(device(&node, in_user_namespace)?);
    }
    let ptmx = |node: &&spec::Device<'_>| names(node.path.as_bytes()).eq([&b"dev"[..], b"ptmx"]);
    for node in configured.iter().filter(|node| !ptmx(node)) {
        let planned = device(node, in_user_namespace)?;
        match devices.iter_mut().find(|device| device.path == planned.path) {
            Some(device) => *device = planned,
            None => devices.push(planned),
        }
    }
    Ok(devices)
}

fn device(device: &spec::Device<'_>, in_user_namespace: bool) -> Result<Device> {
    let path = absolute("/", device.path);
    let (directory, name) = cut::at_last(path, b'/').unwrap_or(("", path));
    let text = |text: &str| c_string("linux.devices[].path", text);
    Ok(Device {
        directory: text(if directory.is_empty() { "/" } else { directory })?,
        name: text(name)?,
        path: text(path)?,
        kind: match device.kind {
            DeviceKind::Char => FileType::CharacterDevice,
            DeviceKind::Block => FileType::BlockDevice,
            DeviceKind::Fifo => FileType::Fifo,
        },
        major: device.major,
        minor: device.minor,
        mode: device.file_mode.unwrap_or(0o666) & 0o7777,
        uid: device.uid.unwrap_or(0),
        gid: device.gid.unwrap_or(0),
        bind: in_user_namespace && device.kind != DeviceKind::Fifo,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_devices_replace_default_ones() {
        let node = |path| spec::Device {
            path,
            kind: DeviceKind::Char,
            major: 1,
            minor: 3,
            file_mode: Some(0o600),
            uid: Some(5),
            gid: None,
        };
        let planned =
            devices(&[node("/dev/ptmx"), node("/dev/null"), node("//dev/./ptmx")], false).unwrap();
        assert_eq!(planned.len(), 6);
        assert_eq!((planned[0].mode, planned[0].uid, planned[0].gid), (0o600, 5, 0));
        assert_eq!((planned[1].directory, planned[1].name), (c"/dev", c"zero"));
    }
}
