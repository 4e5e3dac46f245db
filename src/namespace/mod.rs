//! Namespaces (namespaces(7); runtime-spec, config-linux.md "Namespaces"): those
//! the container gets new, and those it joins.

pub mod idmap;
pub mod join;
pub mod refused;
pub mod time;

use linux_raw_sys::general::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME,
    CLONE_NEWUSER, CLONE_NEWUTS,
};

/// A kind of namespace, by its `CLONE_NEW*` flag, with its name in
/// `/proc/PID/ns`.
pub const KINDS: [(u32, &str); 8] = [
    (CLONE_NEWUSER, "user"),
    (CLONE_NEWPID, "pid"),
    (CLONE_NEWIPC, "ipc"),
    (CLONE_NEWUTS, "uts"),
    (CLONE_NEWNET, "net"),
    (CLONE_NEWCGROUP, "cgroup"),
    (CLONE_NEWTIME, "time"),
    (CLONE_NEWNS, "mnt"),
];

/// What making and joining them is called.
pub const STEP: &str = "set up namespaces";

/// The name in `/proc/PID/ns` of the kind of namespace with this flag.
pub fn name(flag: u32) -> &'static str {
    KINDS.iter().find(|kind| kind.0 == flag).map_or("?", |kind| kind.1)
}

/// What the container's namespaces are to be.
#[derive(Default)]
pub struct Plan {
    /// `CLONE_NEW*` flags of the new ones.
    pub new: u32,
    /// Those to join, in the order in which they are joined.
    pub join: alloc::vec::Vec<join::Join>,
    /// The text for `/proc/self/timens_offsets`, for a new time namespace.
    pub time_offsets: Option<&'static str>,
    /// The runtime finds back out of a network namespace that it makes for the
    /// container.
    pub returns: bool,
    /// The id maps of a new user namespace.
    pub id_maps: Option<idmap::IdMaps>,
}

impl Plan {
    /// Whether this kind (a `CLONE_NEW*` flag) is new.
    pub fn is_new(&self, kind: u32) -> bool {
        self.new & kind != 0
    }

    /// Whether this kind is joined.
    pub fn joins(&self, kind: u32) -> bool {
        self.join.iter().any(|join| join.kind & kind != 0)
    }

    /// Whether this kind is not the runtime's own.
    pub fn has(&self, kind: u32) -> bool {
        self.is_new(kind) || self.joins(kind)
    }

    /// Whether a process between the command and the container's first one is
    /// needed: a joined pid namespace, a user namespace that must be entered
    /// before others, and a time namespace only take effect for children. For the
    /// `last` process that the command makes, it can be the one that joins the pid
    /// namespace.
    pub fn needs_stage(&self, last: bool) -> bool {
        let joined = !self.join.is_empty();
        self.is_new(CLONE_NEWTIME)
            || joined && (self.new != 0 || !last || self.joins_for_children())
    }

    /// Whether a namespace is joined that only children can be in, but that of
    /// pids, or one that must be entered before it.
    fn joins_for_children(&self) -> bool {
        self.joins(CLONE_NEWUSER) || self.joins(CLONE_NEWTIME)
    }
}
