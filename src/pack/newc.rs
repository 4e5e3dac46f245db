//! Entries of a cpio archive in the form that the kernel unpacks
//! (Documentation/driver-api/early-userspace/buffer-format.rst).

use alloc::vec::Vec;

/// The longest name that the kernel takes, without its null (`PATH_MAX`).
pub const NAME_LIMIT: usize = 4095;

/// The name that ends an archive.
pub const TRAILER: &[u8] = b"TRAILER!!!";

/// What stands before an object's content. All but the name are numbers of the
/// kernel's `struct stat`.
#[derive(Clone, Copy, Default, Debug)]
pub struct Entry<'a> {
    /// The path, without a slash at its beginning.
    pub name: &'a [u8],
    /// The number by which names of one file know each other.
    pub inode: u32,
    /// Type and permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Two or more where the file may have other names.
    pub links: u32,
    /// Seconds since 1970.
    pub time: u32,
    /// The length of the content, in bytes.
    pub size: u32,
    /// The numbers of a device node.
    pub device: (u32, u32),
}

impl Entry<'_> {
    /// Appends the header and the name, up to where the content begins.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let name = self.name.len() as u32 + 1;
        let Entry { inode, mode, uid, gid, links, time, size, device, .. } = *self;
        // The two zeros are the file system's device; the last one a checksum.
        let fields = [inode, mode, uid, gid, links, time, size, 0, 0, device.0, device.1, name, 0];
        out.extend(b"070701");
        for field in fields {
            for shift in (0..32).step_by(4).rev() {
                out.push(b"0123456789abcdef"[(field >> shift & 15) as usize]);
            }
        }
        out.extend(self.name);
        out.push(0);
        out.resize(start + (out.len() - start).next_multiple_of(4), 0);
    }
}

/// Zero bytes after a content of this length: entries begin at multiples of
/// four.
pub fn padding(size: u32) -> usize {
    size.wrapping_neg() as usize & 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_the_fields_in_order() {
        let entry = Entry {
            name: b"abc",
            inode: 1,
            mode: 0o100_644,
            uid: 2,
            gid: 3,
            links: 4,
            time: 5,
            size: 6,
            device: (7, 8),
        };
        let mut out = Vec::new();
        entry.write(&mut out);
        let fields = [
            "070701", "00000001", "000081a4", "00000002", "00000003", "00000004", "00000005",
            "00000006", "00000000", "00000000", "00000007", "00000008", "00000004", "00000000",
        ];
        assert_eq!(out[..110], *fields.concat().as_bytes());
        assert_eq!(out[110..], *b"abc\0\0\0");
    }

    #[test]
    fn contents_and_headers_begin_at_multiples_of_four() {
        for length in 0..9 {
            let mut out = Vec::new();
            Entry { name: &b"123456789"[..length], ..Entry::default() }.write(&mut out);
            assert_eq!(out.len() % 4, 0, "{length}");
            assert_eq!((length + padding(length as u32)) % 4, 0);
            assert!(padding(length as u32) < 4);
        }
        assert_eq!(padding(u32::MAX), 1);
    }
}
