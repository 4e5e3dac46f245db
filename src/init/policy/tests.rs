//! Lives of containers, as lists of what happens when and what is done then.

use super::*;
use Ending::{Halt, PowerOff, Reboot};
use Event::{Asked, Cleaned, Ended, NotStarted, ShellLeft, Started, Time, Unhealthy};
use Step::{Clean, End, Kill, Launch, Pause, Stop, Wait};

fn settings(restart: Restart, max: Option<u32>, on_exit: Option<Ending>) -> Settings {
    Settings { restart, max_restarts: max, on_exit, ..Settings::default() }
}

#[track_caller]
fn check(policy: &mut Policy, life: &[(u64, Event, Step)]) {
    for (index, &(now, event, step)) in life.iter().enumerate() {
        assert_eq!(policy.on(event, now), step, "#{index} {event:?} at {now}: {policy:?}");
    }
}

fn policy(restart: Restart, max: Option<u32>, on_exit: Option<Ending>) -> Policy {
    Policy::new(&settings(restart, max, on_exit), false)
}

#[test]
fn once() {
    let mut life = policy(Restart::No, None, Some(Halt));
    assert_eq!(life.deadline(), None);
    check(&mut life, &[(1, Started, Wait)]);
    assert!(life.is_running());
    assert_eq!(life.deadline(), None, "nothing wakes an idle board");
    check(&mut life, &[(2, Ended(1), Clean), (3, Cleaned, End(Halt)), (4, Asked(Reboot), Wait)]);
}

#[test]
fn pauses_double_up_to_a_minute() {
    let mut life = policy(Restart::Always, None, Some(PowerOff));
    let mut now = 0;
    for pause in [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000] {
        check(
            &mut life,
            &[
                (now, Started, Wait),
                (now, Ended(0), Clean),
                (now, Cleaned, Pause(pause)),
                (now + pause - 1, Time, Wait),
                (now + pause, Time, Launch),
            ],
        );
        now += pause;
    }
    // A long run is forgiven.
    let later = now + LONG_RUN;
    check(
        &mut life,
        &[(now, Started, Wait), (later, Ended(0), Clean), (later, Cleaned, Pause(100))],
    );
}

#[test]
fn restarts_are_counted() {
    let mut life = policy(Restart::OnFailure, Some(2), Some(Reboot));
    check(
        &mut life,
        &[
            (0, NotStarted, Clean),
            (0, Cleaned, Pause(100)),
            (100, Time, Launch),
            (100, Started, Wait),
            (100, Ended(3), Clean),
            (100, Cleaned, Pause(200)),
            (300, Time, Launch),
            (300, NotStarted, Clean),
            (300, Cleaned, End(Reboot)),
        ],
    );
}

#[test]
fn success_is_no_failure() {
    let mut life = policy(Restart::OnFailure, None, Some(PowerOff));
    check(&mut life, &[(0, Started, Wait), (1, Ended(0), Clean), (2, Cleaned, End(PowerOff))]);
    // Also after a failure before it.
    let mut life = policy(Restart::OnFailure, None, Some(PowerOff));
    check(
        &mut life,
        &[
            (0, NotStarted, Clean),
            (0, Cleaned, Pause(100)),
            (100, Time, Launch),
            (100, Started, Wait),
            (101, Ended(0), Clean),
            (101, Cleaned, End(PowerOff)),
        ],
    );
}

#[test]
fn on_exit_restart_begins_anew() {
    let mut life = policy(Restart::OnFailure, Some(1), None);
    check(
        &mut life,
        &[
            (0, NotStarted, Clean),
            (0, Cleaned, Pause(100)),
            (100, Time, Launch),
            (100, NotStarted, Clean),
            (100, Cleaned, Pause(200)),
            (300, Time, Launch),
            (300, NotStarted, Clean),
            (300, Cleaned, Pause(400)),
        ],
    );
}

#[test]
fn asked_to_end() {
    // It hears.
    let mut life = policy(Restart::Always, None, Some(PowerOff));
    check(
        &mut life,
        &[
            (0, Started, Wait),
            (5, Asked(Reboot), Stop),
            (9, Ended(143), Clean),
            (9, Cleaned, End(Reboot)),
        ],
    );
    // It does not.
    let mut life = policy(Restart::Always, None, Some(PowerOff));
    check(&mut life, &[(0, Started, Wait), (5, Asked(Halt), Stop), (10_004, Time, Wait)]);
    assert_eq!(life.deadline(), Some(10_005));
    check(
        &mut life,
        &[(10_005, Time, Kill), (10_006, Ended(137), Clean), (10_007, Cleaned, End(Halt))],
    );
    // Not even then.
    let mut life = policy(Restart::No, None, Some(PowerOff));
    check(
        &mut life,
        &[
            (0, Started, Wait),
            (0, Asked(Halt), Stop),
            (10_000, Time, Kill),
            (20_000, Time, Clean),
            (50_000, Time, End(Halt)),
        ],
    );
}

#[test]
fn who_asks_twice_is_in_a_hurry() {
    let mut life = policy(Restart::No, None, Some(PowerOff));
    check(
        &mut life,
        &[
            (0, Started, Wait),
            (1, Asked(Reboot), Stop),
            (2, Asked(Halt), Kill),
            (3, Asked(Halt), Wait),
            (4, Ended(137), Clean),
            (5, Cleaned, End(Halt)),
        ],
    );
}

#[test]
fn asked_at_any_other_time() {
    // While it comes up: it hears when it is up.
    let mut life = policy(Restart::No, None, Some(PowerOff));
    check(
        &mut life,
        &[
            (0, Asked(Reboot), Stop),
            (1, Started, Stop),
            (2, Ended(0), Clean),
            (2, Cleaned, End(Reboot)),
        ],
    );
    let mut life = policy(Restart::No, None, Some(PowerOff));
    check(
        &mut life,
        &[(0, Asked(Reboot), Stop), (1, NotStarted, Clean), (2, Cleaned, End(Reboot))],
    );
    // While it is taken away.
    let mut life = policy(Restart::Always, None, Some(PowerOff));
    check(
        &mut life,
        &[
            (0, Started, Wait),
            (1, Ended(0), Clean),
            (1, Asked(Reboot), Wait),
            (2, Cleaned, End(Reboot)),
        ],
    );
    // Between two starts.
    let mut life = policy(Restart::Always, None, Some(PowerOff));
    check(
        &mut life,
        &[(0, NotStarted, Clean), (1, Cleaned, Pause(100)), (2, Asked(Halt), End(Halt))],
    );
}

#[test]
fn unhealthy_is_a_failure() {
    let mut life = policy(Restart::OnFailure, None, Some(PowerOff));
    check(
        &mut life,
        &[
            (0, Started, Wait),
            (1, Unhealthy, Stop),
            (2, Unhealthy, Wait),
            (3, Ended(0), Clean),
            (3, Cleaned, Pause(100)),
        ],
    );
}

#[test]
fn a_shell_keeps_the_board() {
    let new = || Policy::new(&settings(Restart::No, None, Some(PowerOff)), true);
    let mut life = new();
    check(
        &mut life,
        &[
            (0, Started, Wait),
            (1, Ended(0), Clean),
            (2, Cleaned, Wait),
            (3, Time, Wait),
            (4, ShellLeft, End(PowerOff)),
        ],
    );
    let mut life = new();
    check(
        &mut life,
        &[
            (0, ShellLeft, Wait),
            (1, Started, Wait),
            (2, Ended(0), Clean),
            (3, Cleaned, End(PowerOff)),
        ],
    );
    let mut life = new();
    check(
        &mut life,
        &[(0, NotStarted, Clean), (1, Cleaned, Wait), (2, Asked(Reboot), End(Reboot))],
    );
    assert_eq!(life.deadline(), None);
}

#[test]
fn remains_that_stay_do_not_stop_the_board() {
    let mut life = policy(Restart::No, None, Some(PowerOff));
    check(&mut life, &[(0, Started, Wait), (1, Ended(0), Clean), (30_000, Time, Wait)]);
    check(&mut life, &[(30_001, Time, End(PowerOff)), (30_002, Cleaned, Wait)]);
}
