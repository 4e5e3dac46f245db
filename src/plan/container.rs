//! The plan of a new container.

use super::mounts::{self, absolute, c_string};
use super::{Host, Op, Plan};
use crate::cgroup::{CgroupMount, Cgroups, Layout};
use crate::container::notify;
use crate::error;
use crate::error::{Error, Result};
use crate::hook::{Hooks, StateText};
use crate::json::words;
use crate::namespace::idmap::{IdMaps, Range};
use crate::namespace::join::Join;
use crate::process::identity::{Identity, Sets};
use crate::process::program::Program;
use crate::process::terminal::Size;
use crate::rootfs::mask::Cover;
use crate::spec::{self, Linux, PersonalityDomain, Process, Spec, ranges};
use crate::sys::schedule::Mask;
use crate::{namespace, network};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use linux_raw_sys::general::*;
use rustix::process::Gid;

/// What the command line and the host add to the configuration.
pub struct Request<'a> {
    /// The container's id.
    pub id: &'a str,
    /// The bundle's directory, absolute.
    pub bundle: &'a str,
    /// The root file system's directory, absolute.
    pub rootfs: &'a str,
    /// MS_MOVE instead of pivot_root(2).
    pub no_pivot: bool,
    /// The caller's session keyring stays.
    pub no_new_keyring: bool,
    /// Descriptors from 3 on that the program keeps.
    pub preserve_fds: u32,
    /// Variables that the runtime adds to the environment (LISTEN_FDS).
    pub extra_env: &'a [String],
    /// The runtime's own environment, for hooks that have none.
    pub environment: &'a [CString],
    /// Facts of the host.
    pub host: Host,
    /// The host's cgroups.
    pub layout: &'a Layout,
    /// The container's cgroups.
    pub cgroups: &'a Cgroups,
    /// The directory of the notify socket, absolute, to be shown on
    /// [`notify::INSIDE`].
    pub notify: Option<&'a str>,
    /// The mount point that holds the root file system, where its mounts stay
    /// shared with the host.
    pub shared_parent: Option<&'a str>,
}

/// Plans a container.
///
/// # Errors
/// A property that cannot be carried out here, named with its path.
pub fn plan(spec: &Spec<'_>, request: &Request<'_>) -> Result<Plan> {
    let process = spec.process.as_ref().ok_or_else(|| error!("process: it is missing"))?;
    let mut warnings = spec::validate::warnings(spec);
    let namespaces = namespaces(spec, request.host)?;
    let program = program(process, request.extra_env)?;
    let identity = identity(spec, process, &namespaces, request.host, &mut warnings)?;
    let seccomp = match &spec.linux.seccomp {
        Some(profile) => Some(crate::seccomp::compile(profile)?),
        None => None,
    };
    let mut plan = Plan {
        ops: Vec::new(),
        cover: cover(spec, request.host)?,
        cwd: c_string("process.cwd", process.cwd)?,
        cgroup_owner: cgroup_owner(spec, process, &namespaces),
        rlimits: process.rlimits.clone(),
        oom_score_adj: process.oom_score_adj,
        net_devices: network::devices::plan(&spec.linux.net_devices),
        scheduler: process.scheduler,
        io_priority: process.io_priority,
        first_cpus: None,
        preserve_fds: request.preserve_fds,
        state: StateText::new(request.id, request.bundle, &spec.annotations),
        runtime_hooks: [
            hooks("prestart", &spec.hooks.prestart, request.environment)?,
            hooks("createRuntime", &spec.hooks.create_runtime, request.environment)?,
        ],
        create_container: hooks(
            "createContainer",
            &spec.hooks.create_container,
            request.environment,
        )?,
        start_container: hooks(
            "startContainer",
            &spec.hooks.start_container,
            program.environment.as_slice(),
        )?,
        namespaces,
        identity,
        program,
        seccomp,
        warnings,
    };
    operations(&mut plan, spec, process, request)?;
    Ok(plan)
}

fn operations(
    plan: &mut Plan,
    spec: &Spec<'_>,
    process: &Process<'_>,
    request: &Request<'_>,
) -> Result<()> {
    let mut ops = Vec::with_capacity(64);
    ops.push(Op::NewSession);
    if !request.no_new_keyring {
        ops.push(Op::Keyring(c_string("id", &format!("_ses.{}", request.id))?));
    }
    if plan.namespaces.is_new(CLONE_NEWCGROUP) {
        ops.push(Op::CgroupNamespace);
    }
    if plan.namespaces.is_new(CLONE_NEWNET) {
        ops.push(Op::Loopback);
    }
    if !plan.net_devices.is_empty() {
        ops.push(Op::NetDevices);
    }
    if let Some(name) = spec.hostname.filter(|name| !name.is_empty()) {
        ops.push(Op::Hostname(c_string("hostname", name)?));
    }
    if let Some(name) = spec.domainname.filter(|name| !name.is_empty()) {
        ops.push(Op::Domainname(c_string("domainname", name)?));
    }
    if plan.namespaces.has(CLONE_NEWNS) {
        file_system(&mut ops, plan, spec, process, request)?;
    } else {
        without_mount_namespace(&mut ops, spec, request)?;
    }
    process_operations(&mut ops, process, &spec.linux)?;
    plan.ops = ops;
    Ok(())
}

/// The root is only looked at differently; whatever would be made in it would be
/// made on the host.
fn without_mount_namespace(
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

/// The last operations of every process of a container, in the order that the
/// kernel's rules demand: no_new_privs while privileged, then the identity, then
/// what is to be judged with that identity.
///
/// # Errors
/// A NUMA node that no machine has.
pub fn process_operations(
    ops: &mut Vec<Op>,
    process: &Process<'_>,
    linux: &Linux<'_>,
) -> Result<()> {
    if let Some(personality) = &linux.personality {
        // PER_LINUX and PER_LINUX32 of personality(2).
        let domain = if personality.domain == PersonalityDomain::Linux { 0 } else { 8 };
        ops.push(Op::Personality(domain));
    }
    if let Some(policy) = linux.memory_policy {
        let mode = policy.mode as u32 | policy.flags;
        ops.push(Op::MemoryPolicy(mode, mask("linux.memoryPolicy.nodes", policy.nodes)?));
    }
    ops.push(Op::Umask(process.user.umask.unwrap_or(0o022)));
    if !process.terminal {
        ops.push(Op::GiveStdio(process.user.uid));
    }
    if process.no_new_privileges {
        ops.push(Op::NoNewPrivileges);
    }
    ops.push(Op::Identity);
    ops.push(Op::ChangeDirectory);
    ops.push(Op::FindProgram);
    Ok(())
}

/// A list of CPUs or nodes; none is empty.
///
/// # Errors
/// One has a number that no machine has.
pub fn mask(property: &str, list: Option<&str>) -> Result<Mask> {
    match list {
        None => Ok(Mask::default()),
        Some(list) => ranges::mask(list)
            .ok_or_else(|| error!("{property}: {list:?}: allowed are numbers up to 1023")),
    }
}

fn file_system(
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
    for entry in &spec.mounts {
        let mut mount = mounts::mount(entry, request.bundle)?;
        if let Some((option, label)) = mount_label {
            mounts::label(&mut mount, option, label)?;
        }
        mount.id_map = mounts::id_map(entry, &mount, &plan.namespaces)?;
        mount.by_command = mount.id_map.is_some()
            || mount.bind.is_some() && !mount.remount && plan.namespaces.has(CLONE_NEWUSER);
        if mount.bind.is_none()
            && !mount.remount
            && matches!(entry.kind, Some("cgroup" | "cgroup2"))
        {
            ops.push(Op::CgroupMount(CgroupMount::plan(
                request.layout,
                request.cgroups,
                mount,
                plan.namespaces.has(CLONE_NEWCGROUP),
                in_user_namespace,
            )));
            continue;
        }
        dev_is_bound |= mounts::binds_dev(&mount);
        ops.push(Op::Mount(mount));
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
        ops.push(Op::Mount(mount));
    }
    if !dev_is_bound {
        let devices = mounts::devices(&linux.devices, in_user_namespace)?;
        ops.extend(devices.into_iter().map(Op::Device));
        ops.push(Op::DeviceLinks);
    }
    ops.push(Op::WorkingDirectory(plan.cwd.clone()));
    if process.terminal {
        ops.push(terminal(process, !dev_is_bound));
    }
    if !plan.runtime_hooks.iter().all(Hooks::is_empty) {
        ops.push(Op::RuntimeHooks);
    }
    if !plan.create_container.is_empty() {
        ops.push(Op::ContainerHooks);
    }
    ops.extend(mounts::sysctls(&linux.sysctl)?);
    let path = |path: &&str| c_string("linux.maskedPaths", path);
    for masked in &linux.masked_paths {
        ops.push(Op::Mask(path(masked)?));
    }
    for readonly in &linux.readonly_paths {
        ops.push(Op::Readonly(path(readonly)?));
    }
    ops.extend(labels(process, request.host)?);
    ops.push(if request.no_pivot { Op::MoveRoot } else { Op::Pivot });
    if let Some(flags) = propagation.filter(|flags| flags & (MS_SHARED | MS_UNBINDABLE) != 0) {
        ops.push(Op::RootPropagation(u64::from(flags & !MS_REC)));
    }
    if spec.root.as_ref().is_some_and(|root| root.readonly) {
        ops.push(Op::RootReadonly);
    }
    Ok(())
}

/// The SELinux label of the container's file systems, after the mount option for
/// it.
///
/// # Errors
/// There is one, but SELinux is not on; or the option is none.
fn mount_label<'a>(spec: &Spec<'a>, host: Host) -> Result<Option<(&'a str, &'a str)>> {
    const OPTIONS: &str = "context fscontext defcontext rootcontext ";
    let Some(label) = spec.linux.mount_label.filter(|label| !label.is_empty()) else {
        return Ok(None);
    };
    if !host.selinux {
        return Err(error!(
            "linux.mountLabel: {label:?} is asked for, but SELinux is not enabled on this host"
        ));
    }
    let option = spec.annotation("run.oci.mount_context_type").unwrap_or("context");
    match words::index(OPTIONS, option) {
        Some(_) => Ok(Some((option, label))),
        None => Err(error!("annotations: run.oci.mount_context_type: not one of {OPTIONS}")),
    }
}

fn cover(spec: &Spec<'_>, host: Host) -> Result<Cover> {
    let text = |text| c_string("linux.mountLabel", text);
    let mut cover = Cover::default();
    if let Some((option, label)) = mount_label(spec, host)? {
        cover.label = Some((text(option)?, text(label)?));
    }
    Ok(cover)
}

/// Who gets the cgroup: with a new cgroup namespace and a writable view of it,
/// the process's user (config-linux.md "Cgroup ownership").
fn cgroup_owner(
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

/// The terminal of a process.
pub fn terminal(process: &Process<'_>, console: bool) -> Op {
    let size = process
        .console_size
        .map_or(Size::default(), |size| Size { rows: size.height, columns: size.width });
    Op::Terminal { size, uid: process.user.uid, console }
}

/// The labels of the security modules.
///
/// # Errors
/// A label for a module that is not on.
pub fn labels(process: &Process<'_>, host: Host) -> Result<Vec<Op>> {
    let mut ops = Vec::new();
    if let Some(profile) = process.apparmor_profile.filter(|profile| !profile.is_empty()) {
        if !host.apparmor {
            return Err(error!(
                "process.apparmorProfile: {profile:?} is asked for, but AppArmor is not enabled \
                 on this host"
            ));
        }
        ops.push(Op::ExecLabel {
            file: CString::from(c"self/attr/apparmor/exec"),
            text: c_string("process.apparmorProfile", &format!("exec {profile}"))?,
        });
    }
    if let Some(label) = process.selinux_label.filter(|label| !label.is_empty()) {
        if !host.selinux {
            return Err(error!(
                "process.selinuxLabel: {label:?} is asked for, but SELinux is not enabled on \
                 this host"
            ));
        }
        ops.push(Op::ExecLabel {
            file: CString::from(c"self/attr/exec"),
            text: c_string("process.selinuxLabel", label)?,
        });
    }
    Ok(ops)
}

/// The vectors of a process; `extra` variables win over its own.
///
/// # Errors
/// No arguments, or a null byte.
pub fn program(process: &Process<'_>, extra: &[String]) -> Result<Program> {
    let mut environment = process.env.clone();
    environment.extend(extra.iter().map(String::as_str));
    Program::new(&process.args, &environment)
        .ok_or_else(|| error!("process.args: it is empty, or a text has a null byte in it"))
}

/// The hooks of one kind; `default` is the environment of those that have none.
///
/// # Errors
/// A null byte.
pub fn hooks(kind: &'static str, hooks: &[spec::Hook<'_>], default: &[CString]) -> Result<Hooks> {
    Hooks::new(kind, hooks, default)
        .ok_or_else(|| error!("hooks.{kind}: a text has a null byte in it"))
}

fn namespaces(spec: &Spec<'_>, host: Host) -> Result<namespace::Plan> {
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
        plan.time_offsets = Some(text);
    }
    Ok(plan)
}

/// Who the process is.
///
/// # Errors
/// Supplementary groups where setgroups(2) is denied.
fn identity(
    spec: &Spec<'_>,
    process: &Process<'_>,
    namespaces: &namespace::Plan,
    host: Host,
    warnings: &mut Vec<String>,
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

fn missing_text(missing: u64) -> String {
    let mut text = String::from("capabilities that the runtime itself does not have are left out:");
    for number in (0..64).filter(|number| missing & (1 << number) != 0) {
        let _ = write!(text, " CAP_{}", spec::capability::name(number));
    }
    text
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

/// Where `root.path` is on the host.
pub fn rootfs(spec: &Spec<'_>, bundle: &str) -> Option<String> {
    spec.root.as_ref().map(|root| absolute(bundle, root.path))
}
