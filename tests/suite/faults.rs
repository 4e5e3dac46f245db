//! Every step can fail: each system call of a command fails once.
//!
//! Whatever the kernel refuses, a command must not hang, must not claim a
//! success that is none (what the container is like inside, and its limits, are
//! compared with an untouched run), must say what failed, and after `delete
//! --force` nothing may be left. By default each call fails with one of the six
//! errors, in turn (on a slow machine, and where only the view of the cgroups is
//! another one, some of the calls); `OCINIT_FAULTS=1` to `5` turn on by so many,
//! and `OCINIT_FAULTS=all` tries all six.

use nix::errno::Errno;
use ocinit_tests::injection::{self, Called, Fault, Sysno, Tally};

ocinit_tests::isolate!();

const ERRORS: [Errno; 6] =
    [Errno::ENOMEM, Errno::EPERM, Errno::EIO, Errno::ENOSPC, Errno::EINTR, Errno::EAGAIN];

fn fails_at_every_call(name: &str) {
    if let Some(why) = injection::missing(name) {
        ocinit_tests::skip!("{why}");
    }
    let scene = injection::ALL.iter().find(|scene| scene.name == name).expect("a scene");
    let tally = scene.play(|called, place, of| {
        let turn = (place + injection::shift()) % ERRORS.len();
        let mut errors = match injection::all() {
            true => ERRORS.to_vec(),
            false if place % injection::step(of) == 0 => vec![ERRORS[turn]],
            false => Vec::new(),
        };
        errors.retain(|errno| !has_a_meaning(name, called, *errno));
        errors.into_iter().map(Fault::Errno).collect()
    });
    report(name, &tally);
}

/// An error that is the kernel's word for something, and answered as documented,
/// or that cannot be.
fn has_a_meaning(scene: &str, called: &Called, errno: Errno) -> bool {
    match (called.call, errno) {
        // A user namespace that may not mount a sysfs gets the host's.
        (Sysno::fsopen | Sysno::fsconfig | Sysno::fsmount, Errno::EPERM) => {
            scene == "run with a user namespace"
        }
        // Where no device can be made, the host's is bound.
        (Sysno::mknodat, Errno::EPERM) => true,
        // It fails with wrong arguments only; a clock that stands still means that
        // the time is up, or that it never is.
        (Sysno::clock_gettime, _) => true,
        // Too many ask the waiting init at once: so it waits.
        (Sysno::connect, Errno::EAGAIN) => true,
        // The command's last word is only heard: who cannot hear it ends, as
        // one who is killed a moment later.
        (Sysno::recvmsg, _) => scene == "create" && called.process > 0,
        _ => false,
    }
}

fn report(name: &str, tally: &Tally) {
    ocinit_tests::skip::say(&tally.line(name));
    ocinit_tests::skip::say(&format!("{name}: without consequence: {:?}", tally.survived));
    let defects = &tally.defects;
    assert!(defects.is_empty(), "{} defects:\n{}", defects.len(), defects.join("\n"));
    // How often it waits differs from run to run, most of all where all is slow.
    assert!(tally.hit > 0, "no fault happened");
}

ocinit_tests::scenes!(fails_at_every_call);
