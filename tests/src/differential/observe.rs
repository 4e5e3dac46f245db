//! What was seen, as a flat list of fields in which nothing differs by chance.

use crate::cgroups;
use crate::container::namespace;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Names of fields with their values.
pub type Fields = BTreeMap<String, String>;

/// The namespaces that have names in a comparison.
pub struct Spaces {
    /// The test process's, by kind.
    pub own: fn(&str) -> String,
    /// A process whose namespaces cases join.
    pub peer: Option<i32>,
}

/// Adds the fields of a guest's report.
pub fn inside(report: &Value, spaces: &Spaces, fields: &mut Fields) {
    for (key, value) in report.as_object().expect("a report is an object") {
        match key.as_str() {
            // Numbers that the kernel gives out; what they mean is told elsewhere.
            "ppid" | "sid" | "pgid" | "args" => {}
            "pid" => set(fields, "pid", if value == 1 { "1" } else { "not 1" }.into()),
            "session_keyring" => set(fields, "keyring.there", (!value.is_null()).to_string()),
            "mountinfo" => mounts(value, fields),
            "namespaces" => namespaces(value, spaces, fields),
            "env" => env(value, fields),
            "fds" => descriptors(value, fields),
            "cgroup" => memberships(value, fields),
            "capabilities" | "rlimits" | "dev" | "probes" | "scheduling" | "terminal"
            | "interfaces" => {
                for (name, value) in value.as_object().expect("an object") {
                    set(fields, &format!("{key}.{name}"), plain(value));
                }
            }
            _ => set(fields, key, plain(value)),
        }
    }
}

fn set(fields: &mut Fields, key: &str, value: String) {
    fields.insert(key.to_string(), value);
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Mounts by place; without ids, device numbers and the numbers of peer groups.
fn mounts(value: &Value, fields: &mut Fields) {
    let mut order = Vec::new();
    for line in texts(value) {
        let Some((before, after)) = line.split_once(" - ") else { continue };
        let before: Vec<&str> = before.split(' ').collect();
        let [_, _, _, root, at, options, propagation @ ..] = &before[..] else { continue };
        let after: Vec<&str> = after.split(' ').collect();
        let [kind, source, of_the_file_system] = &after[..] else { continue };
        let propagation = propagation.iter().map(|p| p.split(':').next().unwrap_or(p));
        let propagation = propagation.collect::<Vec<_>>().join(" ");
        let name = unused(fields, &format!("mount.{at}"));
        order.push(name.trim_start_matches("mount.").to_string());
        let part = |fields: &mut Fields, part: &str, value: &str| {
            set(fields, &format!("{name} {part}"), value.to_string());
        };
        part(fields, "type", kind);
        part(fields, "options", &sorted(options));
        part(fields, "data", &sorted(of_the_file_system));
        part(fields, "propagation", &propagation);
        part(fields, "root", root);
        part(fields, "source", source);
        set(fields, &name, "there".into());
    }
    set(fields, "mounts.order", order.join(" "));
}

fn sorted(list: &str) -> String {
    let mut words: Vec<&str> = list.split(',').collect();
    words.sort_unstable();
    words.join(",")
}

fn unused(fields: &Fields, name: &str) -> String {
    let mut free = name.to_string();
    let mut n = 1;
    while fields.contains_key(&free) {
        n += 1;
        free = format!("{name}#{n}");
    }
    free
}

fn namespaces(value: &Value, spaces: &Spaces, fields: &mut Fields) {
    for (kind, link) in value.as_object().into_iter().flatten() {
        let link = plain(link);
        let name = if link == (spaces.own)(kind) {
            "the host's"
        } else if spaces.peer.is_some_and(|p| link == namespace(p, kind)) {
            "the peer's"
        } else {
            "new"
        };
        set(fields, &format!("ns.{kind}"), name.into());
    }
}

fn env(value: &Value, fields: &mut Fields) {
    let mut order = Vec::new();
    for entry in texts(value) {
        let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
        let key = unused(fields, &format!("env.{name}"));
        set(fields, &key, value.into());
        order.push(name);
    }
    set(fields, "env", order.join(" "));
}

/// Standard input, output and error may be files or pipes; that is the caller's
/// business as long as they are there.
fn descriptors(value: &Value, fields: &mut Fields) {
    for (number, link) in value.as_object().into_iter().flatten() {
        let standard = ["0", "1", "2"].contains(&number.as_str());
        let link = if standard { "open".into() } else { plain(link) };
        set(fields, &format!("fd.{number}"), link);
    }
}

fn memberships(value: &Value, fields: &mut Fields) {
    for line in texts(value) {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(names), Some(path)) = (parts.next(), parts.next()) else { continue };
        let names = if names.is_empty() { "unified" } else { names };
        set(fields, &format!("cgroup.{names}"), path.into());
    }
}

/// The files of control groups that configuration reaches.
const FILES: &[&str] = &[
    "memory.limit_in_bytes",
    "memory.soft_limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.kmem.limit_in_bytes",
    "memory.kmem.tcp.limit_in_bytes",
    "memory.swappiness",
    "memory.use_hierarchy",
    "memory.oom_control",
    "cpu.shares",
    "cpu.cfs_quota_us",
    "cpu.cfs_period_us",
    "cpu.cfs_burst_us",
    "cpu.rt_runtime_us",
    "cpu.rt_period_us",
    "cpu.idle",
    "cpuset.cpus",
    "cpuset.mems",
    "blkio.weight",
    "blkio.leaf_weight",
    "blkio.bfq.weight",
    "blkio.weight_device",
    "blkio.throttle.read_bps_device",
    "blkio.throttle.write_bps_device",
    "blkio.throttle.read_iops_device",
    "blkio.throttle.write_iops_device",
    "pids.max",
    "devices.list",
    "freezer.state",
    "net_cls.classid",
    "net_prio.ifpriomap",
];

/// The container's process as the host sees it: its control groups' paths and values.
pub fn outside(pid: i32) -> Fields {
    let mut fields = Fields::new();
    for h in cgroups::hierarchies() {
        let Some(dir) = h.directory_of(pid) else { continue };
        let name = h.controllers.join(",");
        let below = dir.strip_prefix(&h.mount).unwrap_or(&dir).display().to_string();
        set(&mut fields, &format!("outside.{name}"), format!("/{below}"));
        match dir == h.mount {
            false if h.unified() => all_files(&dir, &mut fields),
            false => files(&dir, &mut fields),
            true => {}
        }
    }
    fields
}

/// What is in the name of a file of cgroup v2 that tells what happens, and not
/// what was asked for.
const HAPPENS: &[&str] =
    &[".current", ".events", ".peak", ".procs", ".stat", ".threads", "_stat", "_usage"];

/// Every file of a cgroup of v2: its value, or only that it is there.
fn all_files(dir: &Path, fields: &mut Fields) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            set(fields, "below", "a directory".into());
            continue;
        }
        // cgroup.pressure is a switch; the others measure.
        let measures = name.ends_with(".pressure") && name != "cgroup.pressure";
        let text = fs::read_to_string(entry.path()).ok();
        let text = text.filter(|_| !measures && !HAPPENS.iter().any(|part| name.contains(part)));
        let value = text.map(|text| text.lines().collect::<Vec<_>>().join(" / "));
        set(fields, &format!("file.{name}"), value.unwrap_or("there".into()));
    }
}

fn files(dir: &Path, fields: &mut Fields) {
    for file in FILES {
        let Ok(text) = fs::read_to_string(dir.join(file)) else { continue };
        let mut lines: Vec<&str> = text.lines().collect();
        match *file {
            // Counters of what has happened.
            "memory.oom_control" => lines.retain(|l| l.starts_with("oom_kill_disable")),
            // In the order in which the rules came.
            "devices.list" => lines.sort_unstable(),
            _ => {}
        }
        set(fields, &format!("file.{file}"), lines.join(" / "));
    }
}
