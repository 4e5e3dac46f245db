//! The plan of one more process in a running container.

use super::container::{mask, process_operations, program};
use super::file_system::terminal;
use super::identity::of_process;
use super::labels::{keyring, labels};
use super::mounts::c_string;
use super::{Host, Op, Plan};
use crate::error;
use crate::error::{Error, Result};
use crate::hook::{Hooks, StateText};
use crate::namespace;
use crate::namespace::join::Join;
use crate::number;
use crate::quote::quoted;
use crate::request::ExecOptions;
use crate::rootfs::mask::Cover;
use crate::spec::{Capabilities, Linux, NO_ID, Process, User, capability, is_variable};
use crate::text;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What the command line and the host add to the process.
pub struct Request<'a> {
    /// The container's id.
    pub id: &'a str,
    /// The namespaces of the container's init that are not ours.
    pub join: Vec<Join>,
    /// What holds for every process of the container: the system call filter,
    /// the execution domain and the memory policy.
    pub linux: &'a Linux<'a>,
    /// The container has a session keyring, which the process joins.
    pub own_keyring: bool,
    /// Descriptors from 3 on that the program keeps.
    pub preserve_fds: u32,
    /// Facts of the host.
    pub host: Host,
    /// setgroups(2) is denied in the container's user namespace.
    pub setgroups_denied: bool,
}

/// Plans a process.
///
/// # Errors
/// A property that cannot be carried out here, named with its path.
pub fn plan(process: &Process<'_>, request: Request<'_>) -> Result<&'static mut Plan> {
    let seccomp = request.linux.seccomp.as_ref().map(crate::seccomp::compile).transpose()?;
    let mut ops = Vec::with_capacity(12);
    let mut first_cpus = None;
    if let Some(cpus) = process.exec_cpu_affinity {
        let property = "process.execCPUAffinity";
        first_cpus = cpus.initial.map(|list| mask(property, Some(list))).transpose()?;
        // Without `final` the process may run wherever its cpuset lets it.
        let last = cpus.last.map_or(Ok([!0; _]), |list| mask(property, Some(list)))?;
        ops.push(Op::Affinity(Box::new(last)));
    }
    ops.push(Op::NewSession);
    if request.own_keyring {
        keyring(&mut ops, request.id, process, request.host)?;
    }
    if process.terminal {
        ops.push(terminal(process, false));
    }
    ops.extend(labels(process, request.host)?);
    process_operations(&mut ops, process, request.linux)?;
    let mut identity = of_process(process, seccomp.is_some());
    if request.setgroups_denied && process.user.additional_gids.is_empty() {
        identity.groups = None;
    }
    Ok(Box::leak(Box::new(Plan {
        namespaces: namespace::Plan { join: request.join, ..namespace::Plan::default() },
        ops,
        cover: Cover::default(),
        identity,
        cwd: c_string("process.cwd", process.cwd)?,
        program: program(process, &[])?,
        cgroup_owner: None,
        rlimits: process.rlimits.clone(),
        oom_score_adj: process.oom_score_adj,
        net_devices: Vec::new(),
        scheduler: process.scheduler,
        io_priority: process.io_priority,
        first_cpus,
        preserve_fds: request.preserve_fds,
        seccomp,
        state: StateText::default(),
        runtime_hooks: [Hooks::default(), Hooks::default()],
        create_container: Hooks::default(),
        start_container: Hooks::default(),
        warnings: Vec::new(),
    })))
}

/// Puts the flags of `exec` on top of the configuration's process.
///
/// # Errors
/// A flag's value is not what it must be.
pub fn apply_flags<'a>(
    process: &mut Process<'a>,
    options: &'a ExecOptions,
    warnings: &mut Vec<&'static str>,
) -> Result<()> {
    process.args = options
        .arguments
        .iter()
        .map(|argument| argument.to_str().map_err(|_| error!("an argument is not UTF-8")))
        .collect::<Result<_>>()?;
    process.terminal = options.tty;
    if let Some(cwd) = options.cwd {
        if !cwd.starts_with('/') {
            return Err(error!("--cwd: {} is not an absolute path", quoted(cwd)));
        }
        process.cwd = cwd;
    }
    for entry in &options.env {
        if !is_variable(entry) {
            return Err(Error::about_quoted("--env: invalid environment variable: {}", entry));
        }
    }
    process.env.extend(&options.env);
    process.selinux_label = options.process_label.or(process.selinux_label);
    process.apparmor_profile = options.apparmor.or(process.apparmor_profile);
    if let Some(no_new_privileges) = options.no_new_privs {
        process.no_new_privileges = no_new_privileges;
    }
    if let Some(user) = options.user {
        (process.user.uid, process.user.gid) = parse_user(user)?;
    }
    for text in &options.additional_gids {
        for gid in text.split(',') {
            let gid = number::unsigned(gid)
                .filter(|gid| *gid != NO_ID)
                .ok_or_else(|| error!("--additional-gids: {} is not a group id", quoted(gid)))?;
            process.user.additional_gids.push(gid);
        }
    }
    add_capabilities(process, &options.capabilities, warnings);
    Ok(())
}

/// `UID[:GID]`; the group is 0 where it is not given.
fn parse_user(text: &str) -> Result<(u32, u32)> {
    let (uid, gid) = text.split_once(':').unwrap_or((text, "0"));
    match (number::unsigned(uid), number::unsigned(gid)) {
        (Some(uid), Some(gid)) if uid != NO_ID && gid != NO_ID => Ok((uid, gid)),
        _ => Err(error!("--user: {} is not UID or UID:GID", quoted(text))),
    }
}

/// Adds to what the process may use now, never to what it can inherit
/// (CVE-2022-29162): ambient ones only where the configuration has inheritable
/// ones already.
fn add_capabilities(process: &mut Process<'_>, names: &[&str], warnings: &mut Vec<&'static str>) {
    if names.is_empty() {
        return;
    }
    let sets = process.capabilities.get_or_insert_with(Capabilities::default);
    for name in names {
        let Some(number) = capability::number(name) else {
            warnings.push(text!("--cap: ignoring unknown capability {}", quoted(name)));
            continue;
        };
        let bit = 1 << number;
        sets.bounding |= bit;
        sets.effective |= bit;
        sets.permitted |= bit;
        if sets.inheritable != 0 && sets.inheritable & bit != 0 {
            sets.ambient |= bit;
        }
    }
}

/// The process where the configuration has none: root, in `/`.
pub fn bare_process<'a>() -> Process<'a> {
    Process { cwd: "/", user: User::default(), ..Process::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_parsed_whole() {
        assert_eq!(parse_user("1").unwrap(), (1, 0));
        assert_eq!(parse_user("1:2").unwrap(), (1, 2));
        for bad in ["", ":", "a", "1:", ":1", "1:2:3", "-1", "1 ", "4294967296"] {
            assert!(parse_user(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn added_capabilities_are_never_inheritable() {
        let mut process = bare_process();
        let mut warnings = Vec::new();
        add_capabilities(&mut process, &["CAP_CHOWN", "CAP_NOPE"], &mut warnings);
        let sets = process.capabilities.unwrap();
        assert_eq!((sets.bounding, sets.effective, sets.permitted), (1, 1, 1));
        assert_eq!((sets.inheritable, sets.ambient), (0, 0));
        assert_eq!(warnings.len(), 1);
    }
}
