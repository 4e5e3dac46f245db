//! Processes of others, named so that a recycled process id is never taken for
//! them: by the id and the time of their start.

use crate::named;
use crate::number;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use rustix::time::Timespec;

use crate::cut;
use crate::error::{Error, Result};
use crate::sys::clock::sleep;
use crate::text;

/// What /proc/PID/stat says (proc_pid_stat(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The state's letter: `Z` and `X` are dead.
    pub state: u8,
    /// Clock ticks from boot to its start.
    pub start_time: u64,
    /// The CPU that it is on, was on last, or waits for.
    pub cpu: Option<u32>,
}

impl Stat {
    /// Reads it; `None` when there is no such process (or no /proc).
    ///
    /// # Errors
    /// It cannot be read: whether there is such a process is not known then.
    pub fn of(pid: i32) -> Result<Option<Stat>> {
        let path = alloc::format!("/proc/{pid}/stat");
        // The name takes 64 bytes at most, and what we look for is not far from it.
        let mut buffer = [0; 512];
        let read = named::open(&path, OFlags::RDONLY)
            .and_then(|file| rustix::io::read(&file, &mut buffer));
        match read {
            Ok(length) => Ok(Stat::parse(cut::first(&buffer, length))),
            Err(Errno::NOENT | Errno::SRCH) => Ok(None),
            Err(errno) => Err(Error::os(text::about("read \"{}\"", &path), errno)),
        }
    }

    /// Parses the file's text. The name of the program, in parentheses, may
    /// hold spaces, parentheses and line breaks: the last `)` ends it.
    pub fn parse(text: &[u8]) -> Option<Stat> {
        let end = text.iter().rposition(|byte| *byte == b')')?;
        let mut fields = cut::rest(text, end + 1).split(|byte| *byte == b' ');
        let state = *fields.nth(1)?.first()?;
        // From field 4 on, the start time is field 22.
        let start_time = number::unsigned(core::str::from_utf8(fields.nth(18)?).ok()?)?;
        // And the CPU is field 39.
        let cpu = fields.nth(16).and_then(|text| core::str::from_utf8(text).ok());
        Some(Stat { state, start_time, cpu: cpu.and_then(number::unsigned) })
    }

    fn is_dead(self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// A process that cannot be mistaken for another.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    start_time: u64,
    /// `None` before Linux 5.3.
    fd: Option<OwnedFd>,
}

impl Process {
    /// Whether it has not ended. One that has ended but was not reaped yet has.
    ///
    /// # Errors
    /// As [`Stat::of`].
    pub fn is_alive(pid: i32, start_time: u64) -> Result<bool> {
        let stat = Stat::of(pid)?;
        Ok(stat.is_some_and(|stat| stat.start_time == start_time && !stat.is_dead()))
    }

    /// Takes hold of it; `None` when it has ended.
    ///
    /// # Errors
    /// As [`Stat::of`].
    pub fn find(pid: i32, start_time: u64) -> Result<Option<Process>> {
        let Some(id) = Pid::from_raw(pid) else { return Ok(None) };
        let fd = match pidfd_open(id, PidfdFlags::empty()) {
            Ok(fd) => Some(fd),
            Err(Errno::SRCH) => return Ok(None),
            Err(_) => None,
        };
        // In this order: the descriptor stands for one process for ever, and if
        // it is the right one now, it was and stays so.
        Ok(Process::is_alive(pid, start_time)?.then_some(Process { pid: id, start_time, fd }))
    }

    /// What becomes readable at its end; `None` before Linux 5.3.
    pub fn fd(&self) -> Option<&OwnedFd> {
        self.fd.as_ref()
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// `ESRCH` when it has ended, `EPERM` when it is not ours to signal.
    pub fn signal(&self, signal: Signal) -> rustix::io::Result<()> {
        if let Some(fd) = &self.fd {
            match pidfd_send_signal(fd, signal) {
                Err(Errno::NOSYS) => {}
                result => return result,
            }
        }
        if self.has_ended() {
            return Err(Errno::SRCH);
        }
        kill_process(self.pid, signal)
    }

    fn has_ended(&self) -> bool {
        Process::is_alive(self.pid.as_raw_pid(), self.start_time) == Ok(false)
    }

    /// Waits for its end, for up to this long. Whether it has ended.
    pub fn wait(&self, milliseconds: u32) -> bool {
        const STEP_MS: u32 = 10;
        let time = Timespec {
            tv_sec: i64::from(milliseconds / 1000),
            tv_nsec: (milliseconds % 1000 * 1_000_000).into(),
        };
        let polled =
            self.fd.as_ref().map(|fd| poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&time)));
        match polled {
            Some(Ok(1..)) => return true,
            Some(Ok(0)) => {}
            _ => {
                for _ in 0..milliseconds / STEP_MS {
                    if self.has_ended() {
                        return true;
                    }
                    sleep(STEP_MS);
                }
            }
        }
        self.has_ended()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn stat_lines() {
        let rest = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 123456 20 21\n";
        for name in ["sh", "a b", ")", "((", ") Z 1 2 (", "a\nb", ""] {
            let line = format!("42 ({name}) S {rest}");
            let expect = Some(Stat { state: b'S', start_time: 123_456, cpu: None });
            assert_eq!(Stat::parse(line.as_bytes()), expect, "{name}");
            let more = "22 23 24 25 26 27 28 29 30 31 32 33 34 17 3 0";
            let line = format!("42 ({name}) S {} {more}", rest.trim_end());
            assert_eq!(Stat::parse(line.as_bytes()).unwrap().cpu, Some(3), "{name}");
        }
        for bad in ["", "42 (sh", "42 (sh)", "42 (sh) S", "42 (sh) S 1 2 3", "42 (sh) "] {
            assert_eq!(Stat::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn ourselves() {
        let pid = rustix::process::getpid().as_raw_pid();
        let stat = Stat::of(pid).unwrap().unwrap();
        assert!(Process::is_alive(pid, stat.start_time).unwrap());
        assert!(!Process::is_alive(pid, stat.start_time + 1).unwrap());
        let find = |start_time| Process::find(pid, start_time).unwrap();
        assert!(find(stat.start_time + 1).is_none());
        assert!(!find(stat.start_time).unwrap().wait(1));
        assert!(Process::find(0, 0).unwrap().is_none());
    }
}
