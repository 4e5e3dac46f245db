//! `linux`: namespaces, ids, devices and the rest that only Linux has.

use alloc::vec::Vec;
use linux_raw_sys::general as sys;

use super::{Resources, Seccomp};
use crate::closed_set;
use crate::json::Node;

/// `linux`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linux<'a> {
    /// Namespaces to create or to join; those absent are inherited.
    pub namespaces: Vec<Namespace<'a>>,
    /// User ids of the user namespace.
    pub uid_mappings: Vec<IdMapping>,
    /// Group ids of the user namespace.
    pub gid_mappings: Vec<IdMapping>,
    /// Clock offsets of the time namespace.
    pub time_offsets: TimeOffsets,
    /// Device nodes to make.
    pub devices: Vec<Device<'a>>,
    /// Network devices to move in, with their names on the host, sorted.
    pub net_devices: Vec<(&'a str, NetDevice<'a>)>,
    /// The cgroup; absolute counts from the cgroup mount, relative is the
    /// runtime's choice. `slice:prefix:name` for systemd.
    pub cgroups_path: Option<&'a str>,
    /// Limits of the cgroup.
    pub resources: Option<Resources<'a>>,
    /// Resource director technology.
    pub intel_rdt: Option<IntelRdt<'a>>,
    /// NUMA policy of the process.
    pub memory_policy: Option<MemoryPolicy<'a>>,
    /// Kernel parameters, sorted; keys as written, with dots or slashes.
    pub sysctl: Vec<(&'a str, &'a str)>,
    /// The system call filter.
    pub seccomp: Option<Seccomp<'a>>,
    /// How mounts spread from and to the root file system.
    pub rootfs_propagation: Option<Propagation>,
    /// Paths to hide.
    pub masked_paths: Vec<&'a str>,
    /// Paths to make read-only.
    pub readonly_paths: Vec<&'a str>,
    /// SELinux context of the mounts.
    pub mount_label: Option<&'a str>,
    /// The execution domain.
    pub personality: Option<Personality<'a>>,
}

closed_set! {
    /// The kinds of namespaces.
    pub enum NamespaceKind {
        /// Control groups.
        Cgroup = "cgroup",
        /// System V IPC and POSIX queues.
        Ipc = "ipc",
        /// Mounts.
        Mount = "mount",
        /// Network.
        Network = "network",
        /// Process ids.
        Pid = "pid",
        /// Clocks.
        Time = "time",
        /// User and group ids.
        User = "user",
        /// Host and domain name.
        Uts = "uts",
    }
}

impl NamespaceKind {
    /// The kernel's CLONE_NEW* bit.
    pub fn clone_flag(self) -> u32 {
        match self {
            NamespaceKind::Cgroup => sys::CLONE_NEWCGROUP,
            NamespaceKind::Ipc => sys::CLONE_NEWIPC,
            NamespaceKind::Mount => sys::CLONE_NEWNS,
            NamespaceKind::Network => sys::CLONE_NEWNET,
            NamespaceKind::Pid => sys::CLONE_NEWPID,
            NamespaceKind::Time => sys::CLONE_NEWTIME,
            NamespaceKind::User => sys::CLONE_NEWUSER,
            NamespaceKind::Uts => sys::CLONE_NEWUTS,
        }
    }

    /// The name in `/proc/PID/ns`.
    pub fn proc_name(self) -> &'static str {
        match self {
            NamespaceKind::Mount => "mnt",
            NamespaceKind::Network => "net",
            _ => self.name(),
        }
    }
}

/// One entry of `linux.namespaces`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namespace<'a> {
    /// `type`.
    pub kind: NamespaceKind,
    /// The namespace to join, absolute; none creates a new one.
    pub path: Option<&'a str>,
}

/// A range of ids in a user namespace or an id-mapped mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdMapping {
    /// The first id inside.
    pub container_id: u32,
    /// The first id outside.
    pub host_id: u32,
    /// How many, at least 1.
    pub size: u32,
}

/// `linux.timeOffsets`; a clock that is none is left alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeOffsets {
    /// For CLOCK_MONOTONIC.
    pub monotonic: Option<TimeOffset>,
    /// For CLOCK_BOOTTIME.
    pub boottime: Option<TimeOffset>,
}

/// How far a clock is ahead in the container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeOffset {
    /// Seconds, may be negative.
    pub secs: i64,
    /// Nanoseconds on top, 0 to 999 999 999.
    pub nanosecs: u32,
}

/// What a device node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// `c` or `u`.
    Char,
    /// `b`.
    Block,
    /// `p`.
    Fifo,
}

/// One entry of `linux.devices`: the arguments of mknod(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device<'a> {
    /// Where, in the container.
    pub path: &'a str,
    /// `type`.
    pub kind: DeviceKind,
    /// Major number; 0 for a fifo.
    pub major: u32,
    /// Minor number; 0 for a fifo.
    pub minor: u32,
    /// Permission bits, 0 to 0o7777; unset is the runtime's choice.
    pub file_mode: Option<u32>,
    /// The owner in the container; unset is the runtime's choice.
    pub uid: Option<u32>,
    /// The group in the container; unset is the runtime's choice.
    pub gid: Option<u32>,
}

/// A value of `linux.netDevices`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetDevice<'a> {
    /// The name in the container; none keeps that of the host.
    pub name: Option<&'a str>,
}

/// `linux.intelRdt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntelRdt<'a> {
    /// The class of service; `/` is the default class.
    pub clos_id: Option<&'a str>,
    /// Schema lines, to be written last.
    pub schemata: Vec<&'a str>,
    /// The schema of the L3 cache.
    pub l3_cache_schema: Option<&'a str>,
    /// The schema of the memory bandwidth.
    pub mem_bw_schema: Option<&'a str>,
    /// Whether to make a monitoring group.
    pub enable_monitoring: bool,
}

closed_set! {
    /// `linux.memoryPolicy.mode`; the numbers are the kernel's.
    pub enum MemoryPolicyMode {
        /// The system's default.
        Default = "MPOL_DEFAULT",
        /// The nodes, others when they are full.
        Preferred = "MPOL_PREFERRED",
        /// Only the nodes.
        Bind = "MPOL_BIND",
        /// The nodes in turn.
        Interleave = "MPOL_INTERLEAVE",
        /// The node of the CPU.
        Local = "MPOL_LOCAL",
        /// Any of the nodes, others when they are full.
        PreferredMany = "MPOL_PREFERRED_MANY",
        /// The nodes in turn, by weight.
        WeightedInterleave = "MPOL_WEIGHTED_INTERLEAVE",
    }
}

/// `linux.memoryPolicy`: the arguments of set_mempolicy(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryPolicy<'a> {
    /// The mode; `as u32` is the kernel's number.
    pub mode: MemoryPolicyMode,
    /// NUMA nodes, `0-3,7`.
    pub nodes: Option<&'a str>,
    /// MPOL_F_* bits, to be or-ed to the mode.
    pub flags: u32,
}

closed_set! {
    /// `linux.rootfsPropagation`.
    pub enum Propagation {
        /// Members of the peer group see each other's mounts.
        Shared = "shared",
        /// The host's mounts come in, ours do not get out.
        Slave = "slave",
        /// Neither.
        Private = "private",
        /// Neither, and no bind mounts of it.
        Unbindable = "unbindable",
        /// Shared, and all mounts below.
        RecursiveShared = "rshared",
        /// Slave, and all mounts below.
        RecursiveSlave = "rslave",
        /// Private, and all mounts below.
        RecursivePrivate = "rprivate",
        /// Unbindable, and all mounts below.
        RecursiveUnbindable = "runbindable",
    }
}

impl Propagation {
    /// The flags for mount(2): MS_SHARED and its like, with MS_REC.
    pub fn flags(self) -> u32 {
        let kinds = [sys::MS_SHARED, sys::MS_SLAVE, sys::MS_PRIVATE, sys::MS_UNBINDABLE];
        let number = self as usize;
        kinds[number % 4] | if number >= 4 { sys::MS_REC } else { 0 }
    }
}

closed_set! {
    /// `linux.personality.domain`.
    pub enum PersonalityDomain {
        /// PER_LINUX.
        Linux = "LINUX",
        /// PER_LINUX32.
        Linux32 = "LINUX32",
    }
}

/// `linux.personality`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Personality<'a> {
    /// The domain.
    pub domain: PersonalityDomain,
    /// The specification knows no flags yet, so any is an error.
    pub flags: Vec<&'a str>,
}

impl<'a> Linux<'a> {
    /// Reads `linux` without the rules of `validate`.
    pub fn parse(node: &Node<'a, '_>) -> Option<Self> {
        Some(Linux {
            namespaces: node.list("namespaces", Namespace::parse),
            uid_mappings: node.list("uidMappings", IdMapping::parse),
            gid_mappings: node.list("gidMappings", IdMapping::parse),
            time_offsets: TimeOffsets::parse(node),
            devices: node.list("devices", Device::parse),
            net_devices: node.map("netDevices", |node| Some(NetDevice { name: node.text("name") })),
            cgroups_path: node.text("cgroupsPath"),
            resources: node.object("resources", Resources::parse),
            intel_rdt: node.object("intelRdt", IntelRdt::parse),
            memory_policy: node.object("memoryPolicy", MemoryPolicy::parse),
            sysctl: node.string_map("sysctl"),
            seccomp: node.object("seccomp", Seccomp::parse),
            rootfs_propagation: node.object("rootfsPropagation", |node| match node.as_str() {
                Some("") => None,
                _ => Propagation::read(node),
            }),
            masked_paths: node.strings("maskedPaths"),
            readonly_paths: node.strings("readonlyPaths"),
            mount_label: node.text("mountLabel"),
            personality: node.object("personality", Personality::parse),
        })
    }

    /// The entry for a kind of namespace.
    pub fn namespace(&self, kind: NamespaceKind) -> Option<Namespace<'a>> {
        self.namespaces.iter().find(|namespace| namespace.kind == kind).copied()
    }

    /// Whether the container gets a new namespace of this kind.
    pub fn creates(&self, kind: NamespaceKind) -> bool {
        self.namespace(kind).is_some_and(|namespace| namespace.path.is_none())
    }
}

impl<'a> Namespace<'a> {
    fn parse(node: &Node<'a, '_>) -> Option<Self> {
        Some(Namespace {
            kind: NamespaceKind::read(&node.required("type")?)?,
            path: node.text("path"),
        })
    }
}

impl IdMapping {
    /// Reads one entry of `uidMappings` or `gidMappings`.
    pub fn parse(node: &Node<'_, '_>) -> Option<Self> {
        Some(IdMapping {
            container_id: node.u32("containerID").unwrap_or(0),
            host_id: node.u32("hostID").unwrap_or(0),
            size: node.u32("size").unwrap_or(0),
        })
    }
}

impl TimeOffsets {
    /// Whether any clock has an offset.
    pub fn any(&self) -> bool {
        self.monotonic.is_some() || self.boottime.is_some()
    }

    fn parse(linux: &Node<'_, '_>) -> Self {
        let mut offsets = TimeOffsets::default();
        for (clock, offset) in linux.map("timeOffsets", TimeOffset::parse) {
            match clock {
                "monotonic" => offsets.monotonic = Some(offset),
                _ => offsets.boottime = Some(offset),
            }
        }
        offsets
    }
}

impl TimeOffset {
    fn parse(node: &Node<'_, '_>) -> Option<Self> {
        if !matches!(node.key(), "monotonic" | "boottime") {
            node.complain(format_args!("unknown clock; known are: monotonic boottime"));
        }
        Some(TimeOffset {
            secs: node.i64("secs").unwrap_or(0),
            nanosecs: node.u32("nanosecs").unwrap_or(0),
        })
    }
}

impl<'a> Device<'a> {
    fn parse(node: &Node<'a, '_>) -> Option<Self> {
        const KINDS: [DeviceKind; 4] =
            [DeviceKind::Char, DeviceKind::Char, DeviceKind::Block, DeviceKind::Fifo];
        let kind = KINDS[node.required("type")?.word("c u b p ")?];
        if kind != DeviceKind::Fifo {
            node.required("major")?;
            node.required("minor")?;
        }
        Some(Device {
            path: node.required_text("path")?,
            kind,
            major: node.u32("major").unwrap_or(0),
            minor: node.u32("minor").unwrap_or(0),
            // Docker adds the type bits.
            file_mode: node.u32("fileMode").map(|mode| mode & 0o7777),
            uid: node.u32("uid"),
            gid: node.u32("gid"),
        })
    }
}

impl<'a> IntelRdt<'a> {
    fn parse(node: &Node<'a, '_>) -> Option<Self> {
        Some(IntelRdt {
            clos_id: node.text("closID"),
            schemata: node.strings("schemata"),
            l3_cache_schema: node.text("l3CacheSchema"),
            mem_bw_schema: node.text("memBwSchema"),
            enable_monitoring: node.flag("enableMonitoring"),
        })
    }
}

impl<'a> MemoryPolicy<'a> {
    /// The names of the flags, each followed by a space; the kernel's bits are
    /// 13, 14 and 15 in this order.
    pub const FLAGS: &'static str =
        "MPOL_F_NUMA_BALANCING MPOL_F_RELATIVE_NODES MPOL_F_STATIC_NODES ";

    fn parse(node: &Node<'a, '_>) -> Option<Self> {
        let mut flags = 0;
        for flag in node.list("flags", |node| node.word(Self::FLAGS)) {
            flags |= 1 << (13 + flag);
        }
        Some(MemoryPolicy {
            mode: MemoryPolicyMode::read(&node.required("mode")?)?,
            nodes: node.text("nodes"),
            flags,
        })
    }
}

impl<'a> Personality<'a> {
    fn parse(node: &Node<'a, '_>) -> Option<Self> {
        Some(Personality {
            domain: PersonalityDomain::read(&node.required("domain")?)?,
            flags: node.strings("flags"),
        })
    }
}
