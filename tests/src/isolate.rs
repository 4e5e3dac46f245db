//! A place of its own for a test binary: private mounts, a chosen cgroup view, a reaper.
//!
//! It has to happen before libtest starts its threads (a thread cannot move a
//! whole process into another mount namespace), so `isolate!` puts `enter` in
//! the binary's init array and `enter` forks: the child goes on to `main`, the
//! parent stays as the subreaper that collects what runtimes leave behind, as
//! an engine's shim does. Mounts made by a test that crashed die with the
//! namespace and never reach the machine.

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, geteuid};
use std::env;
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};

/// Runs every test of the binary that says it in a private mount namespace
/// under a subreaper. To stand once, at the top of each file in `suite/`.
#[macro_export]
macro_rules! isolate {
    () => {
        $crate::isolate!($crate::isolate::enter);
    };
    ($enter:expr) => {
        // SAFETY: the function has the C ABI that the init array wants, is
        // called once before main while the process has one thread, and std's
        // environment and process functions do not need main to have begun.
        #[allow(unsafe_code)]
        #[used]
        #[unsafe(link_section = ".init_array")]
        static OCINIT_TESTS_ISOLATE: extern "C" fn() = $enter;
    };
}

/// The layout of control groups that the tests see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Whatever the machine has.
    Host,
    /// Only the v1 controllers.
    V1,
    /// Only a cgroup2 tree.
    V2,
}

/// The view asked for by `OCINIT_CGROUP_VIEW` (host, v1 or v2).
pub fn view() -> View {
    match env::var("OCINIT_CGROUP_VIEW").as_deref() {
        Ok("v1") => View::V1,
        Ok("v2") => View::V2,
        Ok("host") | Ok("") | Err(_) => View::Host,
        Ok(other) => panic!("OCINIT_CGROUP_VIEW is {other:?}, not host, v1 or v2"),
    }
}

/// Called through the init array; see the module's text.
pub extern "C" fn enter() {
    // Listing needs no root, and nothing to test.
    if env::args().any(|a| a == "--list") {
        return;
    }
    if !geteuid().is_root() {
        stop("the integration tests make namespaces and cgroups: run them as root");
    }
    if let Err(why) = crate::oci::find_binary() {
        stop(&why);
    }
    if env::var_os("RUST_TEST_THREADS").is_none() {
        // Most tests wait for other processes; a few more threads than cores pay.
        // SAFETY: before main there is one thread, so nobody reads the environment meanwhile.
        #[allow(unsafe_code)]
        unsafe {
            env::set_var("RUST_TEST_THREADS", "4")
        };
    }
    nix::sys::prctl::set_child_subreaper(true).expect("become a subreaper");
    // SAFETY: before main the process has one thread, so the child has every lock in a sane state.
    #[allow(unsafe_code)]
    let forked = unsafe { fork() }.expect("fork the test process");
    match forked {
        ForkResult::Parent { child } => reap_until(child),
        ForkResult::Child => {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).expect("die with the reaper");
            private_mounts();
        }
    }
}

/// As [`enter`], on the v1 controllers unless another view is asked for.
pub extern "C" fn enter_v1() {
    if env::var_os("OCINIT_CGROUP_VIEW").is_none() {
        // SAFETY: before main there is one thread, so nobody reads the environment meanwhile.
        #[allow(unsafe_code)]
        unsafe {
            env::set_var("OCINIT_CGROUP_VIEW", "v1")
        };
    }
    enter();
}

fn stop(why: &str) -> ! {
    eprintln!("ocinit-tests: {why}");
    std::process::exit(1)
}

fn private_mounts() {
    unshare(CloneFlags::CLONE_NEWNS).expect("a private mount namespace");
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("private mounts");
    match view() {
        View::Host => {}
        View::V1 => {
            let unified = Path::new("/sys/fs/cgroup/unified");
            if unified.is_dir() {
                umount2(unified, MntFlags::MNT_DETACH).expect("hide the unified hierarchy");
            }
        }
        // Mounting it once more would take its options from everybody's.
        View::V2 if crate::cgroups::is_unified() => {}
        View::V2 => {
            umount2("/sys/fs/cgroup", MntFlags::MNT_DETACH).expect("hide the host's hierarchies");
            mount(Some("none"), "/sys/fs/cgroup", Some("cgroup2"), MsFlags::empty(), none)
                .expect("mount cgroup2");
        }
    }
}

/// The test process, for the handler below.
static CHILD: AtomicI32 = AtomicI32::new(0);

/// Ends the test process, so that this one can clean up after it.
extern "C" fn end_tests(_: i32) {
    let _ = kill(Pid::from_raw(CHILD.load(Ordering::Relaxed)), Signal::SIGKILL);
}

/// Collects every orphan until the test process ends, then ends as it did.
fn reap_until(child: Pid) -> ! {
    CHILD.store(child.as_raw(), Ordering::Relaxed);
    for s in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGHUP] {
        // SAFETY: the handler makes one system call that is fit for handlers.
        #[allow(unsafe_code)]
        unsafe { signal(s, SigHandler::Handler(end_tests)) }.expect("handle a signal");
    }
    let code = loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => break code,
            Ok(WaitStatus::Signaled(pid, sig, _)) if pid == child => break 128 + sig as i32,
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(e) => stop(&format!("waiting for the tests: {e}")),
        }
    };
    crate::lab::sweep_after(child.as_raw());
    let left = orphans();
    for pid in &left {
        eprintln!("ocinit-tests: left behind and killed: {pid} {}", name_of(*pid));
        let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
    }
    std::process::exit(if code == 0 && !left.is_empty() { 1 } else { code })
}

/// Live children of this process; the dead ones are only waiting to be reaped.
fn orphans() -> Vec<i32> {
    let me = std::process::id();
    let path = format!("/proc/{me}/task/{me}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let alive = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !matches!(stat.rsplit(") ").next().and_then(|s| s.chars().next()), Some('Z' | 'X') | None)
    };
    text.split_whitespace().filter_map(|p| p.parse().ok()).filter(alive).collect()
}

fn name_of(pid: i32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_string()
}
