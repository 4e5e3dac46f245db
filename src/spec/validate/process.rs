//! Rules about `process`.

use super::Rules;
use crate::spec::{NO_ID, Process, Rlimit, Scheduler, SchedulerPolicy, is_variable, ranges};

pub(super) fn check(rules: &mut Rules, process: &Process<'_>) {
    rules.require(
        process.command_line.is_none_or(str::is_empty),
        "commandLine: only Windows has it; the program and its arguments are args",
    );
    rules.require(
        process.args.first().is_some_and(|program| !program.is_empty()),
        "args: must name a program",
    );
    rules.require(process.cwd.starts_with('/'), "cwd: Cwd must be an absolute path");
    for (index, entry) in process.env.iter().enumerate() {
        rules.require_at(is_variable(entry), index, "env[#]: must be NAME=value");
    }
    let user = &process.user;
    for (name, id) in [("uid", user.uid), ("gid", user.gid)] {
        rules.require_of(
            id != NO_ID,
            name,
            0,
            "user.*: no id: the kernel keeps the one that it has",
        );
    }
    rules.require(
        !user.additional_gids.contains(&NO_ID),
        "user.additionalGids: one of them is no id",
    );
    rules.require(
        process.user.umask.is_none_or(|umask| umask <= 0o777),
        "user.umask: out of range: allowed are 0 to 511 (octal 777)",
    );
    rules.require(
        process.oom_score_adj.is_none_or(|score| (-1000..=1000).contains(&score)),
        "oomScoreAdj: out of range: allowed are -1000 to 1000",
    );
    rlimits(rules, &process.rlimits);
    if let Some(it) = &process.scheduler {
        scheduler(rules, it);
    }
    if let Some(io) = process.io_priority {
        rules.require(
            (0..8).contains(&io.priority),
            "ioPriority.priority: out of range: allowed are 0 to 7",
        );
    }
    if let Some(affinity) = process.exec_cpu_affinity {
        for (name, list) in [("initial", affinity.initial), ("final", affinity.last)] {
            rules.require_of(
                list.is_none_or(ranges::is_valid),
                name,
                0,
                "execCPUAffinity.*: not a list of CPUs like 0-3,7",
            );
        }
    }
}

fn rlimits(rules: &mut Rules, rlimits: &[Rlimit]) {
    for (index, rlimit) in rlimits.iter().enumerate() {
        rules.require_at(
            rlimits[..index].iter().all(|other| other.resource != rlimit.resource),
            index,
            "rlimits[#].type: the same type comes twice",
        );
        rules.require_at(
            rlimit.soft <= rlimit.hard,
            index,
            "rlimits[#].soft: must not be more than hard",
        );
    }
}

fn scheduler(rules: &mut Rules, scheduler: &Scheduler) {
    use SchedulerPolicy::{Deadline, Fifo, RoundRobin};
    let policy = scheduler.policy;
    let realtime = matches!(policy, Fifo | RoundRobin);
    rules.require(
        (-20..20).contains(&scheduler.nice),
        "scheduler.nice: out of range: allowed are -20 to 19",
    );
    rules.require(
        scheduler.priority == 0 || realtime,
        "scheduler.priority: only SCHED_FIFO and SCHED_RR have one",
    );
    rules.require(
        !realtime || (1..100).contains(&scheduler.priority),
        "scheduler.priority: out of range: allowed are 1 to 99 with SCHED_FIFO and SCHED_RR",
    );
    let Scheduler { runtime, deadline, period, .. } = *scheduler;
    for (name, value) in [("runtime", runtime), ("deadline", deadline), ("period", period)] {
        rules.require_of(
            value == 0 || policy == Deadline,
            name,
            0,
            "scheduler.*: only SCHED_DEADLINE has one",
        );
    }
    // sched_setattr(2): runtime <= deadline <= period, where period 0 means
    // the deadline.
    rules.require(
        policy != Deadline
            || runtime > 0 && runtime <= deadline && (period == 0 || deadline <= period),
        "scheduler: SCHED_DEADLINE needs 0 < runtime <= deadline <= period",
    );
}
