//! Bringing the first process into the world, from the command's side.

use super::born::{Born, end, failed_first, from_fault, go, ignore_end};
use super::channel::{self, Channel};
use super::child::Child;
use super::home::{self, Home, When};
use super::network::{self, Network};
use super::prepare::prepare;
use super::report::{self, Kind};
use super::stage;
use crate::container::process::Stat;
use crate::error;
use crate::error::{Context, Error, Result};
use crate::fault::{Act, Detail, Quoted};
use crate::named;
use crate::namespace::join::join_all;
use crate::namespace::name;
use crate::namespace::refused::refused;
use crate::plan::{Op, Plan};
use crate::process::rlimit;
use crate::process::spawn::reap;
use crate::spec::Rlimit;
use crate::sys::clock::nap;
use crate::sys::descriptor::close_inherited;
use crate::sys::exec::Strings;
use crate::sys::fd::AsFd;
use crate::sys::lend::{Memory, clone_for};
use crate::sys::schedule::{current_cpu, has_several_cpus, set_affinity};
use crate::sys::{limit, signal};
use crate::text;
use alloc::vec::Vec;
use core::convert::Infallible;
use linux_raw_sys::general::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS,
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
    /// Descriptors 0, 1 and 2 are its own: nobody stays who has them, too.
    pub detached: bool,
    /// This is the last process that the command makes: so it may join the pid
    /// namespace itself, which only holds for its children.
    pub last: bool,
    /// The command's only part is in the process's cgroups: without that it stands
    /// still until the program runs.
    pub alone: bool,
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
    spare_ours(plan)?;
    prepare(plan, launch.environment)?;
    if launch.last && !needs_stage {
        join_pids(plan).map_err(|fault| stage::failed(&fault))?;
    }
    let mut birth = Birth::new(plan, &launch, needs_stage);
    match spawn(plan, &launch, &birth) {
        // An old kernel, or a place that cannot be entered at birth: the
        // command moves the process.
        Err(Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP | Errno::BUSY | Errno::ACCESS)
            if birth.at_home =>
        {
            birth.place(&launch, false);
            spawn(plan, &launch, &birth)
        }
        result => result,
    }
    .map_err(|errno| from_fault(refused(birth.flags, errno)))
    .and_then(|(mut pid, ours)| match raise(plan, &mut launch, &birth, &mut pid, &ours) {
        Ok(start_time) => {
            Ok(Born { pid, channel: ours, start_time, alone: birth.memory == Memory::Lent })
        }
        Err(error) => {
            end(pid);
            Err(error)
        }
    })
}

/// Refuses what would change a namespace that is joined and our own: it is the
/// host's. Some engines give those of the host by their paths.
///
/// # Errors
/// Which, and what would change it.
fn spare_ours(plan: &Plan) -> Result<()> {
    for op in &plan.ops {
        let kind = match op {
            Op::Hostname(_) | Op::Domainname(_) => CLONE_NEWUTS,
            Op::Sysctl { kind, .. } => *kind,
            _ => continue,
        };
        let joined = plan.namespaces.join.iter().find(|join| join.kind == kind);
        if let Some(join) = joined.filter(|join| join.is_ours()) {
            let path = Quoted(join.path);
            return Err(error!("{op}: not allowed: {path} is the namespace of the host"));
        }
    }
    Ok(())
}

/// How the process is born.
struct Birth {
    /// One process more comes before it.
    needs_stage: bool,
    /// `CLONE_NEW*` of the namespaces that are made for it, by whomever; those of a
    /// stage are its own affair.
    flags: u32,
    /// Where its network namespace is from.
    network: Network,
    /// In the birthplace of its home.
    at_home: bool,
    /// When the command does its part for the cgroups.
    when: When,
    /// See [`Plan::needs_limits`].
    needs_limits: bool,
    /// What it begins with.
    memory: Memory,
}

impl Birth {
    fn new(plan: &Plan, launch: &Launch<'_>, needs_stage: bool) -> Birth {
        let flags = if needs_stage { 0 } else { plan.namespaces.new & !CLONE_NEWCGROUP };
        let network = match flags & CLONE_NEWNET {
            0 => Network::Born,
            _ if flags & CLONE_NEWUSER != 0 || !plan.namespaces.returns => Network::Made,
            // On one processor they only wait for each other.
            _ if !launch.home.leaves_time() || !has_several_cpus() => Network::Made,
            _ => Network::Sent,
        };
        let mut birth = Birth {
            needs_stage,
            flags,
            network,
            at_home: false,
            when: When::Never,
            needs_limits: plan.needs_limits(),
            memory: Memory::Copied,
        };
        birth.place(launch, launch.home.birthplace().is_some());
        birth
    }

    /// Decides whether it is born at home, and what follows from that.
    fn place(&mut self, launch: &Launch<'_>, at_home: bool) {
        self.at_home = at_home;
        self.when = match launch.home.when(at_home) {
            When::Beside if self.needs_limits => When::Meanwhile,
            when => when,
        };
        let alone = launch.alone && !self.needs_stage && self.when == When::Never;
        self.memory = if alone { Memory::Lent } else { Memory::Copied };
    }

    /// `CLONE_NEW*` of the namespaces that the process makes first of all. /dev/mqueue
    /// belongs to who makes the ipc namespace: that must be root of the user
    /// namespace, which the process is only when its ids are mapped.
    fn late(&self) -> u32 {
        if self.has_user() { self.flags & CLONE_NEWIPC } else { 0 }
    }

    /// Whether it is born into a new user namespace.
    fn has_user(&self) -> bool {
        self.flags & CLONE_NEWUSER != 0
    }
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

/// The clone itself.
fn spawn(plan: &mut Plan, launch: &Launch<'_>, birth: &Birth) -> rustix::io::Result<Spawned> {
    let (ours, theirs) = channel::pair()?;
    let proc_flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let first = birth.when == When::First;
    let mut child = Child {
        channel: theirs,
        start: launch.start.as_ref(),
        entrances: launch.home.entrances(),
        wait_first: birth.has_user() || first && !birth.needs_stage,
        become_root: birth.has_user(),
        late: birth.late(),
        network: birth.network,
        settled: birth.when == When::Beside,
        joins: true,
        alone: birth.memory == Memory::Lent,
        proc: openat(CWD, c"/proc", proc_flags, Mode::empty())?,
        mask: launch.mask,
        detached: launch.detached,
    };
    let flags = birth.flags & !(birth.late() | CLONE_NEWNET);
    let birthplace = launch.home.birthplace().filter(|_| birth.at_home);
    let mut be_born = || -> Infallible {
        close_inherited(ours.as_fd());
        launch.private.iter().for_each(|fd| close_inherited(*fd));
        if birth.needs_stage { stage::run(&mut child, plan) } else { child.run(plan) }
    };
    let pid = clone_for(birth.memory, flags, birthplace, &mut be_born)?;
    Ok((pid, ours))
}

/// What the command does for the new process until it is on its own. `pid` is
/// the set-up process's, and becomes the first process's when that is born; returns
/// when that one started, if it was looked at.
fn raise(
    plan: &Plan,
    launch: &mut Launch<'_>,
    birth: &Birth,
    pid: &mut Pid,
    channel: &Channel,
) -> Result<Option<u64>> {
    if birth.memory == Memory::Lent {
        return Ok(None);
    }
    if birth.needs_stage {
        raise_by_stage(plan, launch, pid, channel)?;
    }
    if birth.when == When::First {
        launch.home.settle(*pid, birth.at_home)?;
    }
    set_oom_score_adj(plan, *pid)?;
    if birth.has_user() {
        write_id_maps(plan, launch, *pid)?;
    }
    if birth.needs_stage || birth.has_user() || birth.when == When::First {
        go(channel)?;
    }
    if birth.network == Network::Sent {
        network::send(channel).map_err(|error| failed_first(channel, *pid).unwrap_or(error))?;
    }
    if !matches!(birth.when, When::Meanwhile | When::Beside) {
        return Ok(None);
    }
    let start_time = match birth.network {
        Network::Sent => None,
        Network::Born | Network::Made => stand_aside(*pid),
    };
    let entrances = launch
        .home
        .settle(*pid, birth.at_home)
        .map_err(|error| failed_first(channel, *pid).unwrap_or(error))?;
    if birth.when == When::Meanwhile {
        ignore_end(home::send(channel, &entrances))
            .context(|| "hand over the container's cgroups")?;
    }
    Ok(start_time)
}

/// Lets the process begin: the kernel may have put it on our CPU, behind us, even
/// where others are idle, and would leave it there until we sleep, or for
/// milliseconds. Whoever wakes up gets an idle one. Returns when the process started.
fn stand_aside(pid: Pid) -> Option<u64> {
    let stat = Stat::of(pid.as_raw_nonzero().get()).ok()??;
    if stat.cpu == current_cpu() && has_several_cpus() {
        nap();
    }
    Some(stat.start_time)
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

/// What helps against `EACCES` for a score (proc_pid_oom_score_adj(5)).
pub const LOWERING: &str = "lowering it needs CAP_SYS_RESOURCE";

fn set_oom_score_adj(plan: &Plan, pid: Pid) -> Result<()> {
    let Some(value) = plan.oom_score_adj else { return Ok(()) };
    let path = text!("/proc/{}/oom_score_adj", pid.as_raw_nonzero());
    named::open(path, OFlags::WRONLY)
        .and_then(|file| rustix::io::write(&file, text!("{value}").as_bytes()))
        .map(drop)
        .map_err(|errno| {
            let error = Error::os(text!("write {value} to \"{path}\""), errno);
            match errno {
                Errno::ACCESS | Errno::PERM => error.hint(LOWERING),
                _ => error,
            }
        })
}
