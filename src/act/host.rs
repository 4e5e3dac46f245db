//! The facts of the host that plans need, gathered once.

use crate::error::{Context, Result};
use crate::named;
use crate::plan::Host;
use crate::request::in_user_namespace;
use crate::spec::Process;
use rustix::fs::OFlags;
use rustix::process::{getegid, geteuid};
use rustix::thread::capabilities;

/// Gathers the facts that matter for `process` and mounts with this label.
///
/// # Errors
/// The kernel does not say what we may do.
pub fn gather(process: Option<&Process<'_>>, mount_label: Option<&str>) -> Result<Host> {
    let asks = |label: Option<&str>| label.is_some_and(|label| !label.is_empty());
    let apparmor = process.is_some_and(|process| asks(process.apparmor_profile));
    let selinux = asks(mount_label) || process.is_some_and(|process| asks(process.selinux_label));
    Ok(Host {
        uid: geteuid().as_raw(),
        gid: getegid().as_raw(),
        capabilities: capabilities(None).context(|| "capget")?.permitted.bits(),
        in_user_namespace: in_user_namespace(),
        apparmor: apparmor && first_byte("/sys/module/apparmor/parameters/enabled") == Some(b'Y'),
        selinux: selinux && first_byte("/sys/fs/selinux/enforce").is_some(),
    })
}

/// The first byte of a file, where there is one.
pub fn first_byte(path: &str) -> Option<u8> {
    let file = named::open(path, OFlags::RDONLY).ok()?;
    let mut byte = [0];
    (rustix::io::read(&file, &mut byte[..]).ok()? == 1).then_some(byte[0])
}
