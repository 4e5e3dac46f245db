//! The plan of a new container.

use super::file_system::{cover, file_system, without_mount_namespace};
use super::identity::{cgroup_owner, identity};
use super::mounts::{absolute, c_string};
use super::namespaces::namespaces;
use super::{Host, Op, Plan};
use crate::cgroup::{Cgroups, Layout};
use crate::error;
use crate::error::Result;
use crate::hook::{Hooks, StateText};
use crate::network;
use crate::process::program::Program;
use crate::quote::quoted;
use crate::spec::{self, Linux, PersonalityDomain, Process, Spec, ranges};
use crate::sys::schedule::Mask;
use crate::text;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::CStr;
use linux_raw_sys::general::*;

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
    pub extra_env: &'a [&'static str],
    /// The runtime's own environment, for hooks that have none.
    pub environment: &'static [&'static CStr],
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
pub fn plan(spec: &Spec<'_>, request: &Request<'_>) -> Result<&'static mut Plan> {
    let process = spec.process.as_ref().ok_or_else(|| error!("process: it is missing"))?;
    let mut warnings = spec::validate::warnings(spec);
    let namespaces = namespaces(spec, request.host)?;
    let program = program(process, request.extra_env)?;
    let identity = identity(spec, process, &namespaces, request.host, &mut warnings)?;
    let seccomp = match &spec.linux.seccomp {
        Some(profile) => Some(crate::seccomp::compile(profile)?),
        None => None,
    };
    let plan = Box::leak(Box::new(Plan {
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
    }));
    operations(plan, spec, process, request)?;
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
        keyring(&mut ops, request.id, process, request.host)?;
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
        let nodes = mask("linux.memoryPolicy.nodes", policy.nodes)?;
        ops.push(Op::MemoryPolicy(mode, Box::new(nodes)));
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
            .ok_or_else(|| error!("{property}: {}: allowed are numbers up to 1023", quoted(list))),
    }
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

/// The vectors of a process; `extra` variables win over its own.
///
/// # Errors
/// No arguments, or a null byte.
pub fn program(process: &Process<'_>, extra: &[&'static str]) -> Result<Program> {
    let mut environment = process.env.clone();
    environment.extend(extra);
    Program::new(&process.args, &environment)
        .ok_or_else(|| error!("process.args: it is empty, or a text has a null byte in it"))
}

/// The hooks of one kind; `default` is the environment of those that have none.
///
/// # Errors
/// A null byte.
pub fn hooks(
    kind: &'static str,
    hooks: &[spec::Hook<'_>],
    default: &'static [&'static CStr],
) -> Result<Hooks> {
    Hooks::new(kind, hooks, default)
        .ok_or_else(|| error!("hooks.{kind}: a text has a null byte in it"))
}

/// Where `root.path` is on the host.
pub fn rootfs(spec: &Spec<'_>, bundle: &str) -> Option<&'static str> {
    spec.root.as_ref().map(|root| absolute(bundle, root.path))
}
