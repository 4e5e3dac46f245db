//! The container's side: its mounts, devices, masks, root and rights; then its
//! program.

use crate::Wish;
use crate::cgroup::Groups;
use crate::life::Gate;
use core::ffi::CStr;
use floor::program::{become_true, no_new_privileges, rights};
use floor::{call, must};
use linux_raw_sys::general::*;

/// Makes it all in the process's new mount namespace, and becomes `/bin/true`:
/// at once, or when the gate opens.
pub fn make(wish: &Wish, groups: &Groups, gate: Option<Gate>) -> ! {
    must!(__NR_setsid);
    // KEYCTL_JOIN_SESSION_KEYRING: a kernel without keys has none to share.
    call!(__NR_keyctl, 1, 0);
    if wish.wants(b'n') {
        loopback();
    }
    if wish.wants(b's') {
        must!(__NR_sethostname, b"floor".as_ptr(), 5);
    }
    must!(__NR_mount, 0, c"/".as_ptr(), 0, MS_REC | MS_SLAVE, 0);
    let rootfs = wish.rootfs.as_ptr();
    must!(__NR_mount, rootfs, rootfs, 0, MS_BIND | MS_REC, 0);
    must!(__NR_chdir, rootfs);
    if wish.wants(b'm') {
        mounts(wish, groups);
    }
    if wish.wants(b'd') && wish.wants(b'm') {
        devices(wish.option(b'u') || wish.option(b'r'));
    }
    if wish.wants(b'k') && wish.wants(b'm') {
        masks();
    }
    if wish.wants(b'v') {
        must!(__NR_pivot_root, c".".as_ptr(), c".".as_ptr());
        must!(__NR_umount2, c".".as_ptr(), MNT_DETACH);
        must!(__NR_chdir, c"/".as_ptr());
        must!(__NR_mount, 0, c"/".as_ptr(), 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0);
    } else {
        must!(__NR_chroot, c".".as_ptr());
    }
    no_new_privileges();
    if wish.wants(b'c') {
        rights(!wish.option(b'r'));
    }
    if let Some(gate) = gate {
        gate.pass();
    }
    become_true(wish.filter)
}

fn loopback() {
    const AF_INET: usize = 2;
    const SOCK_DGRAM: usize = 2;
    const SIOCSIFFLAGS: usize = 0x8914;
    // struct ifreq: a name of 16 bytes, then the flags: IFF_UP of IFF_LOOPBACK.
    let mut request = [0_u8; 40];
    request[..2].copy_from_slice(b"lo");
    request[16] = 1 | 8;
    let socket = must!(__NR_socket, AF_INET, SOCK_DGRAM, 0);
    must!(__NR_ioctl, socket, SIOCSIFFLAGS, request.as_ptr());
    must!(__NR_close, socket);
}

fn mount(kind: &CStr, to: &CStr, flags: u32, data: &CStr) {
    must!(__NR_mount, kind.as_ptr(), to.as_ptr(), kind.as_ptr(), flags, data.as_ptr());
}

fn mkdir(path: &CStr) {
    must!(__NR_mkdirat, AT_FDCWD, path.as_ptr(), 0o755);
}

fn mounts(wish: &Wish, groups: &Groups) {
    let none = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if wish.wants(b'p') {
        mount(c"proc", c"proc", 0, c"");
    }
    mount(c"tmpfs", c"dev", MS_NOSUID | MS_STRICTATIME, c"mode=755,size=65536k");
    mkdir(c"dev/pts");
    let terminals = match wish.option(b'r') {
        // Group 5 is not mapped.
        true => c"newinstance,ptmxmode=0666,mode=0620",
        false => c"newinstance,ptmxmode=0666,mode=0620,gid=5",
    };
    mount(c"devpts", c"dev/pts", MS_NOSUID | MS_NOEXEC, terminals);
    mkdir(c"dev/shm");
    mount(c"tmpfs", c"dev/shm", none, c"mode=1777,size=65536k");
    if wish.wants(b's') {
        mkdir(c"dev/mqueue");
        mount(c"mqueue", c"dev/mqueue", none, c"");
    }
    if wish.wants(b'n') || wish.network.is_some() {
        mount(c"sysfs", c"sys", none | MS_RDONLY, c"");
        if wish.wants(b'g') {
            cgroups(wish, groups, none);
        }
    } else if wish.option(b'r') {
        must!(__NR_mount, c"/sys".as_ptr(), c"sys".as_ptr(), 0, MS_BIND | MS_REC, 0);
        let flags = MS_REMOUNT | MS_BIND | MS_RDONLY | none;
        must!(__NR_mount, 0, c"sys".as_ptr(), 0, flags, 0);
    }
}

fn cgroups(wish: &Wish, groups: &Groups, flags: u32) {
    match wish.option(b'c') && groups.only_unified() {
        true => mount(c"cgroup2", c"sys/fs/cgroup", flags | MS_RDONLY, c""),
        false => groups.show(),
    }
}

/// The devices of every container (config-linux.md, "Default Devices").
const DEVICES: &[(&CStr, &CStr, u64)] = &[
    (c"dev/null", c"/dev/null", 0x103),
    (c"dev/zero", c"/dev/zero", 0x105),
    (c"dev/full", c"/dev/full", 0x107),
    (c"dev/random", c"/dev/random", 0x108),
    (c"dev/urandom", c"/dev/urandom", 0x109),
    (c"dev/tty", c"/dev/tty", 0x500),
];

fn devices(bound: bool) {
    call!(__NR_umask, 0);
    for (path, host, number) in DEVICES {
        if bound {
            must!(__NR_mknodat, AT_FDCWD, path.as_ptr(), S_IFREG | 0o666, 0);
            must!(__NR_mount, host.as_ptr(), path.as_ptr(), 0, MS_BIND, 0);
        } else {
            must!(__NR_mknodat, AT_FDCWD, path.as_ptr(), S_IFCHR | 0o666, *number);
        }
    }
    for (link, to) in [
        (c"dev/fd", c"/proc/self/fd"),
        (c"dev/stdin", c"/proc/self/fd/0"),
        (c"dev/stdout", c"/proc/self/fd/1"),
        (c"dev/stderr", c"/proc/self/fd/2"),
        (c"dev/ptmx", c"pts/ptmx"),
    ] {
        must!(__NR_symlinkat, to.as_ptr(), AT_FDCWD, link.as_ptr());
    }
    call!(__NR_umask, 0o022);
}

/// Masked and read-only paths; those that this kernel has not fail, as for a
/// runtime, which cannot know them either.
fn masks() {
    let none = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
    for file in [
        c"proc/asound",
        c"proc/kcore",
        c"proc/keys",
        c"proc/latency_stats",
        c"proc/timer_list",
        c"proc/timer_stats",
        c"proc/sched_debug",
        c"proc/scsi",
    ] {
        call!(__NR_mount, c"/dev/null".as_ptr(), file.as_ptr(), 0, MS_BIND, 0);
    }
    for directory in [c"proc/acpi", c"sys/firmware"] {
        let tmpfs = c"tmpfs".as_ptr();
        call!(__NR_mount, tmpfs, directory.as_ptr(), tmpfs, none, c"size=0".as_ptr());
    }
    for path in [c"proc/bus", c"proc/fs", c"proc/irq", c"proc/sys", c"proc/sysrq-trigger"] {
        let at = path.as_ptr();
        if call!(__NR_mount, at, at, 0, MS_BIND | MS_REC, 0) == 0 {
            must!(__NR_mount, 0, at, 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0);
        }
    }
}
