//! What of a bundle's plan would fail here.

use super::machine::{FORBIDDING, NAMESPACE_OPTIONS, file_system, limit};
use super::{Report, any_line, cgroups, exists, field, ids, read, value};
use crate::act::launch::LOWERING;
use crate::act::preview::Preview;
use crate::fault::Quoted;
use crate::named;
use crate::namespace::{self, KINDS};
use crate::number;
use crate::plan::{Op, Plan};
use crate::process::rlimit;
use crate::process::spawn::find;
use crate::rootfs::device::Device;
use crate::rootfs::mount::Mount;
use crate::rootfs::path;
use crate::seccomp::Filter;
use crate::spec::{IoPriorityClass, Rlimit, SchedulerPolicy};
use crate::sys::exec::Strings;
use crate::sys::fd::AsFd;
use crate::sys::{limit as limits, probe, seccomp};
use crate::text;
use core::ffi::CStr;
use linux_raw_sys::general::*;
use rustix::fs::{Access, CWD, Mode, OFlags, access, openat};
use rustix::io::Errno;

/// Looks at a bundle's plan; `environment` has the PATH of newuidmap.
#[inline(never)]
pub fn bundle(report: &mut Report, preview: &Preview, environment: &Strings) {
    let plan = &preview.plan;
    let namespaces = &plan.namespaces;
    let own_users = namespaces.has(CLONE_NEWUSER);
    let mut look = Look {
        in_user_namespace: own_users || preview.host.in_user_namespace,
        own_users,
        mountinfo: read("/proc/self/mountinfo").unwrap_or_default(),
        preview,
        plan,
        report,
    };
    if let Some(error) = &preview.no_rootfs {
        look.report.problem(&"open the root file system", error, "");
    }
    look.namespaces();
    look.id_maps(environment);
    cgroups::cgroups(look.report, &preview.cgroups, preview.rootless);
    for op in &plan.ops {
        look.operation(op);
    }
    look.process();
    if let Some(filter) = &plan.seccomp {
        look.filter(filter);
    }
}

struct Look<'a> {
    preview: &'a Preview,
    plan: &'a Plan,
    report: &'a mut Report,
    /// The container's user namespace is not the first one.
    in_user_namespace: bool,
    /// It is not the caller's.
    own_users: bool,
    mountinfo: &'static str,
}

impl Look<'_> {
    /// Whether the caller has the capability, or gets it with a user namespace.
    fn can(&self, capability: u32) -> bool {
        self.own_users || self.has(capability)
    }

    fn has(&self, capability: u32) -> bool {
        self.preview.host.capabilities & (1 << capability) != 0
    }

    fn namespaces(&mut self) {
        let namespaces = &self.plan.namespaces;
        for (&(flag, name), option) in KINDS.iter().zip(NAMESPACE_OPTIONS) {
            if !namespaces.is_new(flag) {
                continue;
            }
            let operation = format_args!("create namespaces: {name}");
            if !exists(&["/proc/self/ns/", name]) {
                self.report.problem(&operation, &"this kernel has no such namespaces", option);
            } else if limit(name) == Some("0") {
                let reason = format_args!("user.max_{name}_namespaces is 0");
                self.report.problem(&operation, &reason, "raise it");
            } else if flag == CLONE_NEWUSER && !self.has(CAP_SYS_ADMIN) {
                for (setting, forbidding) in FORBIDDING {
                    if value(&["/proc/sys/", setting]) == Some(forbidding) {
                        let reason = format_args!("\"/proc/sys/{setting}\" is {forbidding}");
                        self.report.problem(&operation, &reason, "set it the other way round");
                    }
                }
            } else if !self.can(CAP_SYS_ADMIN) {
                let hint = "run as root, or with a user namespace (see `ocinit spec --rootless`)";
                self.report.problem(&operation, &"it takes CAP_SYS_ADMIN", hint);
            }
        }
        for join in &namespaces.join {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            let kind = openat(CWD, join.path, flags, Mode::empty())
                .and_then(|file| probe::namespace_kind(file.as_fd()));
            match kind {
                Ok(kind) if kind != join.kind => {
                    let kind = namespace::name(kind);
                    self.report.problem(join, &format_args!("it is one of kind {kind}"), "");
                }
                Ok(_) => {}
                Err(Errno::NOTTY) => self.report.problem(join, &"it is no namespace", ""),
                Err(errno) => self.failed(join, errno, ""),
            }
        }
    }

    #[inline(never)]
    fn failed(&mut self, operation: &dyn core::fmt::Display, errno: Errno, hint: &str) {
        self.report.problem(operation, &crate::errno::Described(errno), hint);
    }

    fn id_maps(&mut self, environment: &Strings) {
        let Some(maps) = &self.plan.namespaces.id_maps else { return };
        let host = self.preview.host;
        for (map, id, names) in [
            (&maps.uid, host.uid, ["newuidmap", "/etc/subuid", "/proc/self/uid_map"]),
            (&maps.gid, host.gid, ["newgidmap", "/etc/subgid", "/proc/self/gid_map"]),
        ] {
            let [program, file, own] = names;
            if !maps.need_helper {
                if let Some(range) = ids::outside(map, &ids::own(own), None) {
                    let reason = format_args!("{}:{} is not in \"{own}\"", range.host, range.size);
                    self.report.problem(&"write the id maps", &reason, "");
                }
                continue;
            }
            if find(program, environment).is_err() {
                self.report.problem(
                    &format_args!("run {program}"),
                    &"it is not in $PATH",
                    "package uidmap (or shadow-utils)",
                );
            }
            // Both programs look for the user's ranges.
            if let Some(range) = ids::outside(map, &ids::subordinate(file, host.uid), Some(id)) {
                let reason =
                    format_args!("{}:{} is not the user's in \"{file}\"", range.host, range.size);
                self.report.problem(
                    &format_args!("run {program}"),
                    &reason,
                    "usermod(8) adds ranges",
                );
            }
        }
    }

    fn operation(&mut self, op: &Op) {
        match op {
            Op::Mount(mount) => self.mount(op, mount),
            Op::Device(device) => self.device(op, device),
            Op::Sysctl { file, .. } if !exists(&["/proc/", text::lossy(file.to_bytes())]) => {
                self.failed(op, Errno::NOENT, "this kernel has no such parameter");
            }
            Op::Label { text, .. } => self.profile(op, text),
            Op::MemoryPolicy(..) if !probe::knows("memory policies") => {
                self.failed(op, Errno::NOSYS, "CONFIG_NUMA");
            }
            Op::NetDevices => {
                for device in &self.plan.net_devices {
                    if !exists(&["/sys/class/net/", device.host]) {
                        let operation = format_args!("linux.netDevices[\"{}\"]", device.host);
                        self.failed(&operation, Errno::NODEV, "");
                    }
                }
            }
            Op::RuntimeHooks | Op::ContainerHooks => {
                let plan = self.plan;
                let hooks: &[_] = match op {
                    Op::RuntimeHooks => &plan.runtime_hooks,
                    _ => core::slice::from_ref(&plan.create_container),
                };
                for path in hooks.iter().flat_map(|hooks| hooks.paths()) {
                    if let Err(errno) = access(path, Access::EXEC_OK) {
                        self.failed(&format_args!("run hook {}", Quoted(path)), errno, "");
                    }
                }
            }
            Op::Pivot if self.on_rootfs() => {
                self.report.problem(op, &"\"/\" is the initial ramfs", "use --no-pivot");
            }
            Op::FindProgram if self.preview.no_rootfs.is_none() => self.program(op),
            _ => {}
        }
    }

    /// `/` is the first file system of all, which cannot be pivoted.
    fn on_rootfs(&self) -> bool {
        let mut first = false;
        any_line(self.mountinfo, &mut |line| {
            if field(line, ' ', 4) == "/" {
                let mut rest = line.split(' ').skip_while(|field| *field != "-");
                first = rest.nth(1) == Some("rootfs");
            }
            false
        });
        first
    }

    fn mount(&mut self, op: &Op, mount: &Mount) {
        let asks = mount.recursive.set | mount.recursive.clear != 0;
        if (asks || mount.id_map.is_some()) && !probe::knows("mount_setattr") {
            self.failed(op, Errno::NOSYS, "mount_setattr(2) needs Linux 5.12");
        }
        if mount.bind.is_some() {
            if let Err(errno) = access(mount.source, Access::EXISTS) {
                self.failed(op, errno, "the source of a bind mount must exist");
            }
            return;
        }
        if mount.remount {
            return;
        }
        let kind = text::lossy(mount.fstype.to_bytes());
        if file_system(kind, self.has(CAP_SYS_ADMIN)) == Some(false) {
            let hint = "the kernel lacks this file system, or its module is not installed";
            self.failed(op, Errno::NODEV, hint);
        }
        let mut covers = |line: &str| {
            let point = field(line, ' ', 4);
            let empty = ["/proc/sys/fs/binfmt_misc", "/proc/fs/nfsd"];
            point.starts_with("/proc/") && !empty.contains(&point)
        };
        if kind == "proc" && self.in_user_namespace && any_line(self.mountinfo, &mut covers) {
            self.report.problem(
                op,
                &"the kernel refuses a procfs in a user namespace where parts of the host's are \
                  covered by mounts",
                "unmask /proc of the container that this is (podman: --security-opt unmask=ALL)",
            );
        }
    }

    fn device(&mut self, op: &Op, device: &Device) {
        if device.bind {
            if let Err(errno) = access(device.path, Access::EXISTS) {
                self.failed(op, errno, "in a user namespace the host's is shown");
            }
        } else if !self.has(CAP_MKNOD) {
            self.failed(op, Errno::PERM, "it takes CAP_MKNOD, or a user namespace");
        }
    }

    /// Looks for an AppArmor profile where the list can be read.
    fn profile(&mut self, op: &Op, text: &CStr) {
        let Some(name) = text.to_bytes().strip_prefix(b"exec ") else { return };
        let Some(list) = read("/sys/kernel/security/apparmor/profiles") else { return };
        // NAME (MODE)
        let mut loaded = |line: &str| {
            line.as_bytes().strip_prefix(name).is_some_and(|rest| rest.starts_with(b" ("))
        };
        if name != b"unconfined" && !any_line(list, &mut loaded) {
            self.report.problem(op, &"no such profile is loaded", "apparmor_parser(8) loads it");
        }
    }

    /// Looks for the program in the root file system, unless a mount could
    /// bring it.
    fn program(&mut self, op: &Op) {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let Ok(root) = named::open(self.preview.rootfs, flags) else { return };
        let found = |candidate: &CStr| path::open_in(root.as_fd(), candidate).is_ok();
        let brought = |candidate: &CStr| {
            let below = |mount: &Mount| {
                let point = mount.destination.to_bytes();
                let rest = candidate.to_bytes().strip_prefix(point);
                rest.is_some_and(|rest| point.ends_with(b"/") || matches!(rest, [] | [b'/', ..]))
            };
            // A relative path depends on the working directory.
            !candidate.to_bytes().starts_with(b"/")
                || self.plan.ops.iter().any(|op| matches!(op, Op::Mount(mount) if below(mount)))
        };
        let mut candidates = self.plan.program.candidates.iter();
        if !candidates.any(|candidate| found(candidate) || brought(candidate)) {
            let name = self.plan.program.arguments.as_slice().first();
            let name = name.map_or(c"", |name| name);
            self.report.problem(
                op,
                &format_args!("exec: {}: executable file not found in $PATH", Quoted(name)),
                "",
            );
        }
    }

    fn process(&mut self) {
        let (plan, host) = (self.plan, self.preview.host);
        if plan.identity.uid != host.uid && !self.can(CAP_SETUID) {
            self.failed(&format_args!("setresuid {}", plan.identity.uid), Errno::PERM, "");
        }
        let resource = self.has(CAP_SYS_RESOURCE) && !host.in_user_namespace;
        for limit in &plan.rlimits {
            let raises = limits::get(limit.resource).is_ok_and(|now| limit.hard > now.hard);
            if raises && (!resource || rlimit::is_beyond(limit, rlimit::most_files())) {
                let name = Rlimit::name(limit.resource);
                let operation = format_args!("process.rlimits: set {name}");
                self.failed(&operation, Errno::PERM, rlimit::remedy(limit));
            }
        }
        let now: Option<i32> = value(&["/proc/self/oom_score_adj"]).and_then(number::signed);
        if !resource && plan.oom_score_adj.zip(now).is_some_and(|(asked, now)| asked < now) {
            self.failed(&"write oom_score_adj", Errno::ACCESS, LOWERING);
        }
        let nice = self.has(CAP_SYS_NICE) && !host.in_user_namespace;
        use SchedulerPolicy::{Deadline, Fifo, RoundRobin};
        let real_time = |policy| matches!(policy, Fifo | RoundRobin | Deadline);
        if !nice && plan.scheduler.is_some_and(|scheduler| real_time(scheduler.policy)) {
            self.failed(&"process.scheduler", Errno::PERM, "it needs CAP_SYS_NICE");
        }
        if !nice && plan.io_priority.is_some_and(|io| io.class == IoPriorityClass::RealTime) {
            self.failed(&"process.ioPriority", Errno::PERM, "it needs CAP_SYS_NICE");
        }
    }

    fn filter(&mut self, filter: &Filter) {
        let operation = "load the system call filter";
        if !seccomp::knows_flags(0) {
            self.report.problem(&operation, &"this kernel has no filters", "CONFIG_SECCOMP_FILTER");
            return;
        }
        if !seccomp::knows_flags(filter.flags) {
            let reason = format_args!("this kernel does not know a flag of {:#x}", filter.flags);
            self.report.problem(&operation, &reason, "a newer kernel, or other seccomp.flags");
        }
        /// `BPF_RET | BPF_K` of include/uapi/linux/bpf_common.h.
        const RETURN: u16 = 6;
        let action = |code: u16, k: u32| (code == RETURN).then_some(k & 0xffff_0000);
        let actions = filter.instructions.iter().filter_map(|one| action(one.code, one.k));
        if let Some(unknown) = { actions }.find(|action| !seccomp::knows_action(*action)) {
            let reason = format_args!("this kernel does not know the action {unknown:#x}");
            self.report.problem(&operation, &reason, "a newer kernel");
        }
    }
}
