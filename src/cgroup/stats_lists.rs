//! The statistics whose number depends on the host: block devices, sizes of huge
//! pages.

use crate::text;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use rustix::fs::{OFlags, RawDir};

use super::file;
use super::stats::Stats;
use super::text::{Count, devices, found, parse};

/// Lists of block devices: the property, and the v1 file without what comes
/// before and after.
const BLOCK_IO: &[(&str, &str)] = &[
    ("ioServiceBytesRecursive", "io_service_bytes"),
    ("ioServicedRecursive", "io_serviced"),
    ("ioQueueRecursive", "io_queued"),
    ("ioServiceTimeRecursive", "io_service_time"),
    ("ioWaitTimeRecursive", "io_wait_time"),
    ("ioMergedRecursive", "io_merged"),
    ("ioTimeRecursive", "time"),
    ("sectorsRecursive", "sectors"),
];

/// What comes before and after, for each of the kernel's sources: BFQ, CFQ, the
/// throttling layer. The first that has counted something is taken.
const BLOCK_IO_SOURCES: &[(&str, &str)] = &[
    ("blkio.bfq.", "_recursive"),
    ("blkio.", "_recursive"),
    ("blkio.throttle.", "_recursive"),
    ("blkio.throttle.", ""),
];

/// The same two lists in v2's `io.stat`: keys and what v1 calls them.
const IO_STAT: &[(&str, [(&str, &str); 2])] = &[
    ("ioServiceBytesRecursive", [("rbytes", "Read"), ("wbytes", "Write")]),
    ("ioServicedRecursive", [("rios", "Read"), ("wios", "Write")]),
];

/// What is told of one size of huge pages: `&` stands for `hugetlb.SIZE`, `%` for
/// that or `hugetlb.SIZE.rsvd`.
const HUGE_PAGES: &str = "\
?usage %.usage_in_bytes %.current
?max %.max_usage_in_bytes
=failcnt %.failcnt &.events:max
}";

impl Stats<'_> {
    /// Writes the lists of the devices that were used.
    #[inline(never)]
    pub(super) fn block_io(&mut self) {
        if self.unified {
            let text = self.text("io.stat");
            for (property, keys) in IO_STAT {
                let mut counts = Vec::new();
                for line in text.lines() {
                    let Some((device, rest)) = line.split_once(' ') else { continue };
                    for (key, kind) in keys {
                        if let Some(number) = found(rest, ' ', '=', key) {
                            counts.push((device, *kind, parse(number)));
                        }
                    }
                }
                self.counts(property, &counts);
            }
            return;
        }
        for (before, after) in BLOCK_IO_SOURCES {
            let first = self.text(&format!("{before}io_serviced{after}"));
            if !devices(&first).is_empty() {
                for (property, name) in BLOCK_IO {
                    let text = self.text(&format!("{before}{name}{after}"));
                    self.counts(property, &devices(&text));
                }
                return;
            }
        }
    }

    fn counts(&mut self, key: &str, counts: &[Count<'_>]) {
        if counts.is_empty() {
            return;
        }
        self.out.array_field(key);
        for (device, kind, number) in counts {
            let (major, minor) = device.split_once(':').unwrap_or_default();
            self.out.open_object();
            self.some("major", parse(major));
            self.some("minor", parse(minor));
            if !kind.is_empty() {
                self.out.string_field("op", kind);
            }
            self.some("value", *number);
            self.out.close();
        }
        self.out.close();
    }

    /// Writes an object for each size of huge pages.
    #[inline(never)]
    pub(super) fn hugetlb(&mut self) {
        let (limit, current) =
            if self.unified { (".max", "current") } else { (".limit_in_bytes", "usage_in_bytes") };
        for size in page_sizes(self.directory, limit) {
            // Reservations count where the kernel tells them (Linux 5.7).
            let name = format!("hugetlb.{size}");
            let told = !self.text(&format!("{name}.rsvd.{current}")).is_empty();
            let counted = format!("{name}{}", if told { ".rsvd" } else { "" });
            self.out.object_field(&size);
            for line in
                text::replaced(&text::replaced(HUGE_PAGES, b'%', &counted), b'&', &name).lines()
            {
                self.step(line);
            }
        }
    }
}

/// The sizes of huge pages for which the directory has a limit, sorted.
#[inline(never)]
fn page_sizes(directory: &str, end: &str) -> Vec<String> {
    let mut sizes: Vec<String> = Vec::new();
    let opened = file::open(directory, "", OFlags::RDONLY | OFlags::DIRECTORY);
    let Ok(opened) = opened else { return sizes };
    let mut buffer = [MaybeUninit::uninit(); 2048];
    let mut entries = RawDir::new(opened, &mut buffer);
    while let Some(Ok(entry)) = entries.next() {
        let name = entry.file_name().to_str().unwrap_or_default();
        let size = name.strip_prefix("hugetlb.").and_then(|name| name.strip_suffix(end));
        if let Some(size) = size.filter(|size| !size.as_bytes().contains(&b'.')) {
            sizes.insert(sizes.partition_point(|other| other.as_str() < size), size.into());
        }
    }
    sizes
}
