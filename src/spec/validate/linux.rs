//! Rules about `linux`, without its resources.

use super::Rules;
use crate::cut;
use crate::json::words;
use crate::spec::{
    IdMapping, Linux, MemoryPolicy, MemoryPolicyMode, NamespaceKind, Seccomp, SeccompAction, ranges,
};

pub(super) fn check(rules: &mut Rules, linux: &Linux<'_>) {
    namespaces(rules, linux);
    for (index, device) in linux.devices.iter().enumerate() {
        rules.require_at(
            device.path.starts_with('/'),
            index,
            "devices[#].path: must be an absolute path",
        );
    }
    net_devices(rules, linux);
    if let Some(path) = linux.cgroups_path {
        rules.require(path.split('/').all(|part| part != ".."), "cgroupsPath: must not contain ..");
    }
    sysctls(rules, linux);
    paths(rules, linux);
    if let Some(rdt) = &linux.intel_rdt {
        let id = rdt.clos_id.unwrap_or("");
        rules.require(
            id == "/" || id != "." && id != ".." && !id.as_bytes().contains(&b'/'),
            "intelRdt.closID: must be / or the name of a directory",
        );
        rules.require(
            rdt.mem_bw_schema
                .is_none_or(|text| text.starts_with("MB:") && !text.as_bytes().contains(&b'\n')),
            "intelRdt.memBwSchema: must be one line that begins with MB:",
        );
    }
    if let Some(policy) = &linux.memory_policy {
        memory_policy(rules, policy);
    }
    if let Some(filter) = &linux.seccomp {
        seccomp(rules, filter);
    }
    if let Some(personality) = &linux.personality {
        rules.require(
            personality.flags.is_empty(),
            "personality.flags: must be empty: the specification defines no flags",
        );
    }
}

fn namespaces(rules: &mut Rules, linux: &Linux<'_>) {
    for (index, namespace) in linux.namespaces.iter().enumerate() {
        rules.require_at(
            linux.namespaces[..index].iter().all(|other| other.kind != namespace.kind),
            index,
            "namespaces[#].type: malformed spec file: duplicated ns: the same type comes twice",
        );
        rules.require_at(
            namespace.path.is_none_or(|path| path.starts_with('/')),
            index,
            "namespaces[#].path: must be an absolute path",
        );
    }
    let mapped = [("uidMappings", &linux.uid_mappings), ("gidMappings", &linux.gid_mappings)];
    for (name, mappings) in mapped {
        rules.require_of(
            !linux.creates(NamespaceKind::User) || !mappings.is_empty(),
            name,
            0,
            "*: a new user namespace needs at least one entry",
        );
        id_mappings(rules, mappings, name);
    }
    let offsets = linux.time_offsets;
    rules.require(
        !offsets.any() || linux.creates(NamespaceKind::Time),
        "timeOffsets: needs a new time namespace: an entry in linux.namespaces without a path",
    );
    for (name, offset) in [("monotonic", offsets.monotonic), ("boottime", offsets.boottime)] {
        rules.require_of(
            offset.is_none_or(|offset| offset.nanosecs < 1_000_000_000),
            name,
            0,
            "timeOffsets.*.nanosecs: out of range: allowed are 0 to 999999999",
        );
    }
}

/// What the kernel demands of the lines of a uid_map.
pub(super) fn id_mappings(rules: &mut Rules, mappings: &[IdMapping], name: &str) {
    rules.require_of(
        mappings.len() <= 340,
        name,
        0,
        "*: more entries than the 340 that Linux takes",
    );
    for (index, mapping) in mappings.iter().enumerate() {
        let room = u32::MAX - mapping.container_id.max(mapping.host_id);
        rules.require_of(
            mapping.size > 0 && mapping.size <= room,
            name,
            index,
            "*[#].size: must be at least 1, and no id may exceed 4294967294",
        );
    }
}

fn net_devices(rules: &mut Rules, linux: &Linux<'_>) {
    rules.require(
        linux.net_devices.is_empty() || linux.namespace(NamespaceKind::Network).is_some(),
        "netDevices: needs a network namespace",
    );
    for (host, device) in &linux.net_devices {
        let bad = |name: &str| {
            name.len() > 15
                || matches!(name, "" | "." | "..")
                || name
                    .bytes()
                    .any(|byte| matches!(byte, b'/' | b':') || byte.is_ascii_whitespace())
        };
        rules.require_of(
            !bad(host) && !device.name.is_some_and(bad),
            host,
            0,
            "netDevices[\"*\"]: not a name of an interface: 1 to 15 bytes without blanks, / and :",
        );
    }
}

/// Only parameters that belong to a namespace of the container may be set.
fn sysctls(rules: &mut Rules, linux: &Linux<'_>) {
    for &(key, _) in &linux.sysctl {
        // Whatever the separator, an empty part would leave its subtree.
        rules.require_of(
            key.split(['/', '.']).all(|part| !part.is_empty()),
            key,
            0,
            "sysctl[\"*\"]: not the name of a kernel parameter",
        );
        let kind = sysctl_owner(key);
        rules.require_of(
            !matches!(key, "kernel.hostname" | "kernel/hostname"),
            key,
            0,
            "sysctl[\"*\"]: not allowed: the property for it is hostname",
        );
        rules.require_of(
            kind.is_some(),
            key,
            0,
            "sysctl[\"*\"]: not in a namespace, so it would change the host",
        );
        rules.require_of(
            kind.is_none_or(|kind| linux.namespace(kind).is_some()),
            key,
            0,
            "sysctl[\"*\"]: needs the namespace that it belongs to, or it would change the host",
        );
    }
}

/// The kind of namespace that a kernel parameter belongs to. Dots or slashes
/// separate its parts; the first of them says which.
pub fn sysctl_owner(key: &str) -> Option<NamespaceKind> {
    const IPC: &str = "msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced ";
    let dot = key.find(['.', '/'])?;
    let (first, rest) = (cut::before(key, dot), cut::from(key, dot + 1));
    let separator = *key.as_bytes().get(dot)?;
    match first {
        "net" => Some(NamespaceKind::Network),
        "user" => Some(NamespaceKind::User),
        "kernel" if rest == "domainname" => Some(NamespaceKind::Uts),
        "kernel" => words::index(IPC, rest).map(|_| NamespaceKind::Ipc),
        "fs" => (rest.strip_prefix("mqueue")?.as_bytes().first() == Some(&separator))
            .then_some(NamespaceKind::Ipc),
        _ => None,
    }
}

fn paths(rules: &mut Rules, linux: &Linux<'_>) {
    let has_mount = linux.namespace(NamespaceKind::Mount).is_some();
    let lists = [("maskedPaths", &linux.masked_paths), ("readonlyPaths", &linux.readonly_paths)];
    for (name, list) in lists {
        rules.require_of(
            list.is_empty() || has_mount,
            name,
            0,
            "*: needs a mount namespace, or it would change the host",
        );
        for (index, path) in list.iter().enumerate() {
            rules.require_of(path.starts_with('/'), name, index, "*[#]: must be an absolute path");
        }
    }
}

fn memory_policy(rules: &mut Rules, policy: &MemoryPolicy<'_>) {
    use MemoryPolicyMode::{Default, Local, Preferred};
    let (none, some) = match policy.mode {
        Default | Local => (true, false),
        Preferred => (true, true),
        _ => (false, true),
    };
    rules.require(
        some || policy.nodes.is_none(),
        "memoryPolicy.nodes: must be empty with this mode",
    );
    rules.require(
        none || policy.nodes.is_some(),
        "memoryPolicy.nodes: this mode needs at least one node",
    );
    rules.require(
        policy.nodes.is_none_or(ranges::is_valid),
        "memoryPolicy.nodes: not a list of nodes like 0-3,7",
    );
    // MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES.
    rules.require(
        policy.flags & 0xc000 != 0xc000,
        "memoryPolicy.flags: MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES exclude each other",
    );
}

fn seccomp(rules: &mut Rules, filter: &Seccomp<'_>) {
    let listens = filter.listener_path.is_some();
    errno(rules, filter.default_action, filter.default_errno, "linux.seccomp.defaultErrnoRet");
    rules.require(
        filter.default_action != SeccompAction::Notify,
        "seccomp.defaultAction: SCMP_ACT_NOTIFY would make the runtime itself wait for ever",
    );
    rules.require(
        filter.listener_metadata.is_none() || listens,
        "seccomp.listenerMetadata: needs listenerPath",
    );
    for (index, rule) in filter.syscalls.iter().enumerate() {
        rules.outer = index;
        errno(rules, rule.action, rule.errno, "linux.seccomp.syscalls[@].errnoRet");
        rules
            .require(!rule.names.is_empty(), "seccomp.syscalls[@].names: needs at least one entry");
        let notify = rule.action == SeccompAction::Notify;
        rules.require(
            !notify || listens,
            "seccomp.syscalls[@].action: SCMP_ACT_NOTIFY needs linux.seccomp.listenerPath",
        );
        rules.require(
            !notify || !rule.names.contains(&"write"),
            "seccomp.syscalls[@].names: SCMP_ACT_NOTIFY cannot be used for write",
        );
        for (place, argument) in rule.args.iter().enumerate() {
            rules.require_at(
                argument.index <= 5,
                place,
                "seccomp.syscalls[@].args[#].index: out of range: allowed are 0 to 5",
            );
        }
    }
}

fn errno(rules: &mut Rules, action: SeccompAction, errno: Option<u32>, path: &'static str) {
    let (takes, most) = match action {
        SeccompAction::Errno => (true, 4095),
        SeccompAction::Trace => (true, 65535),
        _ => (false, u32::MAX),
    };
    let prefix = core::mem::replace(&mut rules.prefix, path);
    rules.require(
        errno.is_none() || takes,
        ": only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take a number",
    );
    rules.require(
        errno.is_none_or(|errno| errno <= most),
        ": out of range: allowed are 0 to 4095, or to 65535 with SCMP_ACT_TRACE",
    );
    rules.prefix = prefix;
}
