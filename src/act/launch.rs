//! Bringing the first process into the world, from the command's side.

use super::channel::{self, Channel};
use super::child::Child;
use super::home::{self, Home, When};
use super::listener::Listener;
use super::prepare::prepare;
use super::report::{self, Kind};
use super::stage;
use crate::error;
use crate::error::{Context, Error, Result};
use crate::fault::{Act, Detail};
use crate::namespace::join::join_all;
use crate::namespace::name;
use crate::namespace::refused::refused;
use crate::network::devices::move_devices;
use crate::plan::Plan;
use crate::process::rlimit;
use crate::process::schedule::schedule;
use crate::process::spawn::reap;
use crate::spec::Rlimit;
use crate::sys::clone::{Side, clone};
use crate::sys::exec::Strings;
use crate::sys::schedule::set_affinity;
use crate::sys::{limit, signal};
use crate::text;
use alloc::vec::Vec;
use linux_raw_sys::general::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWUSER,
};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Pid, Signal, WaitId, WaitIdOptions, kill_process, set_dumpable_behavior,
    waitid,
};

/// What the launch needs beyond the plan.
pub struct Launch<'a> {
    /// Its cgroups.
    pub home: &'a mut dyn Home,
    /// The socket on which the first process waits for `start`.
    pub start: Option<OwnedFd>,
    /// Descriptors that only the command may keep.
    pub private: Vec<BorrowedFd<'a>>,
    /// The command's environment, for newuidmap.
    pub environment: &'a Strings,
    /// The program's signal mask.
    pub mask: signal::Set,
    /// This is the last process that the command makes: so it may join the pid
    /// namespace itself, which only holds for its children.
    pub last: bool,
}

/// The first process, alive and at work.
pub struct Born {
    /// Its id; it is our child.
    pub pid: Pid,
    /// To it.
    pub channel: Channel,
}

/// Clones the container's first process.
///
/// # Errors
/// The kernel refuses the namespaces, or what the set-up process reports. No
/// process is left then.
pub fn launch(plan: &mut Plan, mut launch: Launch<'_>) -> Result<Born> {
    let needs_stage = plan.namespaces.needs_stage(launch.last);
    raise_hard_limits(&plan.rlimits)?;
    if let Some(cpus) = &plan.first_cpus {
        set_affinity(cpus).context(|| "process.execCPUAffinity.initial: sched_setaffinity")?;
    }
    for join in &mut plan.namespaces.join {
        join.open()?;
    }
    prepare(plan, launch.environment)?;
    if launch.last && !needs_stage {
        join_pids(plan).map_err(|fault| stage::failed(&fault))?;
    }
    let flags = if needs_stage { 0 } else { plan.namespaces.new & !CLONE_NEWCGROUP };
    let mut born_there = launch.home.birthplace().is_some();
    match spawn(plan, &launch, flags, needs_stage, born_there) {
        // An old kernel, or a place that cannot be entered at birth: the
        // command moves the process.
        Err(Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP | Errno::BUSY | Errno::ACCESS)
            if born_there =>
        {
            born_there = false;
            spawn(plan, &launch, flags, needs_stage, false)
        }
        result => result,
    }
    .map_err(|errno| {
        let fault = refused(flags, errno);
        report::decode(report::Report::failed(&"", &fault).as_bytes())
    })
    .and_then(|(mut pid, ours)| {
        match raise(plan, &mut launch, needs_stage, born_there, &mut pid, &ours) {
            Ok(()) => Ok(Born { pid, channel: ours }),
            Err(error) => {
                end(pid);
                Err(error)
            }
        }
    })
}

/// Makes our children be born in the pid namespace that is joined. They are seen
/// from inside it at once, so nobody there may look into them: what they are
/// copies of does not let them.
fn join_pids(plan: &Plan) -> Act {
    if plan.namespaces.join.is_empty() {
        return Ok(());
    }
    set_dumpable_behavior(DumpableBehavior::NotDumpable).detail("PR_SET_DUMPABLE")?;
    join_all(plan.namespaces.join.iter().filter(|join| join.kind == CLONE_NEWPID))
}

/// Raises our own hard limits to what the program is to have: the first process
/// inherits them, and may lower its own when it has no privilege any more.
fn raise_hard_limits(limits: &[Rlimit]) -> Result<()> {
    for planned @ &Rlimit { resource, soft, hard } in limits {
        let what = || text!("set {} to {soft} (hard {hard})", Rlimit::name(resource));
        let now = limit::get(resource).context(what)?;
        if hard <= now.hard {
            continue;
        }
        limit::set(resource, limit::Limit { soft: now.soft, hard }).map_err(|errno| {
            let error = Error::os(what(), errno).within("process.rlimits");
            match errno {
                Errno::PERM => error.hint(rlimit::remedy(planned)),
                _ => error,
            }
        })?;
    }
    Ok(())
}

type Spawned = (Pid, Channel);

/// The clone itself; the process is born in its home's birthplace, or not.
fn spawn(
    plan: &mut Plan,
    launch: &Launch<'_>,
    flags: u32,
    needs_stage: bool,
    born_there: bool,
) -> rustix::io::Result<Spawned> {
    let (ours, theirs) = channel::pair()?;
    let proc_flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // What takes longest is made by the process, so that the command goes on
    // meanwhile. /dev/mqueue belongs to who makes the ipc namespace: that must be
    // root of the user namespace, which the process is only when its ids are mapped.
    let owned = if flags & CLONE_NEWUSER != 0 { CLONE_NEWIPC } else { 0 };
    let late = flags & (CLONE_NEWNET | owned);
    let first = launch.home.when(born_there) == When::First;
    let child = Child {
        channel: theirs,
        start: launch.start.as_ref(),
        entrances: launch.home.entrances(),
        wait_first: flags & CLONE_NEWUSER != 0 || first && !needs_stage,
        become_root: flags & CLONE_NEWUSER != 0,
        late,
        joins: true,
        proc: openat(CWD, c"/proc", proc_flags, Mode::empty())?,
        mask: launch.mask,
    };
    match clone(flags & !late, launch.home.birthplace().filter(|_| born_there))? {
        Side::Parent(pid) => Ok((pid, ours)),
        Side::Child => {
            drop(ours);
            for fd in &launch.private {
                crate::sys::descriptor::close_inherited(*fd);
            }
            if needs_stage { stage::run(child, plan) } else { child.run(plan) }
        }
    }
}

/// What the command does for the new process until it is on its own. `pid` is
/// the set-up process's, and becomes the first process's when that is born.
fn raise(
    plan: &Plan,
    launch: &mut Launch<'_>,
    needs_stage: bool,
    born_there: bool,
    pid: &mut Pid,
    channel: &Channel,
) -> Result<()> {
    let when = launch.home.when(born_there);
    if needs_stage {
        raise_by_stage(plan, launch, pid, channel)?;
    }
    if when == When::First {
        launch.home.settle(*pid, born_there)?;
    }
    set_oom_score_adj(plan, *pid)?;
    let new_user = !needs_stage && plan.namespaces.is_new(CLONE_NEWUSER);
    if new_user {
        write_id_maps(plan, launch, *pid)?;
    }
    if needs_stage || new_user || when == When::First {
        go(channel)?;
    }
    if when == When::Meanwhile {
        let entrances = launch.home.settle(*pid, born_there)?;
        ignore_end(home::send(channel, &entrances))
            .context(|| "hand over the container's cgroups")?;
    }
    Ok(())
}

/// Does what the set-up process asks for, until the first process is born, which
/// then waits; `pid` is that of the one that there is.
fn raise_by_stage(
    plan: &Plan,
    launch: &Launch<'_>,
    pid: &mut Pid,
    channel: &Channel,
) -> Result<()> {
    let mut packet = [0; report::MAX];
    loop {
        let (length, _) = channel.receive(&mut packet).context(|| "wait for the set-up process")?;
        match report::kind(&packet[..length]) {
            Some((Kind::WantIdMaps, _)) => {
                write_id_maps(plan, launch, *pid)?;
                go(channel)?;
            }
            Some((Kind::Born, born)) => {
                let born = Pid::from_raw(born).ok_or_else(|| error!("a process without an id"))?;
                let _ = reap(core::mem::replace(pid, born));
                return Ok(());
            }
            Some((Kind::Failed, _)) => return Err(report::decode(&packet[..length])),
            _ => return Err(Error::new("the set-up process ended without a word")),
        }
    }
}

fn write_id_maps(plan: &Plan, launch: &Launch<'_>, pid: Pid) -> Result<()> {
    match &plan.namespaces.id_maps {
        Some(maps) => maps.write(pid, launch.environment),
        None => Err(error!("a new {} namespace needs id maps", name(CLONE_NEWUSER))),
    }
}

fn set_oom_score_adj(plan: &Plan, pid: Pid) -> Result<()> {
    let Some(value) = plan.oom_score_adj else { return Ok(()) };
    let path = text!("/proc/{}/oom_score_adj", pid.as_raw_nonzero());
    openat(CWD, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
        .and_then(|file| rustix::io::write(&file, text!("{value}").as_bytes()))
        .map(drop)
        .map_err(|errno| {
            let error = Error::os(text!("write {value} to \"{path}\""), errno);
            match errno {
                Errno::ACCESS | Errno::PERM => error.hint("lowering it needs CAP_SYS_RESOURCE"),
                _ => error,
            }
        })
}

/// Lets it go on; whether it has ended, and why, is read next.
fn go(channel: &Channel) -> Result<()> {
    ignore_end(channel.go()).context(|| "let the container's first process go on")
}

/// A message to a process that has ended, perhaps with another one unread, is none.
fn ignore_end(sent: rustix::io::Result<()>) -> rustix::io::Result<()> {
    match sent {
        Err(Errno::PIPE | Errno::CONNRESET) => Ok(()),
        result => result,
    }
}

/// Kills and reaps a child.
pub fn end(pid: Pid) {
    let _ = kill_process(pid, Signal::KILL);
    let _ = reap(pid);
}

impl Born {
    /// Waits until the process is ready, running the hooks that it asks for;
    /// returns the terminal's master if it has one.
    ///
    /// # Errors
    /// What the process reports, or a hook's failure. The process is gone then.
    pub fn until_ready(&self, plan: &Plan) -> Result<Option<OwnedFd>> {
        let mut packet = [0; report::MAX];
        loop {
            let (length, fd) =
                self.channel.receive(&mut packet).context(|| "wait for the first process")?;
            match report::kind(&packet[..length]) {
                Some((Kind::WantHooks, _)) => {
                    for hooks in &plan.runtime_hooks {
                        let pid = self.pid.as_raw_nonzero().get();
                        hooks.run(&plan.state, "creating", pid).map_err(from_fault)?;
                    }
                    go(&self.channel)?;
                }
                Some((Kind::WantDevices, _)) => {
                    move_devices(&plan.net_devices, self.pid)?;
                    go(&self.channel)?;
                }
                Some((Kind::Ready, _)) => {
                    schedule(self.pid, plan.scheduler.as_ref(), plan.io_priority)?;
                    return Ok(fd);
                }
                Some((Kind::Failed, _)) => return Err(report::decode(&packet[..length])),
                _ => return Err(self.ended()),
            }
        }
    }

    /// Waits until the program runs.
    ///
    /// # Errors
    /// As [`until_program`].
    pub fn until_program(&self, listener: &Listener<'_>) -> Result<()> {
        until_program(&self.channel, listener)
    }

    /// Lets it go on; whether it has ended, and why, [`Born::until_program`] says.
    ///
    /// # Errors
    /// The channel is broken.
    pub fn go(&self) -> Result<()> {
        go(&self.channel)
    }

    /// Lets it go on, and leaves it.
    ///
    /// # Errors
    /// It has ended.
    pub fn leave(&self) -> Result<()> {
        self.channel.go().context(|| "let the container's first process go on")
    }

    /// It ended without a report.
    fn ended(&self) -> Error {
        let _ = kill_process(self.pid, Signal::KILL);
        // Looked at only: who cleans up reaps it.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let end = waitid(WaitId::Pid(self.pid), options).ok().flatten();
        let status = end.map_or(0, |end| {
            let signal = end.terminating_signal().map(|signal| 128 + signal);
            end.exit_status().or(signal).unwrap_or(0)
        });
        let error = error!("the container's first process ended early, with status {status}");
        if status == 137 {
            return error.hint("it was killed: perhaps a memory limit is too low");
        }
        error
    }
}

/// Waits until the process on the other side has become the program, and hands
/// the descriptor of its filter over where it has one.
///
/// # Errors
/// What the process reports (it has ended then), or that `listener` is not there.
pub fn until_program(channel: &Channel, listener: &Listener<'_>) -> Result<()> {
    let mut packet = [0; report::MAX];
    let mut executing = false;
    loop {
        let (length, fd) = channel.receive(&mut packet).context(|| "wait for the program")?;
        match (report::kind(&packet[..length]), fd) {
            (Some((Kind::Failed, _)), _) => return Err(report::decode(&packet[..length])),
            (Some((Kind::Listener, _)), Some(descriptor)) => listener.hand_over(&descriptor)?,
            (Some((Kind::Executing, _)), _) => executing = true,
            // It closed the channel by becoming the program: or it was killed.
            _ if executing => return Ok(()),
            _ => {
                return Err(Error::new("the container's first process ended before its program")
                    .hint("it was killed: perhaps a memory limit is too low"));
            }
        }
    }
}

/// Puts runc's words before what kept the program from starting: engines search
/// for what follows them.
pub fn not_started(error: Error) -> Error {
    error.within("unable to start container process")
}

/// A fault met by the command itself.
pub fn from_fault(fault: crate::fault::Fault) -> Error {
    report::decode(report::Report::failed(&"", &fault).as_bytes())
}
