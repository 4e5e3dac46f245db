//! Limits as files of cgroup v2 (cgroup-v2.rst, "Controllers").

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};

use super::limits::Sink;
use super::limits_v1::{hugetlb_files, set_unsigned, throttles, weight};
use super::weight::{io_weight, weight_of_shares};
use crate::error;
use crate::error::{Error, Result};
use crate::spec::{Memory, Resources, Throttle};

/// The number as text, -1 as `max`; `None` where it is absent or zero.
fn limit(number: Option<i64>) -> Option<String> {
    match number {
        None | Some(0) => None,
        Some(-1) => Some("max".to_owned()),
        Some(number) => Some(number.to_string()),
    }
}

/// What `memory.swap`, memory and swap together, is as swap alone.
///
/// # Errors
/// It cannot be told, or would be negative.
fn swap_alone(memory: &Memory) -> Result<Option<String>> {
    let none = || Ok(Some("max".to_owned()));
    match (memory.limit.unwrap_or(0), memory.swap.unwrap_or(0)) {
        // As v1 does it: no limit of memory is none of memory and swap either.
        (-1, 0) | (_, -1) => none(),
        (_, 0) => Ok(None),
        (0 | -1, _) => Err(Error::new(
            "linux.resources.memory.swap: unable to set swap limit without memory limit",
        )),
        (limit, swap) if limit < 0 || swap < limit => Err(error!(
            "linux.resources.memory.swap: {swap} is memory and swap together: \
             it should be >= memory limit {limit}"
        )),
        (limit, swap) => Ok(Some((swap - limit).to_string())),
    }
}

/// `memory`, in bytes. What only v1 has (swappiness, disableOOMKiller, the
/// kernel's own limits) is left out, as runc does.
pub fn memory(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let Some(memory) = resources.memory else { return Ok(()) };
    match swap_alone(&memory)? {
        // Without swap accounting there is no swap to forbid or to allow.
        Some(swap) if swap == "max" || swap == "0" => {
            sink.put_optional("memory.swap", "memory.swap.max", swap);
        }
        Some(swap) => sink.put("memory.swap", "memory.swap.max", swap),
        None => {}
    }
    if let Some(limit) = limit(memory.limit) {
        sink.put("memory.limit", "memory.max", limit);
    }
    if let Some(reservation) = limit(memory.reservation) {
        sink.put("memory.reservation", "memory.low", reservation);
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
    if let Some(shares) = cpu.shares.filter(|shares| *shares != 0) {
        sink.put("cpu.shares", "cpu.weight", weight_of_shares(shares).to_string());
    }
    let quota = match cpu.quota {
        None | Some(0) => None,
        Some(quota @ 1..) => Some(quota.to_string()),
        Some(_) => Some("max".to_owned()),
    };
    // The kernel keeps the period when only a quota is written.
    match (quota, set_unsigned(cpu.period)) {
        (Some(quota), None) => sink.put("cpu.quota", "cpu.max", quota),
        (Some(quota), Some(period)) => {
            sink.put("cpu.quota", "cpu.max", format!("{quota} {period}"));
        }
        (None, Some(period)) => sink.put("cpu.period", "cpu.max", format!("max {period}")),
        (None, None) => {}
    }
    match cpu.burst {
        Some(0) => sink.put_optional("cpu.burst", "cpu.max.burst", "0".to_owned()),
        Some(burst) => sink.put("cpu.burst", "cpu.max.burst", burst.to_string()),
        None => {}
    }
    match cpu.idle {
        Some(0) => sink.put_optional("cpu.idle", "cpu.idle", "0".to_owned()),
        Some(idle) => sink.put("cpu.idle", "cpu.idle", idle.to_string()),
        None => {}
    }
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
        let cost = ("io.weight", io_weight(weight).to_string());
        sink.put_either("blockIO.weight", ("io.bfq.weight", weight.to_string()), cost);
    }
    for device in &io.weight_device {
        if let Some(weight) = weight("weightDevice", device.weight)? {
            let name = format!("{}:{}", device.major, device.minor);
            let cost = ("io.weight", format!("{name} {}", io_weight(weight)));
            let bfq = ("io.bfq.weight", format!("{name} {weight}"));
            sink.put_either("blockIO.weightDevice", bfq, cost);
        }
    }
    for (property, key, throttles) in throttles(io) {
        for Throttle { major, minor, rate } in throttles {
            // 0 lifts the limit, as in v1.
            let rate = set_unsigned(Some(*rate)).unwrap_or("max".to_owned());
            sink.put(property, "io.max", format!("{major}:{minor} {key}={rate}"));
        }
    }
    Ok(())
}

/// `hugepageLimits`, in bytes.
pub fn hugetlb(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    hugetlb_files(resources, sink, "max")
}
