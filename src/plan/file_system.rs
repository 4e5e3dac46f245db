//! The file system of a new container, as operations.

use super::Request;
use super::container::needs_network;
use super::devices::devices;
use super::labels::labels;
use super::mounts::{self, c_string};
use super::{Host, Op, Plan};
use crate::cgroup::CgroupMount;
use crate::container::notify;
use crate::error;
use crate::error::Result;
use crate::hook::Hooks;
use crate::json::words;
use crate::process::terminal::Size;
use crate::quote::quoted;
use crate::rootfs::device::Device;
use crate::rootfs::mask::Cover;
use crate::rootfs::mount::Mount;
use crate::rootfs::tree::Recursion;
use crate::spec::{self, Process, Spec};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::CStr;
use linux_raw_sys::general::*;

/// The root is only looked at differently; whatever would be made in it would be
/// made on the host.
pub fn without_mount_namespace(
    ops: &mut Vec<Op>,
    spec: &Spec<'_>,
    request: &Request<'_>,
) -> Result<()> {
    if !spec.mounts.is_empty() {
        return Err(error!(
            "mounts: there are {}, but linux.namespaces has no mount namespace: they would be \
             made on the host",
            spec.mounts.len()
        ));
    }
    ops.push(Op::OpenRoot(c_string("root.path", request.rootfs)?));
    ops.extend(mounts::sysctls(&spec.linux.sysctl)?);
    ops.push(Op::ChangeRoot);
    Ok(())
}

/// Everything that is made in the container's mount namespace, in the order in
/// which it must be: propagation and root, mounts as listed, devices, what the
/// hooks may still change, masks, and the change of root.
///
/// # Errors
/// A property that cannot be carried out here, named with its path.
pub fn file_system(
    ops: &mut Vec<Op>,
    plan: &Plan,
    spec: &Spec<'_>,
    process: &Process<'_>,
    request: &Request<'_>,
) -> Result<()> {
    let linux = &spec.linux;
    let propagation = linux.rootfs_propagation.map(|propagation| propagation.flags());
    // An unbindable root could not be bound; it becomes so at the end.
    let first = propagation.map_or(MS_SLAVE | MS_REC, |flags| match flags & MS_UNBINDABLE {
        0 => flags,
        _ => MS_PRIVATE | (flags & MS_REC),
    });
    ops.push(Op::Propagation(u64::from(first)));
    ops.push(Op::Root {
        path: c_string("root.path", request.rootfs)?,
        shared_parent: request
            .shared_parent
            .map(|parent| c_string("root.path", parent))
            .transpose()?,
    });
    let in_user_namespace = request.host.in_user_namespace || plan.namespaces.has(CLONE_NEWUSER);
    let mount_label = mount_label(spec, request.host)?;
    let mut dev_is_bound = false;
    let mut closing = Vec::new();
    for (index, entry) in spec.mounts.iter().enumerate() {
        let mut mount = mounts::mount(entry, request.bundle)?;
        if let Some((option, label)) = mount_label {
            mounts::label(&mut mount, option, label)?;
        }
        mount.or_host = in_user_namespace;
        mount.id_map = mounts::id_map(entry, &mount, &plan.namespaces)?;
        mount.by_command = mount.id_map.is_some()
            || mount.bind.is_some() && !mount.remount && plan.namespaces.has(CLONE_NEWUSER);
        if mount.bind.is_none()
            && !mount.remount
            && matches!(entry.kind, Some("cgroup" | "cgroup2"))
        {
            ops.push(Op::CgroupMount(Box::new(CgroupMount::plan(
                request.layout,
                request.cgroups,
                mount,
                plan.namespaces.has(CLONE_NEWCGROUP),
                in_user_namespace,
            ))));
            continue;
        }
        dev_is_bound |= mounts::binds_dev(&mount);
        if is_filled(spec, index, process.cwd) {
            closing.extend(mounts::close_later(&mut mount));
        }
        ops.push(Op::Mount(Box::new(mount)));
    }
    if let Some(directory) = request.notify {
        let entry = spec::Mount {
            destination: notify::INSIDE,
            source: Some(directory),
            options: Vec::from(["bind", "nosuid", "noexec", "nodev", "ro"]),
            ..spec::Mount::default()
        };
        let mut mount = mounts::mount(&entry, request.bundle)?;
        mount.by_command = plan.namespaces.has(CLONE_NEWUSER);
        ops.push(Op::Mount(Box::new(mount)));
    }
    if !dev_is_bound {
        let mut devices = devices(&linux.devices, in_user_namespace)?;
        // What the configuration puts at a device's place is meant to be there.
        devices.retain(|device| !is_mounted(ops, device.path));
        for (at, device) in (place_of_devices(ops, &devices)..).zip(devices) {
            ops.insert(at, Op::Device(device));
        }
        ops.push(Op::DeviceLinks);
    }
    ops.push(Op::WorkingDirectory(plan.cwd));
    if process.terminal {
        ops.push(terminal(process, !dev_is_bound));
    }
    if !plan.runtime_hooks.iter().all(Hooks::is_empty) {
        ops.push(Op::RuntimeHooks);
    }
    if !plan.create_container.is_empty() {
        ops.push(Op::ContainerHooks);
    }
    ops.extend(closing.into_iter().map(|mount| Op::Mount(Box::new(mount))));
    ops.extend(mounts::sysctls(&linux.sysctl)?);
    let path = |path: &&str| c_string("linux.maskedPaths", path);
    for masked in &linux.masked_paths {
        ops.push(Op::Mask(path(masked)?));
    }
    for readonly in &linux.readonly_paths {
        ops.push(Op::Readonly(path(readonly)?, below(spec, readonly)));
    }
    ops.extend(labels(process, request.host)?);
    ops.push(if request.no_pivot { Op::MoveRoot(Vec::new()) } else { Op::Pivot });
    if let Some(flags) = propagation.filter(|flags| flags & (MS_SHARED | MS_UNBINDABLE) != 0) {
        ops.push(Op::RootPropagation(u64::from(flags & !MS_REC)));
    }
    if spec.root.as_ref().is_some_and(|root| root.readonly) {
        ops.push(Op::RootReadonly);
    }
    Ok(())
}

/// Where in `ops` the devices are made: after the mounts that the process need not
/// wait for, since the others leave it time, unless one of these may hide a device.
fn place_of_devices(ops: &[Op], devices: &[Device]) -> usize {
    let hides = |op: &Op| {
        made(op)
            .is_some_and(|mount| devices.iter().any(|device| mounts::may_hide(mount, device.path)))
    };
    match ops.iter().position(needs_network) {
        Some(at) if !ops[at..].iter().any(hides) => at,
        _ => ops.len(),
    }
}

/// Whether a mount is made at `path`, by its names, and stays to be seen: the last
/// of those at it or above it counts.
fn is_mounted(ops: &[Op], path: &CStr) -> bool {
    let mut mounts = ops.iter().rev().filter_map(made).filter(|mount| !mount.remount);
    mounts
        .find_map(|mount| mounts::below(mount, path))
        .is_some_and(|mut rest| rest.next().is_none())
}

/// The mount that an operation makes.
fn made(op: &Op) -> Option<&Mount> {
    match op {
        Op::Mount(mount) => Some(mount),
        Op::CgroupMount(mount) => Some(&mount.mount),
        _ => None,
    }
}

/// Whether a read-only path is so with what is mounted below it: yes, unless
/// `mounts` lists something there, which then has the options that it says.
fn below(spec: &Spec<'_>, readonly: &str) -> Recursion {
    let listed = |mount: &spec::Mount<'_>| mounts::is_below(mount.destination, readonly);
    if spec.mounts.iter().any(listed) { Recursion::One } else { Recursion::All }
}

/// Whether mounts, devices or the working directory are still to be made below
/// this entry of `mounts`.
fn is_filled(spec: &Spec<'_>, index: usize, cwd: &str) -> bool {
    let at = spec.mounts[index].destination;
    let later = spec.mounts[index + 1..].iter().map(|mount| mount.destination);
    let devices = spec.linux.devices.iter().map(|device| device.path);
    let ours = ["/dev/null", notify::INSIDE, cwd];
    later.chain(devices).chain(ours).any(|path| mounts::is_below(path, at))
}

/// The SELinux label of the container's file systems, after the mount option for
/// it.
///
/// # Errors
/// There is one, but SELinux is not on; or the option is none.
pub fn mount_label<'a>(spec: &Spec<'a>, host: Host) -> Result<Option<(&'a str, &'a str)>> {
    const OPTIONS: &str = "context fscontext defcontext rootcontext ";
    let Some(label) = spec.linux.mount_label.filter(|label| !label.is_empty()) else {
        return Ok(None);
    };
    if !host.selinux {
        return Err(error!(
            "linux.mountLabel: {} is asked for, but SELinux is not enabled on this host",
            quoted(label)
        ));
    }
    let option = spec.annotation("run.oci.mount_context_type").unwrap_or("context");
    match words::index(OPTIONS, option) {
        Some(_) => Ok(Some((option, label))),
        None => Err(error!("annotations: run.oci.mount_context_type: not one of {OPTIONS}")),
    }
}

/// What covers masked paths; it carries the label of the other mounts.
///
/// # Errors
/// A label without SELinux, or a null byte.
pub fn cover(spec: &Spec<'_>, host: Host) -> Result<Cover> {
    let text = |text| c_string("linux.mountLabel", text);
    let mut cover = Cover::default();
    if let Some((option, label)) = mount_label(spec, host)? {
        cover.label = Some((text(option)?, text(label)?));
    }
    Ok(cover)
}

/// The terminal of a process.
pub fn terminal(process: &Process<'_>, console: bool) -> Op {
    let size = process
        .console_size
        .map_or(Size::default(), |size| Size { rows: size.height, columns: size.width });
    Op::Terminal { size, uid: process.user.uid, console }
}
