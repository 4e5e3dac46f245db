//! Following a command and its children through their system calls with
//! ptrace(2), and making one of the calls fail.
//!
//! The command is followed with all that it forks, up to the container's
//! program (the exec of a child). After the injection nobody is followed any
//! more. A call is known by the process (0 is the command, then in the order of
//! their birth) and its number among those of its kind in that process: the
//! processes run side by side, and wait more or less often, so that a count over
//! all of them would differ from run to run.

use crate::{Call, Outcome};
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::mpsc;
use std::time::Duration;
use syscalls::Sysno;

/// One system call of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Called {
    /// Which process made it; 0 is the command itself.
    pub process: usize,
    /// Which it is.
    pub call: Sysno,
    /// Its number among those of its kind in the process, from 1.
    pub number: usize,
}

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (number {} of process {})", self.call, self.number, self.process)
    }
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not made and gives this error. close(2) is made all the same, as
    /// the descriptor is gone even when it fails.
    Errno(Errno),
    /// The process gets SIGKILL as it enters the call.
    Death,
}

/// A call that is to fail, if it is the same in this run, and how.
#[derive(Clone, Copy, Debug)]
pub struct Injection {
    /// The call.
    pub called: Called,
    /// What happens.
    pub fault: Fault,
}

/// A run that was followed.
pub struct Traced {
    /// How the command ended.
    pub outcome: Outcome,
    /// The calls up to the injection, in the order in which they were entered.
    pub calls: Vec<Called>,
    /// The call that was made to fail, if the run came to it.
    pub hit: Option<Called>,
    /// Where its processes stood when the command had to be ended by force.
    pub hung: Option<String>,
}

/// Runs a call to its end, with at most one fault.
pub fn trace(call: Call, injection: Option<Injection>, limit: Duration) -> Traced {
    // A tracer is a thread: what it still follows at its end is let go.
    std::thread::scope(|scope| {
        let tracer = scope.spawn(|| follow(call, injection, limit));
        tracer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn follow(call: Call, injection: Option<Injection>, limit: Duration) -> Traced {
    let running = call.traced().spawn();
    let main = Pid::from_raw(running.pid());
    let (end, ended) = mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        let late = ended.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
        late.then(|| {
            let where_it_stood = standing(main.as_raw());
            let _ = kill(main, Signal::SIGKILL);
            where_it_stood
        })
    });
    let mut tracer = Tracer { injection, processes: BTreeMap::new(), ..Tracer::default() };
    let code = tracer.run(main);
    drop(end);
    let hung = watchdog.join().expect("the watchdog");
    let Tracer { calls, hit, .. } = tracer;
    Traced { outcome: running.ended(code), calls, hit, hung }
}

/// One process that is followed.
struct Process {
    index: usize,
    /// How often it has made each call.
    calls: BTreeMap<Sysno, usize>,
    /// It is inside a call: the next stop is the end of it.
    inside: bool,
    /// The call that it is inside of is to give this error.
    replace: Option<Errno>,
    /// How often it has executed a program.
    execs: usize,
}

#[derive(Default)]
struct Tracer {
    injection: Option<Injection>,
    processes: BTreeMap<Pid, Process>,
    born: usize,
    /// Born, but not stopped yet: its stop must be seen, or it stands for ever.
    awaited: BTreeSet<Pid>,
    calls: Vec<Called>,
    hit: Option<Called>,
}

impl Tracer {
    /// Follows until the command ends; its exit status.
    fn run(&mut self, main: Pid) -> i32 {
        let mut code = None;
        loop {
            // Who is inside a call that another one stands for would take that one's
            // value for its own's.
            let replaced = self.processes.values().any(|process| process.replace.is_some());
            if let Some(code) = code
                && self.awaited.is_empty()
                && !replaced
            {
                return code;
            }
            let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
            match waitpid(None, Some(flags)) {
                Ok(WaitStatus::Exited(pid, status)) => {
                    self.gone(pid);
                    code = if pid == main { Some(status) } else { code };
                }
                Ok(WaitStatus::Signaled(pid, signal, _)) => {
                    self.gone(pid);
                    code = if pid == main { Some(128 + signal as i32) } else { code };
                }
                Ok(status) => self.stopped(status, main),
                Err(Errno::EINTR) => {}
                // Whoever was awaited was let go and has gone.
                Err(Errno::ECHILD) if code.is_some() => {
                    self.awaited.clear();
                    self.processes.clear();
                }
                Err(errno) => panic!("wait for a traced process: {errno}"),
            }
        }
    }

    fn gone(&mut self, pid: Pid) {
        self.awaited.remove(&pid);
        self.processes.remove(&pid);
    }

    fn stopped(&mut self, status: WaitStatus, main: Pid) {
        let Some(pid) = status.pid() else { return };
        let mut signal = None;
        match status {
            WaitStatus::Stopped(_, Signal::SIGTRAP) if pid == main && self.born == 0 => {
                use ptrace::Options;
                let options = Options::PTRACE_O_TRACESYSGOOD
                    | Options::PTRACE_O_TRACEFORK
                    | Options::PTRACE_O_TRACEVFORK
                    | Options::PTRACE_O_TRACECLONE
                    | Options::PTRACE_O_TRACEEXEC;
                ptrace::setoptions(pid, options).expect("set ptrace's options");
                self.meet(pid);
            }
            WaitStatus::Stopped(_, Signal::SIGSTOP) if self.is_new(pid) => self.awaited_came(pid),
            WaitStatus::Stopped(_, other) => signal = Some(other),
            WaitStatus::PtraceEvent(_, _, event) => self.event(pid, event),
            WaitStatus::PtraceSyscall(_) => self.at_call(pid),
            _ => {}
        }
        let follow = self.processes.get(&pid).is_some_and(|process| {
            let program = process.index > 0 && process.execs > 0;
            !program && (self.hit.is_none() || process.replace.is_some())
        });
        // It may have been killed meanwhile.
        let _ = match follow {
            true => ptrace::syscall(pid, signal),
            false => ptrace::detach(pid, signal),
        };
    }

    fn meet(&mut self, pid: Pid) {
        let index = self.born;
        self.born += 1;
        let calls = BTreeMap::new();
        let process = Process { index, calls, inside: false, replace: None, execs: 0 };
        self.processes.insert(pid, process);
    }

    /// Its first stop: whether that or its parent's event is seen first is chance.
    fn is_new(&self, pid: Pid) -> bool {
        self.awaited.contains(&pid) || !self.processes.contains_key(&pid)
    }

    fn awaited_came(&mut self, pid: Pid) {
        if !self.awaited.remove(&pid) {
            self.meet(pid);
        }
    }

    fn event(&mut self, pid: Pid, event: i32) {
        if event == ptrace::Event::PTRACE_EVENT_EXEC as i32 {
            if let Some(process) = self.processes.get_mut(&pid) {
                process.execs += 1;
            }
            return;
        }
        let Ok(child) = ptrace::getevent(pid) else { return };
        let child = Pid::from_raw(child as i32);
        if !self.processes.contains_key(&child) {
            self.meet(child);
            self.awaited.insert(child);
        }
    }

    fn at_call(&mut self, pid: Pid) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.inside = !process.inside;
        if !process.inside {
            if let Some(errno) = process.replace.take() {
                registers::give(pid, errno);
            }
            return;
        }
        let Some(call) = registers::call(pid) else { return };
        let number = process.calls.entry(call).or_default();
        *number += 1;
        let called = Called { process: process.index, call, number: *number };
        self.calls.push(called);
        let Some(injection) = self.injection else { return };
        if injection.called != called {
            return;
        }
        self.hit = Some(called);
        match injection.fault {
            Fault::Death => drop(kill(pid, Signal::SIGKILL)),
            Fault::Errno(errno) => {
                process.replace = Some(errno);
                if call != Sysno::close {
                    registers::leave_out(pid);
                }
            }
        }
    }
}

/// What the kernel's ptrace(2) gives of a stopped process, per architecture.
#[cfg(target_arch = "x86_64")]
mod registers {
    use super::{Errno, Pid, Sysno, ptrace};

    /// Whether calls can be made to fail here.
    pub const KNOWN: bool = true;

    /// The call that is being entered; `None` when the process is gone.
    pub fn call(pid: Pid) -> Option<Sysno> {
        Sysno::new(ptrace::getregs(pid).ok()?.orig_rax as usize)
    }

    /// Makes the kernel do nothing in place of the call. A number that is no
    /// call's would look to a filter like a program of another ABI.
    pub fn leave_out(pid: Pid) {
        change(pid, |registers| registers.orig_rax = Sysno::getpid as u64);
    }

    /// Lets the call that has ended give this error.
    pub fn give(pid: Pid, errno: Errno) {
        change(pid, |registers| registers.rax = -i64::from(errno as i32) as u64);
    }

    fn change(pid: Pid, change: impl FnOnce(&mut nix::libc::user_regs_struct)) {
        // It may have been killed meanwhile.
        let Ok(mut registers) = ptrace::getregs(pid) else { return };
        change(&mut registers);
        let _ = ptrace::setregs(pid, registers);
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod registers {
    use super::{Errno, Pid, Sysno};

    pub const KNOWN: bool = false;

    pub fn call(_: Pid) -> Option<Sysno> {
        None
    }

    pub fn leave_out(_: Pid) {}

    pub fn give(_: Pid, _: Errno) {}
}

/// Whether calls can be made to fail on this architecture.
pub const KNOWN: bool = registers::KNOWN;

/// The calls in which a process and its descendants are, for a message.
fn standing(pid: i32) -> String {
    let read = |name: &str| {
        let path = format!("/proc/{pid}/{name}");
        std::fs::read_to_string(path).unwrap_or_default().trim().to_string()
    };
    let inside = read("syscall");
    let number = inside.split(' ').next().and_then(|word| word.parse().ok()).and_then(Sysno::new);
    let call = number.map_or(inside.clone(), |call| call.to_string());
    let mut text = format!("{pid} {} in {call}", read("comm"));
    for child in read(&format!("task/{pid}/children")).split_whitespace() {
        text += &format!("; {}", standing(child.parse().expect("a pid")));
    }
    text
}
