//! The plan as a document: `ocinit plan`. docs/plan.md describes its properties,
//! which stay: new ones are added.

use super::{Op, Plan};
use crate::hook::Hooks;
use crate::json::Writer;
use crate::namespace::idmap::{self, IdMaps};
use crate::namespace::{self, KINDS};
use crate::process::identity::Sets;
use crate::rootfs::mount::Mount;
use crate::rootfs::tree::Recursion;
use crate::spec::{Rlimit, capability};
use crate::sys::mount::Attributes;
use crate::sys::schedule::Mask;
use crate::text;
use crate::{cgroup, rdt};
use alloc::string::{String, ToString};
use core::ffi::CStr;
use core::fmt;
use linux_raw_sys::general::*;
use rustix::fs::FileType;

/// A container's plan with what stands around it.
pub struct Shown<'a> {
    /// The container's id.
    pub id: &'a str,
    /// The bundle's directory.
    pub bundle: &'a str,
    /// The root file system's directory.
    pub rootfs: &'a str,
    /// The plan.
    pub plan: &'a Plan,
    /// The cgroups.
    pub cgroups: &'a cgroup::Plan,
    /// The unit that systemd is to make.
    pub unit: Option<ShownUnit<'a>>,
    /// The groups of resctrl.
    pub rdt: &'a rdt::Group,
    /// The hooks of later commands: poststart, poststop.
    pub later_hooks: &'a [Hooks; 2],
}

/// A unit of systemd.
pub struct ShownUnit<'a> {
    /// Its name.
    pub name: &'a str,
    /// It is of a user's systemd.
    pub user: bool,
    /// `NAME=VALUE`.
    pub properties: &'a [&'static str],
}

impl Shown<'_> {
    /// The document, in one line.
    pub fn document(&self) -> String {
        let mut out = Writer::new();
        let plan = self.plan;
        out.open_object();
        out.string_field("id", self.id);
        out.string_field("bundle", self.bundle);
        out.string_field("root", self.rootfs);
        namespaces(&mut out, &plan.namespaces);
        let lines = self.cgroups.to_string();
        out.strings_field("cgroups", &mut lines.lines());
        if let Some(unit) = &self.unit {
            out.object_field("unit");
            out.string_field("name", unit.name);
            out.bool_field("user", unit.user);
            out.strings_field("properties", &mut unit.properties.iter().copied());
            out.close();
        }
        if let Some((uid, gid)) = plan.cgroup_owner {
            out.object_field("cgroupOwner");
            ids(&mut out, uid, gid);
            out.close();
        }
        if !self.rdt.class.is_empty() {
            out.object_field("intelRdt");
            out.string_field("class", self.rdt.class);
            out.string_field("monitor", self.rdt.monitor);
            out.close();
        }
        out.array_field("operations");
        for op in &plan.ops {
            out.open_object();
            out.key("text");
            display(&mut out, op);
            details(&mut out, op, plan);
            out.close();
        }
        out.close();
        process(&mut out, plan);
        if let Some(filter) = &plan.seccomp {
            out.object_field("seccomp");
            out.number_field("instructions", filter.instructions.len() as i64);
            out.number_field("flags", i64::from(filter.flags));
            out.bool_field("listener", filter.listener);
            out.close();
        }
        out.object_field("hooks");
        let [prestart, create_runtime] = &plan.runtime_hooks;
        let (create, start) = (&plan.create_container, &plan.start_container);
        let [poststart, poststop] = self.later_hooks;
        for hooks in [prestart, create_runtime, create, start, poststart, poststop] {
            if !hooks.is_empty() {
                hooks.describe(&mut out);
            }
        }
        out.close();
        out.array_field("warnings");
        let filter = plan.seccomp.as_ref().map_or(&[][..], |filter| &filter.warnings);
        for warnings in [&plan.warnings, filter] {
            for warning in warnings {
                out.string(warning);
            }
        }
        out.close();
        out.close();
        out.finish()
    }
}

fn ids(out: &mut Writer, uid: u32, gid: u32) {
    out.number_field("uid", i64::from(uid));
    out.number_field("gid", i64::from(gid));
}

fn display(out: &mut Writer, what: &dyn fmt::Display) {
    out.string(&what.to_string());
}

fn c_string(out: &mut Writer, text: &CStr) {
    out.string(text::lossy(text.to_bytes()));
}

fn c_strings(out: &mut Writer, key: &str, texts: &[&'static CStr]) {
    out.array_field(key);
    for text in texts {
        c_string(out, text);
    }
    out.close();
}

fn namespaces(out: &mut Writer, plan: &namespace::Plan) {
    out.object_field("namespaces");
    let mut new = KINDS.iter().filter(|kind| plan.is_new(kind.0)).map(|kind| kind.1);
    out.strings_field("new", &mut new);
    out.array_field("join");
    for join in &plan.join {
        out.open_object();
        out.string_field("type", namespace::name(join.kind));
        out.key("path");
        c_string(out, join.path);
        out.close();
    }
    out.close();
    if let Some(maps) = &plan.id_maps {
        id_maps(out, maps);
        out.bool_field("newuidmap", maps.need_helper);
        out.bool_field("denySetgroups", maps.deny_setgroups);
    }
    if let Some(offsets) = &plan.time_offsets {
        out.strings_field("timeOffsets", &mut offsets.lines());
    }
    out.close();
}

fn id_maps(out: &mut Writer, maps: &IdMaps) {
    for (key, map) in [("uidMap", &maps.uid), ("gidMap", &maps.gid)] {
        out.strings_field(key, &mut idmap::text(map).lines());
    }
}

fn process(out: &mut Writer, plan: &Plan) {
    let (identity, program) = (&plan.identity, &plan.program);
    out.object_field("process");
    ids(out, identity.uid, identity.gid);
    if let Some(groups) = &identity.groups {
        out.array_field("groups");
        for group in groups {
            out.number(i64::from(group.as_raw()));
        }
        out.close();
    }
    capabilities(out, &identity.capabilities);
    out.key("cwd");
    c_string(out, plan.cwd);
    c_strings(out, "arguments", program.arguments.as_slice());
    c_strings(out, "candidates", &program.candidates);
    c_strings(out, "environment", program.environment.as_slice());
    out.bool_field("homeFromPasswd", program.needs_home);
    out.array_field("rlimits");
    for limit in &plan.rlimits {
        out.open_object();
        out.string_field("type", Rlimit::name(limit.resource));
        // No limit is -1.
        out.number_field("soft", limit.soft as i64);
        out.number_field("hard", limit.hard as i64);
        out.close();
    }
    out.close();
    if let Some(value) = plan.oom_score_adj {
        out.number_field("oomScoreAdj", i64::from(value));
    }
    if let Some(scheduler) = plan.scheduler {
        out.object_field("scheduler");
        out.string_field("policy", scheduler.policy.name());
        for (key, value) in [
            ("nice", i64::from(scheduler.nice)),
            ("priority", i64::from(scheduler.priority)),
            ("flags", scheduler.flags as i64),
            ("runtime", scheduler.runtime as i64),
            ("deadline", scheduler.deadline as i64),
            ("period", scheduler.period as i64),
        ] {
            out.number_field(key, value);
        }
        out.close();
    }
    if let Some(io) = plan.io_priority {
        out.object_field("ioPriority");
        out.string_field("class", io.class.name());
        out.number_field("priority", i64::from(io.priority));
        out.close();
    }
    out.number_field("preserveFds", i64::from(plan.preserve_fds));
    out.close();
}

fn capabilities(out: &mut Writer, sets: &Sets) {
    out.object_field("capabilities");
    for (key, set) in [
        ("bounding", sets.bounding),
        ("effective", sets.effective),
        ("inheritable", sets.inheritable),
        ("permitted", sets.permitted),
        ("ambient", sets.ambient),
    ] {
        out.array_field(key);
        for number in (0..64).filter(|number| set & (1 << number) != 0) {
            out.string(&text::joined(&["CAP_", capability::name(number)], ""));
        }
        out.close();
    }
    out.close();
}

/// What the text of an operation leaves out.
fn details(out: &mut Writer, op: &Op, plan: &Plan) {
    match op {
        Op::Root { shared_parent: Some(parent), .. } => {
            out.key("sharedParent");
            c_string(out, parent);
        }
        Op::Mount(mount) => mount_details(out, mount),
        Op::CgroupMount(mount) => {
            let (entry, views) = mount.describe();
            attributes(out, "attributes", "", entry.attributes);
            out.strings_field("views", &mut views.lines());
        }
        Op::Device(device) => {
            let kind = match device.kind {
                FileType::CharacterDevice => "c",
                FileType::BlockDevice => "b",
                _ => "p",
            };
            out.key("node");
            display(out, &format_args!("{kind} {}:{}", device.major, device.minor));
            out.key("mode");
            display(out, &format_args!("{:04o}", device.mode));
            out.key("owner");
            display(out, &format_args!("{}:{}", device.uid, device.gid));
            if device.bind {
                out.bool_field("bind", true);
            }
        }
        Op::Terminal { uid, console, .. } => {
            out.number_field("uid", i64::from(*uid));
            out.bool_field("console", *console);
        }
        Op::MemoryPolicy(_, nodes) => numbers(out, "nodes", nodes),
        Op::Affinity(cpus) => numbers(out, "cpus", cpus),
        Op::NetDevices => {
            out.array_field("devices");
            for device in &plan.net_devices {
                out.open_object();
                out.string_field("host", device.host);
                out.string_field("name", device.name);
                out.close();
            }
            out.close();
        }
        _ => {}
    }
}

fn numbers(out: &mut Writer, key: &str, mask: &Mask) {
    out.array_field(key);
    for number in (0..64 * mask.len()).filter(|n| mask[n / 64] & (1 << (n % 64)) != 0) {
        out.number(number as i64);
    }
    out.close();
}

fn mount_details(out: &mut Writer, mount: &Mount) {
    match mount.bind {
        Some(Recursion::One) => out.string_field("bind", "bind"),
        Some(Recursion::All) => out.string_field("bind", "rbind"),
        None => {
            out.key("type");
            c_string(out, mount.fstype);
        }
    }
    for (key, on) in [("remount", mount.remount), ("copyUp", mount.copy_up)] {
        if on {
            out.bool_field(key, true);
        }
    }
    if let Some(id_map) = &mount.id_map {
        out.object_field("idMap");
        if let Some(maps) = &id_map.maps {
            id_maps(out, maps);
        }
        out.bool_field("recursive", id_map.recursion == Recursion::All);
        out.close();
    }
    attributes(out, "attributes", "", mount.attributes);
    attributes(out, "recursiveAttributes", "r", mount.recursive);
    if !mount.propagation.is_empty() {
        out.array_field("propagation");
        for &(flags, recursion) in &mount.propagation {
            let all = if recursion == Recursion::All { u64::from(MS_REC) } else { 0 };
            out.string(super::op::propagation(flags | all));
        }
        out.close();
    }
    if !mount.data.is_empty() {
        out.array_field("data");
        for (key, value) in &mount.data {
            match value {
                None => c_string(out, key),
                Some(value) => {
                    let pair = [key.to_bytes(), b"=", value.to_bytes()].concat();
                    out.string(text::lossy(&pair));
                }
            }
        }
        out.close();
    }
}

/// Attributes by the names that options have for them: set, cleared.
const ATTRIBUTES: [(u32, &str, &str); 6] = [
    (MOUNT_ATTR_RDONLY, "ro", "rw"),
    (MOUNT_ATTR_NOSUID, "nosuid", "suid"),
    (MOUNT_ATTR_NODEV, "nodev", "dev"),
    (MOUNT_ATTR_NOEXEC, "noexec", "exec"),
    (MOUNT_ATTR_NODIRATIME, "nodiratime", "diratime"),
    (MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow", "symfollow"),
];

fn attributes(out: &mut Writer, key: &str, prefix: &str, attributes: Attributes) {
    let (set, clear) = (attributes.set as u32, attributes.clear as u32);
    if set | clear == 0 {
        return;
    }
    out.array_field(key);
    let mut name = |name: &str| out.string(&text::joined(&[prefix, name], ""));
    for (bit, on, off) in ATTRIBUTES {
        if set & bit != 0 {
            name(on);
        } else if clear & bit != 0 {
            name(off);
        }
    }
    match set & MOUNT_ATTR__ATIME {
        MOUNT_ATTR_NOATIME => name("noatime"),
        MOUNT_ATTR_STRICTATIME => name("strictatime"),
        // It is the zero of the field, so only the clearing shows.
        _ if clear & MOUNT_ATTR__ATIME != 0 => name("relatime"),
        _ => {}
    }
    out.close();
}
