//! `linux.resources`: the limits of the cgroup.

use alloc::vec::Vec;

use super::validate;
use crate::error::Result;
use crate::json::{Document, Node};

/// `linux.resources`, or the document of `update --resources`.
///
/// In limits, -1 means none, and unset means "leave it alone".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources<'a> {
    /// Device rules, to be applied in order.
    pub devices: Vec<DeviceRule>,
    /// Memory.
    pub memory: Option<Memory>,
    /// Processors.
    pub cpu: Option<Cpu<'a>>,
    /// `pids.limit`: how many processes; -1 is no limit, 0 is a limit.
    pub pids: Option<i64>,
    /// Block devices.
    pub block_io: Option<BlockIo>,
    /// Huge pages, one entry a page size.
    pub hugepage_limits: Vec<HugepageLimit<'a>>,
    /// Packet classes (cgroup v1).
    pub network: Option<Network<'a>>,
    /// RDMA devices by name, sorted.
    pub rdma: Vec<(&'a str, Rdma)>,
    /// Files of cgroup v2 with what to write to them, sorted.
    pub unified: Vec<(&'a str, &'a str)>,
}

/// What a device rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceRuleKind {
    /// `a`, or absent: both.
    All,
    /// `c`.
    Char,
    /// `b`.
    Block,
}

/// The letters of `access`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceAccess {
    /// `r`.
    pub read: bool,
    /// `w`.
    pub write: bool,
    /// `m`.
    pub mknod: bool,
}

/// One entry of `linux.resources.devices`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceRule {
    /// Allow or deny.
    pub allow: bool,
    /// `type`.
    pub kind: DeviceRuleKind,
    /// The major number; none is any.
    pub major: Option<u32>,
    /// The minor number; none is any.
    pub minor: Option<u32>,
    /// What is allowed or denied; all of it where absent.
    pub access: DeviceAccess,
}

/// `linux.resources.memory`, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// The limit.
    pub limit: Option<i64>,
    /// The soft limit.
    pub reservation: Option<i64>,
    /// Memory and swap together.
    pub swap: Option<i64>,
    /// Kernel memory; deprecated, without effect in kernels since 5.4.
    pub kernel: Option<i64>,
    /// TCP buffers; cgroup v1, deprecated.
    pub kernel_tcp: Option<i64>,
    /// 0 to 100; cgroup v1.
    pub swappiness: Option<u64>,
    /// Cgroup v1.
    pub disable_oom_killer: Option<bool>,
    /// Cgroup v1.
    pub use_hierarchy: Option<bool>,
    /// Refuse a limit below the current usage.
    pub check_before_update: Option<bool>,
}

/// `linux.resources.cpu`; times in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cpu<'a> {
    /// Relative weight as of cgroup v1, 2 to 262144; 0 is unset.
    pub shares: Option<u64>,
    /// Time in a period.
    pub quota: Option<i64>,
    /// Time that may be saved up.
    pub burst: Option<u64>,
    /// The length of a period.
    pub period: Option<u64>,
    /// Real-time in a period; cgroup v1.
    pub realtime_runtime: Option<i64>,
    /// The length of a real-time period; cgroup v1.
    pub realtime_period: Option<u64>,
    /// CPUs, `0-3,7`.
    pub cpus: Option<&'a str>,
    /// Memory nodes, `0-3,7`.
    pub mems: Option<&'a str>,
    /// 1 for SCHED_IDLE, 0 for not.
    pub idle: Option<i64>,
}

/// `linux.resources.blockIO`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockIo {
    /// Relative weight, 10 to 1000.
    pub weight: Option<u32>,
    /// Relative weight against child cgroups; cgroup v1 with CFQ.
    pub leaf_weight: Option<u32>,
    /// Weights by device.
    pub weight_device: Vec<WeightDevice>,
    /// Bytes a second.
    pub throttle_read_bps: Vec<Throttle>,
    /// Bytes a second.
    pub throttle_write_bps: Vec<Throttle>,
    /// Operations a second.
    pub throttle_read_iops: Vec<Throttle>,
    /// Operations a second.
    pub throttle_write_iops: Vec<Throttle>,
}

/// One entry of `blockIO.weightDevice`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightDevice {
    /// The device's major number.
    pub major: u32,
    /// The device's minor number.
    pub minor: u32,
    /// Relative weight.
    pub weight: Option<u32>,
    /// Relative weight against child cgroups.
    pub leaf_weight: Option<u32>,
}

/// One entry of a `blockIO.throttle…Device` list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// The device's major number.
    pub major: u32,
    /// The device's minor number.
    pub minor: u32,
    /// Bytes or operations a second.
    pub rate: u64,
}

/// One entry of `hugepageLimits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HugepageLimit<'a> {
    /// `64KB`, `2MB`, `1GB`.
    pub page_size: &'a str,
    /// In bytes.
    pub limit: u64,
}

/// `linux.resources.network`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network<'a> {
    /// net_cls.classid.
    pub class_id: Option<u32>,
    /// net_prio.ifpriomap.
    pub priorities: Vec<InterfacePriority<'a>>,
}

/// One entry of `network.priorities`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfacePriority<'a> {
    /// The interface.
    pub name: &'a str,
    /// Its priority.
    pub priority: u32,
}

/// A value of `linux.resources.rdma`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rdma {
    /// How many handles.
    pub hca_handles: Option<u32>,
    /// How many objects.
    pub hca_objects: Option<u32>,
}

impl<'a> Resources<'a> {
    /// Reads and validates the document of `update --resources`.
    ///
    /// # Errors
    /// The first thing wrong, with its position.
    pub fn read(document: &'a Document<'_>) -> Result<Self> {
        let resources = document.read(Resources::parse)?;
        validate::resources(&resources).map_err(|invalid| document.error(&invalid))?;
        Ok(resources)
    }

    /// Reads limits without the rules of `validate`.
    #[inline(never)]
    pub fn parse(node: &Node<'a, '_>) -> Self {
        let mut resources = Resources::default();
        node.list("devices", &mut resources.devices, DeviceRule::parse);
        node.object("memory", &mut resources.memory, Memory::parse);
        node.object("cpu", &mut resources.cpu, Cpu::parse);
        resources.pids = node.get("pids").and_then(|node| node.i64("limit"));
        node.object("blockIO", &mut resources.block_io, BlockIo::parse);
        node.list("hugepageLimits", &mut resources.hugepage_limits, |node| HugepageLimit {
            page_size: node.required_text("pageSize"),
            limit: node.required_u64("limit"),
        });
        node.object("network", &mut resources.network, Network::parse);
        node.each_property("rdma", &mut |device, node| {
            let rdma =
                Rdma { hca_handles: node.u32("hcaHandles"), hca_objects: node.u32("hcaObjects") };
            resources.rdma.push((device, rdma));
        });
        node.string_map("unified", &mut resources.unified);
        resources
    }
}

impl<'a> Network<'a> {
    fn parse(node: &Node<'a, '_>) -> Self {
        let mut network = Network::default();
        network.class_id = node.u32("classID");
        node.list("priorities", &mut network.priorities, |node| InterfacePriority {
            name: node.required_text("name"),
            priority: node.required_u32("priority"),
        });
        network
    }
}

impl DeviceAccess {
    /// Read, write and mknod.
    pub const ALL: DeviceAccess = DeviceAccess { read: true, write: true, mknod: true };
}

impl DeviceRule {
    fn parse(node: &Node<'_, '_>) -> Self {
        let kind = node.text("type").map_or(0, |_| node.required_word("type", "a c b "));
        let letters = node.text("access").unwrap_or("rwm");
        let mut access = DeviceAccess { read: false, write: false, mknod: false };
        for letter in letters.bytes() {
            match letter {
                b'r' => access.read = true,
                b'w' => access.write = true,
                b'm' => access.mknod = true,
                _ => node.complain(format_args!("access has letters other than r, w and m")),
            }
        }
        DeviceRule {
            allow: node.flag("allow"),
            kind: match kind {
                0 => DeviceRuleKind::All,
                1 => DeviceRuleKind::Char,
                _ => DeviceRuleKind::Block,
            },
            major: wildcard(node, "major"),
            minor: wildcard(node, "minor"),
            access,
        }
    }
}

/// A device number; -1 means any, as in Go's structures.
#[inline(never)]
fn wildcard(node: &Node<'_, '_>, name: &str) -> Option<u32> {
    let number = node.get(name)?;
    if number.as_i64() == Some(-1) { None } else { number.as_u32() }
}

impl Memory {
    #[inline(never)]
    fn parse(node: &Node<'_, '_>) -> Self {
        Memory {
            limit: node.i64("limit"),
            reservation: node.i64("reservation"),
            swap: node.i64("swap"),
            kernel: node.i64("kernel"),
            kernel_tcp: node.i64("kernelTCP"),
            swappiness: node.u64("swappiness"),
            disable_oom_killer: node.bool("disableOOMKiller"),
            use_hierarchy: node.bool("useHierarchy"),
            check_before_update: node.bool("checkBeforeUpdate"),
        }
    }
}

impl<'a> Cpu<'a> {
    #[inline(never)]
    fn parse(node: &Node<'a, '_>) -> Self {
        Cpu {
            shares: node.u64("shares"),
            quota: node.i64("quota"),
            burst: node.u64("burst"),
            period: node.u64("period"),
            realtime_runtime: node.i64("realtimeRuntime"),
            realtime_period: node.u64("realtimePeriod"),
            cpus: node.text("cpus"),
            mems: node.text("mems"),
            idle: node.i64("idle"),
        }
    }
}

impl BlockIo {
    #[inline(never)]
    fn parse(node: &Node<'_, '_>) -> Self {
        let mut io = BlockIo::default();
        io.weight = node.u16("weight").map(u32::from);
        io.leaf_weight = node.u16("leafWeight").map(u32::from);
        node.list("weightDevice", &mut io.weight_device, |node| WeightDevice {
            major: node.required_u32("major"),
            minor: node.required_u32("minor"),
            weight: node.u16("weight").map(u32::from),
            leaf_weight: node.u16("leafWeight").map(u32::from),
        });
        for (name, list) in [
            ("throttleReadBpsDevice", &mut io.throttle_read_bps),
            ("throttleWriteBpsDevice", &mut io.throttle_write_bps),
            ("throttleReadIOPSDevice", &mut io.throttle_read_iops),
            ("throttleWriteIOPSDevice", &mut io.throttle_write_iops),
        ] {
            node.list(name, list, Throttle::parse);
        }
        io
    }
}

impl Throttle {
    fn parse(node: &Node<'_, '_>) -> Self {
        Throttle {
            major: node.required_u32("major"),
            minor: node.required_u32("minor"),
            rate: node.required_u64("rate"),
        }
    }
}
