//! The first process as the command sees it: what it asks for, that it is ready, that
//! it has become the program, and why it has not.

use super::channel::Channel;
use super::listener::Listener;
use super::report::{self, Kind};
use crate::error;
use crate::error::{Context, Error, Result};
use crate::network::devices::move_devices;
use crate::plan::Plan;
use crate::process::schedule::schedule;
use crate::process::spawn::reap;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// The first process, alive and at work.
pub struct Born {
    /// Its id; it is our child.
    pub pid: Pid,
    /// To it.
    pub channel: Channel,
    /// When it started, if that was looked at
    /// ([`Stat`](crate::container::process::Stat)).
    pub start_time: Option<u64>,
    /// It hears of nothing and says nothing before [`Born::until_program`].
    pub alone: bool,
}

/// Lets it go on; whether it has ended, and why, is read next.
pub fn go(channel: &Channel) -> Result<()> {
    ignore_end(channel.go()).context(|| "let the container's first process go on")
}

/// A message to a process that has ended, perhaps with another one unread, is none.
pub fn ignore_end(sent: rustix::io::Result<()>) -> rustix::io::Result<()> {
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
    /// returns the terminal's master if it has one. Who is alone asks for nothing.
    ///
    /// # Errors
    /// What the process reports, or a hook's failure. The process is gone then.
    pub fn until_ready(&self, plan: &Plan) -> Result<Option<OwnedFd>> {
        if self.alone {
            return Ok(None);
        }
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
                _ => return Err(ended(self.pid)),
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
        if self.alone { Ok(()) } else { go(&self.channel) }
    }

    /// Lets it go on, and leaves it.
    ///
    /// # Errors
    /// It has ended.
    pub fn leave(&self) -> Result<()> {
        self.channel.go().context(|| "let the container's first process go on")
    }
}

/// Why the process has ended, if it has: what the command meets afterwards follows
/// from that, since systemd removes a scope that is empty.
pub fn failed_first(channel: &Channel, pid: Pid) -> Option<Error> {
    let mut packet = [0; report::MAX];
    let length = channel.receive_now(&mut packet)?;
    match report::kind(&packet[..length]) {
        Some((Kind::Failed, _)) => Some(report::decode(&packet[..length])),
        // It is further on.
        Some((Kind::Ready | Kind::WantHooks | Kind::WantDevices, _)) => None,
        _ => Some(ended(pid)),
    }
}

/// It ended without a report.
fn ended(pid: Pid) -> Error {
    let _ = kill_process(pid, Signal::KILL);
    // Looked at only: who cleans up reaps it.
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let end = waitid(WaitId::Pid(pid), options).ok().flatten();
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

/// Waits until the process on the other side has become the program, and hands
/// the descriptor of its filter over where it has one.
///
/// # Errors
/// What the process reports (it has ended then), or that `listener` is not there.
pub fn until_program(channel: &Channel, listener: &Listener<'_>) -> Result<()> {
    let mut packet = [0; report::MAX];
    let mut executing = false;
    if listener.path.is_empty() {
        // Nobody waits for us: we need not wake up for each message.
        channel.wait_closed();
    }
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

#[cfg(test)]
mod tests {
    use super::super::channel;
    use super::super::report::Report;
    use super::*;
    use crate::sys::clone::{Side, clone};
    use alloc::string::ToString;

    /// A process that ends with this status.
    fn process(status: u8) -> Pid {
        match clone(0, None).unwrap() {
            Side::Parent(pid) => {
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                waitid(WaitId::Pid(pid), options).unwrap();
                pid
            }
            Side::Child => crate::sys::exit(status),
        }
    }

    #[test]
    fn what_the_process_met_first_is_the_error() {
        let (ours, theirs) = channel::pair().unwrap();
        let pid = process(3);
        assert!(failed_first(&ours, pid).is_none(), "nothing has been said");
        theirs.send(&Report::failed(&"mount it", &Errno::NOSPC.into())).unwrap();
        drop(theirs);
        let error = failed_first(&ours, pid).unwrap().to_string();
        assert_eq!(error, "mount it: ENOSPC (no space left on device)");
        let error = failed_first(&ours, pid).unwrap().to_string();
        assert_eq!(error, "the container's first process ended early, with status 3");
        end(pid);
    }

    #[test]
    fn who_is_further_on_has_not_failed() {
        let (ours, theirs) = channel::pair().unwrap();
        for kind in [Kind::WantDevices, Kind::WantHooks, Kind::Ready] {
            theirs.send(&Report::new(kind, 0)).unwrap();
            assert!(failed_first(&ours, rustix::process::getpid()).is_none());
        }
    }
}
