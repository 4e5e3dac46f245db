//! A bundle and an init as an initramfs: a cpio archive that the kernel unpacks
//! into its first file system before it runs `/init` from there.
//!
//! It is made without any other program and without privileges, a device node
//! being a few numbers in the archive. The same input gives the same bytes: the
//! names are in order, the inodes are counted, and one time holds for all.

mod archive;
mod bundle;
mod deflate;
mod gzip;
pub mod newc;
mod output;
mod tree;

use crate::error::{Context, Error, Result};
use crate::json::Document;
use crate::log::Log;
use crate::named;
use crate::sys::fd::AsFd;
use crate::text;
use archive::{Archive, Attributes};
use linux_raw_sys::general::{S_IFCHR, S_IFDIR, S_IFREG};
use output::Output;
use rustix::fd::OwnedFd;
use rustix::fs::{FileType, OFlags, Stat, fstat};
use rustix::io::Errno;

/// What is to be packed.
pub struct Request {
    /// The bundle's directory.
    pub bundle: &'static str,
    /// The file to write; `None` or `-` is standard output.
    pub output: Option<&'static str>,
    /// Compressed by gzip.
    pub gzip: bool,
    /// The program that the kernel starts; `None` is this one.
    pub init: Option<&'static str>,
    /// The settings of the init.
    pub config: Option<&'static str>,
    /// The time of everything in it, in seconds since 1970.
    pub time: u32,
}

/// Directories of the init: mount points, and those that programs expect.
const DIRECTORIES: [(&str, u32); 8] = [
    ("bin", 0o755),
    ("dev", 0o755),
    ("etc", 0o755),
    ("mnt", 0o755),
    ("proc", 0o555),
    ("run", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
];

/// Device nodes: the kernel opens /dev/console for the init before anything is
/// mounted (Documentation/admin-guide/devices.txt).
const DEVICES: [(&str, u32, (u32, u32)); 2] =
    [("dev/console", 0o600, (5, 1)), ("dev/null", 0o666, (1, 3))];

/// Makes the archive.
///
/// # Errors
/// The bundle is none that `run` would take; something cannot be read or
/// written. There is no output then, or what was there before.
pub fn pack(request: &Request, log: &Log) -> Result<()> {
    let (init, stat) = open_init(request.init)?;
    let bundle = bundle::check(request.bundle, init.as_fd(), log)?;
    let config = request.config.map(read_config).transpose()?;
    let output = Output::open(request.output)?;
    let mut archive = Archive::new(output, request.gzip, request.time);
    for (name, mode) in DIRECTORIES {
        let attributes = Attributes::root(S_IFDIR | mode);
        archive.object(name.as_bytes(), attributes, (0, 0), &[])?;
    }
    for (name, mode, device) in DEVICES {
        archive.object(name.as_bytes(), Attributes::root(S_IFCHR | mode), device, &[])?;
    }
    if let Some(config) = &config {
        archive.object(b"etc/ocinit.json", Attributes::root(S_IFREG | 0o644), (0, 0), config)?;
    }
    archive.program([b"init", b"bin/ocinit"], init.as_fd(), &stat)?;
    tree::write(&mut archive, log, bundle, b"bundle")?;
    archive.finish()
}

fn open_init(path: Option<&str>) -> Result<(OwnedFd, Stat)> {
    let what = || text::about_quoted("open init {}", path.unwrap_or("/proc/self/exe"));
    let flags = OFlags::RDONLY | OFlags::NONBLOCK;
    let file = named::open(path.unwrap_or("/proc/self/exe"), flags).context(what)?;
    let stat = fstat(&file).context(what)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok((file, stat)),
        FileType::Directory => Err(Error::os(what(), Errno::ISDIR)),
        _ => Err(Error::about("{}: it is no program", what())),
    }
}

/// The settings of the init, which must at least be JSON.
fn read_config(path: &'static str) -> Result<&'static [u8]> {
    let text = crate::act::bundle::read_config(path)?;
    Document::parse(text, path)?;
    Ok(text)
}
