//! Filters in the kernel of this machine.

use super::profiles::{self, arg, bare, rule};
use super::*;
use rustix::io::Errno;
use rustix::thread::set_no_new_privs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::{println, thread};

/// Runs `then` on a thread of its own that has the filter.
fn under<T: Send + 'static>(
    profile: &Seccomp<'_>,
    then: impl FnOnce(Option<rustix::fd::OwnedFd>) -> T + Send + 'static,
) -> T {
    let filter = compile(profile).unwrap();
    let thread = thread::spawn(move || {
        set_no_new_privs(true).unwrap();
        let listener = filter.load().map_err(|fault| fault.errno).unwrap();
        then(listener)
    });
    thread.join().unwrap()
}

#[test]
fn errors_and_arguments() {
    let mut profile = bare(SeccompAction::Allow);
    let mut one = rule(SeccompAction::Errno, &["sethostname"]);
    one.errno = Some(Errno::XFULL.raw_os_error() as u32);
    let mut two = rule(SeccompAction::Errno, &["flock"]);
    two.args = vec![arg(1, SeccompOperator::Equal, 8)];
    profile.syscalls = vec![one, two];
    let (name, unlock, lock) = under(&profile, |listener| {
        assert!(listener.is_none());
        let (flags, mode) = (rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty());
        let file = rustix::fs::open("/proc/self/exe", flags, mode).unwrap();
        let flock = |operation| rustix::fs::flock(&file, operation);
        (
            rustix::system::sethostname(b""),
            flock(rustix::fs::FlockOperation::Unlock),
            flock(rustix::fs::FlockOperation::LockShared),
        )
    });
    assert_eq!(name, Err(Errno::XFULL));
    assert_eq!(unlock, Err(Errno::PERM));
    assert_ne!(lock, Err(Errno::PERM));
}

#[test]
fn a_listener_is_a_descriptor() {
    let mut profile = bare(SeccompAction::Allow);
    profile.syscalls = vec![rule(SeccompAction::Notify, &["swapoff"])];
    let flags = under(&profile, |listener| rustix::io::fcntl_getfd(listener.unwrap()).unwrap());
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
}

/// Not a test: what the next one starts, with the case in the environment.
#[test]
#[ignore = "it is started by the test after it and dies"]
fn victim() {
    let Ok(case) = std::env::var("OCINIT_SECCOMP_VICTIM") else { return };
    let mut profile = bare(SeccompAction::Allow);
    match &*case {
        "kill" => profile.syscalls = vec![rule(SeccompAction::KillProcess, &["sethostname"])],
        "trap" => profile.syscalls = vec![rule(SeccompAction::Trap, &["sethostname"])],
        _ => {
            let arches = [SeccompArch::X86_64, SeccompArch::X86, SeccompArch::X32];
            profile = profiles::containers("amd64", &arches).unwrap();
        }
    }
    set_no_new_privs(true).unwrap();
    compile(&profile).unwrap().load().map_err(|fault| fault.errno).unwrap();
    let result = rustix::system::sethostname(b"");
    println!("sethostname: {result:?}");
    // A program under podman's profile can start others.
    assert!(Command::new("/bin/true").status().unwrap().success());
}

fn start(case: &str) -> std::process::Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "seccomp::tests::kernel::victim", "--ignored", "--nocapture"])
        .arg("--test-threads=1")
        .env("OCINIT_SECCOMP_VICTIM", case)
        .output()
        .unwrap()
}

#[test]
fn processes_die_of_sigsys() {
    for case in ["kill", "trap"] {
        let output = start(case);
        assert_eq!(output.status.signal(), Some(31), "{case}: {output:?}");
    }
}

#[test]
fn a_process_lives_under_the_default_profile() {
    if !std::path::Path::new(profiles::CONTAINERS).exists() || !cfg!(target_arch = "x86_64") {
        println!("skipped: no {}, or not x86_64", profiles::CONTAINERS);
        return;
    }
    let output = start("containers");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    // Without CAP_SYS_ADMIN podman's profile has EPERM for it.
    assert!(text.contains("sethostname: Err(os error 1)"), "{text}");
}
