//! A bundle on a kernel that lacks something: what the container does not need
//! in order to run is taken out of its configuration, and said with the kernel
//! option that would bring it. With `ocinit.strict` all of it is needed.
//!
//! Needed in any case: pid, mount and user namespaces, and file systems that
//! hold what programs count on. On a board with one container the others part it
//! from nothing.

use crate::cgroup::Layout;
use crate::check::{NAMESPACE_OPTIONS, device_programs, file_system};
use crate::error;
use crate::error::{Error, Result};
use crate::named;
use crate::namespace::KINDS;
use crate::quote::quoted;
use crate::spec::{Cpu, NamespaceKind, Resources, Spec};
use crate::sys::seccomp;
use crate::text;
use core::fmt;

/// What the machine has. Only what the configuration asks for is looked for.
pub trait Machine {
    /// The kind of namespace with this name in /proc/PID/ns.
    fn namespace(&self, name: &str) -> bool;
    /// A type of file system.
    fn file_system(&self, name: &str) -> bool;
    /// System call filters.
    fn filters(&self) -> bool;
    /// Any control groups.
    fn cgroups(&self) -> bool;
    /// A controller of control groups.
    fn controller(&self, name: &str) -> bool;
    /// Device rules.
    fn device_rules(&self) -> bool;
}

/// The machine that we are on.
pub struct Here(Layout);

impl Here {
    /// Looks at its control groups.
    ///
    /// # Errors
    /// /proc cannot be read.
    pub fn new() -> Result<Here> {
        Ok(Here(Layout::detect()?))
    }
}

impl Machine for Here {
    fn namespace(&self, name: &str) -> bool {
        named::stat(text::about("/proc/self/ns/{}", name)).is_ok()
    }

    fn file_system(&self, name: &str) -> bool {
        file_system(name, true) != Some(false)
    }

    fn filters(&self) -> bool {
        seccomp::knows_flags(0)
    }

    fn cgroups(&self) -> bool {
        !self.0.hierarchies.is_empty()
    }

    fn controller(&self, name: &str) -> bool {
        self.0.hierarchies.iter().any(|hierarchy| hierarchy.has(name))
    }

    fn device_rules(&self) -> bool {
        self.controller("devices") || self.0.unified().is_some() && device_programs().is_ok()
    }
}

/// What is done without.
pub struct Lack<'a> {
    /// The property.
    what: &'a dyn fmt::Display,
    /// The kernel option.
    option: &'a str,
}

impl fmt::Display for Lack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: this kernel lacks {}", self.what, self.option)
    }
}

/// Takes out of the configuration what the machine does not have; `say` gets one
/// line for each.
///
/// # Errors
/// The container cannot do without it.
pub fn adapt(
    spec: &mut Spec<'_>,
    machine: &dyn Machine,
    strict: bool,
    say: &mut dyn FnMut(&dyn fmt::Display),
) -> Result<()> {
    let mut fatal: Option<Error> = None;
    let mut lack = |what: &dyn fmt::Display, option: &str, needed: bool| {
        let lack = Lack { what, option };
        if needed || strict {
            fatal.get_or_insert_with(|| error!("{lack}"));
        } else {
            say(&format_args!("{lack}: the container runs without"));
        }
    };
    namespaces(spec, machine, &mut lack);
    mounts(spec, machine, &mut lack);
    if let Some(resources) = &mut spec.linux.resources {
        limits(resources, machine, &mut lack);
    }
    if spec.linux.seccomp.is_some() && !machine.filters() {
        lack(&"linux.seccomp", "CONFIG_SECCOMP_FILTER", false);
        spec.linux.seccomp = None;
    }
    fatal.map_or(Ok(()), Err)
}

type Note<'a> = dyn FnMut(&dyn fmt::Display, &str, bool) + 'a;

fn namespaces(spec: &mut Spec<'_>, machine: &dyn Machine, lack: &mut Note<'_>) {
    use NamespaceKind::{Mount, Pid, Time, User, Uts};
    let mut gone = [None; KINDS.len()];
    spec.linux.namespaces.retain(|namespace| {
        let (kind, name) = (namespace.kind, namespace.kind.proc_name());
        if namespace.path.is_some() || machine.namespace(name) {
            return true;
        }
        let known = KINDS.iter().zip(NAMESPACE_OPTIONS).find(|((_, known), _)| *known == name);
        let option = known.map_or("CONFIG_NAMESPACES", |(_, option)| option);
        let what = text::about("linux.namespaces: {}", kind.name());
        lack(&what, option, matches!(kind, Mount | Pid | User));
        if let Some(place) = gone.iter_mut().find(|place| place.is_none()) {
            *place = Some(kind);
        }
        false
    });
    if gone.contains(&Some(Uts)) {
        // The names would be the board's.
        (spec.hostname, spec.domainname) = (None, None);
    }
    if gone.contains(&Some(Time)) {
        spec.linux.time_offsets = Default::default();
    }
}

fn mounts(spec: &mut Spec<'_>, machine: &dyn Machine, lack: &mut Note<'_>) {
    let terminal = spec.process.as_ref().is_some_and(|process| process.terminal);
    spec.mounts.retain(|mount| {
        let kind = mount.kind.unwrap_or_default();
        let (there, option) = match kind {
            "cgroup" | "cgroup2" => (machine.cgroups(), "CONFIG_CGROUPS"),
            "mqueue" => (machine.file_system(kind), "CONFIG_POSIX_MQUEUE"),
            "sysfs" => (machine.file_system(kind), "CONFIG_SYSFS"),
            "devpts" => (machine.file_system(kind), "CONFIG_UNIX98_PTYS"),
            _ => return true,
        };
        if !there {
            let what = text!("mounts: {} on {}", kind, quoted(mount.destination));
            lack(&what, option, kind == "devpts" && terminal);
        }
        there
    });
}

/// Limits for which there is no controller.
fn limits(resources: &mut Resources<'_>, machine: &dyn Machine, lack: &mut Note<'_>) {
    let mut without = |there: bool, property: &str, option: &str| {
        if !there {
            lack(&format_args!("linux.resources.{property}"), option, false);
        }
        !there
    };
    if resources.memory.is_some() && without(machine.controller("memory"), "memory", "CONFIG_MEMCG")
    {
        resources.memory = None;
    }
    if let Some(cpu) = &mut resources.cpu {
        cpu_limits(cpu, machine, &mut without);
    }
    if resources.pids.is_some() && without(machine.controller("pids"), "pids", "CONFIG_CGROUP_PIDS")
    {
        resources.pids = None;
    }
    if resources.block_io.is_some() {
        let there = machine.controller("io") || machine.controller("blkio");
        if without(there, "blockIO", "CONFIG_BLK_CGROUP") {
            resources.block_io = None;
        }
    }
    if !resources.hugepage_limits.is_empty()
        && without(machine.controller("hugetlb"), "hugepageLimits", "CONFIG_CGROUP_HUGETLB")
    {
        resources.hugepage_limits.clear();
    }
    if resources.network.is_some() {
        let there = machine.controller("net_cls") || machine.controller("net_prio");
        if without(there, "network", "CONFIG_CGROUP_NET_CLASSID, CONFIG_CGROUP_NET_PRIO") {
            resources.network = None;
        }
    }
    if !resources.rdma.is_empty()
        && without(machine.controller("rdma"), "rdma", "CONFIG_CGROUP_RDMA")
    {
        resources.rdma.clear();
    }
    if !resources.unified.is_empty() && without(machine.cgroups(), "unified", "CONFIG_CGROUPS") {
        resources.unified.clear();
    }
    if !resources.devices.is_empty()
        && without(machine.device_rules(), "devices", "CONFIG_CGROUP_BPF, CONFIG_BPF_SYSCALL")
    {
        resources.devices.clear();
    }
}

/// Those of cpu, which are of two controllers.
fn cpu_limits(
    cpu: &mut Cpu<'_>,
    machine: &dyn Machine,
    without: &mut dyn FnMut(bool, &str, &str) -> bool,
) {
    let sets = cpu.cpus.is_some() || cpu.mems.is_some();
    if sets && without(machine.controller("cpuset"), "cpu.cpus", "CONFIG_CPUSETS") {
        (cpu.cpus, cpu.mems) = (None, None);
    }
    let times = Cpu { cpus: None, mems: None, ..*cpu } != Cpu::default();
    if times && without(machine.controller("cpu"), "cpu", "CONFIG_CGROUP_SCHED") {
        *cpu = Cpu { cpus: cpu.cpus, mems: cpu.mems, ..Cpu::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    /// A machine that lacks what is in the list.
    struct Lacks(&'static [&'static str]);

    impl Machine for Lacks {
        fn namespace(&self, name: &str) -> bool {
            !self.0.contains(&name)
        }
        fn file_system(&self, name: &str) -> bool {
            !self.0.contains(&name)
        }
        fn filters(&self) -> bool {
            !self.0.contains(&"seccomp")
        }
        fn cgroups(&self) -> bool {
            !self.0.contains(&"cgroups")
        }
        fn controller(&self, name: &str) -> bool {
            self.cgroups() && !self.0.contains(&name)
        }
        fn device_rules(&self) -> bool {
            self.cgroups() && !self.0.contains(&"bpf")
        }
    }

    const CONFIG: &str = r#"{"ociVersion":"1.3.0","root":{"path":"r"},"hostname":"h",
        "process":{"cwd":"/","args":["a"]},
        "mounts":[{"destination":"/proc","type":"proc"},{"destination":"/q","type":"mqueue"},
            {"destination":"/c","type":"cgroup"},{"destination":"/p","type":"devpts"}],
        "linux":{"namespaces":[{"type":"pid"},{"type":"mount"},{"type":"uts"},{"type":"ipc"}],
            "seccomp":{"defaultAction":"SCMP_ACT_ALLOW"},
            "resources":{"memory":{"limit":9},"pids":{"limit":9},
                "cpu":{"cpus":"0","shares":9},"devices":[{"allow":true}]}}}"#;

    /// What was said; or the error.
    fn check(
        lacks: &'static [&'static str],
        strict: bool,
        look: impl Fn(&Spec<'_>),
    ) -> Vec<String> {
        let document = Document::parse(CONFIG.as_bytes(), "c").unwrap();
        let spec = Spec::read(&document).unwrap();
        let mut said = Vec::new();
        let done = adapt(spec, &Lacks(lacks), strict, &mut |line| said.push(line.to_string()));
        look(spec);
        if let Err(error) = done {
            said.push(["error: ", &error.to_string()].concat());
        }
        said
    }

    #[test]
    fn nothing_lacks() {
        let document = Document::parse(CONFIG.as_bytes(), "c").unwrap();
        let whole = Spec::read(&document).unwrap();
        assert!(check(&["time", "rdma", "io"], true, |spec| assert_eq!(*spec, *whole)).is_empty());
    }

    #[test]
    fn what_is_not_needed() {
        let said = check(&["uts", "mqueue", "seccomp", "pids", "cpu", "bpf"], false, |spec| {
            assert_eq!((spec.linux.namespaces.len(), spec.mounts.len()), (3, 3));
            assert!(spec.hostname.is_none() && spec.linux.seccomp.is_none());
            let resources = spec.linux.resources.as_ref().unwrap();
            assert!(resources.memory.is_some() && resources.pids.is_none());
            let cpu = resources.cpu.as_ref().unwrap();
            assert_eq!((cpu.cpus, cpu.shares), (Some("0"), None));
            assert!(resources.devices.is_empty());
        });
        let end = ": the container runs without";
        let expect = [
            "linux.namespaces: uts: this kernel lacks CONFIG_UTS_NS",
            "mounts: mqueue on \"/q\": this kernel lacks CONFIG_POSIX_MQUEUE",
            "linux.resources.cpu: this kernel lacks CONFIG_CGROUP_SCHED",
            "linux.resources.pids: this kernel lacks CONFIG_CGROUP_PIDS",
            "linux.resources.devices: this kernel lacks CONFIG_CGROUP_BPF, CONFIG_BPF_SYSCALL",
            "linux.seccomp: this kernel lacks CONFIG_SECCOMP_FILTER",
        ];
        assert_eq!(said, expect.map(|line| [line, end].concat()));
    }

    #[test]
    fn no_cgroups_at_all() {
        let said = check(&["cgroups"], false, |spec| {
            assert_eq!(spec.mounts.len(), 3);
            let resources = spec.linux.resources.as_ref().unwrap();
            let none = Resources { cpu: Some(Default::default()), ..Default::default() };
            assert_eq!(*resources, none);
        });
        assert_eq!(said.len(), 6, "{said:?}");
    }

    #[test]
    fn what_is_needed() {
        let said = check(&["pid", "uts"], false, |_| {});
        assert_eq!(
            said.last().unwrap(),
            "error: linux.namespaces: pid: this kernel lacks CONFIG_PID_NS"
        );
        let said = check(&["mqueue", "seccomp"], true, |_| {});
        assert_eq!(
            said,
            ["error: mounts: mqueue on \"/q\": this kernel lacks CONFIG_POSIX_MQUEUE"]
        );
    }
}
