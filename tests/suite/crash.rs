//! Kill -9 of the runtime at its system calls: `delete --force` cleans up after each.
//!
//! A process dies as it enters a system call, so after the one before. About
//! thirty points of each command (a dozen on a slow machine), spread over all
//! calls of all its processes, are tried; `OCINIT_FAULTS=all` tries every one.

use ocinit_tests::injection::{self, ALL, Fault, Injection, Tally};
use ocinit_tests::wait::patiently;
use ocinit_tests::{Lab, skip};
use std::time::Duration;

ocinit_tests::isolate!();

fn dies_at_many_calls(name: &str) {
    if let Some(why) = injection::missing(name) {
        ocinit_tests::skip!("{why}");
    }
    let scene = ALL.iter().find(|scene| scene.name == name).expect("a scene");
    // Fewer where everything is slow.
    let wanted = if patiently(Duration::from_secs(1)).as_secs() > 1 { 12 } else { 30 };
    let tally = scene.play(|_, place, of| {
        let step = if injection::all() { 1 } else { (of / wanted).max(1) };
        if place % step == 0 { vec![Fault::Death] } else { Vec::new() }
    });
    let Tally { calls, hit, missed, defects, .. } = &tally;
    skip::say(&format!("{name}: {calls} calls, {hit} deaths, {missed} not reached"));
    assert!(defects.is_empty(), "{} defects:\n{}", defects.len(), defects.join("\n"));
    // How often it waits differs from run to run, most of all where all is slow.
    assert!(*hit > 3, "only {hit} deaths happened");
}

ocinit_tests::scenes!(dies_at_many_calls);

#[test]
fn an_id_is_free_again_after_a_crash_and_a_delete() {
    if let Some(why) = injection::missing("create") {
        ocinit_tests::skip!("{why}");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/echo", "alive"]);
    let c = lab.container(&bundle);
    let limit = patiently(Duration::from_secs(10));
    let create = || c.on_bundle("create", &[]);
    let calls = injection::trace(create(), None, limit).calls;
    c.delete_force();
    for called in calls.into_iter().filter(|called| called.process == 0).skip(40).step_by(25) {
        injection::trace(create(), Some(Injection { called, fault: Fault::Death }), limit);
        c.delete_force();
    }
    assert_eq!(c.run().stdout, "alive\n");
}
