//! Limits as files of cgroup v2 (cgroup-v2.rst, "Controllers").

use core::fmt;

use super::limits_v1::{hugetlb_files, throttles, weight};
use super::weight::{io_weight, weight_of_shares};
use super::write::{Sink, Zero, signed};
use crate::error;
use crate::error::{Error, Result};
use crate::spec::{Memory, Resources, Throttle};

/// A number of bytes or microseconds; -1 is `max`.
struct Limit(i64);

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == -1 { f.write_str("max") } else { self.0.fmt(f) }
    }
}

/// What `memory.swap`, memory and swap together, is as swap alone.
///
/// # Errors
/// It cannot be told, or would be negative.
fn swap_alone(memory: &Memory) -> Result<Option<Limit>> {
    match (memory.limit.unwrap_or(0), memory.swap.unwrap_or(0)) {
        // As v1 does it: no limit of memory is none of memory and swap either.
        (-1, 0) | (_, -1) => Ok(Some(Limit(-1))),
        (_, 0) => Ok(None),
        (0 | -1, _) => Err(Error::new(
            "linux.resources.memory.swap: unable to set swap limit without memory limit",
        )),
        (limit, swap) if limit < 0 || swap < limit => Err(error!(
            "linux.resources.memory.swap: {swap} is memory and swap together: \
             it should be >= memory limit {limit}"
        )),
        (limit, swap) => Ok(Some(Limit(swap - limit))),
    }
}

/// `memory`, in bytes. What only v1 has (swappiness, disableOOMKiller, the
/// kernel's own limits) is left out, as runc does.
pub fn memory(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let Some(memory) = resources.memory else { return Ok(()) };
    match swap_alone(&memory)? {
        // Without swap accounting there is no swap to forbid or to allow.
        Some(swap @ Limit(-1 | 0)) => {
            sink.put_optional("memory.swap", "memory.swap.max", format_args!("{swap}"));
        }
        Some(swap) => sink.put("memory.swap", "memory.swap.max", format_args!("{swap}")),
        None => {}
    }
    for (property, file, bytes) in [
        ("memory.limit", "memory.max", memory.limit),
        ("memory.reservation", "memory.low", memory.reservation),
    ] {
        if let Some(bytes) = bytes.filter(|bytes| *bytes != 0) {
            sink.put(property, file, format_args!("{}", Limit(bytes)));
        }
    }
    Ok(())
}

/// `cpu`, times in microseconds.
///
/// # Errors
/// Real-time limits: cgroup v2 has none.
pub fn cpu(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let Some(cpu) = resources.cpu else { return Ok(()) };
    if cpu.realtime_runtime.unwrap_or(0) != 0 || cpu.realtime_period.unwrap_or(0) != 0 {
        return Err(Error::new("linux.resources.cpu: real-time limits need cgroup v1"));
    }
    // An idle cgroup has no weight, and the kernel takes none (`EINVAL`).
    if let Some(shares) = cpu.shares.filter(|shares| *shares != 0 && cpu.idle != Some(1)) {
        sink.put("cpu.shares", "cpu.weight", format_args!("{}", weight_of_shares(shares)));
    }
    // Every negative quota is none.
    let quota = cpu.quota.filter(|quota| *quota != 0).map(|quota| Limit(quota.max(-1)));
    // The kernel keeps the period when only a quota is written.
    match (quota, cpu.period.filter(|period| *period != 0)) {
        (Some(quota), None) => sink.put("cpu.quota", "cpu.max", format_args!("{quota}")),
        (Some(quota), Some(period)) => {
            sink.put("cpu.quota", "cpu.max", format_args!("{quota} {period}"));
        }
        (None, Some(period)) => sink.put("cpu.period", "cpu.max", format_args!("max {period}")),
        (None, None) => {}
    }
    sink.numbers(&[
        ("cpu.burst", "cpu.max.burst", Zero::Default, signed(cpu.burst)),
        ("cpu.idle", "cpu.idle", Zero::Default, cpu.idle),
    ]);
    Ok(())
}

/// `blockIO`. BFQ takes the weight as it is, `io.weight` wants it converted.
///
/// # Errors
/// Leaf weights: cgroup v2 has none.
pub fn block_io(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let Some(io) = &resources.block_io else { return Ok(()) };
    let leaf = io.weight_device.iter().find_map(|device| device.leaf_weight);
    if let Some(weight) = io.leaf_weight.or(leaf).filter(|weight| *weight != 0) {
        return Err(error!("linux.resources.blockIO: leafWeight {weight} needs cgroup v1"));
    }
    if let Some(weight) = weight("weight", io.weight)? {
        sink.put("blockIO.weight", "io.bfq.weight", format_args!("{weight}"));
        sink.or("io.weight", format_args!("{}", io_weight(weight)));
    }
    for device in &io.weight_device {
        if let Some(weight) = weight("weightDevice", device.weight)? {
            let (major, minor, property) = (device.major, device.minor, "blockIO.weightDevice");
            sink.put(property, "io.bfq.weight", format_args!("{major}:{minor} {weight}"));
            sink.or("io.weight", format_args!("{major}:{minor} {}", io_weight(weight)));
        }
    }
    for (property, _, key, throttles) in throttles(io) {
        for Throttle { major, minor, rate } in throttles {
            // 0 lifts the limit, as in v1.
            match rate {
                0 => sink.put(property, "io.max", format_args!("{major}:{minor} {key}=max")),
                rate => sink.put(property, "io.max", format_args!("{major}:{minor} {key}={rate}")),
            }
        }
    }
    Ok(())
}

/// `hugepageLimits`, in bytes.
pub fn hugetlb(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    hugetlb_files(resources, sink, "max")
}
