//! `process`: the program, its identity and its limits.

use alloc::vec::Vec;
use linux_raw_sys::general as sys;

use super::{capability, validate};
use crate::closed_set;
use crate::error::Result;
use crate::json::{Document, Node, words};

/// `process`, or the document of `exec --process`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process<'a> {
    /// Whether it gets a pseudo terminal.
    pub terminal: bool,
    /// The terminal's first size; without meaning where `terminal` is false.
    pub console_size: Option<ConsoleSize>,
    /// Who it runs as.
    pub user: User,
    /// The program and its arguments.
    pub args: Vec<&'a str>,
    /// `commandLine`: of Windows.
    pub command_line: Option<&'a str>,
    /// The environment, `NAME=value` each.
    pub env: Vec<&'a str>,
    /// The working directory in the container, absolute.
    pub cwd: &'a str,
    /// The capability sets; absent means that all of them are empty.
    pub capabilities: Option<Capabilities<'a>>,
    /// Resource limits.
    pub rlimits: Vec<Rlimit>,
    /// Whether execve can no longer give privileges (PR_SET_NO_NEW_PRIVS).
    pub no_new_privileges: bool,
    /// The AppArmor profile.
    pub apparmor_profile: Option<&'a str>,
    /// The SELinux label.
    pub selinux_label: Option<&'a str>,
    /// What to write to oom_score_adj; unset must not be touched.
    pub oom_score_adj: Option<i32>,
    /// The scheduling policy.
    pub scheduler: Option<Scheduler>,
    /// The I/O priority.
    pub io_priority: Option<IoPriority>,
    /// CPUs for `exec`, never for `create`.
    pub exec_cpu_affinity: Option<ExecCpuAffinity<'a>>,
}

/// `process.consoleSize`, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsoleSize {
    /// Rows.
    pub height: u16,
    /// Columns.
    pub width: u16,
}

/// `process.user`, as seen in the container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The user id.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
    /// The umask, 0 to 0o777; unset means the runtime's choice.
    pub umask: Option<u32>,
    /// Supplementary groups.
    pub additional_gids: Vec<u32>,
}

/// `process.capabilities`: bit N of a set is capability N.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities<'a> {
    /// The bounding set.
    pub bounding: u64,
    /// The effective set.
    pub effective: u64,
    /// The inheritable set.
    pub inheritable: u64,
    /// The permitted set.
    pub permitted: u64,
    /// The ambient set.
    pub ambient: u64,
    /// Names that we do not know: the specification wants a warning.
    pub unknown: Vec<&'a str>,
}

/// One entry of `process.rlimits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rlimit {
    /// The kernel's number of the resource (RLIMIT_*) on this architecture.
    pub resource: u32,
    /// The soft limit; `u64::MAX` is no limit.
    pub soft: u64,
    /// The hard limit; `u64::MAX` is no limit.
    pub hard: u64,
}

closed_set! {
    /// `process.scheduler.policy`; the numbers are the kernel's.
    pub enum SchedulerPolicy {
        /// The ordinary one.
        Other = "SCHED_OTHER",
        /// Real time, first in first out.
        Fifo = "SCHED_FIFO",
        /// Real time, round robin.
        RoundRobin = "SCHED_RR",
        /// Ordinary, for batch work.
        Batch = "SCHED_BATCH",
        /// Named by the specification, not known to any Linux.
        Iso = "SCHED_ISO",
        /// The lowest priority.
        Idle = "SCHED_IDLE",
        /// Earliest deadline first.
        Deadline = "SCHED_DEADLINE",
    }
}

/// `process.scheduler`: the arguments of sched_setattr(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheduler {
    /// The policy; `as u32` is the kernel's number.
    pub policy: SchedulerPolicy,
    /// Niceness, -20 to 19.
    pub nice: i32,
    /// Static priority, for FIFO and RR only.
    pub priority: i32,
    /// SCHED_FLAG_* bits.
    pub flags: u64,
    /// Nanoseconds, for DEADLINE only.
    pub runtime: u64,
    /// Nanoseconds, for DEADLINE only.
    pub deadline: u64,
    /// Nanoseconds, for DEADLINE only.
    pub period: u64,
}

closed_set! {
    /// `process.ioPriority.class`; the kernel's numbers start at 1.
    pub enum IoPriorityClass {
        /// Real time.
        RealTime = "IOPRIO_CLASS_RT",
        /// Best effort.
        BestEffort = "IOPRIO_CLASS_BE",
        /// Only when the disk is idle.
        Idle = "IOPRIO_CLASS_IDLE",
    }
}

/// `process.ioPriority`: the arguments of ioprio_set(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IoPriority {
    /// The class.
    pub class: IoPriorityClass,
    /// 0 (highest) to 7 within the class.
    pub priority: i32,
}

/// `process.execCPUAffinity`: lists as in cpuset(7), `0-3,7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecCpuAffinity<'a> {
    /// `initial`: for the runtime, before the process moves to the cgroup.
    pub initial: Option<&'a str>,
    /// `final`: for the process, after it has moved.
    pub last: Option<&'a str>,
}

impl<'a> Process<'a> {
    /// Reads and validates the document of `exec --process`.
    ///
    /// # Errors
    /// The first thing wrong, with its position.
    pub fn read(document: &'a Document<'_>) -> Result<Self> {
        let process = document.read(Process::parse)?;
        validate::process(&process).map_err(|invalid| document.error(&invalid))?;
        Ok(process)
    }

    /// Reads a process without the rules of `validate`.
    #[inline(never)]
    pub fn parse(node: &Node<'a, '_>) -> Self {
        let mut process = Process::default();
        process.terminal = node.flag("terminal");
        node.object("consoleSize", &mut process.console_size, ConsoleSize::parse);
        if let Some(node) = node.get("user") {
            process.user.fill(&node);
        }
        node.strings("args", &mut process.args);
        process.command_line = node.text("commandLine");
        node.strings("env", &mut process.env);
        process.cwd = node.required_text("cwd");
        node.object("capabilities", &mut process.capabilities, Capabilities::parse);
        node.list("rlimits", &mut process.rlimits, Rlimit::parse);
        process.no_new_privileges = node.flag("noNewPrivileges");
        process.apparmor_profile = node.text("apparmorProfile");
        process.selinux_label = node.text("selinuxLabel");
        process.oom_score_adj = node.i32("oomScoreAdj");
        node.object("scheduler", &mut process.scheduler, Scheduler::parse);
        node.object("ioPriority", &mut process.io_priority, IoPriority::parse);
        node.object("execCPUAffinity", &mut process.exec_cpu_affinity, ExecCpuAffinity::parse);
        process
    }
}

impl ConsoleSize {
    fn parse(node: &Node<'_, '_>) -> Self {
        ConsoleSize {
            height: node.u16("height").unwrap_or(0),
            width: node.u16("width").unwrap_or(0),
        }
    }
}

/// Whether a text is a variable of an environment: `NAME=value`.
pub fn is_variable(text: &str) -> bool {
    text.find('=').is_some_and(|at| at > 0)
}

/// The id that is none: calls like setresuid(2) take it for "leave it as it is", which
/// would be root's.
pub const NO_ID: u32 = u32::MAX;

impl User {
    fn fill(&mut self, node: &Node<'_, '_>) {
        self.uid = node.u32("uid").unwrap_or(0);
        self.gid = node.u32("gid").unwrap_or(0);
        self.umask = node.u32("umask");
        node.each_item("additionalGids", &mut |node| {
            self.additional_gids.extend(node.as_u32());
        });
    }
}

impl<'a> Capabilities<'a> {
    fn parse(node: &Node<'a, '_>) -> Self {
        let mut sets = Capabilities::default();
        let unknown = &mut sets.unknown;
        for (name, set) in [
            ("bounding", &mut sets.bounding),
            ("effective", &mut sets.effective),
            ("inheritable", &mut sets.inheritable),
            ("permitted", &mut sets.permitted),
            ("ambient", &mut sets.ambient),
        ] {
            node.each_item(name, &mut |node| {
                let name = node.as_str().unwrap_or("");
                match capability::number(name) {
                    Some(number) => *set |= 1 << number,
                    None if unknown.contains(&name) => {}
                    None => unknown.push(name),
                }
            });
        }
        sets
    }
}

impl Rlimit {
    /// The specification's names of resources without `RLIMIT_`.
    const NAMES: &'static str = concat!(
        "RLIMIT_AS RLIMIT_CORE RLIMIT_CPU RLIMIT_DATA RLIMIT_FSIZE RLIMIT_LOCKS RLIMIT_MEMLOCK ",
        "RLIMIT_MSGQUEUE RLIMIT_NICE RLIMIT_NOFILE RLIMIT_NPROC RLIMIT_RSS RLIMIT_RTPRIO ",
        "RLIMIT_RTTIME RLIMIT_SIGPENDING RLIMIT_STACK ",
    );
    /// Their numbers, in the same order; they differ between architectures.
    const NUMBERS: [u8; 16] = [
        sys::RLIMIT_AS as u8,
        sys::RLIMIT_CORE as u8,
        sys::RLIMIT_CPU as u8,
        sys::RLIMIT_DATA as u8,
        sys::RLIMIT_FSIZE as u8,
        sys::RLIMIT_LOCKS as u8,
        sys::RLIMIT_MEMLOCK as u8,
        sys::RLIMIT_MSGQUEUE as u8,
        sys::RLIMIT_NICE as u8,
        sys::RLIMIT_NOFILE as u8,
        sys::RLIMIT_NPROC as u8,
        sys::RLIMIT_RSS as u8,
        sys::RLIMIT_RTPRIO as u8,
        sys::RLIMIT_RTTIME as u8,
        sys::RLIMIT_SIGPENDING as u8,
        sys::RLIMIT_STACK as u8,
    ];

    /// The name of a resource number, `RLIMIT_NOFILE`.
    pub fn name(resource: u32) -> &'static str {
        let place = Self::NUMBERS.iter().position(|&number| u32::from(number) == resource);
        place.map_or("", |place| words::nth(Self::NAMES, place))
    }

    fn parse(node: &Node<'_, '_>) -> Self {
        let resource = node.required_word("type", Self::NAMES);
        Rlimit {
            resource: Self::NUMBERS.get(resource).map_or(0, |&number| number.into()),
            soft: node.required_u64("soft"),
            hard: node.required_u64("hard"),
        }
    }
}

impl Scheduler {
    /// The place of a name is the number of its bit (SCHED_FLAG_*).
    const FLAGS: &'static str = concat!(
        "SCHED_FLAG_RESET_ON_FORK SCHED_FLAG_RECLAIM SCHED_FLAG_DL_OVERRUN ",
        "SCHED_FLAG_KEEP_POLICY SCHED_FLAG_KEEP_PARAMS ",
        "SCHED_FLAG_UTIL_CLAMP_MIN SCHED_FLAG_UTIL_CLAMP_MAX ",
    );

    fn parse(node: &Node<'_, '_>) -> Self {
        Scheduler {
            policy: SchedulerPolicy::required(node, "policy"),
            nice: node.i32("nice").unwrap_or(0),
            priority: node.i32("priority").unwrap_or(0),
            flags: node.bits("flags", Self::FLAGS).into(),
            runtime: node.u64("runtime").unwrap_or(0),
            deadline: node.u64("deadline").unwrap_or(0),
            period: node.u64("period").unwrap_or(0),
        }
    }
}

impl IoPriority {
    fn parse(node: &Node<'_, '_>) -> Self {
        IoPriority {
            class: IoPriorityClass::required(node, "class"),
            priority: node.i32("priority").unwrap_or(0),
        }
    }
}

impl<'a> ExecCpuAffinity<'a> {
    fn parse(node: &Node<'a, '_>) -> Self {
        ExecCpuAffinity { initial: node.text("initial"), last: node.text("final") }
    }
}
