//! `create` and `run`: from the bundle to a container.

use super::born::{Born, end, not_started};
use super::bundle::{bundle_directory, check_rootfs, read_config};
use super::draft::{Draft, Placement, draft, placement};
use super::foreground::{Foreground, check_terminal};
use super::handover::{self, send_pidfd, write_pid_file};
use super::home::New;
use super::launch::{Launch, launch};
use super::record::first_state;
use super::{host, protect};
use crate::cgroup::systemd::Driver;
use crate::cgroup::{self, Cgroups, Created};
use crate::container::notify::{self, Notify};
use crate::container::process::Stat;
use crate::container::{Directory, Lock, Root, START_SOCKET, State, destroy, hooks};
use crate::error::{Context, Result};
use crate::json::Document;
use crate::plan::Plan;
use crate::request::{Caller, CreateOptions};
use crate::spec::{self, Spec};
use crate::sys::exec::Strings;
use crate::sys::fd::AsFd;
use crate::sys::{descriptor, signal};
use crate::text;
use alloc::vec::Vec;
use linux_raw_sys::general::CLONE_NEWPID;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::Mode;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with,
};
use rustix::process::Pid;

/// What happens after the container is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// It waits for `start`.
    Created,
    /// Its program runs at once.
    Running,
}

/// Who has a container made, where that is more than a command line: the first
/// process of a board.
pub trait Maker {
    /// May change the configuration before it is planned.
    ///
    /// # Errors
    /// The container cannot be made here.
    fn adapt(&mut self, _spec: &mut Spec<'_>) -> Result<()> {
        Ok(())
    }

    /// Whether a detached container's terminal is served all the same: then we
    /// stay.
    fn serves_terminal(&self) -> bool {
        false
    }

    /// The program runs; `stays` tells whether we wait for its end.
    fn started(&mut self, _pid: Pid, _stays: bool) {}
}

/// A command has no more to say.
impl Maker for () {}

/// As [`make`], for a command.
///
/// # Errors
/// As [`make`].
pub fn create(caller: &Caller, options: &CreateOptions, mode: Until) -> Result<u8> {
    make(caller, options, mode, &mut ())
}

/// Makes a container; with [`Until::Running`] also starts it and, unless detached,
/// waits for its end and deletes it. The value is the exit status.
///
/// # Errors
/// Anything that does not work; nothing is left behind then.
pub fn make(
    caller: &Caller,
    options: &CreateOptions,
    mode: Until,
    maker: &mut dyn Maker,
) -> Result<u8> {
    let view = protect::run_protected(caller.arguments, caller.environment)?;
    let bundle = bundle_directory(options.bundle)?;
    let file = match &options.config {
        Some(config) => *config,
        None => text!("{bundle}/config.json"),
    };
    let text = read_config(file)?;
    let document =
        Document::parse(text, if options.config.is_some() { file } else { "config.json" })?;
    // What is only memory stays: a drop would write into pages which are shared with
    // the first process, and each of them would be copied for it.
    let spec = Spec::read(&document)?;
    let filter = spec.linux.seccomp.is_some();
    maker.adapt(spec)?;
    let terminal = spec.process.as_ref().is_some_and(|process| process.terminal);
    let served = terminal && maker.serves_terminal();
    let detached = mode == Until::Created || options.detach && !served;
    let socket = options.console_socket.is_some();
    check_terminal(terminal, detached, socket, "process.terminal")?;
    let rootfs = check_rootfs(spec, bundle)?;
    let host = host::gather(spec.process.as_ref(), spec.linux.mount_label)?;
    let Placement { layout, mut driver, rootless, cgroups } =
        placement(caller, spec, options.id.as_str())?;
    let unit = driver.as_ref().map(|driver| driver.unit.clone());
    let Draft { plan, environment, notify_host } =
        draft(caller, options, spec, [bundle, rootfs], &layout, &cgroups.cgroups, host)?;
    // In its own pid namespace nobody sees us; otherwise it is closed now.
    let alone = plan.namespaces.is_new(CLONE_NEWPID) && !plan.namespaces.needs_stage(false);
    let view = view.filter(|_| alone);
    let console = match &options.console_socket {
        Some(path) => Some(handover::connect_to(path)?),
        None => None,
    };
    let rdt = spec.linux.intel_rdt.as_ref();
    let state = first_state(options, &document, spec, plan, [bundle, rootfs], rootless)?;
    state.unfiltered = filter && spec.linux.seccomp.is_none();
    let root = Root::create(caller.globals.root, caller.globals.root_sticky)?;
    let directory = root.claim(&options.id)?;
    let lock = directory.lock().inspect_err(|_| root.give_back(&options.id))?;
    let mut making = Making {
        caller,
        options,
        mode,
        detached,
        directory: &directory,
        lock: &lock,
        state,
        environment: &environment,
        console,
        notify_host,
        notify: None,
        rdt,
        view,
    };
    let made = cgroups.check_unused().and_then(|()| {
        making.state.cgroups = cgroups.cgroups.clone();
        making.state.systemd = unit;
        making.make(plan, &cgroups, driver.as_mut())
    });
    let born = match made {
        Ok(born) => born,
        Err(error) => {
            undo(caller, options, &directory, &lock, making.state);
            return Err(error);
        }
    };
    for warning in &plan.warnings {
        caller.log.warning(format_args!("{warning}"));
    }
    let Making { state, notify, .. } = making;
    drop(lock);
    drop(directory);
    maker.started(born.0.pid, !detached);
    if detached {
        if let Some(notify) = notify {
            // It may take its time: who wants us to end may have it.
            signal::set_mask(signal::Set::NONE);
            notify.wait(state.pid, state.start_time);
        }
        return Ok(0);
    }
    let (born, mut foreground) = born;
    foreground.notify = notify;
    let status = foreground.wait(born.pid);
    // The caller's terminal is as it was before anything else is said.
    drop(foreground);
    if options.keep && status.is_ok() {
        return status;
    }
    let finished = finish(caller, &root, state);
    status.and_then(|status| finished.map(|()| status))
}

/// A container being made: what is needed to go on, and to go back.
struct Making<'a> {
    caller: &'a Caller,
    options: &'a CreateOptions,
    mode: Until,
    detached: bool,
    directory: &'a Directory<'a>,
    lock: &'a Lock<'a>,
    state: &'static mut State,
    environment: &'a Strings,
    console: Option<OwnedFd>,
    /// `$NOTIFY_SOCKET`.
    notify_host: Option<&'a str>,
    notify: Option<Notify>,
    rdt: Option<&'a spec::IntelRdt<'a>>,
    /// The mount of the view that the program runs from.
    view: Option<OwnedFd>,
}

impl Making<'_> {
    fn make(
        &mut self,
        plan: &mut Plan,
        cgroups: &cgroup::Plan,
        driver: Option<&mut Driver>,
    ) -> Result<(Born, Foreground)> {
        // First, since a limit of the caller's for files would kill us (SIGXFSZ).
        let mask = signal::block(signal::Set::ALL);
        // What must be cleaned is written down before it is made.
        self.directory.save(self.lock, self.state)?;
        let created = match driver {
            // It needs the first process.
            Some(_) => Created::default(),
            None => cgroups.begin().inspect_err(|_| {
                // It has removed what it made; the rest was never ours.
                self.state.cgroups = Cgroups::default();
            })?,
        };
        if let Some(rdt) = self.rdt {
            self.state.rdt.create(rdt)?;
        }
        if let Some(host) = self.notify_host {
            notify::make_directory(self.directory)?;
            if self.mode == Until::Running {
                let log = &self.caller.log;
                self.notify = Notify::bind(self.directory, host).unwrap_or_else(|error| {
                    log.warning(format_args!("{error}"));
                    None
                });
            }
        }
        let start = match self.mode {
            Until::Created => Some(self.start_socket()?),
            Until::Running => None,
        };
        if !self.detached && !self.options.no_subreaper {
            // Orphans of a container without its own pid namespace come to us.
            let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        }
        let mut private = Vec::from([self.directory.as_fd()]);
        if let Some(driver) = &driver {
            private.extend(descriptor::borrow(driver.as_fd().as_raw_fd()));
        }
        private.extend(self.view.as_ref().map(AsFd::as_fd));
        let owner = plan.cgroup_owner;
        let mut home = New { plan: cgroups, created, driver, state: &mut *self.state, owner };
        let born = launch(
            plan,
            Launch {
                home: &mut home,
                start,
                private,
                environment: self.environment,
                mask,
                detached: self.detached,
                last: false,
                alone: false,
            },
        )
        .map_err(not_started)?;
        let created = home.created;
        match self.bring_up(plan, &born) {
            Ok(foreground) => {
                created.keep();
                Ok((born, foreground))
            }
            Err(error) => {
                end(born.pid);
                Err(error)
            }
        }
    }

    /// From the birth to the program (or to its waiting for `start`).
    fn bring_up(&mut self, plan: &Plan, born: &Born) -> Result<Foreground> {
        self.state.rdt.enter(born.pid)?;
        let pid = born.pid.as_raw_nonzero().get();
        self.state.pid = pid;
        self.state.start_time = match born.start_time {
            Some(time) => time,
            None => Stat::of(pid)?.map_or(0, |stat| stat.start_time),
        };
        // While the process makes its world; the container is still being created.
        self.directory.prepare(self.lock, self.state)?;
        self.view = None;
        let master = born.until_ready(plan).map_err(|error| {
            // There is no process any more.
            self.state.pid = 0;
            not_started(error)
        })?;
        self.directory.replace(self.lock)?;
        let foreground = Foreground::serve(self.console.as_ref(), master)?;
        if let Some(path) = &self.options.pidfd_socket {
            send_pidfd(path, born.pid)?;
        }
        if let Some(path) = &self.options.pid_file {
            write_pid_file(path, born.pid)?;
        }
        if self.mode == Until::Created {
            born.leave()?;
        } else {
            born.go()?;
            born.until_program(&self.state.listener("creating")).map_err(not_started)?;
            hooks::poststart(self.state, self.caller.environment)?;
        }
        Ok(foreground)
    }

    /// The socket on which the first process waits for `start`.
    fn start_socket(&self) -> Result<OwnedFd> {
        let what = || text!("make the start socket of \"{}\"", self.state.id);
        let path = text!("/proc/self/fd/{}/{START_SOCKET}", self.directory.as_fd().as_raw_fd());
        let address = SocketAddrUnix::new(path).context(what)?;
        let flags = SocketFlags::CLOEXEC;
        let socket =
            socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).context(what)?;
        // For nobody else to start the container, or to keep `start` waiting.
        let mask = rustix::process::umask(Mode::from_raw_mode(0o077));
        let bound = bind(&socket, &address);
        rustix::process::umask(mask);
        bound.context(what)?;
        listen(&socket, 8).context(what)?;
        Ok(socket)
    }
}

/// Takes back what was made; what cannot be taken back is logged, since the
/// first error is the one to report.
pub fn undo(
    caller: &Caller,
    options: &CreateOptions,
    directory: &Directory<'_>,
    lock: &Lock<'_>,
    state: &State,
) {
    if let Err(error) = destroy(directory, lock, Some(state)) {
        caller.log.warning(format_args!("clean up after a failure: {error}"));
    }
    if let Some(path) = options.pid_file {
        let _ = crate::named::unlink(path);
    }
    poststop(state, caller);
}

/// Deletes the container that has just ended.
///
/// # Errors
/// Something withstands.
pub fn finish(caller: &Caller, root: &Root, state: &State) -> Result<()> {
    // Somebody else may have deleted it already.
    let Some(directory) = root.find(&state.id)? else { return Ok(()) };
    let Ok(lock) = directory.lock() else { return Ok(()) };
    destroy(&directory, &lock, Some(state))?;
    poststop(state, caller);
    Ok(())
}

fn poststop(state: &State, caller: &Caller) {
    hooks::poststop(state, caller.environment, &mut |error| {
        caller.log.warning(format_args!("{error}"));
    });
}
