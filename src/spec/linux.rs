//! `linux`: devices, policies and the rest that only Linux has.

use alloc::vec::Vec;
use linux_raw_sys::general as sys;

use super::{IdMapping, Namespace, NamespaceKind, Resources, Seccomp, TimeOffsets};
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    #[inline(never)]
    pub(super) fn fill(&mut self, node: &Node<'a, '_>) {
        node.list("namespaces", &mut self.namespaces, Namespace::parse);
        node.list("uidMappings", &mut self.uid_mappings, IdMapping::parse);
        node.list("gidMappings", &mut self.gid_mappings, IdMapping::parse);
        self.time_offsets.fill(node);
        node.list("devices", &mut self.devices, Device::parse);
        node.each_property("netDevices", &mut |host, node| {
            self.net_devices.push((host, NetDevice { name: node.text("name") }));
        });
        self.cgroups_path = node.text("cgroupsPath");
        node.object("resources", &mut self.resources, Resources::parse);
        node.object("intelRdt", &mut self.intel_rdt, IntelRdt::parse);
        node.object("memoryPolicy", &mut self.memory_policy, MemoryPolicy::parse);
        node.string_map("sysctl", &mut self.sysctl);
        node.object("seccomp", &mut self.seccomp, Seccomp::parse);
        if node.text("rootfsPropagation").is_some() {
            self.rootfs_propagation = Some(Propagation::required(node, "rootfsPropagation"));
        }
        node.strings("maskedPaths", &mut self.masked_paths);
        node.strings("readonlyPaths", &mut self.readonly_paths);
        self.mount_label = node.text("mountLabel");
        node.object("personality", &mut self.personality, Personality::parse);
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

impl<'a> Device<'a> {
    fn parse(node: &Node<'a, '_>) -> Self {
        let kind = match node.required_word("type", "c u b p ") {
            3 => DeviceKind::Fifo,
            2 => DeviceKind::Block,
            _ => DeviceKind::Char,
        };
        let number = |name| if kind == DeviceKind::Fifo { 0 } else { node.required_u32(name) };
        Device {
            path: node.required_text("path"),
            kind,
            major: number("major"),
            minor: number("minor"),
            // Docker adds the type bits.
            file_mode: node.u32("fileMode").map(|mode| mode & 0o7777),
            uid: node.u32("uid"),
            gid: node.u32("gid"),
        }
    }
}

impl<'a> IntelRdt<'a> {
    fn parse(node: &Node<'a, '_>) -> Self {
        let mut rdt = IntelRdt::default();
        rdt.clos_id = node.text("closID");
        node.strings("schemata", &mut rdt.schemata);
        rdt.l3_cache_schema = node.text("l3CacheSchema");
        rdt.mem_bw_schema = node.text("memBwSchema");
        rdt.enable_monitoring = node.flag("enableMonitoring");
        rdt
    }
}

impl<'a> MemoryPolicy<'a> {
    /// The names of the flags, each followed by a space; the kernel's bits are
    /// 13, 14 and 15 in this order.
    pub const FLAGS: &'static str =
        "MPOL_F_NUMA_BALANCING MPOL_F_RELATIVE_NODES MPOL_F_STATIC_NODES ";

    fn parse(node: &Node<'a, '_>) -> Self {
        MemoryPolicy {
            mode: MemoryPolicyMode::required(node, "mode"),
            // No nodes may be written as an empty list.
            nodes: node.text("nodes").filter(|nodes| !nodes.is_empty()),
            flags: node.bits("flags", Self::FLAGS) << 13,
        }
    }
}

impl<'a> Personality<'a> {
    fn parse(node: &Node<'a, '_>) -> Self {
        let mut flags = Vec::new();
        node.strings("flags", &mut flags);
        Personality { domain: PersonalityDomain::required(node, "domain"), flags }
    }
}
