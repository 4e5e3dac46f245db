//! cpio archives in the form that the kernel unpacks (`newc`).

use ocinit::pack::newc::{Entry, padding};

/// An archive that is being written.
pub struct Archive {
    data: Vec<u8>,
    inode: u32,
}

impl Archive {
    pub fn new() -> Archive {
        Archive { data: Vec::new(), inode: 0 }
    }

    pub fn directory(&mut self, path: &str) {
        self.entry(path, 0o040_755, &[]);
    }

    pub fn file(&mut self, path: &str, content: &[u8]) {
        self.entry(path, 0o100_644, content);
    }

    pub fn program(&mut self, path: &str, content: &[u8]) {
        self.entry(path, 0o100_755, content);
    }

    /// Ends the archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.data
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.inode += 1;
        let size = content.len() as u32;
        let name = path.as_bytes();
        Entry { name, inode: self.inode, mode, links: 1, size, ..Entry::default() }
            .write(&mut self.data);
        self.data.extend(content);
        self.data.resize(self.data.len() + padding(size), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn entries_are_aligned() {
        let mut archive = Archive::new();
        archive.file("abc", b"12345");
        let data = archive.finish();
        assert!(data.starts_with(b"07070100000001000081a4"));
        assert_eq!(&data[110..114], b"abc\0");
        assert_eq!(&data[116..121], b"12345");
        assert_eq!(&data[124..130], b"070701");
        assert_eq!(data.len() % 4, 0);
    }
}
