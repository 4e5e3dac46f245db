//! Bringing the first process into the world, from the command's side.

use super::born::{Born, end, failed_first, go, ignore_end};
use super::channel::{self, Channel};
use super::child::Child;
use super::home::{self, Home, When};
use super::network::{self, Network};
use super::prepare::prepare;
use super::report::{self, Kind};
use super::stage;
use crate::error;
use crate::error::{Context, Error, Result};
use crate::fault::{Act, Detail};
use crate::namespace::join::join_all;
use crate::namespace::name;
use crate::namespace::refused::refused;
use crate::plan::Plan;
use crate::process::rlimit;
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
use rustix::process::{DumpableBehavior, Pid, set_dumpable_behavior};

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
    let network = match flags & CLONE_NEWNET {
        0 => Network::Born,
        _ if flags & CLONE_NEWUSER != 0 || !plan.namespaces.returns => Network::Made,
        _ if !launch.home.leaves_time() => Network::Made,
        _ => Network::Sent,
    };
    let mut born_there = launch.home.birthplace().is_some();
    match spawn(plan, &launch, flags, network, needs_stage, born_there) {
        // An old kernel, or a place that cannot be entered at birth: the
        // command moves the process.
        Err(Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP | Errno::BUSY | Errno::ACCESS)
            if born_there =>
        {
            born_there = false;
            spawn(plan, &launch, flags, network, needs_stage, false)
        }
        result => result,
    }
    .map_err(|errno| {
        let fault = refused(flags, errno);
        report::decode(report::Report::failed(&"", &fault).as_bytes())
    })
    .and_then(|(mut pid, ours)| {
        match raise(plan, &mut launch, network, needs_stage, born_there, &mut pid, &ours) {
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
    network: Network,
    needs_stage: bool,
    born_there: bool,
) -> rustix::io::Result<Spawned> {
    let (ours, theirs) = channel::pair()?;
    let proc_flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // /dev/mqueue belongs to who makes the ipc namespace: that must be root of the
    // user namespace, which the process is only when its ids are mapped.
    let late = if flags & CLONE_NEWUSER != 0 { flags & CLONE_NEWIPC } else { 0 };
    let first = launch.home.when(born_there) == When::First;
    let child = Child {
        channel: theirs,
        start: launch.start.as_ref(),
        entrances: launch.home.entrances(),
        wait_first: flags & CLONE_NEWUSER != 0 || first && !needs_stage,
        become_root: flags & CLONE_NEWUSER != 0,
        late,
        network,
        joins: true,
        proc: openat(CWD, c"/proc", proc_flags, Mode::empty())?,
        mask: launch.mask,
    };
    match clone(flags & !(late | CLONE_NEWNET), launch.home.birthplace().filter(|_| born_there))? {
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
    network: Network,
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
    if network == Network::Sent {
        network::send(channel).map_err(|error| failed_first(channel, *pid).unwrap_or(error))?;
    }
    if when == When::Meanwhile {
        let entrances = launch
            .home
            .settle(*pid, born_there)
            .map_err(|error| failed_first(channel, *pid).unwrap_or(error))?;
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
