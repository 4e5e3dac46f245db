//! One call and what it took; many calls of several contenders, interleaved.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::process::Command;
use std::time::{Duration, Instant};

/// After this time a call hangs; youki's `run` does now and then.
const WATCHDOG: Duration = Duration::from_secs(20);

/// What a call, with all processes that ended in it, took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Milliseconds from before its start to after its end.
    pub wall: f64,
    /// Milliseconds of processor time, its own and the kernel's for it.
    pub cpu: f64,
    /// Page faults.
    pub faults: f64,
    /// Context switches.
    pub switches: f64,
}

impl Sample {
    /// Both together.
    pub fn and(self, other: Sample) -> Sample {
        Sample {
            wall: self.wall + other.wall,
            cpu: self.cpu + other.cpu,
            faults: self.faults + other.faults,
            switches: self.switches + other.switches,
        }
    }

    fn of(usage: &libc::rusage) -> Sample {
        let time = |t: libc::timeval| t.tv_sec as f64 * 1e3 + t.tv_usec as f64 / 1e3;
        Sample {
            wall: 0.0,
            cpu: time(usage.ru_utime) + time(usage.ru_stime),
            faults: (usage.ru_minflt + usage.ru_majflt) as f64,
            switches: (usage.ru_nvcsw + usage.ru_nivcsw) as f64,
        }
    }
}

/// Runs the command to its end.
///
/// # Errors
/// It fails, and what it says; or it hangs, and is killed.
pub fn run(command: &mut Command) -> Result<Sample, String> {
    let mut said = said()?;
    command.stderr(said.try_clone().map_err(|e| e.to_string())?);
    let start = Instant::now();
    let child = command.spawn().map_err(|e| format!("{:?}: {e}", command.get_program()))?;
    let pid = child.id() as i32;
    let ended = wait(pid)?;
    let wall = start.elapsed().as_secs_f64() * 1e3;
    let mut text = String::new();
    if ended.0 != 0 {
        let _ = said.rewind();
        let _ = said.read_to_string(&mut text);
        let line = text.lines().last().unwrap_or("and says nothing");
        return Err(format!("ends with status {:#x}: {line}", ended.0));
    }
    Ok(Sample { wall, ..ended.1 })
}

/// A file for what a command says, empty.
fn said() -> Result<File, String> {
    let path = std::path::Path::new(crate::place::DIRECTORY).join("stderr");
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(true).open(&path);
    file.map_err(|e| format!("{}: {e}", path.display()))
}

/// Waits for a child, at most as long as the watchdog sleeps.
fn wait(pid: i32) -> Result<(i32, Sample), String> {
    let pidfd = pidfd(pid)?;
    let limit = PollTimeout::try_from(WATCHDOG).map_err(|e| e.to_string())?;
    let ready = poll(&mut [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)], limit);
    if ready != Ok(1) {
        kill(pid);
        wait4(pid, 0);
        return Err(format!("hangs: killed after {} s", WATCHDOG.as_secs()));
    }
    wait4(pid, 0).map(|(_, status, sample)| (status, sample)).ok_or("no such child".into())
}

fn kill(pid: i32) {
    use nix::sys::signal::{Signal, kill};
    // It is our child and not reaped.
    let _ = kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL);
}

/// A descriptor that can be read when the process has ended.
fn pidfd(pid: i32) -> Result<OwnedFd, String> {
    // SAFETY: takes numbers, and returns a descriptor that is ours alone.
    #[allow(unsafe_code)]
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        match fd {
            0.. => Ok(OwnedFd::from_raw_fd(fd as i32)),
            _ => Err(format!("pidfd_open: {}", std::io::Error::last_os_error())),
        }
    }
}

fn wait4(pid: i32, options: i32) -> Option<(i32, i32, Sample)> {
    // SAFETY: all-zero is a valid rusage, and both places live across the call.
    #[allow(unsafe_code)]
    unsafe {
        let (mut status, mut usage) = (0, std::mem::zeroed::<libc::rusage>());
        let ended = libc::wait4(pid, &mut status, options, &mut usage);
        (ended > 0).then(|| (ended, status, Sample::of(&usage)))
    }
}

/// Waits for the next process that was left to us, and says what it took.
pub fn orphan() -> Sample {
    wait4(-1, 0).map(|(_, _, sample)| sample).unwrap_or_default()
}

/// Reaps what has ended.
pub fn reap() {
    while wait4(-1, libc::WNOHANG).is_some() {}
}

/// A contender: its name and how to take one sample of it.
pub struct Contender<'a> {
    /// What the results call it.
    pub name: String,
    /// Takes a sample.
    pub take: Box<dyn FnMut() -> Result<Sample, String> + 'a>,
}

/// How often, and how close together.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Samples of each contender.
    pub rounds: usize,
    /// Between two samples; the kernel cleans up after a container meanwhile.
    pub pause: Duration,
}

/// What became of each contender, in their order.
pub type Outcome = Vec<(String, Result<Vec<Sample>, String>)>;

/// Takes samples of all in turn, each round beginning with another one, so that
/// what else the machine does hits all alike. A first round does not count; who
/// fails twice is out.
pub fn interleave(mut contenders: Vec<Contender<'_>>, pace: Pace) -> Outcome {
    let count = contenders.len();
    let mut samples = vec![Vec::new(); count];
    let mut errors: Vec<Vec<String>> = vec![Vec::new(); count];
    for round in 0..=pace.rounds {
        for turn in 0..count {
            let index = (turn + round) % count;
            if errors[index].len() > 1 || round > 0 && samples[index].is_empty() && round > 2 {
                continue;
            }
            std::thread::sleep(pace.pause);
            match (contenders[index].take)() {
                Ok(sample) if round > 0 => samples[index].push(sample),
                Ok(_) => {}
                Err(why) => errors[index].push(why),
            }
            reap();
        }
    }
    let names = contenders.iter().map(|contender| contender.name.clone());
    let outcomes =
        samples.into_iter().zip(errors).map(|(samples, mut errors)| match errors.pop() {
            Some(why) if samples.is_empty() || !errors.is_empty() => Err(why),
            _ => Ok(samples),
        });
    names.zip(outcomes).collect()
}

/// Runs all commands, so many at a time.
///
/// # Errors
/// The last failure; the others still run.
pub fn pool(commands: impl Iterator<Item = Command>, width: usize) -> Result<Sample, String> {
    let mut total = Sample::default();
    let mut failure = None;
    let mut running = Vec::new();
    let start = Instant::now();
    for mut command in commands {
        if running.len() == width {
            settle(&mut running, &mut total, &mut failure)?;
        }
        // What they say is told by running one alone.
        command.stderr(std::process::Stdio::null());
        let child = command.spawn().map_err(|e| format!("{:?}: {e}", command.get_program()))?;
        running.push((child.id() as i32, pidfd(child.id() as i32)?));
    }
    while !running.is_empty() {
        settle(&mut running, &mut total, &mut failure)?;
    }
    total.wall = start.elapsed().as_secs_f64() * 1e3;
    failure.map_or(Ok(total), Err)
}

/// Waits for one of the running.
fn settle(
    running: &mut Vec<(i32, OwnedFd)>,
    total: &mut Sample,
    failure: &mut Option<String>,
) -> Result<(), String> {
    let mut fds: Vec<PollFd<'_>> =
        running.iter().map(|(_, fd)| PollFd::new(fd.as_fd(), PollFlags::POLLIN)).collect();
    let limit = PollTimeout::try_from(WATCHDOG).map_err(|e| e.to_string())?;
    poll(&mut fds, limit).map_err(|e| format!("poll: {e}"))?;
    let ready = fds.iter().position(|fd| fd.any() == Some(true));
    drop(fds);
    let (pid, _fd) = running.swap_remove(ready.unwrap_or(0));
    if ready.is_none() {
        kill(pid);
        *failure = Some("one of them hangs".into());
    }
    if let Some((_, status, sample)) = wait4(pid, 0) {
        *total = total.and(sample);
        if status != 0 && failure.is_none() {
            *failure = Some(format!("one of them ends with status {status:#x}"));
        }
    }
    Ok(())
}
