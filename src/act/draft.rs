//! What `create` decides before it makes anything: the cgroups and the plan.
//! `plan` and `check` show the same.

use super::bundle::read_config;
use super::handover::{check_kept, listening};
use crate::cgroup::systemd::{self, Driver};
use crate::cgroup::{self, Cgroups, Layout};
use crate::container::notify;
use crate::error::Result;
use crate::plan::Request;
use crate::plan::container as planner;
use crate::plan::{Host, Op, Plan};
use crate::request::{Caller, CgroupManager, CreateOptions};
use crate::rootfs::revealing::revealing;
use crate::spec::{NamespaceKind, Spec};
use crate::sys::exec::Strings;
use crate::text;
use crate::text::keep;
use alloc::vec::Vec;

/// Where a container's cgroups are to be.
pub struct Placement {
    /// The host's cgroups.
    pub layout: Layout,
    /// systemd, where it makes them.
    pub driver: Option<Driver>,
    /// Cgroups that may not be made are done without.
    pub rootless: bool,
    /// The container's.
    pub cgroups: cgroup::Plan,
}

/// Plans the cgroups of a container.
///
/// # Errors
/// Those of planning; systemd, where it is to make them, cannot be reached.
pub fn placement(caller: &Caller, spec: &Spec<'_>, id: &str) -> Result<Placement> {
    let layout = match caller.globals.cgroup_manager {
        CgroupManager::Disabled => Layout::default(),
        CgroupManager::Cgroupfs | CgroupManager::Systemd => Layout::detect()?,
    };
    let resources = spec.linux.resources.as_ref();
    let driver = match caller.globals.cgroup_manager {
        CgroupManager::Systemd => Some(Driver::connect(&systemd::Request {
            cgroups_path: spec.linux.cgroups_path,
            id,
            annotations: &spec.annotations,
            devices: resources.map_or(&[], |resources| &resources.devices),
            unified: layout.is_unified(),
            rootless: caller.globals.rootless,
            environment: caller.environment,
        })?),
        _ => None,
    };
    let rootless =
        caller.globals.is_rootless() || driver.as_ref().is_some_and(|driver| driver.unit.user);
    let cgroups = cgroup::plan(
        &layout,
        driver.as_ref().map_or(spec.linux.cgroups_path, |driver| Some(driver.path)),
        id,
        resources,
        rootless,
    )?;
    Ok(Placement { layout, driver, rootless, cgroups })
}

/// The plan of a container, and what carrying it out needs beside it.
pub struct Draft {
    /// The plan.
    pub plan: &'static mut Plan,
    /// The runtime's own environment.
    pub environment: Strings,
    /// The service manager's socket, where the container is given one.
    pub notify_host: Option<&'static str>,
}

/// Plans a container, whether it is to be made or shown. `directories` are those
/// of the bundle and of its root file system.
///
/// # Errors
/// Those of planning, and descriptors to hand on that are not open.
pub fn draft(
    caller: &Caller,
    options: &CreateOptions,
    spec: &Spec<'_>,
    directories: [&str; 2],
    layout: &Layout,
    cgroups: &Cgroups,
    host: Host,
) -> Result<Draft> {
    let [bundle, rootfs] = directories;
    let listening = listening(caller);
    let preserve_fds = check_kept(listening.saturating_add(options.preserve_fds))?;
    let mut extra_env = Vec::new();
    if listening > 0 {
        extra_env.push(text!("LISTEN_FDS={listening}"));
        extra_env.push("LISTEN_PID=1");
    }
    let environment = Strings::new(caller.environment);
    let notify_host = notify_host(caller, spec);
    let notify = notify_host.map(|_| {
        extra_env.push(notify::VARIABLE);
        notify::path(caller.globals.root, &options.id)
    });
    let shared_parent = shared_parent(spec, rootfs);
    let request = Request {
        id: options.id.as_str(),
        bundle,
        rootfs,
        no_pivot: options.no_pivot,
        no_new_keyring: options.no_new_keyring,
        preserve_fds,
        extra_env: &extra_env,
        environment: environment.as_slice(),
        host,
        layout,
        cgroups,
        notify,
        shared_parent,
    };
    let plan = planner::plan(spec, &request)?;
    for op in &mut plan.ops {
        if let Op::MoveRoot(mounts) = op {
            let mountinfo = read_config("/proc/self/mountinfo")?;
            *mounts = revealing(text::lossy(mountinfo), rootfs);
        }
    }
    Ok(Draft { plan, environment, notify_host })
}

/// The service manager's socket, where the container can be given one.
fn notify_host(caller: &Caller, spec: &Spec<'_>) -> Option<&'static str> {
    spec.linux.namespace(NamespaceKind::Mount)?;
    caller.variable("NOTIFY_SOCKET").filter(|path| !path.is_empty())
}

/// The mount point that the root file system is on, where its mounts stay
/// shared with the host.
fn shared_parent(spec: &Spec<'_>, rootfs: &str) -> Option<&'static str> {
    use linux_raw_sys::general::MS_SHARED;
    let flags = spec.linux.rootfs_propagation?.flags();
    if flags & MS_SHARED == 0 {
        return None;
    }
    let mountinfo = read_config("/proc/self/mountinfo").ok()?;
    let mountinfo = text::lossy(mountinfo);
    let holds = |point: &&str| {
        *point == "/"
            || rootfs
                .strip_prefix(*point)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    mountinfo
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .filter(holds)
        .max_by_key(|point| point.len())
        .map(keep)
}
