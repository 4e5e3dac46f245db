//! The plan of a new container.

use super::file_system::{cover, file_system, without_mount_namespace};
use super::identity::{cgroup_owner, identity};
use super::labels::keyring;
use super::mounts::{absolute, c_string};
use super::namespaces::namespaces;
use super::{Op, Plan, Request};
use crate::error;
use crate::error::Result;
use crate::hook::{Hooks, StateText};
use crate::network;
use crate::process::program::Program;
use crate::quote::quoted;
use crate::spec::{self, Linux, PersonalityDomain, Process, Spec, ranges};
use crate::sys::schedule::Mask;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::CStr;
use linux_raw_sys::general::*;

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
    let at = ops.iter().position(needs_network).unwrap_or(ops.len());
    if !plan.net_devices.is_empty() {
        ops.insert(at, Op::NetDevices);
    }
    if plan.namespaces.is_new(CLONE_NEWNET) {
        ops.insert(at, Op::Loopback);
        ops.insert(at, Op::NetworkNamespace);
    }
    let at = ops.iter().position(needs_cgroups).unwrap_or(ops.len());
    if plan.namespaces.is_new(CLONE_NEWCGROUP) {
        ops.insert(at, Op::CgroupNamespace);
    }
    ops.insert(at, Op::Cgroups);
    process_operations(&mut ops, process, &spec.linux)?;
    plan.ops = ops;
    Ok(())
}

/// Whether the process must be in its network namespace for this operation: all file
/// systems are taken to show it but those that do not. It enters its cgroups later.
pub fn needs_network(op: &Op) -> bool {
    const OTHERS: [&CStr; 4] = [c"proc", c"tmpfs", c"devpts", c"mqueue"];
    match op {
        Op::Mount(mount) if mount.bind.is_some() || !OTHERS.contains(&mount.fstype) => true,
        Op::Sysctl { .. } => true,
        op => needs_cgroups(op),
    }
}

/// Whether the process must be in its cgroups for this operation: they are seen by
/// it or by those who wait for it, hold for it (memory), or it would be too
/// late. What comes before is done while the parent makes them.
fn needs_cgroups(op: &Op) -> bool {
    match op {
        Op::Mount(mount) => mount.copy_up,
        Op::CgroupMount(_)
        | Op::NetDevices
        | Op::RuntimeHooks
        | Op::ContainerHooks
        | Op::Pivot
        | Op::MoveRoot(_)
        | Op::ChangeRoot => true,
        _ => false,
    }
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
