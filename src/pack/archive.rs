//! An archive that is being written: entries in, compressed bytes out. Nothing
//! of it depends on where and when it is made.

use super::gzip::Gzip;
use super::newc::{Entry, NAME_LIMIT, TRAILER, padding};
use super::output::Output;
use crate::cut;
use crate::error;
use crate::error::{Error, Result};
use crate::quote::escaped;
use crate::text;
use alloc::vec;
use alloc::vec::Vec;
use linux_raw_sys::general::S_IFREG;
use rustix::fd::BorrowedFd;
use rustix::fs::Stat;
use rustix::io::Errno;

/// Bytes that are read, and bytes that are written, at a time.
const CHUNK: usize = 64 << 10;

/// The archive.
pub struct Archive {
    output: Output,
    gzip: Option<Gzip>,
    /// What is not written yet.
    pending: Vec<u8>,
    /// What is read from a file.
    buffer: Vec<u8>,
    /// Seconds since 1970, for every entry.
    time: u32,
    inode: u32,
    /// Files that may have more names: device and inode on disk, number here.
    files: Vec<(u64, u64, u32)>,
}

/// What an object is named and owned in the archive.
#[derive(Clone, Copy)]
pub struct Attributes {
    /// Type and permissions.
    pub mode: u32,
    /// Owner and group.
    pub owner: (u32, u32),
}

impl Attributes {
    /// Those of the object on disk.
    pub fn of(stat: &Stat) -> Attributes {
        Attributes { mode: stat.st_mode, owner: (stat.st_uid, stat.st_gid) }
    }

    /// root's.
    pub const fn root(mode: u32) -> Attributes {
        Attributes { mode, owner: (0, 0) }
    }
}

impl Archive {
    /// Begins an archive in which everything was made at `time`.
    pub fn new(output: Output, gzip: bool, time: u32) -> Archive {
        let mut pending = Vec::with_capacity(2 * CHUNK);
        let gzip = gzip.then(|| Gzip::new(&mut pending));
        let buffer = vec![0; CHUNK];
        Archive { output, gzip, pending, buffer, time, inode: 0, files: Vec::new() }
    }

    /// Whether the object is the archive itself.
    pub fn is_output(&self, stat: &Stat) -> bool {
        self.output.identity() == Some((stat.st_dev, stat.st_ino))
    }

    /// An object with its content, if it has one, in memory: a directory, a
    /// link, a pipe, a device with its numbers, a small file.
    ///
    /// # Errors
    /// The name is too long; the archive cannot be written.
    pub fn object(
        &mut self,
        name: &[u8],
        attributes: Attributes,
        device: (u32, u32),
        content: &[u8],
    ) -> Result<()> {
        self.inode += 1;
        let size = content.len() as u32;
        self.entry(Entry { device, size, ..entry(name, attributes, self.inode, 1) })?;
        self.content(content)?;
        self.content(&[0; 4][..padding(size)])
    }

    /// A file, read from where it is open. Of several names of a file the first
    /// one has the content.
    ///
    /// # Errors
    /// It is too large for the format, cannot be read, or becomes shorter while
    /// it is read; the archive cannot be written.
    pub fn file(
        &mut self,
        name: &[u8],
        attributes: Attributes,
        file: BorrowedFd<'_>,
        stat: &Stat,
    ) -> Result<()> {
        let links = (stat.st_nlink as u32).clamp(1, 2);
        if links == 1 {
            return self.whole(name, attributes, file, stat, links);
        }
        let key = (stat.st_dev, stat.st_ino);
        let known = self.files.iter().find(|known| (known.0, known.1) == key);
        if let Some(&(_, _, inode)) = known {
            return self.entry(entry(name, attributes, inode, links));
        }
        self.whole(name, attributes, file, stat, links)?;
        self.files.push((key.0, key.1, self.inode));
        Ok(())
    }

    /// A program of root's under two names, shared with nothing else in the
    /// archive.
    ///
    /// # Errors
    /// As [`Archive::file`].
    pub fn program(&mut self, names: [&[u8]; 2], file: BorrowedFd<'_>, stat: &Stat) -> Result<()> {
        let [first, second] = names;
        let attributes = Attributes::root(S_IFREG | 0o755);
        self.whole(first, attributes, file, stat, 2)?;
        self.entry(entry(second, attributes, self.inode, 2))
    }

    /// A file with its content.
    fn whole(
        &mut self,
        name: &[u8],
        attributes: Attributes,
        file: BorrowedFd<'_>,
        stat: &Stat,
        links: u32,
    ) -> Result<()> {
        let size = u32::try_from(stat.st_size).map_err(|_| {
            Error::os(text!("pack \"{}\"", escaped(name)), Errno::FBIG)
                .hint("a file of a cpio archive is smaller than 4 GiB")
        })?;
        self.inode += 1;
        self.entry(Entry { size, ..entry(name, attributes, self.inode, links) })?;
        self.copy(name, file, size)?;
        self.content(&[0; 4][..padding(size)])
    }

    fn copy(&mut self, name: &[u8], file: BorrowedFd<'_>, size: u32) -> Result<()> {
        let mut left = size as usize;
        // Taken out, so that it can be read while we are written to.
        let mut buffer = core::mem::take(&mut self.buffer);
        let failed = |errno| Error::os(text!("read \"{}\"", escaped(name)), errno);
        while left > 0 {
            let length = left.min(buffer.len());
            match rustix::io::read(file, &mut buffer[..length]) {
                Ok(0) => {
                    let name = escaped(name);
                    return Err(error!("pack \"{name}\": it became shorter meanwhile"));
                }
                Ok(read) => {
                    left -= read;
                    self.content(cut::first(&buffer, read))?;
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        self.buffer = buffer;
        Ok(())
    }

    fn entry(&mut self, entry: Entry<'_>) -> Result<()> {
        if entry.name.len() > NAME_LIMIT {
            let name = escaped(entry.name);
            return Err(Error::os(text!("pack \"{name}\""), Errno::NAMETOOLONG));
        }
        let mut header = Vec::with_capacity(128 + entry.name.len());
        Entry { time: self.time, ..entry }.write(&mut header);
        self.content(&header)
    }

    fn content(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.gzip {
            Some(gzip) => gzip.write(bytes, &mut self.pending),
            None => self.pending.extend(bytes),
        }
        if self.pending.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.output.write(&self.pending)?;
        self.pending.clear();
        Ok(())
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> Result<()> {
        self.entry(Entry { name: TRAILER, links: 1, ..Entry::default() })?;
        if let Some(gzip) = self.gzip.take() {
            gzip.finish(&mut self.pending);
        }
        self.flush()?;
        self.output.finish()
    }
}

fn entry(name: &[u8], attributes: Attributes, inode: u32, links: u32) -> Entry<'_> {
    let Attributes { mode, owner: (uid, gid) } = attributes;
    Entry { name, inode, mode, uid, gid, links, ..Entry::default() }
}
