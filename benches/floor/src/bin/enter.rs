//! The kernel's part of `exec`: `enter PID KIND=DIRECTORY…` joins the namespaces
//! and the control groups of a container's process, gives up what the benches'
//! bundle gives up, runs `/bin/true` there and waits for it. The directories are
//! those of the container; their kind is `v2`, `v2only` or anything else for v1.
#![no_std]
#![no_main]

use floor::program::{become_true, no_new_privileges, rights};
use floor::text::Text;
use floor::{argument, call, call::exit, call::fail, must};
use linux_raw_sys::general::*;

/// The most hierarchies that a machine has.
const MAX: usize = 16;

#[unsafe(no_mangle)]
extern "C" fn floor_main(stack: *const usize) -> ! {
    // SAFETY: the value that the entry point was given.
    let word = |number| unsafe { argument(stack, number) };
    let Some(pid) = word(1) else { fail("usage: enter PID [KIND=DIRECTORY...]", 0) };
    let pid = pid.to_bytes().iter().fold(0, |pid, digit| pid * 10 + usize::from(digit - b'0'));
    // `tasks` of each hierarchy of v1, and the directory of v2.
    let (mut tasks, mut length, mut unified) = ([0; MAX], 0, None);
    for number in 2.. {
        let Some(place) = word(number) else { break };
        let place = place.to_bytes();
        let Some(end) = place.iter().position(|byte| *byte == b'=') else { break };
        let (kind, mut path) = (&place[..end], Text::<200>::new());
        path.push(&place[end + 1..]);
        if kind.starts_with(b"v2") {
            let flags = O_DIRECTORY | O_CLOEXEC;
            unified = Some(must!(__NR_openat, AT_FDCWD, path.address(), flags));
        } else if length < MAX {
            path.push(b"/tasks");
            let flags = O_WRONLY | O_CLOEXEC;
            tasks[length] = must!(__NR_openat, AT_FDCWD, path.address(), flags);
            length += 1;
        }
    }
    let process = must!(__NR_pidfd_open, pid, 0);
    let all = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC;
    must!(__NR_setns, process, all);
    let child = clone(unified);
    if child == 0 {
        for fd in &tasks[..length] {
            must!(__NR_write, *fd, b"0".as_ptr(), 1);
        }
        must!(__NR_setsid);
        // KEYCTL_JOIN_SESSION_KEYRING: a kernel without keys has none to share.
        call!(__NR_keyctl, 1, 0);
        no_new_privileges();
        rights(true);
        become_true(None)
    }
    let mut status = [0_i32];
    must!(__NR_wait4, child, status.as_mut_ptr(), 0, 0);
    exit(if status[0] == 0 { 0 } else { 1 })
}

fn clone(unified: Option<isize>) -> isize {
    let into = if unified.is_some() { CLONE_INTO_CGROUP } else { 0 };
    let cgroup = unified.unwrap_or(0) as u64;
    // As in `floor`: flags first, the signal fifth, the cgroup last.
    let arguments = [into, 0, 0, 0, u64::from(SIGCHLD), 0, 0, 0, 0, 0, cgroup];
    must!(__NR_clone3, arguments.as_ptr(), size_of_val(&arguments))
}
