//! What all processes of a call do, seen through ptrace(2): how many there are,
//! how many system calls they make, and how much memory they have at most.

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The counts of a call.
#[derive(Default)]
pub struct Counts {
    /// System calls of all processes and threads.
    pub calls: u64,
    /// Processes, the first one and the container's among them.
    pub processes: u64,
    /// Threads beyond one in each process.
    pub threads: u64,
    /// The largest resident set that one process had, in KiB.
    pub peak: u64,
}

/// Runs the command under the tracer.
///
/// # Errors
/// It cannot be traced, or fails.
pub fn run(command: &mut Command) -> Result<Counts, String> {
    // SAFETY: PTRACE_TRACEME is a plain system call, fit for the time between fork and exec.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(|| Ok(ptrace::traceme()?));
    }
    // Reaped below through waitpid, which tells of ptrace's stops as well.
    #[allow(clippy::zombie_processes)]
    let child = command.spawn().map_err(|e| format!("{:?}: {e}", command.get_program()))?;
    follow(Pid::from_raw(child.id() as i32)).map_err(|e| format!("trace: {e}"))?
}

fn follow(first: Pid) -> nix::Result<Result<Counts, String>> {
    let mut counts = Counts::default();
    // Whether the next stop of a thread is at the end of a system call.
    let mut inside: HashMap<Pid, bool> = HashMap::new();
    let mut known = false;
    loop {
        let stop = match waitpid(None, Some(WaitPidFlag::__WALL)) {
            Err(nix::Error::ECHILD) => return Ok(Err("it is gone".into())),
            other => other?,
        };
        let Some(pid) = stop.pid() else { continue };
        let mut pass = None;
        match stop {
            WaitStatus::Exited(pid, status) if pid == first => {
                return Ok(if status == 0 {
                    Ok(counts)
                } else {
                    Err(format!("ends with {status}"))
                });
            }
            WaitStatus::Signaled(pid, signal, _) if pid == first => {
                return Ok(Err(format!("ends with {signal}")));
            }
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => continue,
            WaitStatus::PtraceSyscall(_) => {
                let ends = inside.entry(pid).or_default();
                *ends = !*ends;
                if *ends {
                    counts.calls += 1;
                }
            }
            WaitStatus::PtraceEvent(_, _, event) => {
                if event == libc::PTRACE_EVENT_EXEC {
                    // The call returns after this stop.
                    inside.insert(pid, true);
                }
                if event == libc::PTRACE_EVENT_EXIT {
                    counts.peak = counts.peak.max(peak(pid));
                }
            }
            WaitStatus::Stopped(_, signal) => {
                if !known {
                    known = true;
                    counts.processes = 1;
                    ptrace::setoptions(first, options())?;
                } else if let Some(is_thread) = newborn(&mut inside, pid, signal) {
                    if is_thread { counts.threads += 1 } else { counts.processes += 1 }
                } else {
                    pass = Some(signal).filter(|s| *s != Signal::SIGTRAP);
                }
            }
            _ => {}
        }
        // It may have been killed in between.
        let _ = ptrace::syscall(pid, pass);
    }
}

fn options() -> Options {
    Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACEEXIT
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_EXITKILL
}

/// Whether this is the first stop of a new thread of a process (true) or of a
/// new process (false).
fn newborn(inside: &mut HashMap<Pid, bool>, pid: Pid, signal: Signal) -> Option<bool> {
    if signal != Signal::SIGSTOP || inside.contains_key(&pid) {
        return None;
    }
    inside.insert(pid, false);
    Some(status(pid, "Tgid:") != Some(pid.as_raw() as u64))
}

fn peak(pid: Pid) -> u64 {
    status(pid, "VmHWM:").unwrap_or(0)
}

fn status(pid: Pid, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
