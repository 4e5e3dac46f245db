//! The one network call of a container's start: bringing the loopback up.

use linux_raw_sys::net::{IFNAMSIZ, net_device_flags::IFF_UP};
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::Result;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::ioctl::{SIOCGIFFLAGS, SIOCSIFFLAGS};
use super::raw::syscall;

/// The start of `struct ifreq` (netdevice(7)): name and flags, padded to its
/// full size on every architecture.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; IFNAMSIZ as usize],
    flags: u16,
    rest: [u8; 22],
}

/// Sets `IFF_UP` on the interface `lo` of the current network namespace
/// (netdevice(7), `SIOCSIFFLAGS`).
pub fn loopback_up() -> Result<()> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
        .or_else(|_| {
            let unix = AddressFamily::UNIX;
            socket_with(unix, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
        })?;
    use crate::sys::fd::AsFd;
    let mut request = InterfaceRequest { name: [0; IFNAMSIZ as usize], flags: 0, rest: [0; 22] };
    (request.name[0], request.name[1]) = (b'l', b'o');
    interface_ioctl(socket.as_fd(), SIOCGIFFLAGS, &mut request)?;
    request.flags |= IFF_UP as u16;
    interface_ioctl(socket.as_fd(), SIOCSIFFLAGS, &mut request)
}

fn interface_ioctl(fd: BorrowedFd<'_>, number: u32, request: &mut InterfaceRequest) -> Result<()> {
    let at = &raw mut *request as usize;
    // SAFETY: both calls read and write one struct ifreq, which is this large.
    unsafe {
        syscall(
            linux_raw_sys::general::__NR_ioctl,
            [fd.as_raw_fd() as usize, number as usize, at, 0, 0, 0],
        )
    }
    .map(drop)
}
