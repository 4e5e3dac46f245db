//! Namespaces, and what belongs to those of users and of time.

use linux_raw_sys::general as sys;

use crate::closed_set;
use crate::json::Node;

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

impl<'a> Namespace<'a> {
    pub(super) fn parse(node: &Node<'a, '_>) -> Self {
        Namespace { kind: NamespaceKind::required(node, "type"), path: node.text("path") }
    }
}

impl IdMapping {
    /// Reads one entry of `uidMappings` or `gidMappings`.
    pub fn parse(node: &Node<'_, '_>) -> Self {
        IdMapping {
            container_id: node.u32("containerID").unwrap_or(0),
            host_id: node.u32("hostID").unwrap_or(0),
            size: node.u32("size").unwrap_or(0),
        }
    }
}

impl TimeOffsets {
    /// Whether any clock has an offset.
    pub fn any(&self) -> bool {
        self.monotonic.is_some() || self.boottime.is_some()
    }

    pub(super) fn fill(&mut self, linux: &Node<'_, '_>) {
        linux.each_property("timeOffsets", &mut |clock, node| {
            let offset = TimeOffset {
                secs: node.i64("secs").unwrap_or(0),
                nanosecs: node.u32("nanosecs").unwrap_or(0),
            };
            match clock {
                "monotonic" => self.monotonic = Some(offset),
                "boottime" => self.boottime = Some(offset),
                _ => node.complain(format_args!("unknown clock; known are: monotonic boottime")),
            }
        });
    }
}
