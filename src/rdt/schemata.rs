//! Lines of the file `schemata`: `L3:0=7f0;1=1f`.

use crate::cut;
use crate::error;
use crate::error::Result;
use crate::quote::quoted;
use crate::spec::IntelRdt;
use alloc::string::String;

/// What `l3CacheSchema` and `memBwSchema` give together: the bandwidth of the
/// latter wins.
pub(super) fn first(rdt: &IntelRdt<'_>) -> String {
    let cache = rdt.l3_cache_schema.unwrap_or("").lines();
    let bandwidth = rdt.mem_bw_schema;
    let mut text = String::new();
    for line in cache.filter(|line| bandwidth.is_none() || !line.starts_with("MB:")) {
        add(&mut text, line);
    }
    add(&mut text, bandwidth.unwrap_or(""));
    text
}

/// `schemata`, which is written last.
pub(super) fn last(rdt: &IntelRdt<'_>) -> String {
    let mut text = String::new();
    for line in &rdt.schemata {
        add(&mut text, line);
    }
    text
}

fn add(text: &mut String, line: &str) {
    if !line.is_empty() {
        text.push_str(line);
        text.push('\n');
    }
}

/// Compares what is wanted of an existing class with what it has.
///
/// # Errors
/// A share is another.
pub(super) fn compare(class: &str, wanted: &str, current: &str) -> Result<()> {
    for line in wanted.lines() {
        let (kind, shares) = line.split_once(':').unwrap_or((line, ""));
        let mut lines = current.lines().filter_map(|line| line.trim_ascii().split_once(':'));
        let has = lines.find(|(other, _)| *other == kind.trim_ascii()).map_or("", |line| line.1);
        for share in shares.split(';').map(parts) {
            if !has.split(';').any(|other| parts(other) == share) {
                return Err(error!(
                    "linux.intelRdt: the class {} exists, and has other shares than {}",
                    quoted(class),
                    quoted(line)
                ));
            }
        }
    }
    Ok(())
}

/// The id and the value, which may be written with zeros before it.
fn parts(share: &str) -> (&str, &str) {
    let (id, value) = share.split_once('=').unwrap_or((share, ""));
    let digits = value.trim_ascii();
    let value = digits.trim_start_matches('0');
    (id.trim_ascii(), if value.is_empty() { cut::before(digits, 1) } else { value })
}
