//! `events`: what a container uses, and what happens to it.

use alloc::string::String;
use alloc::vec::Vec;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::io::{Errno, read};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::command::output::print;
use crate::command::quantity::duration;
use crate::command::{Command, Flag, Invocation};
use crate::container::process::Process;
use crate::container::{State, Status};
use crate::error;
use crate::error::{Context, Error, Result};
use crate::json::Writer;
use crate::rdt;

/// The declaration.
pub static COMMAND: Command = Command {
    name: "events",
    arguments: "<container-id>",
    summary: "show what a container uses, and when it runs out of memory",
    description: "One JSON object a line: statistics each interval, and the kernel's killing for want\n\
                  of memory as it happens, until the container ends.",
    flags: &[
        &Flag::value("interval", "DURATION", "time between two statistics, as 500ms, 5s, 1m30s")
            .default("5s"),
        &Flag::switch("stats", "show the statistics of now and end"),
    ],
    min: 1,
    max: 1,
    verbatim: false,
    failure: 1,
    run,
};

/// How often to look for the end of a container where the kernel does not tell
/// (before Linux 5.3).
const LOOK: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

fn run(invocation: &Invocation) -> Result<u8> {
    let interval = invocation.value("interval").unwrap_or("5s");
    let interval = duration(interval).ok_or_else(|| {
        error!("invalid value \"{interval}\" for flag -interval: parse error")
            .hint("a duration is like 500ms, 5s, 1m30s")
    })?;
    let id = invocation.id()?;
    let root = invocation.root()?;
    let directory = root.container(&id)?;
    if interval <= 0 {
        return Err(Error::new("duration interval must be greater than 0"));
    }
    let state = directory.load()?;
    let status = directory.status(state.as_ref())?;
    let Some(state) = state.filter(|_| status != Status::Stopped) else {
        return Err(error!("container with id {id} is not running"));
    };
    if invocation.flag("stats") {
        print(&event(&state, true)?)?;
    } else {
        watch(invocation, &state, interval)?;
    }
    Ok(0)
}

/// One line.
fn event(state: &State, stats: bool) -> Result<String> {
    let mut out = Writer::new();
    out.open_object();
    out.string_field("type", if stats { "stats" } else { "oom" });
    out.string_field("id", state.id.as_str());
    if stats {
        out.object_field("data");
        state.cgroups.write_stats(&mut out)?;
        out.object_field("intel_rdt");
        state.rdt.write_stats(rdt::ROOT, &mut out);
        out.close();
        // runc has counters here for networks that it no longer makes.
        out.key("network_interfaces");
        out.null();
        out.close();
    }
    out.close();
    let mut line = out.finish();
    line.push('\n');
    Ok(line)
}

/// Prints events until the container's init has ended.
#[inline(never)]
fn watch(invocation: &Invocation, state: &State, interval: i64) -> Result<()> {
    let Some(init) = Process::find(state.pid, state.start_time)? else { return Ok(()) };
    let timer = every(interval).context(|| "make a timer")?;
    let mut oom = match state.cgroups.watch_oom() {
        Ok(oom) => Some(oom),
        Err(error) => {
            invocation.log.warning(format_args!("no OOM notifications: {error}"));
            None
        }
    };
    loop {
        let mut fds = Vec::from([PollFd::new(&timer, PollFlags::IN)]);
        fds.extend(oom.as_ref().map(|oom| oom.poll()));
        fds.extend(init.fd().map(|fd| PollFd::new(fd, PollFlags::IN)));
        match poll(&mut fds, init.fd().is_none().then_some(&LOOK)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno).context(|| "wait for events"),
        }
        // In this order: what killed init is told before its end.
        let ended = init.wait(0);
        if oom.as_mut().is_some_and(|oom| oom.happened()) {
            print(&event(state, false)?)?;
        }
        if ended {
            return Ok(());
        }
        if read(&timer, &mut [0; 8]).is_ok() {
            match event(state, true) {
                Ok(line) => print(&line)?,
                // The next one may be better.
                Err(error) => invocation.log.error(&error),
            }
        }
    }
}

/// A timer that becomes readable every so many nanoseconds.
fn every(interval: i64) -> rustix::io::Result<OwnedFd> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
    let interval = Timespec { tv_sec: interval / 1_000_000_000, tv_nsec: interval % 1_000_000_000 };
    let setting = Itimerspec { it_interval: interval, it_value: interval };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &setting)?;
    Ok(timer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::sample_state;

    #[test]
    fn lines() {
        let state = sample_state();
        assert_eq!(event(&state, false).unwrap(), "{\"type\":\"oom\",\"id\":\"web\"}\n");
        let stats = event(&state, true).unwrap();
        assert!(stats.starts_with("{\"type\":\"stats\",\"id\":\"web\",\"data\":{\"cpu\":{"));
        assert!(stats.ends_with("\"network_interfaces\":null}}\n"), "{stats}");
    }
}
