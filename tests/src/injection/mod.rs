//! Commands that are broken at a system call, and what must be true after each.
//!
//! A [`Scene`] is a command with all around it: how to get a container ready
//! for it, and what the world looks like when it has done its work. It is
//! followed once untouched; then once more for each system call, with a fault.

use crate::isolate::{self, View};
use crate::wait::patiently;
use std::time::Duration;

mod scene;
mod scenes;
mod seen;
mod tracer;

pub use scene::{Scene, Tally};
pub use scenes::ALL;
pub use syscalls::Sysno;
pub use tracer::{Called, Fault, Injection, KNOWN, Traced, trace};

/// A test for each scene, which calls a function with the scene's name.
#[macro_export]
macro_rules! scenes {
    ($function:ident) => {
        $crate::scenes! { $function
            run "run",
            run_with_a_user_namespace "run with a user namespace",
            run_with_a_set_up_process "run with a set-up process",
            run_in_the_background "run in the background",
            create "create",
            start "start",
            exec "exec",
            exec_in_the_background "exec in the background",
            kill "kill",
            delete "delete",
            delete_by_force "delete by force",
            pause "pause",
            resume "resume",
            update "update",
            update_of_devices "update of devices",
            state "state",
            list "list",
        }
    };
    ($function:ident $($test:ident $name:literal,)*) => {
        $(#[test]
        fn $test() {
            $function($name);
        })*
    };
}

/// Why a scene cannot be played here.
pub fn missing(scene: &str) -> Option<&'static str> {
    if !KNOWN {
        return Some("the injection knows the registers of x86_64 only");
    }
    let without = scene == "update" && !scenes::has_limits();
    without.then_some("no controllers for memory and processes are there to be updated")
}

/// `OCINIT_FAULTS`, or nothing.
fn wish() -> String {
    std::env::var("OCINIT_FAULTS").unwrap_or_default()
}

/// Whether every fault is tried at every call: `OCINIT_FAULTS` is `all`.
pub fn all() -> bool {
    wish() == "all"
}

/// Of how many calls one is tried, when a scene has so many.
pub fn step(calls: usize) -> usize {
    // Not a divisor of the number of errors, for each to have its turn.
    match (patiently(Duration::from_secs(1)).as_secs() > 1, isolate::view()) {
        _ if !wish().is_empty() => 1,
        (true, _) => (calls / 40).max(1),
        (false, View::Host) => 1,
        (false, View::V1 | View::V2) => 5,
    }
}

/// By how many the errors are turned on: `OCINIT_FAULTS` is a number.
pub fn shift() -> usize {
    wish().parse().unwrap_or(0)
}
