//! The facts of the machine.

use super::{Report, any_line, exists, field, ids, read, value};
use crate::cgroup::Layout;
use crate::named;
use crate::namespace::KINDS;
use crate::process::spawn::find;
use crate::seccomp::action;
use crate::sys::bpf::{self, Instruction};
use crate::sys::exec::Strings;
use crate::sys::{probe, seccomp};
use crate::text;
use linux_raw_sys::general::CAP_SYS_ADMIN;
use rustix::io::Errno;
use rustix::mount::{FsOpenFlags, fsopen};

/// The kernel options of the kinds of namespaces, in the order of [`KINDS`].
pub const NAMESPACE_OPTIONS: [&str; 8] = [
    "CONFIG_USER_NS",
    "CONFIG_PID_NS",
    "CONFIG_IPC_NS",
    "CONFIG_UTS_NS",
    "CONFIG_NET_NS",
    "Linux 4.6, CONFIG_CGROUPS",
    "Linux 5.6, CONFIG_TIME_NS",
    "CONFIG_NAMESPACES",
];

/// Actions of filters by the names of the kernel's `actions_avail`.
const ACTIONS: [(&str, u32); 8] = [
    ("kill_process", action::KILL_PROCESS),
    ("kill_thread", action::KILL_THREAD),
    ("trap", action::TRAP),
    ("errno", action::ERRNO),
    ("user_notif", action::USER_NOTIF),
    ("trace", action::TRACE),
    ("log", action::LOG),
    ("allow", action::ALLOW),
];

/// File systems that containers use, with their options.
const FILE_SYSTEMS: [(&str, &str); 7] = [
    ("proc", "CONFIG_PROC_FS"),
    ("sysfs", "CONFIG_SYSFS"),
    ("tmpfs", "CONFIG_TMPFS"),
    ("devpts", "CONFIG_UNIX98_PTYS"),
    ("mqueue", "CONFIG_POSIX_MQUEUE"),
    ("overlay", "CONFIG_OVERLAY_FS"),
    ("cgroup2", "CONFIG_CGROUPS"),
];

/// Settings that keep ordinary users from user namespaces, and the value that
/// does.
pub const FORBIDDING: [(&str, &str); 2] = [
    ("kernel/unprivileged_userns_clone", "0"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1"),
];

/// Gathers them; `environment` has the PATH of newuidmap, `capabilities` are
/// the caller's.
#[inline(never)]
pub fn machine(report: &mut Report, environment: &Strings, uid: u32, capabilities: u64) {
    let admin = capabilities & (1 << CAP_SYS_ADMIN) != 0;
    kernel(report);
    namespaces(report);
    filters(report);
    cgroups(report);
    for (name, option) in FILE_SYSTEMS {
        report.fact("file systems", name, file_system(name, admin), option);
    }
    security(report);
    users(report, environment, uid);
}

fn kernel(report: &mut Report) {
    let name = rustix::system::uname();
    report.row(
        "kernel",
        "release",
        &text::lossy(name.release().to_bytes()),
        &text::lossy(name.machine().to_bytes()),
    );
    for call in &probe::CALLS {
        report.fact("kernel", call.name, Some(call.is_known()), call.needs);
    }
    // Both came in one release, and the kernel looks at privileges first.
    let idmap = probe::knows("mount_setattr");
    report.fact("kernel", "id-mapped mounts", Some(idmap), "Linux 5.12");
    let cgroups = exists(&["/proc/self/cgroup"]) && probe::clones_into_cgroup();
    report.fact("kernel", "CLONE_INTO_CGROUP", Some(cgroups), "Linux 5.7");
}

fn namespaces(report: &mut Report) {
    for ((_, name), option) in KINDS.iter().zip(NAMESPACE_OPTIONS) {
        let there = exists(&["/proc/self/ns/", name]);
        report.fact("namespaces", name, Some(there), option);
        if !there && *name == "mnt" {
            let hint = "CONFIG_NAMESPACES, and a procfs on /proc";
            report.problem(&"make a container", &"there are no mount namespaces", hint);
        }
        if let (true, Some(limit), Some(row)) = (there, limit(name), report.rows.last_mut()) {
            row.note = text::about_both("{}at most {}", row.note, limit);
        }
    }
    for (setting, _) in FORBIDDING {
        if let Some(value) = value(&["/proc/sys/", setting]) {
            report.row("namespaces", &text::replaced(setting, b'/', "."), &value, &"");
        }
    }
}

/// How many namespaces of a kind there may be.
pub fn limit(name: &str) -> Option<&'static str> {
    value(&["/proc/sys/user/max_", name, "_namespaces"])
}

fn filters(report: &mut Report) {
    report.fact("seccomp", "filters", Some(seccomp::knows_flags(0)), "CONFIG_SECCOMP_FILTER");
    for (name, number) in ACTIONS {
        let known = seccomp::knows_action(number);
        report.fact(
            "seccomp",
            name,
            Some(known),
            "CONFIG_SECCOMP_FILTER, Linux 4.14 (user_notif: 5.0)",
        );
    }
    /// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV` of include/uapi/linux/seccomp.h.
    const WAIT_KILLABLE_RECV: u32 = 1 << 5;
    let flags = seccomp::NEW_LISTENER | WAIT_KILLABLE_RECV;
    let known = seccomp::knows_flags(flags);
    report.fact("seccomp", "WAIT_KILLABLE_RECV", Some(known), "Linux 5.19");
}

fn cgroups(report: &mut Report) {
    let Ok(layout) = Layout::detect() else { return };
    for hierarchy in &layout.hierarchies {
        let version = if hierarchy.unified { "v2" } else { "v1" };
        report.row("cgroups", hierarchy.mount, &version, &hierarchy.controllers);
    }
    if layout.hierarchies.is_empty() {
        report.fact("cgroups", "mounted", Some(false), "mount cgroup2 on /sys/fs/cgroup");
    }
    if let Some(unified) = layout.unified() {
        report.fact("cgroups", "cgroup.kill", kill(unified.mount, unified.own), "Linux 5.14");
    }
    let (programs, needs) = match device_program() {
        Ok(()) => (Some(true), ""),
        Err(Errno::PERM) => (None, "it takes CAP_BPF and CAP_NET_ADMIN to ask"),
        Err(_) => (Some(false), "CONFIG_BPF_SYSCALL, CONFIG_CGROUP_BPF"),
    };
    report.fact("cgroups", "device programs", programs, needs);
}

/// Whether cgroups have the file: that of the own cgroup, or of any below, since
/// the root has none.
fn kill(mount: &str, own: &str) -> Option<bool> {
    if own != "/" {
        return Some(exists(&[mount, own, "/cgroup.kill"]));
    }
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY;
    let directory = named::open(mount, flags).ok()?;
    let mut buffer = [core::mem::MaybeUninit::uninit(); 2048];
    let mut entries = rustix::fs::RawDir::new(directory, &mut buffer);
    while let Some(Ok(entry)) = entries.next() {
        let name = text::lossy(entry.file_name().to_bytes());
        if !name.starts_with('.') && exists(&[mount, "/", name, "/cgroup.type"]) {
            return Some(exists(&[mount, "/", name, "/cgroup.kill"]));
        }
    }
    None
}

/// Loads a program that allows every device, and lets go of it.
///
/// # Errors
/// As [`bpf::load_device_program`].
pub fn device_program() -> rustix::io::Result<()> {
    let instruction = |code, constant| Instruction { code, registers: 0, offset: 0, constant };
    // r0 = 1; exit.
    bpf::load_device_program(&[instruction(0xb7, 1), instruction(0x95, 0)]).map(drop)
}

/// Whether the kernel has a file system, by its list; where that does not have
/// it and we may, by opening one without a mount, which loads its module as a
/// mount does.
pub fn file_system(name: &str, admin: bool) -> Option<bool> {
    let list = read("/proc/filesystems").unwrap_or_default();
    if any_line(list, &mut |line| field(line, '\t', 1) == name) {
        return Some(true);
    }
    if !admin {
        return None;
    }
    match fsopen(name, FsOpenFlags::FSOPEN_CLOEXEC) {
        Ok(_) => Some(true),
        Err(Errno::NODEV) => Some(false),
        Err(_) => None,
    }
}

fn security(report: &mut Report) {
    if let Some(list) = value(&["/sys/kernel/security/lsm"]) {
        report.row("security", "modules", &list, &"");
    }
    let apparmor = value(&["/sys/module/apparmor/parameters/enabled"]) == Some("Y");
    report.fact("security", "AppArmor", Some(apparmor), "CONFIG_SECURITY_APPARMOR, apparmor=1");
    let selinux = exists(&["/sys/fs/selinux/enforce"]);
    report.fact("security", "SELinux", Some(selinux), "CONFIG_SECURITY_SELINUX, selinux=1");
}

fn users(report: &mut Report, environment: &Strings, uid: u32) {
    report.row("ids", "user", &uid, &"");
    for (name, file) in [("subuid", "/etc/subuid"), ("subgid", "/etc/subgid")] {
        let spans = ids::text(&ids::subordinate(file, uid));
        report.row("ids", name, &if spans.is_empty() { "none" } else { spans }, &"");
    }
    for program in ["newuidmap", "newgidmap"] {
        let found = find(program, environment).is_ok();
        report.fact("ids", program, Some(found), "package uidmap (or shadow-utils)");
    }
}
