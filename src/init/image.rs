//! `ocinit.root`: the file system that has the bundle, on a block device or in a
//! file; and `ocinit.overlay`: a bundle that can be written to, in memory.

use crate::cut;
use crate::error::{Context, Error, Result};
use crate::fault::Quoted;
use crate::named;
use crate::sys::board::{free_loop, show_file};
use crate::sys::fd::AsFd;
use crate::sys::mount::mount;
use crate::text;
use crate::text::{c_string, keep};
use core::ffi::CStr;
use linux_raw_sys::general::{
    EROFS_SUPER_MAGIC_V1, EXT4_SUPER_MAGIC, MS_NODEV, MS_NOSUID, MS_RDONLY, SQUASHFS_MAGIC,
};
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, FileType, Mode, OFlags, mkdirat, open};
use rustix::io::Errno;
use rustix::time::Timespec;

/// Where the file system is mounted.
pub const PLACE: &str = "/run/ocinit.root";
const IMAGE: &CStr = c"/run/ocinit.root";
/// Where the tmpfs of the overlay is.
const WRITABLE: &CStr = c"/run/ocinit.overlay";

/// How long a device may take to appear, in steps of [`STEP_MS`].
const PATIENCE_MS: u32 = 10_000;
const STEP_MS: u32 = 20;

/// Mounts the file system at [`PLACE`], read-only.
///
/// # Errors
/// There is no such device or file, or it has none of the file systems that we
/// look for, or the kernel has it not.
pub fn mount_image(source: &str) -> Result<()> {
    let what = || text::about("root: mount \"{}\"", source);
    let stat = wait_for(source).context(what)?;
    let file = named::open(source, OFlags::RDONLY).context(what)?;
    let mut head = [0; 2048];
    let length = read_head(&file, &mut head).context(what)?;
    let Some((kind, option)) = file_system(cut::first(&head, length)) else {
        return Err(Error::about("{}: it has no squashfs, erofs or ext4", what()));
    };
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    // The loop device lives until it is unmounted: it must be open till then.
    let (device, _open) = match is_file {
        true => loop_device(&file).map(|(path, open)| (path, Some(open)))?,
        false => (source, None),
    };
    let device = c_string(device).ok_or(Errno::INVAL).context(what)?;
    make_directory(IMAGE)?;
    mount(device, IMAGE, kind, MS_RDONLY.into(), None).map_err(|errno| {
        let error = Error::os(what(), errno);
        if errno == Errno::NODEV { error.hint(option) } else { error }
    })
}

fn wait_for(path: &str) -> rustix::io::Result<rustix::fs::Stat> {
    for _ in 0..PATIENCE_MS / STEP_MS {
        match named::stat(path) {
            Err(Errno::NOENT | Errno::NXIO) => {
                let step = Timespec { tv_sec: 0, tv_nsec: i64::from(STEP_MS) * 1_000_000 };
                let _ = rustix::event::poll(&mut [], Some(&step));
            }
            result => return result,
        }
    }
    named::stat(path)
}

fn read_head(file: &OwnedFd, head: &mut [u8]) -> rustix::io::Result<usize> {
    let mut length = 0;
    while length < head.len() {
        match rustix::io::pread(file, &mut head[length..], length as u64)? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}

/// The file system at whose beginning these bytes are, and its kernel option.
/// All three write their mark in little endian.
fn file_system(head: &[u8]) -> Option<(&'static CStr, &'static str)> {
    let mark = |at: usize, size: usize| {
        let bytes = head.get(at..at + size)?;
        Some(bytes.iter().rev().fold(0, |mark, byte| mark << 8 | u32::from(*byte)))
    };
    if mark(0, 4) == Some(SQUASHFS_MAGIC) {
        Some((c"squashfs", "CONFIG_SQUASHFS"))
    } else if mark(1024, 4) == Some(EROFS_SUPER_MAGIC_V1) {
        Some((c"erofs", "CONFIG_EROFS_FS"))
    } else if mark(1024 + 56, 2) == Some(EXT4_SUPER_MAGIC) {
        Some((c"ext4", "CONFIG_EXT4_FS"))
    } else {
        None
    }
}

/// A loop device that shows the file: its path, and itself.
fn loop_device(file: &OwnedFd) -> Result<(&'static str, OwnedFd)> {
    let failed = |errno| {
        let error = Error::os("root: get a loop device", errno);
        match errno {
            Errno::NOENT | Errno::NODEV | Errno::NXIO => error.hint("CONFIG_BLK_DEV_LOOP"),
            _ => error,
        }
    };
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let control = open(c"/dev/loop-control", flags, Mode::empty()).map_err(failed)?;
    let number = free_loop(control.as_fd()).map_err(failed)?;
    let path = text!("/dev/loop{number}");
    let device = named::open(path, OFlags::RDONLY).map_err(failed)?;
    show_file(device.as_fd(), file.as_fd()).map_err(failed)?;
    Ok((path, device))
}

/// Lays a tmpfs over the directory: what is written there is in memory.
///
/// # Errors
/// The kernel has no overlayfs, or a directory cannot be made.
pub fn overlay(directory: &str) -> Result<()> {
    let what = || text::about("overlay: mount over \"{}\"", directory);
    make_directory(WRITABLE)?;
    let flags = (MS_NOSUID | MS_NODEV).into();
    mount(c"tmpfs", WRITABLE, c"tmpfs", flags, Some(c"mode=755")).context(what)?;
    make_directory(c"/run/ocinit.overlay/upper")?;
    make_directory(c"/run/ocinit.overlay/work")?;
    let data = text::about(
        "lowerdir={},upperdir=/run/ocinit.overlay/upper,workdir=/run/ocinit.overlay/work",
        directory,
    );
    let text = |text| c_string(text).ok_or(Errno::INVAL).context(what);
    mount(c"overlay", text(directory)?, c"overlay", 0, Some(text(data)?)).map_err(|errno| {
        let error = Error::os(what(), errno);
        if errno == Errno::NODEV { error.hint("CONFIG_OVERLAY_FS") } else { error }
    })
}

/// The bundle's directory: the one asked for in the image (or the initramfs), or
/// `/bundle` there, or the image itself where that is a bundle.
pub fn bundle(image: Option<&str>, asked: Option<&str>) -> &'static str {
    let base = image.unwrap_or_default();
    if let Some(path) = asked {
        return text::about_both("{}{}", base, path);
    }
    match image {
        Some(base) if named::stat(text::about("{}/config.json", base)).is_ok() => keep(base),
        _ => text::about("{}/bundle", base),
    }
}

fn make_directory(path: &CStr) -> Result<()> {
    match mkdirat(CWD, path, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(Error::os(text!("make directory {}", Quoted(path)), errno)),
    }
}

/// Unmounts both; what is in use stays.
pub fn unmount_all() {
    use rustix::mount::{UnmountFlags, unmount};
    for path in [IMAGE, IMAGE, WRITABLE] {
        let _ = unmount(path, UnmountFlags::NOFOLLOW);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems() {
        let check = |at: usize, mark: &[u8], expect| {
            let mut head = [0; 2048];
            head[at..at + mark.len()].copy_from_slice(mark);
            assert_eq!(file_system(&head).map(|found| found.0), expect, "{mark:?} at {at}");
        };
        check(0, b"hsqs", Some(c"squashfs"));
        check(1024, &[0xe2, 0xe1, 0xf5, 0xe0], Some(c"erofs"));
        check(1080, &[0x53, 0xef], Some(c"ext4"));
        check(1080, &[0xef, 0x53], None);
        check(1, b"hsqs", None);
        assert!(file_system(b"").is_none() && file_system(b"hsq").is_none());
    }

    #[test]
    fn bundles() {
        assert_eq!(bundle(None, None), "/bundle");
        assert_eq!(bundle(None, Some("/a")), "/a");
        assert_eq!(bundle(Some("/run/none"), Some("/a")), "/run/none/a");
        assert_eq!(bundle(Some("/run/none"), None), "/run/none/bundle");
    }
}
