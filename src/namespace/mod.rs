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
    /// needed, which is born in the new namespaces and joins the others itself. A
    /// time namespace and a joined pid namespace only take effect for children; a
    /// joined user namespace is entered before others are made, and a new one after
    /// those that are joined: they are not its own. For the `last` process that the
    /// command makes, it can be the one that joins the pid namespace.
    pub fn needs_stage(&self, last: bool) -> bool {
        self.is_new(CLONE_NEWTIME)
            || self.joins(CLONE_NEWTIME)
            || self.joins(CLONE_NEWUSER)
            || self.joins(CLONE_NEWPID) && !last
            || self.is_new(CLONE_NEWUSER) && !self.join.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn one_more_process_where_the_order_demands_it() {
        const OTHERS: u32 = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS;
        let needed = |new, joined: &[u32], last| {
            let join = joined.iter().map(|&kind| join::Join { kind, path: c"/ns", fd: None });
            let join: Vec<join::Join> = join.collect();
            Plan { new, join, ..Plan::default() }.needs_stage(last)
        };
        // What engines ask for: they have set the network up.
        assert!(!needed(OTHERS, &[CLONE_NEWNET], false));
        assert!(!needed(OTHERS, &[CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWCGROUP], false));
        assert!(!needed(OTHERS | CLONE_NEWNET | CLONE_NEWUSER, &[], false));
        // A new user namespace may have no rights in what is joined.
        assert!(needed(OTHERS | CLONE_NEWUSER, &[CLONE_NEWNET], false));
        assert!(needed(OTHERS, &[CLONE_NEWUSER], false));
        assert!(needed(CLONE_NEWNS, &[CLONE_NEWPID], false));
        assert!(!needed(0, &[CLONE_NEWPID, CLONE_NEWNS], true));
        for last in [false, true] {
            assert!(needed(CLONE_NEWTIME, &[], last));
            assert!(needed(0, &[CLONE_NEWTIME], last));
        }
    }
}
