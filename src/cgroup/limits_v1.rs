//! Limits as files of cgroup v1, and those that both versions share
//! (cgroup-v1/memory.rst, cpusets.rst, blkio-controller.rst, hugetlb.rst,
//! net_cls.rst, net_prio.rst, pids.rst, rdma.rst; scheduler/sched-bwc.rst).

use super::write::{Sink, Zero, signed};
use crate::error;
use crate::error::{Error, Result};
use crate::spec::{BlockIo, Resources, Throttle};
use crate::text;

/// `memory`, in bytes, -1 is no limit.
pub fn memory(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let Some(memory) = resources.memory else { return Ok(()) };
    // The tree's mode can only change as long as the cgroup has no children;
    // kernels since 5.11 know only one, and may lack the file.
    if memory.use_hierarchy == Some(true) {
        sink.put_optional("memory.useHierarchy", "memory.use_hierarchy", format_args!("1"));
    }
    sink.numbers(&[("memory.limit", "memory.limit_in_bytes", Zero::Unset, memory.limit)]);
    match (memory.swap.unwrap_or(0), memory.limit) {
        // No limit of memory is none of memory and swap either.
        (-1, _) | (0, Some(-1)) => {
            sink.put_optional("memory.swap", "memory.memsw.limit_in_bytes", format_args!("-1"));
        }
        (0, _) => {}
        (swap, _) => {
            sink.put("memory.swap", "memory.memsw.limit_in_bytes", format_args!("{swap}"));
        }
    }
    // memory.kernel has no effect in kernels since 5.4, and leaks before.
    let (soft, tcp) = (memory.reservation, memory.kernel_tcp);
    sink.numbers(&[
        ("memory.reservation", "memory.soft_limit_in_bytes", Zero::Unset, soft),
        ("memory.kernelTCP", "memory.kmem.tcp.limit_in_bytes", Zero::Unset, tcp),
    ]);
    if memory.disable_oom_killer == Some(true) {
        sink.put("memory.disableOOMKiller", "memory.oom_control", format_args!("1"));
    }
    match memory.swappiness {
        // -1, as some write it.
        None | Some(u64::MAX) => {}
        Some(swappiness @ 0..=100) => {
            sink.put("memory.swappiness", "memory.swappiness", format_args!("{swappiness}"));
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
    let period = signed(cpu.realtime_period);
    sink.numbers(&[
        ("cpu.shares", "cpu.shares", Zero::Unset, signed(cpu.shares)),
        ("cpu.period", "cpu.cfs_period_us", Zero::Unset, signed(cpu.period)),
        ("cpu.quota", "cpu.cfs_quota_us", Zero::Unset, cpu.quota),
        ("cpu.burst", "cpu.cfs_burst_us", Zero::Default, signed(cpu.burst)),
        ("cpu.idle", "cpu.idle", Zero::Default, cpu.idle),
        ("cpu.realtimePeriod", "cpu.rt_period_us", Zero::Unset, period),
        ("cpu.realtimeRuntime", "cpu.rt_runtime_us", Zero::Unset, cpu.realtime_runtime),
    ]);
    Ok(())
}

/// `cpu.cpus`, `cpu.mems`.
pub fn cpuset(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let Some(cpu) = resources.cpu else { return Ok(()) };
    for (property, file, list) in
        [("cpu.cpus", "cpuset.cpus", cpu.cpus), ("cpu.mems", "cpuset.mems", cpu.mems)]
    {
        if let Some(list) = list.filter(|list| !list.is_empty()) {
            sink.put(property, file, format_args!("{list}"));
        }
    }
    Ok(())
}

/// `pids.limit`: -1 is no limit; the least is 1, which is what 0 becomes, since
/// the container's own init has to be there.
pub fn pids(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    match resources.pids {
        Some(limit @ 0..) => {
            sink.put("pids.limit", "pids.max", format_args!("{}", limit.max(1)));
        }
        Some(_) => sink.put_optional("pids.limit", "pids.max", format_args!("max")),
        None => {}
    }
    Ok(())
}

/// A weight of `blockIO`, unless it is absent or zero.
///
/// # Errors
/// It is not between 10 and 1000.
pub fn weight(property: &str, weight: Option<u32>) -> Result<Option<u32>> {
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
        sink.put("blockIO.weight", "blkio.bfq.weight", format_args!("{weight}"));
        sink.or("blkio.weight", format_args!("{weight}"));
    }
    if let Some(weight) = weight("leafWeight", io.leaf_weight)? {
        sink.put("blockIO.leafWeight", "blkio.leaf_weight", format_args!("{weight}"));
    }
    for device in &io.weight_device {
        let (major, minor, property) = (device.major, device.minor, "blockIO.weightDevice");
        if let Some(weight) = weight("weightDevice", device.weight)? {
            let value = format_args!("{major}:{minor} {weight}");
            sink.put(property, "blkio.bfq.weight_device", value);
            sink.or("blkio.weight_device", value);
        }
        if let Some(weight) = weight("weightDevice", device.leaf_weight)? {
            let value = format_args!("{major}:{minor} {weight}");
            sink.put(property, "blkio.leaf_weight_device", value);
        }
    }
    for (property, file, _, throttles) in throttles(io) {
        for Throttle { major, minor, rate } in throttles {
            sink.put(property, file, format_args!("{major}:{minor} {rate}"));
        }
    }
    Ok(())
}

/// A list of throttles: its property, its file in v1, its key in `io.max`.
type Throttles<'a> = (&'static str, &'static str, &'static str, &'a [Throttle]);

/// All lists of throttles.
pub fn throttles(io: &BlockIo) -> [Throttles<'_>; 4] {
    [
        (
            "blockIO.throttleReadBpsDevice",
            "blkio.throttle.read_bps_device",
            "rbps",
            &io.throttle_read_bps,
        ),
        (
            "blockIO.throttleWriteBpsDevice",
            "blkio.throttle.write_bps_device",
            "wbps",
            &io.throttle_write_bps,
        ),
        (
            "blockIO.throttleReadIOPSDevice",
            "blkio.throttle.read_iops_device",
            "riops",
            &io.throttle_read_iops,
        ),
        (
            "blockIO.throttleWriteIOPSDevice",
            "blkio.throttle.write_iops_device",
            "wiops",
            &io.throttle_write_iops,
        ),
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
            return Err(Error::about(
                "linux.resources.hugepageLimits: page size \"{}\" is not like 64KB, 2MB, 1GB",
                size,
            ));
        }
        let (property, bytes) = ("hugepageLimits", limit.limit);
        let name = text::about_both("hugetlb.{}.{}", size, file);
        sink.put(property, name, format_args!("{bytes}"));
        let name = text::about_both("hugetlb.{}.rsvd.{}", size, file);
        sink.put_optional(property, name, format_args!("{bytes}"));
    }
    Ok(())
}

/// `network.classID`.
pub fn network_class(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let class = resources.network.as_ref().and_then(|network| network.class_id);
    if let Some(class) = class.filter(|class| *class != 0) {
        sink.put("network.classID", "net_cls.classid", format_args!("{class}"));
    }
    Ok(())
}

/// `network.priorities`.
pub fn network_priorities(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    for one in resources.network.iter().flat_map(|network| &network.priorities) {
        let value = format_args!("{} {}", one.name, one.priority);
        sink.put("network.priorities", "net_prio.ifpriomap", value);
    }
    Ok(())
}

/// `rdma`.
pub fn rdma(resources: &Resources<'_>, sink: &mut Sink<'_>) -> Result<()> {
    for (device, limit) in &resources.rdma {
        let value = match (limit.hca_handles, limit.hca_objects) {
            (None, None) => continue,
            (Some(handles), None) => text!("hca_handle={handles}"),
            (None, Some(objects)) => text!("hca_object={objects}"),
            (Some(handles), Some(objects)) => {
                text!("hca_handle={handles} hca_object={objects}")
            }
        };
        sink.put("rdma", "rdma.max", format_args!("{device} {value}"));
    }
    Ok(())
}
