//! Whether a process of `exec` may begin alone: the command lends it its memory and
//! stands still until it has become the program ([`Memory::Lent`](crate::sys::lend::Memory)).
//!
//! That saves the copies of pages, and the messages between the two. It takes that
//! the command has no part in what the process does before its program runs, and
//! that nobody in the container can look into the memory, which is the command's:
//! the kernel lets only who may trace processes of the host do so, as long as it is
//! marked (`PR_SET_DUMPABLE`; kernel/ptrace.c: `__ptrace_may_access`).

use super::host::first_byte;
use crate::container::State;
use crate::plan::{Host, Op, Plan};
use crate::rdt;
use crate::request::ExecOptions;
use linux_raw_sys::general::{CLONE_NEWTIME, CLONE_NEWUSER};

/// Whether it may.
pub fn begins_alone(plan: &Plan, host: &Host, state: &State, options: &ExecOptions) -> bool {
    !needs_command(plan, host)
        && state.rdt == rdt::Group::default()
        && options.pidfd_socket.is_none()
        // Who shares the memory with another cannot join one.
        && !plan.namespaces.joins(CLONE_NEWTIME)
        && (keeps_user(plan, host) || stays_hidden())
}

/// What the plan has for the command to do between the process's birth and its
/// program.
fn needs_command(plan: &Plan, host: &Host) -> bool {
    // A new property of the plan is to be decided about here.
    let Plan {
        namespaces,
        ops,
        oom_score_adj,
        net_devices,
        scheduler,
        io_priority,
        seccomp,
        runtime_hooks,
        // The process's own affairs, or done before its birth.
        cover: _,
        identity: _,
        cwd: _,
        program: _,
        cgroup_owner: _,
        rlimits: _,
        first_cpus: _,
        preserve_fds: _,
        state: _,
        create_container: _,
        start_container: _,
        warnings: _,
    } = plan;
    // Where a user namespace is between the process and the host's /proc, it may not
    // write its score itself.
    let foreign = host.in_user_namespace || namespaces.joins(CLONE_NEWUSER);
    namespaces.new != 0
        || oom_score_adj.is_some() && foreign
        || !net_devices.is_empty()
        || scheduler.is_some()
        || io_priority.is_some()
        || seccomp.as_ref().is_some_and(|filter| filter.listener)
        || runtime_hooks.iter().any(|hooks| !hooks.is_empty())
        || ops.iter().any(|op| matches!(op, Op::Terminal { .. }))
}

/// The process stays who we are: then the memory stays marked.
fn keeps_user(plan: &Plan, host: &Host) -> bool {
    !plan.namespaces.joins(CLONE_NEWUSER)
        && (plan.identity.uid, plan.identity.gid) == (host.uid, host.gid)
}

/// Whether memory is marked also when its process becomes another user: not where
/// the administrator wants to debug that (proc_sys_fs(5), `suid_dumpable`).
fn stays_hidden() -> bool {
    matches!(first_byte("/proc/sys/fs/suid_dumpable"), Some(b'0' | b'2'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;
    use crate::plan::exec::{Request, plan};
    use crate::spec::{Linux, Process};
    use crate::text;
    use alloc::vec::Vec;

    const HOST: Host = Host::ROOT;

    /// A process with these properties, planned on this host.
    fn planned(properties: &str, host: Host) -> &'static mut Plan {
        let text = text!("{{\"cwd\": \"/\", \"args\": [\"a\"], {properties}}}");
        let document = Document::parse(text.as_bytes(), "process.json").unwrap();
        let process = Process::read(&document).unwrap();
        let request = Request {
            id: "c",
            join: Vec::new(),
            linux: &Linux::default(),
            own_keyring: false,
            preserve_fds: 0,
            host,
            setgroups_denied: false,
        };
        plan(&process, request).unwrap()
    }

    fn needs(properties: &str, host: Host) -> bool {
        needs_command(planned(properties, host), &host)
    }

    #[test]
    fn who_has_a_part_for_the_command_does_not_begin_alone() {
        const ROOT: &str = r#""user": {"uid": 0, "gid": 0}"#;
        assert!(!needs(ROOT, HOST));
        for property in [
            r#""terminal": true"#,
            r#""scheduler": {"policy": "SCHED_BATCH"}"#,
            r#""ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4}"#,
        ] {
            assert!(needs(text!("{ROOT}, {property}"), HOST), "{property}");
        }
    }

    #[test]
    fn a_score_is_the_commands_part_in_a_user_namespace() {
        const SCORE: &str = r#""user": {"uid": 0, "gid": 0}, "oomScoreAdj": 9"#;
        assert!(!needs(SCORE, HOST));
        assert!(needs(SCORE, Host { in_user_namespace: true, ..HOST }));
    }

    #[test]
    fn another_user_or_group_is_not_who_we_are() {
        let keeps = |user: &str| keeps_user(planned(user, HOST), &HOST);
        assert!(keeps(r#""user": {"uid": 0, "gid": 0}"#));
        assert!(!keeps(r#""user": {"uid": 1, "gid": 0}"#));
        assert!(!keeps(r#""user": {"uid": 0, "gid": 1}"#));
    }
}
