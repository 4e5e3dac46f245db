//! Processes of others, named so that a recycled process id is never taken for
//! them: by the id and the time of their start.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use rustix::time::Timespec;

use crate::container::lock::pause;

/// What /proc/PID/stat says (proc_pid_stat(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The state's letter: `Z` and `X` are dead.
    pub state: u8,
    /// Clock ticks from boot to its start.
    pub start_time: u64,
}

impl Stat {
    /// Reads it; `None` when there is no such process (or no /proc).
    pub fn of(pid: i32) -> Option<Stat> {
        let path = alloc::format!("/proc/{pid}/stat");
        let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        // The name takes 64 bytes at most, and field 22 is far from the end.
        let mut buffer = [0; 512];
        let length = rustix::io::read(&file, &mut buffer).ok()?;
        Stat::parse(&buffer[..length])
    }

    /// Parses the file's text. The name of the program, in parentheses, may
    /// hold spaces, parentheses and line breaks: the last `)` ends it.
    pub fn parse(text: &[u8]) -> Option<Stat> {
        let end = text.iter().rposition(|byte| *byte == b')')?;
        let mut fields = text[end + 1..].split(|byte| *byte == b' ').skip(1);
        let state = *fields.next()?.first()?;
        // From field 4 on, the start time is field 22.
        let start_time = core::str::from_utf8(fields.nth(18)?).ok()?.parse().ok()?;
        Some(Stat { state, start_time })
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
    pub fn is_alive(pid: i32, start_time: u64) -> bool {
        Stat::of(pid).is_some_and(|stat| stat.start_time == start_time && !stat.is_dead())
    }

    /// Takes hold of it; `None` when it has ended.
    pub fn find(pid: i32, start_time: u64) -> Option<Process> {
        let id = Pid::from_raw(pid)?;
        let fd = match pidfd_open(id, PidfdFlags::empty()) {
            Ok(fd) => Some(fd),
            Err(Errno::SRCH) => return None,
            Err(_) => None,
        };
        // In this order: the descriptor stands for one process for ever, and if
        // it is the right one now, it was and stays so.
        Process::is_alive(pid, start_time).then_some(Process { pid: id, start_time, fd })
    }

    /// What becomes readable at its end; `None` before Linux 5.3.
    pub fn fd(&self) -> Option<&OwnedFd> {
        self.fd.as_ref()
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// `ESRCH` when it has ended, `EPERM` when it is not ours to signal.
    pub fn signal(&self, signal: Signal) -> Result<(), Errno> {
        if let Some(fd) = &self.fd {
            match pidfd_send_signal(fd, signal) {
                Err(Errno::NOSYS) => {}
                result => return result,
            }
        }
        if !Process::is_alive(self.pid.as_raw_pid(), self.start_time) {
            return Err(Errno::SRCH);
        }
        kill_process(self.pid, signal)
    }

    /// Waits for its end, for up to this long. Whether it has ended.
    pub fn wait(&self, milliseconds: u32) -> bool {
        const STEP_MS: u32 = 10;
        if let Some(fd) = &self.fd {
            let time = Timespec {
                tv_sec: i64::from(milliseconds / 1000),
                tv_nsec: (milliseconds % 1000 * 1_000_000).into(),
            };
            let mut fds = [PollFd::new(fd, PollFlags::IN)];
            if matches!(poll(&mut fds, Some(&time)), Ok(1..)) {
                return true;
            }
        } else {
            for _ in 0..milliseconds / STEP_MS {
                if !Process::is_alive(self.pid.as_raw_pid(), self.start_time) {
                    return true;
                }
                pause(STEP_MS);
            }
        }
        !Process::is_alive(self.pid.as_raw_pid(), self.start_time)
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
            let expect = Some(Stat { state: b'S', start_time: 123_456 });
            assert_eq!(Stat::parse(line.as_bytes()), expect, "{name}");
        }
        for bad in ["", "42 (sh", "42 (sh)", "42 (sh) S", "42 (sh) S 1 2 3", "42 (sh) "] {
            assert_eq!(Stat::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn ourselves() {
        let pid = rustix::process::getpid().as_raw_pid();
        let stat = Stat::of(pid).unwrap();
        assert!(Process::is_alive(pid, stat.start_time));
        assert!(!Process::is_alive(pid, stat.start_time + 1));
        assert!(Process::find(pid, stat.start_time + 1).is_none());
        assert!(!Process::find(pid, stat.start_time).unwrap().wait(1));
        assert!(Process::find(0, 0).is_none());
    }
}
