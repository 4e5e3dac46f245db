//! Rules about `linux`, without its resources.

use core::fmt;

use super::Rules;
use crate::spec::{
    IdMapping, Linux, MemoryPolicy, MemoryPolicyMode, NamespaceKind, Seccomp, SeccompAction, ranges,
};

const ABSOLUTE: &str = "must be an absolute path";

pub(super) fn check(rules: &mut Rules, linux: &Linux<'_>) {
    namespaces(rules, linux);
    for (index, device) in linux.devices.iter().enumerate() {
        let path = format_args!("linux.devices[{index}].path");
        rules.require(device.path.starts_with('/'), path, ABSOLUTE);
    }
    net_devices(rules, linux);
    if let Some(path) = linux.cgroups_path {
        rules.require(
            path.split('/').all(|part| part != ".."),
            format_args!("linux.cgroupsPath"),
            "must not contain ..",
        );
    }
    sysctls(rules, linux);
    paths(rules, linux);
    if let Some(rdt) = &linux.intel_rdt {
        let id = rdt.clos_id.unwrap_or("");
        rules.require(
            id == "/" || id != "." && id != ".." && !id.contains('/'),
            format_args!("linux.intelRdt.closID"),
            "must be / or the name of a directory",
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
            format_args!("linux.personality.flags"),
            "must be empty: the specification defines no flags",
        );
    }
}

fn namespaces(rules: &mut Rules, linux: &Linux<'_>) {
    for (index, namespace) in linux.namespaces.iter().enumerate() {
        rules.require(
            linux.namespaces[..index].iter().all(|other| other.kind != namespace.kind),
            format_args!("linux.namespaces[{index}].type"),
            "malformed spec file: duplicated ns: the same type comes twice",
        );
        rules.require(
            namespace.path.is_none_or(|path| path.starts_with('/')),
            format_args!("linux.namespaces[{index}].path"),
            ABSOLUTE,
        );
    }
    let mapped = [("uidMappings", &linux.uid_mappings), ("gidMappings", &linux.gid_mappings)];
    for (name, mappings) in mapped {
        rules.require(
            !linux.creates(NamespaceKind::User) || !mappings.is_empty(),
            format_args!("linux.{name}"),
            "a new user namespace needs at least one entry",
        );
        id_mappings(rules, mappings, format_args!("linux.{name}"));
    }
    let offsets = linux.time_offsets;
    rules.require(
        !offsets.any() || linux.creates(NamespaceKind::Time),
        format_args!("linux.timeOffsets"),
        "needs a new time namespace: an entry in linux.namespaces without a path",
    );
    for (name, offset) in [("monotonic", offsets.monotonic), ("boottime", offsets.boottime)] {
        rules.require(
            offset.is_none_or(|offset| offset.nanosecs < 1_000_000_000),
            format_args!("linux.timeOffsets.{name}.nanosecs"),
            "out of range: allowed are 0 to 999999999",
        );
    }
}

/// What the kernel demands of the lines of a uid_map.
pub(super) fn id_mappings(rules: &mut Rules, mappings: &[IdMapping], path: fmt::Arguments<'_>) {
    rules.require(mappings.len() <= 340, path, "more entries than the 340 that Linux takes");
    for (index, mapping) in mappings.iter().enumerate() {
        let room = u32::MAX - mapping.container_id.max(mapping.host_id);
        rules.require(
            mapping.size > 0 && mapping.size <= room,
            format_args!("{path}[{index}].size"),
            "must be at least 1, and no id may exceed 4294967294",
        );
    }
}

fn net_devices(rules: &mut Rules, linux: &Linux<'_>) {
    rules.require(
        linux.net_devices.is_empty() || linux.namespace(NamespaceKind::Network).is_some(),
        format_args!("linux.netDevices"),
        "needs a network namespace",
    );
    for (host, device) in &linux.net_devices {
        let bad = |name: &str| {
            name.len() > 15
                || matches!(name, "" | "." | "..")
                || name
                    .bytes()
                    .any(|byte| matches!(byte, b'/' | b':') || byte.is_ascii_whitespace())
        };
        rules.require(
            !bad(host) && !device.name.is_some_and(bad),
            format_args!("linux.netDevices[\"{host}\"]"),
            "not a name of an interface: 1 to 15 bytes without blanks, / and :",
        );
    }
}

/// Only parameters that belong to a namespace of the container may be set.
fn sysctls(rules: &mut Rules, linux: &Linux<'_>) {
    use NamespaceKind::{Ipc, Network, User, Uts};
    for (key, _) in &linux.sysctl {
        // A slash as the first separator means that slashes separate.
        let slashes = key.find(['.', '/']).is_some_and(|at| key.as_bytes()[at] == b'/');
        let separator = if slashes { '/' } else { '.' };
        let mut parts = key.split(separator);
        let kind = match (parts.next(), parts.next(), parts.next()) {
            (Some("net"), Some(_), _) => Some(Network),
            (Some("user"), Some(_), _) => Some(User),
            (Some("fs"), Some("mqueue"), Some(_)) => Some(Ipc),
            (Some("kernel"), Some("domainname"), None) => Some(Uts),
            (
                Some("kernel"),
                Some(
                    "msgmax" | "msgmnb" | "msgmni" | "sem" | "shmall" | "shmmax" | "shmmni"
                    | "shm_rmid_forced",
                ),
                None,
            ) => Some(Ipc),
            _ => None,
        };
        let path = format_args!("linux.sysctl[\"{key}\"]");
        // Whatever the separator, a part that climbs would leave its subtree.
        let climbs = key.split(['/', '.']).any(str::is_empty) || key.contains("..");
        rules.require(!climbs, path, "not the name of a kernel parameter");
        if matches!(*key, "kernel.hostname" | "kernel/hostname") {
            rules.report(path, "not allowed: the property for it is hostname");
        }
        match kind {
            None => rules.report(path, "not in a namespace, so it would change the host"),
            Some(kind) => rules.require(
                linux.namespace(kind).is_some(),
                path,
                "needs the namespace that it belongs to, or it would change the host",
            ),
        }
    }
}

fn paths(rules: &mut Rules, linux: &Linux<'_>) {
    let has_mount = linux.namespace(NamespaceKind::Mount).is_some();
    let lists = [("maskedPaths", &linux.masked_paths), ("readonlyPaths", &linux.readonly_paths)];
    for (name, list) in lists {
        rules.require(
            list.is_empty() || has_mount,
            format_args!("linux.{name}"),
            "needs a mount namespace, or it would change the host",
        );
        for (index, path) in list.iter().enumerate() {
            rules.require(path.starts_with('/'), format_args!("linux.{name}[{index}]"), ABSOLUTE);
        }
    }
}

fn memory_policy(rules: &mut Rules, policy: &MemoryPolicy<'_>) {
    use MemoryPolicyMode::{Default, Local, Preferred};
    let path = format_args!("linux.memoryPolicy.nodes");
    match policy.mode {
        Default | Local => {
            rules.require(policy.nodes.is_none(), path, "must be empty with this mode");
        }
        Preferred => {}
        _ => rules.require(policy.nodes.is_some(), path, "this mode needs at least one node"),
    }
    rules.require(
        policy.nodes.is_none_or(|nodes| ranges::parse(nodes).is_some()),
        path,
        "not a list of nodes like 0-3,7",
    );
    // MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES.
    rules.require(
        policy.flags & 0xc000 != 0xc000,
        format_args!("linux.memoryPolicy.flags"),
        "MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES exclude each other",
    );
}

fn seccomp(rules: &mut Rules, filter: &Seccomp<'_>) {
    let listens = filter.listener_path.is_some();
    let mut action = |action: SeccompAction, errno: Option<u32>, path: fmt::Arguments<'_>| {
        rules.require(
            errno.is_none() || action.takes_errno(),
            path,
            "only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take a number",
        );
        let most = if action == SeccompAction::Errno { 4095 } else { 65535 };
        rules.require(
            errno.is_none_or(|errno| errno <= most),
            path,
            "out of range: allowed are 0 to 4095, or to 65535 with SCMP_ACT_TRACE",
        );
    };
    action(
        filter.default_action,
        filter.default_errno,
        format_args!("linux.seccomp.defaultErrnoRet"),
    );
    for (index, rule) in filter.syscalls.iter().enumerate() {
        action(rule.action, rule.errno, format_args!("linux.seccomp.syscalls[{index}].errnoRet"));
    }
    rules.require(
        filter.default_action != SeccompAction::Notify,
        format_args!("linux.seccomp.defaultAction"),
        "SCMP_ACT_NOTIFY cannot be the default action: the runtime itself would wait for ever",
    );
    rules.require(
        filter.listener_metadata.is_none() || listens,
        format_args!("linux.seccomp.listenerMetadata"),
        "needs listenerPath",
    );
    for (index, rule) in filter.syscalls.iter().enumerate() {
        rules.require(
            !rule.names.is_empty(),
            format_args!("linux.seccomp.syscalls[{index}].names"),
            "needs at least one entry",
        );
        rules.require(
            rule.action != SeccompAction::Notify || listens,
            format_args!("linux.seccomp.syscalls[{index}].action"),
            "SCMP_ACT_NOTIFY needs linux.seccomp.listenerPath",
        );
        rules.require(
            rule.action != SeccompAction::Notify || !rule.names.contains(&"write"),
            format_args!("linux.seccomp.syscalls[{index}].names"),
            "SCMP_ACT_NOTIFY cannot be used for write",
        );
        for (place, argument) in rule.args.iter().enumerate() {
            rules.require(
                argument.index <= 5,
                format_args!("linux.seccomp.syscalls[{index}].args[{place}].index"),
                "out of range: allowed are 0 to 5",
            );
        }
    }
}
