//! Numbers of ioctl(2) that rustix has no call for. They come from
//! linux-raw-sys, whose module for sparc64 is empty.

#[cfg(not(target_arch = "sparc64"))]
pub use linux_raw_sys::ioctl::{NS_GET_NSTYPE, SIOCGIFFLAGS, SIOCSIFFLAGS};

/// `_IO(NSIO, 0x3)` of include/uapi/linux/nsfs.h.
#[cfg(target_arch = "sparc64")]
pub const NS_GET_NSTYPE: u32 = rustix::ioctl::opcode::none(0xb7, 3) as u32;

/// Of include/uapi/linux/sockios.h: the same on all architectures.
#[cfg(target_arch = "sparc64")]
pub const SIOCGIFFLAGS: u32 = 0x8913;

/// As above.
#[cfg(target_arch = "sparc64")]
pub const SIOCSIFFLAGS: u32 = 0x8914;
