//! cpio archives in the form that the kernel unpacks (`newc`).

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
        let name = path.len() as u32 + 1;
        // inode, mode, uid, gid, links, mtime, size, four device numbers, name, checksum
        let fields = [self.inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name, 0];
        self.data.extend(b"070701");
        for field in fields {
            self.data.extend(format!("{field:08x}").bytes());
        }
        self.data.extend(path.bytes().chain([0]));
        self.pad();
        self.data.extend(content);
        self.pad();
    }

    /// Names and contents begin at multiples of four.
    fn pad(&mut self) {
        self.data.resize(self.data.len().next_multiple_of(4), 0);
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
