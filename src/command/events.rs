//! `events`: what a container uses, and what happens to it.

use alloc::string::String;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::io::{Errno, read};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::cgroup::OomWatch;
use crate::command::output::print;
use crate::command::quantity::duration;
use crate::command::{Command, Flag, Invocation};
use crate::container::process::Process;
use crate::container::{State, Status};
use crate::error::{Context, Error, Result};
use crate::json::Writer;
use crate::process::spawn::{reap, shell_status};
use crate::rdt;
use crate::sys::clone::{Side, clone};

/// The declaration.
pub static COMMAND: Command = Command {
    text: "events <container-id>\n\
        show what a container uses, and when it runs out of memory\n\
        One JSON object a line: statistics each interval, and the kernel's killing for want\n\
        of memory as it happens, until the container ends.",
    flags: &[
        Flag("interval DURATION: time between two statistics, as 500ms, 5s, 1m30s (default: 5s)"),
        Flag("stats: show the statistics of now and end"),
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
        Error::about("invalid value \"{}\" for flag -interval: parse error", interval)
            .hint("a duration is like 500ms, 5s, 1m30s")
    })?;
    let id = invocation.id()?;
    let root = invocation.root()?;
    let directory = root.container(&id)?;
    if interval <= 0 {
        return Err(Error::new("duration interval must be greater than 0"));
    }
    let state = directory.load()?;
    let status = directory.status(state.as_deref())?;
    let Some(state) = state.filter(|_| status != Status::Stopped) else {
        return Err(Error::about("container with id {} is not running", id.as_str()));
    };
    if invocation.flag("stats") {
        print(&event(state, true)?)?;
        return Ok(0);
    }
    watch(invocation, state, interval)
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

/// Prints events until the container's init has ended, or standard output has;
/// the command's exit status.
#[inline(never)]
fn watch(invocation: &Invocation, state: &State, interval: i64) -> Result<u8> {
    let Some(init) = Process::find(state.pid, state.start_time)? else { return Ok(0) };
    let timer = every(interval).context(|| "make a timer")?;
    let mut oom = match state.cgroups.watch_oom() {
        Ok(oom) => Some(oom),
        Err(error) => {
            invocation.log.warning(format_args!("no OOM notifications: {error}"));
            None
        }
    };
    loop {
        wait(&timer, oom.as_ref(), init.fd())?;
        // In this order: what killed init is told before its end.
        let ended = init.wait(0);
        if oom.as_mut().is_some_and(|oom| oom.happened()) {
            let status = tell(invocation, state, false)?;
            if status != 0 {
                return Ok(status);
            }
        }
        if ended {
            return Ok(0);
        }
        if read(&timer, &mut [0; 8]).is_ok() {
            let status = tell(invocation, state, true)?;
            if status != 0 {
                return Ok(status);
            }
        }
    }
}

/// Waits until it is time for an event, or for the next look.
fn wait(timer: &OwnedFd, oom: Option<&OomWatch<'_>>, init: Option<&OwnedFd>) -> Result<()> {
    let mut fds = heapless::Vec::<PollFd<'_>, 3>::new();
    fds.extend([PollFd::new(timer, PollFlags::IN)]);
    fds.extend(oom.map(OomWatch::poll));
    fds.extend(init.map(|fd| PollFd::new(fd, PollFlags::IN)));
    match poll(&mut fds, init.is_none().then_some(&LOOK)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(errno).context(|| "wait for events"),
    }
}

/// Prints one event; the exit status of a command that could not. A process of
/// its own does it: no memory comes back to the allocator, and the command is
/// there for as long as the container.
fn tell(invocation: &Invocation, state: &State, stats: bool) -> Result<u8> {
    match clone(0, None).context(|| "clone a process for an event")? {
        Side::Parent(pid) => reap(pid).map(shell_status).context(|| "wait for an event"),
        Side::Child => {
            // What cannot be read now may be there next time.
            let told = event(state, stats)
                .map_err(|error| (error, 0))
                .and_then(|line| print(&line).map_err(|error| (error, COMMAND.failure)));
            let Err((error, status)) = told else { crate::sys::exit(0) };
            invocation.log.error(&error);
            crate::sys::exit(status)
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
