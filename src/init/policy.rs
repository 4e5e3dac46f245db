//! What to do next: the life of the container and of the board as a state
//! machine. Events go in with the time, one step comes out; nothing is done
//! here, so all of it is tested without a board.

use super::settings::{Ending, Restart, Settings};

/// The first pause before the container is started again, in ms; it doubles.
const FIRST_PAUSE: u64 = 100;
/// The longest pause, in ms.
const LAST_PAUSE: u64 = 60_000;
/// Who ran so long, in ms, starts again as if for the first time.
const LONG_RUN: u64 = 10_000;
/// How long a killed container may take to end, in ms.
const KILL_TIME: u64 = 10_000;
/// How long it may take to take its remains away, in ms.
const CLEAN_TIME: u64 = 30_000;

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The container's program runs.
    Started,
    /// It could not be started.
    NotStarted,
    /// The container has ended, with this status.
    Ended(u8),
    /// What it left is gone.
    Cleaned,
    /// Somebody wants the board to end.
    Asked(Ending),
    /// The container is not well.
    Unhealthy,
    /// The shell on the console has been left for good.
    ShellLeft,
    /// Time has passed.
    Time,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Wait,
    /// Start the container.
    Launch,
    /// Ask it to end.
    Stop,
    /// Kill it.
    Kill,
    /// Take away what is left of it.
    Clean,
    /// Start it again after so many milliseconds: to be said, no more.
    Pause(u64),
    /// End the board.
    End(Ending),
}

/// Where the container is. Times are of the clock that the events have, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It is being made.
    Launching,
    /// It runs, since then.
    Running { since: u64 },
    /// It was asked to end, and is killed then.
    Stopping { since: u64, until: u64 },
    /// It was killed, and is given up then.
    Killed { until: u64 },
    /// What is left of it is being removed.
    Cleaning { until: u64 },
    /// It is started again then.
    Pausing { until: u64 },
    /// All is done, but somebody works on the console.
    Shell(Ending),
    /// The board ends.
    Over,
}

/// The state machine.
#[derive(Debug)]
pub struct Policy {
    restart: Restart,
    max_restarts: Option<u32>,
    on_exit: Option<Ending>,
    stop_time: u64,
    shell: bool,
    phase: Phase,
    asked: Option<Ending>,
    failed: bool,
    restarts: u32,
    pause: u64,
}

impl Policy {
    /// At the first [`Step::Launch`], which is the caller's. `shell`: there is
    /// one on the console.
    pub fn new(settings: &Settings, shell: bool) -> Policy {
        Policy {
            restart: settings.restart,
            max_restarts: settings.max_restarts,
            on_exit: settings.on_exit,
            stop_time: u64::from(settings.stop_timeout) * 1000,
            shell,
            phase: Phase::Launching,
            asked: None,
            failed: false,
            restarts: 0,
            pause: FIRST_PAUSE,
        }
    }

    /// When [`Event::Time`] is due.
    pub fn deadline(&self) -> Option<u64> {
        match self.phase {
            Phase::Stopping { until, .. }
            | Phase::Killed { until }
            | Phase::Cleaning { until }
            | Phase::Pausing { until } => Some(until),
            Phase::Launching | Phase::Running { .. } | Phase::Shell(_) | Phase::Over => None,
        }
    }

    /// Whether the container runs, and nobody wants it to end.
    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
    }

    /// Takes an event at time `now`.
    pub fn on(&mut self, event: Event, now: u64) -> Step {
        match (event, self.phase) {
            (_, Phase::Over) => Step::Wait,
            (Event::Started, Phase::Launching) => {
                self.phase = Phase::Running { since: now };
                Step::Wait
            }
            // It was asked while it came up: now there is somebody to hear it.
            (Event::Started, Phase::Stopping { .. }) => Step::Stop,
            (Event::NotStarted, _) => self.clean(true, now),
            (Event::Ended(status), phase) => {
                self.ran(phase, now);
                self.clean(status != 0, now)
            }
            (Event::Cleaned, Phase::Cleaning { .. }) => self.decide(now),
            (Event::Asked(ending), phase) => self.ask(ending, phase, now),
            (Event::Unhealthy, Phase::Running { since }) => {
                self.failed = true;
                self.stop(since, now)
            }
            (Event::ShellLeft, phase) => {
                self.shell = false;
                match phase {
                    Phase::Shell(ending) => self.end(ending),
                    _ => Step::Wait,
                }
            }
            (Event::Time, _) if self.deadline().is_some_and(|deadline| deadline <= now) => {
                self.late(now)
            }
            _ => Step::Wait,
        }
    }

    /// Who ran long enough has earned a fresh start.
    fn ran(&mut self, phase: Phase, now: u64) {
        if let Phase::Running { since } | Phase::Stopping { since, .. } = phase
            && now.saturating_sub(since) >= LONG_RUN
        {
            (self.restarts, self.pause) = (0, FIRST_PAUSE);
        }
    }

    fn ask(&mut self, ending: Ending, phase: Phase, now: u64) -> Step {
        self.asked = Some(ending);
        match phase {
            Phase::Launching => self.stop(now, now),
            Phase::Running { since } => self.stop(since, now),
            // Who asks twice is in a hurry.
            Phase::Stopping { .. } => self.kill(now),
            Phase::Killed { .. } | Phase::Cleaning { .. } | Phase::Over => Step::Wait,
            Phase::Pausing { .. } | Phase::Shell(_) => self.end(ending),
        }
    }

    /// A deadline has passed.
    fn late(&mut self, now: u64) -> Step {
        match self.phase {
            Phase::Stopping { .. } => self.kill(now),
            Phase::Killed { .. } => self.clean(true, now),
            Phase::Cleaning { .. } => self.decide(now),
            Phase::Pausing { .. } => {
                (self.phase, self.failed) = (Phase::Launching, false);
                Step::Launch
            }
            _ => Step::Wait,
        }
    }

    fn stop(&mut self, since: u64, now: u64) -> Step {
        self.phase = Phase::Stopping { since, until: now + self.stop_time };
        Step::Stop
    }

    fn kill(&mut self, now: u64) -> Step {
        self.phase = Phase::Killed { until: now + KILL_TIME };
        Step::Kill
    }

    fn clean(&mut self, failed: bool, now: u64) -> Step {
        self.failed |= failed;
        self.phase = Phase::Cleaning { until: now + CLEAN_TIME };
        Step::Clean
    }

    /// The container is gone.
    fn decide(&mut self, now: u64) -> Step {
        if let Some(ending) = self.asked {
            return self.end(ending);
        }
        let wanted = match self.restart {
            Restart::No => false,
            Restart::OnFailure => self.failed,
            Restart::Always => true,
        };
        if wanted && self.max_restarts.is_none_or(|max| self.restarts < max) {
            self.restarts += 1;
            return self.again(now);
        }
        match self.on_exit {
            None => {
                self.restarts = 0;
                self.again(now)
            }
            Some(ending) if self.shell => {
                self.phase = Phase::Shell(ending);
                Step::Wait
            }
            Some(ending) => self.end(ending),
        }
    }

    fn again(&mut self, now: u64) -> Step {
        let pause = self.pause;
        self.pause = (pause * 2).min(LAST_PAUSE);
        self.phase = Phase::Pausing { until: now + pause };
        Step::Pause(pause)
    }

    fn end(&mut self, ending: Ending) -> Step {
        self.phase = Phase::Over;
        Step::End(ending)
    }
}

#[cfg(test)]
mod tests;
