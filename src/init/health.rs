//! When the health command runs, and what its results mean: a state machine, as
//! [`super::policy`] is one.

use super::settings::HealthCheck;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Wait,
    /// Run the command.
    Probe,
    /// End the command: it takes too long.
    Abort,
    /// The container is well.
    Well,
    /// The container is not well.
    Unwell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// There is nothing to look at.
    Off,
    /// The command runs next then.
    Until(u64),
    /// It runs, and is ended then; or it has been.
    Probing { until: Option<u64> },
}

/// The state machine; times are in ms.
#[derive(Debug)]
pub struct Health {
    interval: u64,
    timeout: u64,
    retries: u32,
    failures: u32,
    phase: Phase,
}

impl Health {
    /// Without a check it never does anything.
    pub fn new(check: Option<&HealthCheck>) -> Health {
        let ms = |pick: fn(&HealthCheck) -> u32| check.map_or(0, |c| u64::from(pick(c)) * 1000);
        Health {
            interval: ms(|check| check.interval),
            timeout: ms(|check| check.timeout),
            retries: check.map_or(0, |check| check.retries),
            failures: 0,
            phase: Phase::Off,
        }
    }

    /// The container has been started.
    pub fn start(&mut self, now: u64) {
        if self.retries > 0 {
            self.failures = 0;
            self.phase = Phase::Until(now + self.interval);
        }
    }

    /// The container does not run any more.
    pub fn stop(&mut self) {
        self.phase = Phase::Off;
    }

    /// When [`Health::time`] is due.
    pub fn deadline(&self) -> Option<u64> {
        match self.phase {
            Phase::Until(time) => Some(time),
            Phase::Probing { until } => until,
            Phase::Off => None,
        }
    }

    /// Time has passed.
    pub fn time(&mut self, now: u64) -> Step {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Step::Wait;
        }
        match self.phase {
            Phase::Until(_) => {
                self.phase = Phase::Probing { until: Some(now + self.timeout) };
                Step::Probe
            }
            _ => {
                self.phase = Phase::Probing { until: None };
                Step::Abort
            }
        }
    }

    /// The command has ended, or could not be run.
    pub fn done(&mut self, well: bool, now: u64) -> Step {
        let Phase::Probing { until } = self.phase else { return Step::Wait };
        self.phase = Phase::Until(now + self.interval);
        // One that had to be ended says nothing good.
        if well && until.is_some() {
            self.failures = 0;
            return Step::Well;
        }
        self.failures += 1;
        if self.failures < self.retries {
            return Step::Wait;
        }
        self.failures = 0;
        Step::Unwell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Step::{Abort, Probe, Unwell, Wait, Well};
    use alloc::vec::Vec;

    fn health() -> Health {
        let command = Vec::from([c"/bin/true"]);
        Health::new(Some(&HealthCheck { command, interval: 10, timeout: 2, retries: 2 }))
    }

    #[test]
    fn none_never_wakes() {
        let mut health = Health::new(None);
        health.start(5);
        assert_eq!((health.deadline(), health.time(9), health.done(true, 9)), (None, Wait, Wait));
    }

    #[test]
    fn failures_in_a_row() {
        let mut health = health();
        health.start(0);
        let mut now = 0;
        for (well, step) in
            [(true, Well), (false, Wait), (true, Well), (false, Wait), (false, Unwell)]
        {
            assert_eq!(health.deadline(), Some(now + 10_000));
            assert_eq!(health.time(now + 9_999), Wait);
            assert_eq!(health.time(now + 10_000), Probe);
            assert_eq!(health.time(now + 10_001), Wait);
            now += 10_500;
            assert_eq!(health.done(well, now), step);
        }
        health.stop();
        assert_eq!((health.deadline(), health.time(now * 9)), (None, Wait));
    }

    #[test]
    fn one_that_hangs_is_ended_once() {
        let mut health = health();
        health.start(0);
        assert_eq!(health.time(10_000), Probe);
        assert_eq!(health.time(12_000), Abort);
        assert_eq!((health.deadline(), health.time(99_000)), (None, Wait));
        // Whatever status it has then.
        assert_eq!(health.done(true, 13_000), Wait);
        assert_eq!(health.time(23_000), Probe);
        assert_eq!(health.done(false, 23_001), Unwell);
    }

    #[test]
    fn a_result_after_the_end_is_nothing() {
        let mut health = health();
        health.start(0);
        assert_eq!(health.time(10_000), Probe);
        health.stop();
        assert_eq!(health.done(false, 11_000), Wait);
        health.start(20_000);
        assert_eq!(health.deadline(), Some(30_000));
    }
}
