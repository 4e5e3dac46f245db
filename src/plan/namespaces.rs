//! From `linux.namespaces`, the id maps and the time offsets to what is made and
//! what is joined.

use super::Host;
use super::mounts::{self, c_string};
use crate::error::Result;
use crate::namespace;
use crate::namespace::idmap::IdMaps;
use crate::namespace::join::Join;
use crate::spec::Spec;
use alloc::string::String;
use core::fmt::Write;
use linux_raw_sys::general::*;

/// Plans the namespaces.
///
/// # Errors
/// A null byte in a path.
pub fn namespaces(spec: &Spec<'_>, host: Host) -> Result<namespace::Plan> {
    let linux = &spec.linux;
    let mut plan = namespace::Plan::default();
    for entry in &linux.namespaces {
        let kind = entry.kind.clone_flag();
        match entry.path.filter(|path| !path.is_empty()) {
            None => plan.new |= kind,
            Some(path) => plan.join.push(Join {
                kind,
                path: c_string("linux.namespaces[].path", path)?,
                fd: None,
            }),
        }
    }
    // Its own may belong to a user namespace in which it has no rights.
    plan.returns = !host.in_user_namespace;
    if plan.is_new(CLONE_NEWUSER) {
        let needed = (1 << CAP_SETUID) | (1 << CAP_SETGID);
        plan.id_maps = Some(IdMaps::new(
            mounts::ranges(&linux.uid_mappings),
            mounts::ranges(&linux.gid_mappings),
            (host.uid, host.gid),
            host.capabilities & needed == needed,
        ));
    }
    if plan.is_new(CLONE_NEWTIME) && linux.time_offsets.any() {
        let mut text = String::new();
        let clocks = [
            ("monotonic", linux.time_offsets.monotonic),
            ("boottime", linux.time_offsets.boottime),
        ];
        for (clock, offset) in clocks {
            if let Some(offset) = offset {
                let _ = writeln!(text, "{clock} {} {}", offset.secs, offset.nanosecs);
            }
        }
        plan.time_offsets = Some(text.leak());
    }
    Ok(plan)
}
