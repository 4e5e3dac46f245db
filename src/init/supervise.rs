//! The loop of the first process: it sleeps until something happens, learns what
//! it was, asks the state machines and does what they say. It allocates nothing,
//! and while nothing happens nothing wakes it.

use super::board::Board;
use super::ending;
use super::health::{Health, Step as Check};
use super::output::Output;
use super::policy::{Event, Policy, Step};
use super::settings::Sink;
use super::signals::{Meaning, meaning};
use super::sleep::{FOR_EVER, doze};
use super::task::{PROBE_PID, REPORT};
use super::watchdog::Watchdog;
use crate::cut;
use crate::errno::Described;
use crate::named;
use crate::number;
use crate::process::spawn::shell_status;
use crate::sys::clock::monotonic;
use crate::sys::fd::AsFd;
use crate::sys::signal::{self, RECORD};
use rustix::event::{PollFd, PollFlags};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{Access, OFlags, access};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitOptions, wait};

/// After so many ms without an event the process makes itself small.
const QUIET: u64 = 1_000;
/// The pause before the shell comes again, in ms.
const SHELL_PAUSE: u64 = 1_000;

/// The program of the container, as its launcher reported it.
#[derive(Clone, Copy)]
struct Program {
    pid: Pid,
    /// It is the launcher's child, which ends with its status.
    served: bool,
}

struct Init {
    board: Board,
    policy: Policy,
    health: Health,
    watchdog: Option<Watchdog>,
    output: Option<Output>,
    signals: Option<OwnedFd>,
    /// From launchers, and to them.
    reports: Option<(OwnedFd, OwnedFd)>,
    launcher: Option<Pid>,
    /// Signals for a container that is not there yet: bit N-1 for signal N.
    waiting: u64,
    program: Option<Program>,
    cleaner: Option<Pid>,
    probe: Option<Pid>,
    shell: Option<Pid>,
    shell_again: Option<u64>,
    /// When the launch began.
    since: u64,
}

/// Runs the container for as long as the board lives; `start` is when we were
/// started.
pub fn run(board: Board, start: u64) -> ! {
    let watchdog = super::open_watchdog(&board);
    let shell = board.settings.debug && access(super::SHELL, Access::EXEC_OK).is_ok();
    if board.settings.debug && !shell {
        board.voice.warning(format_args!("debug: there is no \"/bin/sh\" in the initramfs"));
    }
    let mut init = Init {
        policy: Policy::new(&board.settings, shell),
        health: Health::new(board.settings.health.as_ref()),
        watchdog,
        output: output(&board),
        signals: signal::signalfd(signal::Set::ALL).ok(),
        reports: pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok(),
        board,
        launcher: None,
        waiting: 0,
        program: None,
        cleaner: None,
        probe: None,
        shell: None,
        shell_again: shell.then_some(0),
        since: start,
    };
    let first = init.launch();
    if let Some(event) = first {
        init.event(event);
    }
    loop {
        init.sleep();
        init.turn();
    }
}

/// Where the container's output is read, when it goes to the kernel's log.
fn output(board: &Board) -> Option<Output> {
    if board.settings.output != Sink::Kmsg {
        return None;
    }
    let Some(kmsg) = board.voice.kmsg() else {
        board.voice.warning(format_args!("output: there is no \"/dev/kmsg\": CONFIG_PRINTK"));
        return None;
    };
    Output::new(board.settings.id, kmsg.as_fd())
        .inspect_err(|error| board.voice.error(format_args!("{error}")))
        .ok()
}

impl Init {
    /// Until something happens, or is due.
    fn sleep(&self) {
        let deadlines = [
            self.policy.deadline(),
            self.health.deadline(),
            self.watchdog.as_ref().and_then(Watchdog::deadline),
            self.shell_again,
        ];
        let next = deadlines.into_iter().flatten().min();
        let mut fds = heapless::Vec::<PollFd<'_>, 3>::new();
        let sources = [
            self.signals.as_ref().map(AsFd::as_fd),
            self.reports.as_ref().map(|(read, _)| read.as_fd()),
            self.output.as_ref().map(Output::fd),
        ];
        for fd in sources.into_iter().flatten() {
            let _ = fds.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
        }
        let left = next.map_or(FOR_EVER, |next| next.saturating_sub(monotonic()));
        if doze(&mut fds, left.min(QUIET)) || left <= QUIET {
            return;
        }
        // It is quiet: what it took to get here need not stay in memory.
        crate::sys::image::rest(&mut fds, (left != FOR_EVER).then(|| left - QUIET));
    }

    /// Learns what has happened, in this order: a container's start is known
    /// before its end.
    #[inline(never)]
    fn turn(&mut self) {
        self.read_report();
        self.read_signals();
        if let Some(output) = &mut self.output {
            output.relay(false);
        }
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            self.read_report();
            self.reaped(pid, shell_status(status));
        }
        self.time();
    }

    fn read_report(&mut self) {
        let Some((read, _)) = &self.reports else { return };
        let mut report = [0; REPORT];
        if rustix::io::read(read, &mut report[..]) != Ok(REPORT) {
            return;
        }
        let [a, b, c, d, stays] = report;
        let Some(pid) = Pid::from_raw(i32::from_ne_bytes([a, b, c, d])) else { return };
        let now = monotonic();
        self.program = Some(Program { pid, served: stays != 0 });
        let (id, number, took) = (self.board.settings.id, pid.as_raw_nonzero(), now - self.since);
        self.board
            .voice
            .notice(format_args!("container \"{id}\" started (pid {number}) after {took} ms"));
        self.health.start(now);
        self.signal_waiting();
        self.event(Event::Started);
    }

    fn read_signals(&mut self) {
        let mut records = [0; 8 * RECORD];
        let Some(signals) = &self.signals else { return };
        let Ok(length) = rustix::io::read(signals, &mut records[..]) else { return };
        for record in cut::first(&records, length).as_chunks().0 {
            let number = signal::number(record);
            match meaning(number as u32) {
                Meaning::End(how) => self.event(Event::Asked(how)),
                Meaning::Nothing => {}
                Meaning::Forward => self.signal(number),
            }
        }
    }

    /// A child of ours has ended.
    fn reaped(&mut self, pid: Pid, status: u8) {
        let is = |slot: &Option<Pid>| *slot == Some(pid);
        if is(&self.launcher) {
            self.launcher = None;
            match self.program {
                None => {
                    let id = self.board.settings.id;
                    self.board
                        .voice
                        .notice(format_args!("container \"{id}\" could not be started"));
                    self.event(Event::NotStarted);
                }
                Some(Program { served: true, .. }) => self.ended(status),
                Some(_) => {}
            }
        } else if self.program.is_some_and(|program| program.pid == pid && !program.served) {
            self.ended(status);
        } else if is(&self.cleaner) {
            self.cleaner = None;
            self.event(Event::Cleaned);
        } else if is(&self.probe) {
            self.probe = None;
            self.probed(status == 0);
        } else if is(&self.shell) {
            self.shell = None;
            self.shell_left();
        }
    }

    fn ended(&mut self, status: u8) {
        self.program = None;
        self.health.stop();
        if let Some(output) = &mut self.output {
            output.relay(true);
        }
        let id = self.board.settings.id;
        self.board.voice.notice(format_args!("container \"{id}\" exited with status {status}"));
        self.event(Event::Ended(status));
    }

    /// The shell is for as long as the container is, and for once more.
    fn shell_left(&mut self) {
        if self.policy.is_running() {
            self.shell_again = Some(monotonic() + SHELL_PAUSE);
        } else {
            self.event(Event::ShellLeft);
        }
    }

    /// Does what is due.
    fn time(&mut self) {
        let now = monotonic();
        match self.health.time(now) {
            Check::Probe => match self.board.probe(device(&self.watchdog)) {
                Ok(pid) => self.probe = Some(pid),
                Err(_) => self.probed(false),
            },
            Check::Abort => self.end_probe(),
            _ => {}
        }
        if self.shell_again.is_some_and(|time| time <= now) {
            self.shell_again = None;
            match self.board.shell(device(&self.watchdog)) {
                Ok(pid) => self.shell = Some(pid),
                Err(_) => self.shell_again = Some(now + SHELL_PAUSE),
            }
        }
        self.event(Event::Time);
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.time(now);
        }
    }

    fn probed(&mut self, well: bool) {
        let now = monotonic();
        let step = self.health.done(well, now);
        if let (Check::Well | Check::Unwell, Some(watchdog)) = (step, &mut self.watchdog) {
            watchdog.feed(step == Check::Well, now);
        }
        if step == Check::Unwell {
            let id = self.board.settings.id;
            self.board.voice.error(format_args!("container \"{id}\" is unhealthy"));
            self.event(Event::Unhealthy);
        }
    }

    /// Ends the health command: it is a child of the probe's, which lives.
    fn end_probe(&self) {
        let Some(probe) = self.probe else { return };
        match read_pid(PROBE_PID) {
            Some(pid) => drop(rustix::process::kill_process(pid, Signal::KILL)),
            None => drop(rustix::process::kill_process(probe, Signal::KILL)),
        }
    }

    /// Tells the policy, and does what it says.
    fn event(&mut self, event: Event) {
        let mut next = Some(event);
        while let Some(event) = next {
            let step = self.policy.on(event, monotonic());
            next = self.act(step);
        }
    }

    /// What is known at once of what a step led to.
    fn act(&mut self, step: Step) -> Option<Event> {
        let id = self.board.settings.id;
        match step {
            Step::Wait => None,
            Step::Launch => {
                self.since = monotonic();
                self.launch()
            }
            Step::Stop => {
                // One that is still being made is asked again when it runs.
                if self.program.is_some() {
                    self.board.voice.notice(format_args!("stopping container \"{id}\""));
                    self.signal(self.board.settings.stop_signal);
                }
                self.health.stop();
                None
            }
            Step::Kill => {
                self.signal(Signal::KILL.as_raw());
                None
            }
            Step::Clean => self.clean(),
            Step::Pause(pause) => {
                self.board
                    .voice
                    .notice(format_args!("container \"{id}\" starts again in {pause} ms"));
                None
            }
            Step::End(how) => {
                ending::begin(&self.board, how, self.watchdog.take(), self.signals.as_ref())
            }
        }
    }

    fn launch(&mut self) -> Option<Event> {
        let (Some((_, report)), output) = (&self.reports, &self.output) else {
            self.board.voice.error(format_args!("there is no pipe to start a container with"));
            return Some(Event::NotStarted);
        };
        let output = output.as_ref().map(Output::write_end);
        match self.board.launch(report.as_fd(), output, device(&self.watchdog)) {
            Ok(pid) => {
                self.launcher = Some(pid);
                None
            }
            Err(errno) => {
                self.cannot("start the container", errno);
                Some(Event::NotStarted)
            }
        }
    }

    fn clean(&mut self) -> Option<Event> {
        // Whoever is not gone by now is not waited for.
        (self.program, self.launcher, self.waiting) = (None, None, 0);
        self.health.stop();
        match self.board.clean(device(&self.watchdog)) {
            Ok(pid) => {
                self.cleaner = Some(pid);
                None
            }
            Err(errno) => {
                self.cannot("remove the container", errno);
                Some(Event::Cleaned)
            }
        }
    }

    fn cannot(&self, what: &str, errno: Errno) {
        self.board.voice.error(format_args!("{what}: clone: {}", Described(errno)));
    }

    /// Sends it to the container, through who serves its terminal. While that is
    /// still being made, it is kept: its maker is nobody to signal, but by
    /// SIGKILL.
    fn signal(&mut self, number: i32) {
        let target = match (self.program, self.launcher) {
            (Some(Program { pid, served: false }), _) => Some(pid),
            (None, _) if number != Signal::KILL.as_raw() => {
                self.waiting |= 1 << (number - 1);
                None
            }
            (_, launcher) => launcher,
        };
        if let Some(pid) = target {
            let _ = signal::send(pid, number);
        }
    }

    /// Sends what has come before the container was there.
    fn signal_waiting(&mut self) {
        let waiting = core::mem::take(&mut self.waiting);
        for number in (1..=64).filter(|number| waiting & (1 << (number - 1)) != 0) {
            self.signal(number);
        }
    }
}

/// The watchdog's descriptor, which is nothing for others.
fn device(watchdog: &Option<Watchdog>) -> Option<BorrowedFd<'_>> {
    watchdog.as_ref().map(Watchdog::device)
}

/// The process id in a file.
fn read_pid(path: &str) -> Option<Pid> {
    let mut buffer = [0; 16];
    let file = named::open(path, OFlags::RDONLY).ok()?;
    let length = rustix::io::read(&file, &mut buffer[..]).ok()?;
    let text = core::str::from_utf8(cut::first(&buffer, length)).ok()?.trim_ascii();
    Pid::from_raw(number::signed(text)?)
}
