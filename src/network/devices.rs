//! `linux.netDevices`: devices of the host that go into the container's network
//! namespace, and stay there.
//!
//! Everything is checked before the first device moves, because one that has
//! moved into a new namespace may not survive the failure of the rest.

use super::netlink::{self, Message, Netlink};
use crate::error::{Context, Error, Result};
use crate::named;
use crate::quote::quoted;
use crate::sys::clone::setns;
use crate::sys::fd::AsFd;
use crate::text;
use crate::text::keep;
use alloc::vec::Vec;
use linux_raw_sys::general::CLONE_NEWNET;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::Pid;

/// Attributes of links and addresses.
const IFLA_IFNAME: u16 = 3;
const IFLA_NET_NS_FD: u16 = 28;
const IFA_FLAGS: u16 = 8;
/// Those of an address that can be given back: `IFA_ADDRESS`, `IFA_LOCAL`,
/// `IFA_BROADCAST`, `IFA_FLAGS`, `IFA_RT_PRIORITY`.
const KEPT: [u16; 5] = [1, 2, 4, IFA_FLAGS, 9];
/// `IFA_F_PERMANENT`.
const PERMANENT: u32 = 0x80;
/// `IFF_UP`.
const UP: u32 = 1;

/// A device to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetDevice {
    /// Its name on the host.
    pub host: &'static str,
    /// Its name in the container; `%d` in it is the first free number.
    pub name: &'static str,
}

impl NetDevice {
    fn failed(&self, step: &str, errno: Errno) -> Error {
        let error = Error::os(text!("linux.netDevices[{}]: {step}", quoted(self.host)), errno);
        match errno {
            Errno::PERM => error.hint("moving network devices needs CAP_NET_ADMIN on the host"),
            Errno::INVAL => error.hint("some kinds of device cannot leave their namespace"),
            _ => error,
        }
    }
}

/// Moves the devices from our network namespace into that of process `pid`.
///
/// # Errors
/// A device is missing, a name is taken, or the kernel does not let one go.
pub fn move_devices(devices: &[NetDevice], pid: Pid) -> Result<()> {
    let what = || "linux.netDevices: open the network namespaces";
    let open = |path: &str| named::open(path, OFlags::RDONLY);
    let ours = open("/proc/self/ns/net").context(what)?;
    let theirs = open(text!("/proc/{}/ns/net", pid.as_raw_nonzero())).context(what)?;
    let host = Netlink::open().context(what)?;
    setns(theirs.as_fd(), CLONE_NEWNET).context(what)?;
    let container = Netlink::open();
    setns(ours.as_fd(), CLONE_NEWNET).context(what)?;
    let container = container.context(what)?;
    let mut indices = Vec::new();
    for (place, device) in devices.iter().enumerate() {
        let index = index(&host, device.host)
            .map_err(|errno| device.failed("find the device on the host", errno))?;
        let twice = devices[..place].iter().any(|other| other.name == device.name);
        let taken = twice || self::index(&container, device.name).is_ok();
        if taken && !device.name.as_bytes().contains(&b'%') {
            return Err(device.failed(
                text::about_quoted("the name {} is taken in the container", device.name),
                Errno::EXIST,
            ));
        }
        indices.push(index);
    }
    for (device, index) in devices.iter().zip(indices) {
        move_device(device, index, &host, &container, &theirs)?;
    }
    Ok(())
}

fn move_device(
    device: &NetDevice,
    old: u32,
    host: &Netlink,
    container: &Netlink,
    theirs: &OwnedFd,
) -> Result<()> {
    let addresses = addresses(host, old)
        .map_err(|errno| device.failed("read the addresses of the device", errno))?;
    // Whatever the device is called, this name is free where it goes; and by
    // it the device is found there, since its index may be another.
    let between = text!("oci{}", rustix::process::getpid().as_raw_nonzero());
    let mut message = Message::link(netlink::NEW_LINK, old, 0);
    message.attribute(IFLA_NET_NS_FD, &theirs.as_raw_fd().to_ne_bytes());
    message.attribute(IFLA_IFNAME, text(between).as_slice());
    host.tell(message).map_err(|errno| device.failed("move the device", errno))?;
    let new = index(container, between)
        .map_err(|errno| device.failed("find the device in the container", errno))?;
    let mut message = Message::link(netlink::NEW_LINK, new, 0);
    message.attribute(IFLA_IFNAME, text(device.name).as_slice());
    let step = text::about_quoted("rename the device to {}", device.name);
    container.tell(message).map_err(|errno| device.failed(step, errno))?;
    for mut address in addresses {
        if let Some([_, _, _, _, index @ ..]) = address.body_mut().first_chunk_mut::<8>() {
            *index = new.to_ne_bytes();
        }
        container
            .tell(address)
            .map_err(|errno| device.failed("give the device its addresses back", errno))?;
    }
    container
        .tell(Message::link(netlink::NEW_LINK, new, UP))
        .map_err(|errno| device.failed("bring the device up", errno))
}

fn text(name: &str) -> Vec<u8> {
    [name.as_bytes(), b"\0"].concat()
}

/// The index of the device with this name.
fn index(netlink: &Netlink, name: &str) -> rustix::io::Result<u32> {
    let mut message = Message::link(netlink::GET_LINK, 0, 0);
    message.attribute(IFLA_IFNAME, &text(name));
    let mut found = None;
    netlink.ask(message, &mut |kind, body| {
        if kind == netlink::NEW_LINK {
            found = netlink::number(body, 4);
        }
    })?;
    found.ok_or(Errno::NODEV)
}

/// The requests that give a device its permanent addresses of global scope
/// back.
fn addresses(netlink: &Netlink, device: u32) -> rustix::io::Result<Vec<Message>> {
    let mut kept = Vec::new();
    let all = Message::new(netlink::GET_ADDRESS, netlink::DUMP, &[0; 8]);
    netlink.ask(all, &mut |kind, body| {
        if kind == netlink::NEW_ADDRESS && netlink::number(body, 4) == Some(device) {
            kept.extend(kept_address(body));
        }
    })?;
    Ok(kept)
}

/// The request that gives an address back, where it is one to keep. `body` is a
/// `struct ifaddrmsg` (family, length of the prefix, flags, scope, index) and
/// attributes.
pub fn kept_address(body: &[u8]) -> Option<Message> {
    let (header, rest) = body.split_first_chunk::<8>()?;
    let mut flags = u32::from(header[2]);
    let mut message = Message::new(netlink::NEW_ADDRESS, netlink::CREATE, header);
    netlink::attributes(rest, &mut |kind, value| {
        if kind == IFA_FLAGS {
            flags = netlink::number(value, 0).unwrap_or(flags);
        }
        if KEPT.contains(&kind) {
            message.attribute(kind, value);
        }
    });
    // The scope of global addresses is RT_SCOPE_UNIVERSE, 0.
    (header[3] == 0 && flags & PERMANENT != 0).then_some(message)
}

/// The devices of a configuration.
pub fn plan(devices: &[(&str, crate::spec::NetDevice<'_>)]) -> Vec<NetDevice> {
    let device = |&(host, device): &(&str, crate::spec::NetDevice<'_>)| NetDevice {
        host: keep(host),
        name: keep(device.name.unwrap_or(host)),
    };
    devices.iter().map(device).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_permanent_global_addresses_are_kept() {
        let address = |flags: u8, scope, more: Option<u32>| {
            let mut message = Message::new(0, 0, &[2, 24, flags, scope, 7, 0, 0, 0]);
            message.attribute(2, &[10, 0, 0, 1]);
            message.attribute(3, b"eth0\0");
            if let Some(flags) = more {
                message.attribute(IFA_FLAGS, &flags.to_ne_bytes());
            }
            kept_address(message.body_mut()).is_some()
        };
        assert!(address(0x80, 0, None));
        assert!(address(0, 0, Some(0x280)));
        assert!(!address(0x80, 0, Some(0)));
        assert!(!address(0x80, 253, None));
        assert!(kept_address(&[2, 24, 0x80]).is_none());
        let mut kept = kept_address(&[2, 24, 0x80, 0, 7, 0, 0, 0]).unwrap();
        assert_eq!(kept.body_mut(), [2, 24, 0x80, 0, 7, 0, 0, 0]);
    }
}
