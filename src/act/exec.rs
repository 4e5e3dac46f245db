//! `exec`: one more process in a container.

use super::alone::begins_alone;
use super::born::{Born, end, not_started};
use super::bundle::read_config;
use super::foreground::{Foreground, check_terminal};
use super::handover::{self, check_kept, send_pidfd, write_pid_file};
use super::home::Joined;
use super::launch::{Launch, launch};
use super::listener::Listener;
use super::{host, protect};
use crate::cgroup::Created;
use crate::container::{State, Status};
use crate::error::{Error, Result};
use crate::json::Document;
use crate::namespace::join::{self, Join};
use crate::plan::Plan;
use crate::plan::exec::{Request, apply_flags, bare_process, plan};
use crate::request::{Caller, ExecOptions};
use crate::spec::{NamespaceKind, Process, Spec};
use crate::sys::exec::Strings;
use crate::sys::signal;
use crate::text;
use alloc::vec::Vec;
use linux_raw_sys::general::CLONE_NEWUSER;
use rustix::fd::OwnedFd;
use rustix::io::Errno;

/// Runs a process in a container: the value is the exit status, the program's
/// own unless detached.
///
/// # Errors
/// `exec failed: …`; no process is left then.
pub fn exec(caller: &Caller, options: &ExecOptions) -> Result<u8> {
    drop(protect::run_protected(caller.arguments, caller.environment)?);
    enter(caller, options).map_err(|error| error.within("exec failed"))
}

fn enter(caller: &Caller, options: &ExecOptions) -> Result<u8> {
    let root = caller.root()?;
    let directory = root.container(&options.id)?;
    let state = directory.state()?;
    let joins = join::of_init(state.pid, !0, state.new_namespaces);
    // What was opened is good if init is still init.
    check_status(directory.status(Some(state))?, options)?;
    let joins = joins?;
    let config = text!("{}/config.json", state.bundle);
    let text = read_config(config)?;
    let document = Document::parse(text, "config.json")?;
    let spec = Spec::read(&document)?;
    if state.unfiltered {
        spec.linux.seccomp = None;
    }
    // Init may have gone into a user namespace of its own making, where we would be
    // what it likes, with the caller's groups.
    let has_user = spec.linux.namespace(NamespaceKind::User).is_some();
    let joins = joins.into_iter().filter(|join| has_user || join.kind != CLONE_NEWUSER).collect();
    let mut warnings = Vec::new();
    match options.process {
        None => {
            let mut process = spec.process.take().unwrap_or_else(bare_process);
            apply_flags(&mut process, options, &mut warnings)?;
            run(caller, options, state, joins, (spec, &process), warnings)
        }
        Some(file) => {
            let text = read_config(file)?;
            let document = Document::parse(text, file)?;
            let mut process = Process::read(&document)?;
            process.terminal |= options.tty;
            run(caller, options, state, joins, (spec, &process), warnings)
        }
    }
}

fn check_status(status: Status, options: &ExecOptions) -> Result<()> {
    match status {
        Status::Stopped => Err(Error::new("cannot exec in a stopped container")),
        Status::Creating => Err(Error::new("cannot exec in a container that is being created")),
        Status::Paused if !options.ignore_paused => {
            Err(Error::new("cannot exec in a paused container (use --ignore-paused to override)"))
        }
        _ => Ok(()),
    }
}

fn run(
    caller: &Caller,
    options: &ExecOptions,
    state: &State,
    join: Vec<Join>,
    (spec, process): (&Spec<'_>, &Process<'_>),
    warnings: Vec<&'static str>,
) -> Result<u8> {
    let socket = options.console_socket.is_some();
    check_terminal(process.terminal, options.detach, socket, "--tty")?;
    let preserve_fds = check_kept(options.preserve_fds)?;
    let host = host::gather(Some(process), None)?;
    let same_user = !host.in_user_namespace && !join.iter().any(|join| join.kind == CLONE_NEWUSER);
    let request = Request {
        id: options.id.as_str(),
        join,
        linux: &spec.linux,
        own_keyring: state.own_keyring,
        preserve_fds,
        host,
        setgroups_denied: !same_user && setgroups_denied(state.pid),
    };
    let plan = plan(process, request)?;
    for warning in warnings.iter().chain(&plan.warnings) {
        caller.log.warning(format_args!("{warning}"));
    }
    let alone = begins_alone(plan, &host, state, options);
    let console = options.console_socket.map(handover::connect_to).transpose()?;
    let environment = Strings::new(caller.environment);
    let mask = signal::block(signal::Set::ALL);
    let mut start = |cgroups: &Created| {
        launch(
            plan,
            Launch {
                home: &mut Joined { cgroups, state },
                start: None,
                private: Vec::new(),
                environment: &environment,
                mask,
                detached: options.detach,
                last: true,
                alone,
            },
        )
    };
    let cgroups = state.cgroups.open(&options.cgroups)?;
    let born = match start(&cgroups) {
        // The container (a systemd, say) gave its controllers to cgroups below:
        // no process can be in its own any more, but where its init is.
        Err(error) if error.errno == Some(Errno::BUSY) && options.cgroups.is_empty() => {
            start(&state.cgroups.beside(state.pid).open(&[])?)
        }
        result => result,
    }
    .map_err(not_started)?;
    // What is open already is the container's, not ours to remove.
    let filter = spec.linux.seccomp.as_ref();
    let listener = Listener {
        path: filter.and_then(|filter| filter.listener_path).unwrap_or_default(),
        metadata: filter.and_then(|filter| filter.listener_metadata).unwrap_or_default(),
        pid: born.pid.as_raw_nonzero().get(),
        status: "running",
        state,
    };
    match bring_up(options, plan, &born, console.as_ref(), &listener) {
        Ok(_) if options.detach => Ok(0),
        Ok(mut foreground) => foreground.wait(born.pid).inspect_err(|_| end(born.pid)),
        Err(error) => {
            end(born.pid);
            Err(error)
        }
    }
}

fn bring_up(
    options: &ExecOptions,
    plan: &Plan,
    born: &Born,
    console: Option<&OwnedFd>,
    listener: &Listener<'_>,
) -> Result<Foreground> {
    listener.state.rdt.enter(born.pid)?;
    let master = born.until_ready(plan).map_err(not_started)?;
    let foreground = Foreground::serve(console, master)?;
    if let Some(path) = options.pidfd_socket {
        send_pidfd(path, born.pid)?;
    }
    born.go()?;
    born.until_program(listener).map_err(not_started)?;
    // Engines take the file's presence for the process's success.
    if let Some(path) = options.pid_file {
        write_pid_file(path, born.pid)?;
    }
    Ok(foreground)
}

fn setgroups_denied(pid: i32) -> bool {
    read_config(text!("/proc/{pid}/setgroups")).is_ok_and(|text| text.starts_with(b"deny"))
}
