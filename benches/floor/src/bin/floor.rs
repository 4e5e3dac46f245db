//! The kernel's part of `run`, and nothing else: the same namespaces, control
//! groups, mounts, devices, masks and capabilities as the benches' bundle asks
//! for, then its program, then the clean-up. No configuration is read, no state
//! written, nothing checked: what a runtime takes beyond this is its own.
//!
//! `floor ROOTFS NAME PIECES OPTIONS [KIND=DIRECTORY…]` runs `/bin/true` in
//! `ROOTFS`. `PIECES` has a letter for each piece that is left out (see
//! `Pieces`), or `-`. `OPTIONS`: `c` a cgroup namespace, `u` a user namespace,
//! `r` one with the caller's own id alone, `b` an eBPF program for devices (v2), or
//! `-`. The directories are those that the control groups are made in; their
//! kind is `v2`, the name of a v1 controller, or `v2only` where there is no v1.
//! `filter=FILE` has the instructions of a system call filter, `net=FILE` is a
//! network namespace to be joined. With `fifo=FILE`
//! the option `w` stands for `create` (the process waits there), `s` for `start`
//! and `d` for `delete`.
#![no_std]
#![no_main]

#[path = "../cgroup.rs"]
mod cgroup;
#[path = "../life.rs"]
mod life;
#[path = "../world.rs"]
mod world;

use cgroup::Groups;
use core::ffi::CStr;
use floor::program::Filter;
use floor::text::Text;
use floor::{after, argument, call, call::exit, call::fail, must};
use life::Gate;
use linux_raw_sys::general::*;

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Wish {
    /// The root file system.
    pub rootfs: &'static CStr,
    /// The name of the control groups.
    pub name: &'static CStr,
    /// The filter of the program's system calls.
    pub filter: Option<Filter>,
    /// A network namespace to be joined.
    pub network: Option<&'static CStr>,
    fifo: Option<&'static CStr>,
    left_out: &'static CStr,
    options: &'static CStr,
}

impl Wish {
    /// Whether a piece is wanted: `n`etwork namespace, other `s`paces (ipc, uts),
    /// `p`id namespace, `g`roups, `m`ounts, `d`evices, mas`k`s, pi`v`ot,
    /// `c`apabilities.
    pub fn wants(&self, piece: u8) -> bool {
        !self.left_out.to_bytes().contains(&piece)
    }

    /// Whether an option is on.
    pub fn option(&self, letter: u8) -> bool {
        self.options.to_bytes().contains(&letter)
    }

    fn mapped(&self) -> bool {
        self.option(b'u') || self.option(b'r')
    }

    fn namespaces(&self) -> u32 {
        let mut flags = CLONE_NEWNS;
        for (piece, more) in
            [(b'n', CLONE_NEWNET), (b's', CLONE_NEWUTS | CLONE_NEWIPC), (b'p', CLONE_NEWPID)]
        {
            if self.wants(piece) {
                flags |= more;
            }
        }
        if self.mapped() {
            // Of the ipc namespace /dev/mqueue belongs to root inside, later.
            flags = (flags | CLONE_NEWUSER) & !CLONE_NEWIPC;
        }
        flags
    }
}

#[unsafe(no_mangle)]
extern "C" fn floor_main(stack: *const usize) -> ! {
    // SAFETY: the value that the entry point was given.
    let word = |number| unsafe { argument(stack, number) };
    let (Some(rootfs), Some(name), Some(left_out), Some(options)) =
        (word(1), word(2), word(3), word(4))
    else {
        fail("usage: floor ROOTFS NAME PIECES OPTIONS [KIND=DIRECTORY...]", 0)
    };
    let (filter, network, fifo) = (None, None, None);
    let mut wish = Wish { rootfs, name, filter, network, fifo, left_out, options };
    let mut groups = Groups::new();
    for number in 5.. {
        let Some(place) = word(number) else { break };
        if let Some(file) = after(place, b"filter=") {
            wish.filter = Some(Filter::map(file));
        } else if let Some(path) = after(place, b"net=") {
            wish.network = Some(path);
        } else if let Some(path) = after(place, b"fifo=") {
            wish.fifo = Some(path);
        } else if wish.wants(b'g') && !wish.option(b's') {
            groups.make(place, &wish);
        }
    }
    match wish.fifo {
        Some(path) if wish.option(b's') => Gate::open(path),
        Some(_) if wish.option(b'd') => groups.remove(),
        _ => run(&wish, &groups),
    }
    exit(0)
}

fn run(wish: &Wish, groups: &Groups) {
    let gate = wish.fifo.map(Gate::make);
    let mut pipe = [0_i32; 2];
    if wish.mapped() {
        must!(__NR_pipe2, pipe.as_mut_ptr(), O_CLOEXEC);
    }
    let pid = clone(wish, groups);
    if pid == 0 {
        if wish.mapped() {
            let mut byte = [0_u8];
            must!(__NR_close, pipe[1]);
            must!(__NR_read, pipe[0], byte.as_mut_ptr(), 1);
            must!(__NR_setresgid, 0, 0, 0);
            must!(__NR_setresuid, 0, 0, 0);
            must!(__NR_unshare, CLONE_NEWIPC);
        }
        groups.enter();
        if let Some(path) = wish.network {
            let fd = must!(__NR_openat, AT_FDCWD, path.as_ptr(), O_RDONLY | O_CLOEXEC);
            must!(__NR_setns, fd, CLONE_NEWNET);
        }
        world::make(wish, groups, gate)
    }
    if wish.option(b'r') {
        write(pid, b"/setgroups", b"deny");
        map_own(pid, b"/uid_map", call!(__NR_getuid));
        map_own(pid, b"/gid_map", call!(__NR_getgid));
    } else if wish.option(b'u') {
        // The ids of the benches' bundle: 0 to 65535 are 100000 and up.
        write(pid, b"/uid_map", b"0 100000 65536");
        write(pid, b"/gid_map", b"0 100000 65536");
    }
    if wish.mapped() {
        must!(__NR_close, pipe[1]);
    }
    if let Some(gate) = gate {
        return gate.reached();
    }
    let mut status = [0_i32];
    must!(__NR_wait4, pid, status.as_mut_ptr(), 0, 0);
    groups.remove();
    if status[0] != 0 {
        exit(1)
    }
}

fn clone(wish: &Wish, groups: &Groups) -> isize {
    let mut flags = u64::from(wish.namespaces());
    let mut cgroup = 0;
    if let Some(directory) = groups.unified() {
        flags |= CLONE_INTO_CGROUP;
        cgroup = directory as u64;
    }
    if wish.option(b'c') && wish.wants(b'g') && groups.only_unified() {
        flags |= u64::from(CLONE_NEWCGROUP);
    }
    // flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls,
    // set_tid, set_tid_size, cgroup.
    let arguments = [flags, 0, 0, 0, u64::from(SIGCHLD), 0, 0, 0, 0, 0, cgroup];
    must!(__NR_clone3, arguments.as_ptr(), size_of_val(&arguments))
}

/// The caller's id is 0 inside.
fn map_own(pid: isize, file: &[u8], id: isize) {
    let mut line = Text::<40>::new();
    line.push(b"0 ").number(id as u64).push(b" 1");
    write(pid, file, line.bytes());
}

fn write(pid: isize, file: &[u8], line: &[u8]) {
    let mut path = Text::<40>::new();
    path.push(b"/proc/").number(pid as u64).push(file);
    let fd = must!(__NR_openat, AT_FDCWD, path.address(), O_WRONLY);
    must!(__NR_write, fd, line.as_ptr(), line.len());
    call!(__NR_close, fd);
}
