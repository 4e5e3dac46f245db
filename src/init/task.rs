//! What the first process has done by others: each task is a process, cloned
//! from it, that may allocate, fail and be killed. So the first one stays small
//! and is not hurt by a bundle, however bad.
//!
//! What the container's init is when its maker has ended: a child of the first
//! process, as every orphan.

use super::adapt::{Here, adapt};
use super::board::Board;
use super::ending;
use super::settings::{Ending, Sink};
use crate::act::create::{Maker, Until, make};
use crate::act::exec::exec;
use crate::container::{self, ContainerId, Root};
use crate::error;
use crate::error::{Context, Result};
use crate::log::Log;
use crate::named;
use crate::process::spawn::PATH_VARIABLE;
use crate::request::{Caller, CgroupManager, CreateOptions, ExecOptions, Globals};
use crate::spec::Spec;
use crate::sys::clone::{Side, clone};
use crate::sys::descriptor::{become_stdio, close_inherited};
use crate::sys::exec::{Strings, execve};
use crate::sys::fd::AsFd;
use crate::sys::{exit, signal};
use alloc::vec::Vec;
use core::ffi::CStr;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::Pid;

/// Where the containers' state is: the usual place, so that commands find it.
const STATE: &str = "/run/ocinit";
/// Where the process id of the health command is, for who has to end it.
pub const PROBE_PID: &str = "/run/ocinit.health.pid";
/// The size of the report that a container has been started.
pub const REPORT: usize = 5;

/// What hooks and the shell are given.
static ENVIRONMENT: &[&CStr] = &[PATH_VARIABLE, c"HOME=/", c"TERM=linux"];

/// Clones a process for a task; its status is what `work` returns.
///
/// # Errors
/// No memory, or too many processes.
fn spawn(work: impl FnOnce() -> u8) -> rustix::io::Result<Pid> {
    match clone(0, None)? {
        Side::Parent(pid) => Ok(pid),
        Side::Child => {
            super::FIRST.store(false, core::sync::atomic::Ordering::Relaxed);
            signal::set_mask(signal::Set::NONE);
            exit(work())
        }
    }
}

impl Board {
    /// Starts the container; what `report` is the reading end of gets a
    /// [`REPORT`] when its program runs. `close` is nothing for a container.
    ///
    /// # Errors
    /// Those of clone(2).
    pub fn launch(
        &self,
        report: BorrowedFd<'_>,
        output: Option<BorrowedFd<'_>>,
        close: Option<BorrowedFd<'_>>,
    ) -> rustix::io::Result<Pid> {
        self.task(close, |caller| {
            self.redirect(output)?;
            let options = CreateOptions {
                id: ContainerId::new(self.settings.id)?,
                bundle: self.bundle,
                config: None,
                console_socket: None,
                pidfd_socket: None,
                pid_file: None,
                no_pivot: false,
                no_new_keyring: false,
                preserve_fds: 0,
                detach: true,
                keep: true,
                no_subreaper: false,
            };
            make(
                caller,
                &options,
                Until::Running,
                &mut Launcher { board: self, log: &caller.log, report },
            )
        })
    }

    /// Ends and removes what is left of the container.
    ///
    /// # Errors
    /// Those of clone(2).
    pub fn clean(&self, close: Option<BorrowedFd<'_>>) -> rustix::io::Result<Pid> {
        self.task(close, |caller| {
            let Some(root) = Root::open(STATE)? else { return Ok(0) };
            let id = ContainerId::new(self.settings.id)?;
            if let Some(state) = container::delete(&root, &id, true)? {
                container::hooks::poststop(state, ENVIRONMENT, &mut |error| {
                    caller.log.warning(format_args!("{error}"));
                });
            }
            Ok(0)
        })
    }

    /// Runs the health command in the container.
    ///
    /// # Errors
    /// Those of clone(2).
    pub fn probe(&self, close: Option<BorrowedFd<'_>>) -> rustix::io::Result<Pid> {
        let _ = named::unlink(PROBE_PID);
        self.task(close, |caller| {
            let Some(check) = &self.settings.health else { return Ok(0) };
            self.silence()?;
            exec(caller, &exec_options(ContainerId::new(self.settings.id)?, &check.command))
        })
    }

    /// Runs a shell on the console.
    ///
    /// # Errors
    /// Those of clone(2).
    pub fn shell(&self, close: Option<BorrowedFd<'_>>) -> rustix::io::Result<Pid> {
        self.task(close, |_| {
            let _ = rustix::process::setsid();
            let _ = rustix::process::ioctl_tiocsctty(crate::sys::descriptor::standard(0));
            let arguments = Strings::new(&[c"-sh"]);
            let errno = execve(super::SHELL, &arguments, &Strings::new(ENVIRONMENT));
            Err(errno).context(|| "run \"/bin/sh\"")
        })
    }

    /// Ends the board; see [`ending::carry_out`].
    ///
    /// # Errors
    /// Those of clone(2).
    pub fn end(
        &self,
        how: Ending,
        watchdog: Option<&super::watchdog::Watchdog>,
    ) -> rustix::io::Result<Pid> {
        spawn(|| ending::carry_out(self, how, watchdog))
    }

    fn task(
        &self,
        close: Option<BorrowedFd<'_>>,
        work: impl FnOnce(&Caller) -> Result<u8>,
    ) -> rustix::io::Result<Pid> {
        spawn(|| {
            // A watchdog stops only when nobody has it open any more.
            if let Some(fd) = close {
                close_inherited(fd);
            }
            let kmsg = self.voice.target().and_then(|kmsg| kmsg.try_clone().ok());
            let caller = Caller {
                globals: Globals {
                    root: STATE,
                    root_given: false,
                    root_sticky: false,
                    cgroup_manager: CgroupManager::Cgroupfs,
                    rootless: Some(false),
                    criu: None,
                },
                log: Log::board(kmsg, self.settings.debug),
                arguments: super::ARGUMENTS,
                environment: ENVIRONMENT,
            };
            work(&caller).unwrap_or_else(|error| {
                caller.log.error(&error);
                error.status.unwrap_or(1)
            })
        })
    }

    /// The container's output, where it is not the console.
    fn redirect(&self, output: Option<BorrowedFd<'_>>) -> Result<()> {
        let what = || "redirect the container's output";
        let null;
        let target = match self.settings.output {
            Sink::Console => return Ok(()),
            Sink::Kmsg => output,
            Sink::Null => {
                null = open_null()?;
                Some(null.as_fd())
            }
        };
        let Some(target) = target else { return Ok(()) };
        become_stdio(target, 1).and_then(|()| become_stdio(target, 2)).context(what)
    }

    fn silence(&self) -> Result<()> {
        let null = open_null()?;
        for number in 0..3 {
            become_stdio(null.as_fd(), number).context(|| "redirect the health command")?;
        }
        Ok(())
    }
}

fn open_null() -> Result<OwnedFd> {
    open(c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .context(|| "open \"/dev/null\"")
}

fn exec_options(id: ContainerId, command: &[&'static CStr]) -> ExecOptions {
    ExecOptions {
        id,
        arguments: Vec::from(command),
        process: None,
        console_socket: None,
        pidfd_socket: None,
        pid_file: Some(PROBE_PID),
        cwd: None,
        env: Vec::new(),
        tty: false,
        user: None,
        additional_gids: Vec::new(),
        detach: false,
        process_label: None,
        apparmor: None,
        no_new_privs: None,
        capabilities: Vec::new(),
        preserve_fds: 0,
        cgroups: Vec::new(),
        ignore_paused: true,
    }
}

/// The process that makes the container.
struct Launcher<'a> {
    board: &'a Board,
    log: &'a Log,
    report: BorrowedFd<'a>,
}

impl Maker for Launcher<'_> {
    fn adapt(&mut self, spec: &mut Spec<'_>) -> Result<()> {
        let settings = &self.board.settings;
        let process = spec.process.as_mut();
        let process = process.ok_or_else(|| error!("config.json: process: it is missing"))?;
        // There is nobody to sit at it.
        process.terminal &= settings.output != Sink::Null;
        let warn = |line: &dyn core::fmt::Display| self.log.warning(format_args!("{line}"));
        adapt(spec, &Here::new()?, settings.strict, &mut { warn })
    }

    fn serves_terminal(&self) -> bool {
        true
    }

    fn started(&mut self, pid: Pid, stays: bool) {
        let [a, b, c, d] = pid.as_raw_nonzero().get().to_ne_bytes();
        let report: [u8; REPORT] = [a, b, c, d, u8::from(stays)];
        let _ = rustix::io::write(self.report, &report);
    }
}
