//! Who the process is, from `process.user` and `process.capabilities`.

use super::Host;
use crate::error::{Error, Result};
use crate::namespace;
use crate::namespace::idmap::Range;
use crate::process::identity::{Identity, Sets};
use crate::spec::{self, Process, Spec};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use linux_raw_sys::general::*;
use rustix::process::Gid;

/// Who gets the cgroup: with a new cgroup namespace and a writable view of it,
/// the process's user (config-linux.md "Cgroup ownership").
pub fn cgroup_owner(
    spec: &Spec<'_>,
    process: &Process<'_>,
    namespaces: &namespace::Plan,
) -> Option<(u32, u32)> {
    let writable = |mount: &spec::Mount<'_>| {
        matches!(mount.kind, Some("cgroup" | "cgroup2")) && !mount.options.contains(&"ro")
    };
    if !namespaces.is_new(CLONE_NEWCGROUP) || !spec.mounts.iter().any(writable) {
        return None;
    }
    let user = &process.user;
    match &namespaces.id_maps {
        Some(maps) => Some((on_host(&maps.uid, user.uid)?, on_host(&maps.gid, user.gid)?)),
        // Without a user namespace of its own, root has it already.
        None if namespaces.has(CLONE_NEWUSER) || user.uid == 0 => None,
        None => Some((user.uid, user.gid)),
    }
}

fn on_host(map: &[Range], id: u32) -> Option<u32> {
    let range = map.iter().find(|range| id.wrapping_sub(range.container) < range.size)?;
    Some(range.host + (id - range.container))
}

/// Who the process is.
///
/// # Errors
/// Supplementary groups where setgroups(2) is denied.
pub fn identity(
    spec: &Spec<'_>,
    process: &Process<'_>,
    namespaces: &namespace::Plan,
    host: Host,
    warnings: &mut Vec<&'static str>,
) -> Result<Identity> {
    let denied = namespaces.id_maps.as_ref().is_some_and(|maps| maps.deny_setgroups);
    let keep = spec.annotation("run.oci.keep_original_groups") == Some("1");
    if denied && !process.user.additional_gids.is_empty() {
        return Err(Error::new(
            "process.user.additionalGids: an ordinary user cannot set groups in a user namespace \
             with one id: map more with newgidmap",
        ));
    }
    let mut identity = of_process(process, spec.linux.seccomp.is_some());
    if keep || denied {
        identity.groups = None;
    }
    if !namespaces.has(CLONE_NEWUSER) {
        let sets = &identity.capabilities;
        let missing = (sets.permitted | sets.effective) & !host.capabilities;
        if missing != 0 {
            warnings.push(missing_text(missing));
        }
    }
    Ok(identity)
}

fn missing_text(missing: u64) -> &'static str {
    let mut text = String::from("capabilities that the runtime itself does not have are left out:");
    for number in (0..64).filter(|number| missing & (1 << number) != 0) {
        let _ = write!(text, " CAP_{}", spec::capability::name(number));
    }
    text.leak()
}

/// The identity that a process asks for; `filtered`: a system call filter is
/// loaded at the end.
pub fn of_process(process: &Process<'_>, filtered: bool) -> Identity {
    let capabilities = process.capabilities.as_ref().map_or(Sets::default(), |sets| Sets {
        bounding: sets.bounding,
        effective: sets.effective,
        inheritable: sets.inheritable,
        permitted: sets.permitted,
        ambient: sets.ambient,
    });
    Identity {
        uid: process.user.uid,
        gid: process.user.gid,
        groups: Some(process.user.additional_gids.iter().copied().map(Gid::from_raw).collect()),
        capabilities,
        extra: if filtered && !process.no_new_privileges { 1 << CAP_SYS_ADMIN } else { 0 },
    }
}
