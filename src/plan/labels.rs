//! The labels of the security modules, of the program and of its keyring.

use super::Host;
use super::mounts::c_string;
use super::op::Op;
use crate::error;
use crate::error::Result;
use crate::quote::quoted;
use crate::spec::Process;
use crate::text;
use alloc::vec::Vec;
use core::ffi::CStr;

/// The labels of the security modules.
///
/// # Errors
/// A label for a module that is not on.
pub fn labels(process: &Process<'_>, host: Host) -> Result<Vec<Op>> {
    let mut ops = Vec::new();
    if let Some(profile) = process.apparmor_profile.filter(|profile| !profile.is_empty()) {
        if !host.apparmor {
            return Err(error!(
                "process.apparmorProfile: {} is asked for, but AppArmor is not enabled \
                 on this host",
                quoted(profile)
            ));
        }
        ops.push(Op::Label {
            file: c"self/attr/apparmor/exec",
            text: c_string("process.apparmorProfile", text!("exec {profile}"))?,
        });
    }
    if let Some(text) = selinux_label(process, host)? {
        ops.push(Op::Label { file: c"self/attr/exec", text });
    }
    Ok(ops)
}

/// A session keyring of the container's own, which has the program's label: it
/// could not use it otherwise.
///
/// # Errors
/// A label without SELinux, or a null byte.
pub fn keyring(ops: &mut Vec<Op>, id: &str, process: &Process<'_>, host: Host) -> Result<()> {
    if let Some(text) = selinux_label(process, host)? {
        // It is the kernel's default again at execve(2).
        ops.push(Op::Label { file: c"self/attr/keycreate", text });
    }
    ops.push(Op::Keyring(c_string("id", text!("_ses.{id}"))?));
    Ok(())
}

fn selinux_label(process: &Process<'_>, host: Host) -> Result<Option<&'static CStr>> {
    let Some(label) = process.selinux_label.filter(|label| !label.is_empty()) else {
        return Ok(None);
    };
    if !host.selinux {
        return Err(error!(
            "process.selinuxLabel: {} is asked for, but SELinux is not enabled on this host",
            quoted(label)
        ));
    }
    c_string("process.selinuxLabel", label).map(Some)
}
