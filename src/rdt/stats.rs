//! What a container has and uses of caches and memory bandwidth, as the object
//! `intel_rdt` that runc's `events` prints: its names, and its rule that what is
//! not there is left out.

use super::{Group, read};
use crate::json::Writer;
use crate::named;
use crate::number;
use crate::text;
use alloc::collections::BinaryHeap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use rustix::fs::{OFlags, RawDir};

/// A resource: its name in `info` and in `schemata`, the property with what the
/// machine has, its text file if there is one, its numbers, and the beginning of
/// the names of the properties with the shares.
type Resource = (&'static str, &'static str, &'static str, &'static str, &'static str);

const RESOURCES: [Resource; 2] = [
    ("L3", "l3_cache_info", "cbm_mask", "min_cbm_bits num_closids", "l3_cache_schema"),
    (
        "MB",
        "mem_bw_info",
        "",
        "bandwidth_gran delay_linear min_bandwidth num_closids",
        "mem_bw_schema",
    ),
];

/// What is measured in each domain of the L3 cache: a property with its numbers.
const MEASURED: [(&str, &str); 2] =
    [("mbm_stats", "mbm_total_bytes mbm_local_bytes"), ("cmt_stats", "llc_occupancy")];

impl Group {
    /// Writes it as properties of the open object: none without a group. `root`
    /// is where resctrl is mounted.
    pub fn write_stats(&self, root: &str, out: &mut Writer) {
        if self.class.is_empty() {
            return;
        }
        for (name, info, text, numbers, schema) in RESOURCES {
            let shares = [(root, "_root"), (self.class, "")].map(|(directory, suffix)| {
                let lines = read(text::about("{}/schemata", directory)).unwrap_or_default();
                let line = lines
                    .lines()
                    .map(str::trim_ascii)
                    .find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')));
                (format!("{schema}{suffix}"), line.map(String::from))
            });
            let [(_, Some(_)), _] = &shares else { continue };
            let directory = format!("{root}/info/{name}");
            out.object_field(info);
            if let Some(mask) = value(&directory, text).filter(|_| !text.is_empty()) {
                out.string_field(text, &mask);
            }
            self::numbers(&directory, numbers, false, out);
            out.close();
            for (property, line) in shares {
                line.iter().for_each(|line| out.string_field(&property, line));
            }
        }
        let group = if self.monitor.is_empty() { &self.class } else { &self.monitor };
        let domains = domains(text::about("{}/mon_data", group));
        for (property, numbers) in MEASURED {
            let measured =
                |domain: &&String| numbers.split(' ').any(|name| value(domain, name).is_some());
            let mut measured = domains.iter().filter(measured).peekable();
            if measured.peek().is_none() {
                continue;
            }
            out.array_field(property);
            for domain in measured {
                out.open_object();
                self::numbers(domain, numbers, true, out);
                out.close();
            }
            out.close();
        }
    }
}

/// The text of a file that is there.
fn value(directory: &str, file: &str) -> Option<String> {
    let text = read(text::about_both("{}/{}", directory, file)).ok()?;
    Some(String::from(text.trim_ascii()))
}

/// The numbers in the files of these names; zeros only where they count. What
/// the CPU cannot tell now (`Unavailable`, `Error`) is 0.
fn numbers(directory: &str, names: &str, zeros: bool, out: &mut Writer) {
    for name in names.split(' ') {
        let number = value(directory, name).and_then(|text| number::unsigned(&text)).unwrap_or(0);
        if zeros || number != 0 {
            out.unsigned_field(name, number);
        }
    }
}

/// The directories of the L3 caches, in the order of their numbers.
fn domains(directory: &str) -> Vec<String> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let opened = named::open(directory, flags);
    let Ok(opened) = opened else { return Vec::new() };
    let mut buffer = [MaybeUninit::uninit(); 1024];
    let mut entries = RawDir::new(opened, &mut buffer);
    let mut found = BinaryHeap::new();
    while let Some(Ok(entry)) = entries.next() {
        if let Ok(name) = entry.file_name().to_str()
            && name.starts_with("mon_L3_")
        {
            found.push(format!("{directory}/{name}"));
        }
    }
    found.into_sorted_vec()
}
