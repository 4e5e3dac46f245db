//! Limits as files of cgroup v1, and those that both versions share
//! (cgroup-v1/memory.rst, cpusets.rst, blkio-controller.rst, hugetlb.rst,
//! net_cls.rst, net_prio.rst, pids.rst, rdma.rst; scheduler/sched-bwc.rst).

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};

use super::limits::Sink;
use crate::error;
use crate::error::Result;
use crate::spec::{Resources, Throttle};

/// The number as text, unless it is absent or zero, which is the same.
pub fn set(number: Option<i64>) -> Option<String> {
    number.filter(|number| *number != 0).map(|number| number.to_string())
}

/// As [`set`].
pub fn set_unsigned(number: Option<u64>) -> Option<String> {
    number.filter(|number| *number != 0).map(|number| number.to_string())
}

/// `memory`, in bytes, -1 is no limit.
pub fn memory(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let Some(memory) = resources.memory else { return Ok(()) };
    // The tree's mode can only change as long as the cgroup has no children;
    // kernels since 5.11 know only one, and may lack the file.
    if memory.use_hierarchy == Some(true) {
        sink.put_optional("memory.useHierarchy", "memory.use_hierarchy", "1".to_owned());
    }
    if let Some(limit) = set(memory.limit) {
        sink.put("memory.limit", "memory.limit_in_bytes", limit);
    }
    match (set(memory.swap), memory.limit) {
        (Some(swap), _) if swap == "-1" => {
            sink.put_optional("memory.swap", "memory.memsw.limit_in_bytes", swap);
        }
        (Some(swap), _) => sink.put("memory.swap", "memory.memsw.limit_in_bytes", swap),
        // No limit of memory is none of memory and swap either.
        (None, Some(-1)) => {
            let none = "-1".to_owned();
            sink.put_optional("memory.swap", "memory.memsw.limit_in_bytes", none);
        }
        _ => {}
    }
    if let Some(reservation) = set(memory.reservation) {
        sink.put("memory.reservation", "memory.soft_limit_in_bytes", reservation);
    }
    // memory.kernel has no effect in kernels since 5.4, and leaks before.
    if let Some(limit) = set(memory.kernel_tcp) {
        sink.put("memory.kernelTCP", "memory.kmem.tcp.limit_in_bytes", limit);
    }
    if memory.disable_oom_killer == Some(true) {
        sink.put("memory.disableOOMKiller", "memory.oom_control", "1".to_owned());
    }
    match memory.swappiness {
        // -1, as some write it.
        None | Some(u64::MAX) => {}
        Some(swappiness @ 0..=100) => {
            sink.put("memory.swappiness", "memory.swappiness", swappiness.to_string());
        }
        Some(swappiness) => {
            return Err(error!(
                "linux.resources.memory.swappiness: {swappiness} is not between 0 and 100"
            ));
        }
    }
    Ok(())
}

/// `cpu`, times in microseconds.
pub fn cpu(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let Some(cpu) = resources.cpu else { return Ok(()) };
    for (property, file, value) in [
        ("cpu.shares", "cpu.shares", set_unsigned(cpu.shares)),
        ("cpu.period", "cpu.cfs_period_us", set_unsigned(cpu.period)),
        ("cpu.quota", "cpu.cfs_quota_us", set(cpu.quota)),
        ("cpu.burst", "cpu.cfs_burst_us", cpu.burst.map(|burst| burst.to_string())),
        ("cpu.idle", "cpu.idle", cpu.idle.map(|idle| idle.to_string())),
        ("cpu.realtimePeriod", "cpu.rt_period_us", set_unsigned(cpu.realtime_period)),
        ("cpu.realtimeRuntime", "cpu.rt_runtime_us", set(cpu.realtime_runtime)),
    ] {
        match value {
            // What a kernel without the file does anyway.
            Some(value) if value == "0" => sink.put_optional(property, file, value),
            Some(value) => sink.put(property, file, value),
            None => {}
        }
    }
    Ok(())
}

/// `cpu.cpus`, `cpu.mems`.
pub fn cpuset(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let Some(cpu) = resources.cpu else { return Ok(()) };
    for (property, file, list) in
        [("cpu.cpus", "cpuset.cpus", cpu.cpus), ("cpu.mems", "cpuset.mems", cpu.mems)]
    {
        if let Some(list) = list.filter(|list| !list.is_empty()) {
            sink.put(property, file, list.to_owned());
        }
    }
    Ok(())
}

/// `pids.limit`: -1 is no limit; the least is 1, which is what 0 becomes, since
/// the container's own init has to be there.
pub fn pids(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    match resources.pids {
        Some(limit @ 1..) => sink.put("pids.limit", "pids.max", limit.to_string()),
        Some(0) => sink.put("pids.limit", "pids.max", "1".to_owned()),
        Some(_) => sink.put_optional("pids.limit", "pids.max", "max".to_owned()),
        None => {}
    }
    Ok(())
}

/// A weight of `blockIO`, unless it is absent or zero.
///
/// # Errors
/// It is not between 10 and 1000.
pub fn weight(property: &str, weight: Option<u16>) -> Result<Option<u16>> {
    match weight {
        None | Some(0) => Ok(None),
        Some(10..=1000) => Ok(weight),
        Some(weight) => {
            Err(error!("linux.resources.blockIO.{property}: {weight} is not between 10 and 1000"))
        }
    }
}

/// `blockIO`. The files of the BFQ scheduler come before those of CFQ, which
/// left the kernel with 5.0.
pub fn block_io(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let Some(io) = &resources.block_io else { return Ok(()) };
    if let Some(weight) = weight("weight", io.weight)? {
        let files = ["blkio.bfq.weight", "blkio.weight"];
        let [bfq, cfq] = files.map(|file| (file, weight.to_string()));
        sink.put_either("blockIO.weight", bfq, cfq);
    }
    if let Some(weight) = weight("leafWeight", io.leaf_weight)? {
        sink.put("blockIO.leafWeight", "blkio.leaf_weight", weight.to_string());
    }
    for device in &io.weight_device {
        let name = format!("{}:{}", device.major, device.minor);
        if let Some(weight) = weight("weightDevice", device.weight)? {
            let files = ["blkio.bfq.weight_device", "blkio.weight_device"];
            let [bfq, cfq] = files.map(|file| (file, format!("{name} {weight}")));
            sink.put_either("blockIO.weightDevice", bfq, cfq);
        }
        if let Some(weight) = weight("weightDevice", device.leaf_weight)? {
            let file = "blkio.leaf_weight_device";
            sink.put("blockIO.weightDevice", file, format!("{name} {weight}"));
        }
    }
    for (property, key, throttles) in throttles(io) {
        for Throttle { major, minor, rate } in throttles {
            let (kind, unit) = key.split_at(1);
            let kind = if kind == "r" { "read" } else { "write" };
            let unit = if unit == "bps" { "bps" } else { "iops" };
            let file = format!("blkio.throttle.{kind}_{unit}_device");
            sink.put(property, &file, format!("{major}:{minor} {rate}"));
        }
    }
    Ok(())
}

/// The lists of throttles, with their keys in `io.max`.
pub fn throttles(io: &crate::spec::BlockIo) -> [(&'static str, &'static str, &[Throttle]); 4] {
    [
        ("blockIO.throttleReadBpsDevice", "rbps", &io.throttle_read_bps),
        ("blockIO.throttleWriteBpsDevice", "wbps", &io.throttle_write_bps),
        ("blockIO.throttleReadIOPSDevice", "riops", &io.throttle_read_iops),
        ("blockIO.throttleWriteIOPSDevice", "wiops", &io.throttle_write_iops),
    ]
}

/// `hugepageLimits`, in bytes.
pub fn hugetlb(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    hugetlb_files(resources, sink, "limit_in_bytes")
}

/// The limit on use, and that on reservations where the kernel has it (5.7).
pub fn hugetlb_files(resources: &Resources<'_>, sink: &mut Sink<'_>, file: &str) -> Result<()> {
    for limit in &resources.hugepage_limits {
        let size = limit.page_size;
        let digits = ["KB", "MB", "GB"].iter().find_map(|unit| size.strip_suffix(unit));
        let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if !digits.is_some_and(|digits| !digits.is_empty() && number(digits)) {
            return Err(error!(
                "linux.resources.hugepageLimits: page size \"{size}\" is not like 64KB, 2MB, 1GB"
            ));
        }
        let bytes = limit.limit.to_string();
        let property = "hugepageLimits";
        sink.put(property, &format!("hugetlb.{size}.{file}"), bytes.clone());
        sink.put_optional(property, &format!("hugetlb.{size}.rsvd.{file}"), bytes);
    }
    Ok(())
}

/// `network.classID`.
pub fn network_class(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let class = resources.network.as_ref().and_then(|network| network.class_id);
    if let Some(class) = class.filter(|class| *class != 0) {
        sink.put("network.classID", "net_cls.classid", class.to_string());
    }
    Ok(())
}

/// `network.priorities`.
pub fn network_priorities(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    for one in resources.network.iter().flat_map(|network| &network.priorities) {
        let value = format!("{} {}", one.name, one.priority);
        sink.put("network.priorities", "net_prio.ifpriomap", value);
    }
    Ok(())
}

/// `rdma`.
pub fn rdma(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    for (device, limit) in &resources.rdma {
        let mut value = String::from(*device);
        for (key, number) in [("hca_handle", limit.hca_handles), ("hca_object", limit.hca_objects)]
        {
            if let Some(number) = number {
                value.push_str(&format!(" {key}={number}"));
            }
        }
        if value.len() > device.len() {
            sink.put("rdma", "rdma.max", value);
        }
    }
    Ok(())
}
