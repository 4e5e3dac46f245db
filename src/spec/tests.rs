//! The whole configuration, read; and the document that `spec` writes.

use alloc::vec::Vec;
use core::mem::take;
use linux_raw_sys::general as sys;

use super::*;
use crate::json::Document;

/// Every property of the specification for Linux.
pub(super) const FULL: &str = r#"{
  "ociVersion": "1.3.0", "hostname": "h", "domainname": "d",
  "root": {"path": "rootfs", "readonly": true},
  "process": {
    "terminal": true, "consoleSize": {"height": 24, "width": 80},
    "user": {"uid": 1, "gid": 2, "umask": 63, "additionalGids": [5, 6]},
    "args": ["sh", "-c", ""], "env": ["A=b"], "cwd": "/w",
    "capabilities": {"bounding": ["CAP_KILL", "CAP_CHECKPOINT_RESTORE"], "effective": ["CAP_CHOWN"],
      "permitted": ["CAP_FOWNER"], "inheritable": ["CAP_SETUID"], "ambient": []},
    "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 18446744073709551615}],
    "noNewPrivileges": true, "apparmorProfile": "p", "selinuxLabel": "l", "oomScoreAdj": -5,
    "scheduler": {"policy": "SCHED_RR", "nice": -1, "priority": 3, "flags": ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_UTIL_CLAMP_MAX"]},
    "ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 7},
    "execCPUAffinity": {"initial": "0", "final": "1-2"}
  },
  "mounts": [{"destination": "/m", "type": "none", "source": "s", "options": ["rbind", "ro"],
    "uidMappings": [{"containerID": 1, "hostID": 2, "size": 3}],
    "gidMappings": [{"containerID": 4, "hostID": 5, "size": 6}]}],
  "hooks": {
    "prestart": [{"path": "/1"}], "createRuntime": [{"path": "/2", "args": ["2", "x"], "env": ["E=f"], "timeout": 7}],
    "createContainer": [{"path": "/3"}], "startContainer": [{"path": "/4"}],
    "poststart": [{"path": "/5"}], "poststop": [{"path": "/6"}]
  },
  "annotations": {"b": "2", "a": "1"},
  "linux": {
    "namespaces": [{"type": "pid"}, {"type": "network", "path": "/n"}, {"type": "mount"}, {"type": "ipc"},
      {"type": "uts"}, {"type": "user"}, {"type": "cgroup"}, {"type": "time"}],
    "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
    "gidMappings": [{"containerID": 0, "hostID": 2000, "size": 20}],
    "timeOffsets": {"monotonic": {"secs": -1, "nanosecs": 2}, "boottime": {"secs": 3}},
    "devices": [{"path": "/dev/a", "type": "b", "major": 8, "minor": 1, "fileMode": 432, "uid": 1, "gid": 2}, {"path": "/dev/p", "type": "p"}],
    "netDevices": {"eth0": {"name": "in0"}, "eth1": {}},
    "cgroupsPath": "/c",
    "resources": {
      "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": -1, "access": "rm"}],
      "memory": {"limit": 1, "reservation": -1, "swap": 3, "kernel": 4, "kernelTCP": 5, "swappiness": 6, "disableOOMKiller": true, "useHierarchy": false, "checkBeforeUpdate": true},
      "cpu": {"shares": 1, "quota": 20, "burst": 3, "period": 4, "realtimeRuntime": 5, "realtimePeriod": 6, "cpus": "0-1", "mems": "0", "idle": 1},
      "pids": {"limit": 0},
      "blockIO": {"weight": 10, "leafWeight": 20, "weightDevice": [{"major": 8, "minor": 0, "weight": 30}],
        "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1}], "throttleWriteBpsDevice": [{"major": 8, "minor": 0, "rate": 2}],
        "throttleReadIOPSDevice": [{"major": 8, "minor": 0, "rate": 3}], "throttleWriteIOPSDevice": [{"major": 8, "minor": 0, "rate": 4}]},
      "hugepageLimits": [{"pageSize": "2MB", "limit": 7}],
      "network": {"classID": 8, "priorities": [{"name": "eth0", "priority": 9}]},
      "rdma": {"mlx": {"hcaHandles": 1, "hcaObjects": null}},
      "unified": {"memory.high": "10"}
    },
    "intelRdt": {"closID": "c", "schemata": ["MB:0=10"], "l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=20", "enableMonitoring": true},
    "memoryPolicy": {"mode": "MPOL_INTERLEAVE", "nodes": "0-1", "flags": ["MPOL_F_STATIC_NODES"]},
    "sysctl": {"net.ipv4.ip_forward": "1"},
    "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
      "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"], "listenerPath": "/l", "listenerMetadata": "m",
      "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "value": 2, "valueTwo": 3, "op": "SCMP_CMP_MASKED_EQ"}]}]},
    "rootfsPropagation": "rslave", "maskedPaths": ["/a"], "readonlyPaths": ["/b"], "mountLabel": "ml",
    "personality": {"domain": "LINUX32"}
  }
}"#;

#[test]
fn every_property_is_read() {
    let document = Document::parse(FULL.as_bytes(), "full.json").unwrap();
    let spec = take(Spec::read(&document).unwrap());
    assert_eq!(spec.oci_version, "1.3.0");
    assert_eq!((spec.hostname, spec.domainname), (Some("h"), Some("d")));
    assert_eq!(spec.root, Some(Root { path: "rootfs", readonly: true }));
    assert_eq!(spec.annotations, [("a", "1"), ("b", "2")]);
    let id = |container_id, host_id, size| IdMapping { container_id, host_id, size };
    assert_eq!(
        spec.mounts,
        [Mount {
            destination: "/m",
            source: Some("s"),
            kind: Some("none"),
            options: alloc::vec!["rbind", "ro"],
            uid_mappings: alloc::vec![id(1, 2, 3)],
            gid_mappings: alloc::vec![id(4, 5, 6)],
        }]
    );
    let paths = spec.hooks.lists().map(|(_, list)| list[0].path);
    assert_eq!(paths, ["/1", "/2", "/3", "/4", "/5", "/6"]);
    let hook = &spec.hooks.create_runtime[0];
    assert_eq!((hook.args[1], hook.env[0], hook.timeout), ("x", "E=f", Some(7)));
    let names: Vec<_> = crate::json::words::iter(Hooks::NAMES).collect();
    assert_eq!(names, spec.hooks.lists().map(|(name, _)| name));
}

#[test]
fn every_property_of_the_process_is_read() {
    let document = Document::parse(FULL.as_bytes(), "full.json").unwrap();
    let process = take(Spec::read(&document).unwrap()).process.unwrap();
    assert!(process.terminal && process.no_new_privileges);
    assert_eq!(process.console_size, Some(ConsoleSize { height: 24, width: 80 }));
    let User { uid, gid, umask, additional_gids } = process.user;
    assert_eq!((uid, gid, umask, &additional_gids[..]), (1, 2, Some(0o77), &[5, 6][..]));
    assert_eq!((&process.args[..], &process.env[..]), (&["sh", "-c", ""][..], &["A=b"][..]));
    assert_eq!(process.cwd, "/w");
    assert_eq!(
        process.capabilities,
        Some(Capabilities {
            bounding: 1 << 5 | 1 << 40,
            effective: 1,
            permitted: 1 << 3,
            inheritable: 1 << 7,
            ambient: 0,
            unknown: Vec::new(),
        })
    );
    let nofile = Rlimit { resource: sys::RLIMIT_NOFILE, soft: 1024, hard: u64::MAX };
    assert_eq!(process.rlimits, [nofile]);
    assert_eq!(Rlimit::name(sys::RLIMIT_NOFILE), "RLIMIT_NOFILE");
    assert_eq!((process.apparmor_profile, process.selinux_label), (Some("p"), Some("l")));
    assert_eq!(process.oom_score_adj, Some(-5));
    let scheduler = process.scheduler.unwrap();
    assert_eq!(scheduler.policy as u32, sys::SCHED_RR);
    assert_eq!((scheduler.nice, scheduler.priority), (-1, 3));
    let flags = sys::SCHED_FLAG_RESET_ON_FORK | sys::SCHED_FLAG_UTIL_CLAMP_MAX;
    assert_eq!(scheduler.flags, flags.into());
    assert_eq!(process.io_priority, Some(IoPriority { class: IoPriorityClass::Idle, priority: 7 }));
    assert_eq!(
        process.exec_cpu_affinity,
        Some(ExecCpuAffinity { initial: Some("0"), last: Some("1-2") })
    );
}

#[test]
fn every_property_of_linux_is_read() {
    let document = Document::parse(FULL.as_bytes(), "full.json").unwrap();
    let linux = take(Spec::read(&document).unwrap()).linux;
    let network = Namespace { kind: NamespaceKind::Network, path: Some("/n") };
    assert_eq!(linux.namespace(NamespaceKind::Network), Some(network));
    assert!(linux.creates(NamespaceKind::Time) && !linux.creates(NamespaceKind::Network));
    let id = |host_id, size| IdMapping { container_id: 0, host_id, size };
    assert_eq!((linux.uid_mappings[0], linux.gid_mappings[0]), (id(1000, 10), id(2000, 20)));
    let offset = |secs, nanosecs| Some(TimeOffset { secs, nanosecs });
    let offsets = TimeOffsets { monotonic: offset(-1, 2), boottime: offset(3, 0) };
    assert_eq!(linux.time_offsets, offsets);
    let device = linux.devices[0];
    assert_eq!((device.path, device.kind), ("/dev/a", DeviceKind::Block));
    assert_eq!((device.major, device.minor, device.file_mode), (8, 1, Some(0o660)));
    assert_eq!((device.uid, device.gid), (Some(1), Some(2)));
    assert_eq!(linux.devices[1].kind, DeviceKind::Fifo);
    let device = |name| NetDevice { name };
    assert_eq!(linux.net_devices, [("eth0", device(Some("in0"))), ("eth1", device(None))]);
    assert_eq!(linux.cgroups_path, Some("/c"));
    let rdt = linux.intel_rdt.unwrap();
    assert_eq!((rdt.clos_id, rdt.schemata[0]), (Some("c"), "MB:0=10"));
    assert_eq!((rdt.l3_cache_schema, rdt.mem_bw_schema), (Some("L3:0=f"), Some("MB:0=20")));
    assert!(rdt.enable_monitoring);
    let policy = linux.memory_policy.unwrap();
    assert_eq!((policy.mode as u32, policy.nodes, policy.flags), (3, Some("0-1"), 1 << 15));
    assert_eq!(linux.sysctl, [("net.ipv4.ip_forward", "1")]);
    let propagation = linux.rootfs_propagation.map(Propagation::flags);
    assert_eq!(propagation, Some(sys::MS_SLAVE | sys::MS_REC));
    assert_eq!((linux.masked_paths[0], linux.readonly_paths[0]), ("/a", "/b"));
    assert_eq!(linux.mount_label, Some("ml"));
    assert_eq!(linux.personality.unwrap().domain, PersonalityDomain::Linux32);
    let seccomp = linux.seccomp.unwrap();
    assert_eq!((seccomp.default_action, seccomp.default_errno), (SeccompAction::Errno, Some(38)));
    assert_eq!(seccomp.architectures, [SeccompArch::X86_64, SeccompArch::Aarch64]);
    assert_eq!(seccomp.flags, Some(2 | 32));
    assert_eq!((seccomp.listener_path, seccomp.listener_metadata), (Some("/l"), Some("m")));
    let rule = &seccomp.syscalls[0];
    assert_eq!((rule.names[1], rule.action), ("write", SeccompAction::Allow));
    assert_eq!((rule.args[0].index, rule.args[0].value, rule.args[0].value_two), (1, 2, 3));
    assert_eq!(rule.args[0].operator, SeccompOperator::MaskedEqual);
}

#[test]
fn every_property_of_the_resources_is_read() {
    let document = Document::parse(FULL.as_bytes(), "full.json").unwrap();
    let resources = take(Spec::read(&document).unwrap()).linux.resources.unwrap();
    assert_eq!(
        resources.devices,
        [
            DeviceRule {
                allow: false,
                kind: DeviceRuleKind::All,
                major: None,
                minor: None,
                access: DeviceAccess::ALL,
            },
            DeviceRule {
                allow: true,
                kind: DeviceRuleKind::Char,
                major: Some(1),
                minor: None,
                access: DeviceAccess { read: true, write: false, mknod: true },
            },
        ]
    );
    let memory = resources.memory.unwrap();
    assert_eq!(
        [memory.limit, memory.reservation, memory.swap, memory.kernel, memory.kernel_tcp],
        [Some(1), Some(-1), Some(3), Some(4), Some(5)]
    );
    assert_eq!(memory.swappiness, Some(6));
    assert_eq!(
        [memory.disable_oom_killer, memory.use_hierarchy, memory.check_before_update],
        [Some(true), Some(false), Some(true)]
    );
    let cpu = resources.cpu.unwrap();
    assert_eq!(
        [cpu.shares, cpu.burst, cpu.period, cpu.realtime_period],
        [Some(1), Some(3), Some(4), Some(6)]
    );
    assert_eq!([cpu.quota, cpu.realtime_runtime, cpu.idle], [Some(20), Some(5), Some(1)]);
    assert_eq!((cpu.cpus, cpu.mems), (Some("0-1"), Some("0")));
    assert_eq!(resources.pids, Some(0));
    let io = resources.block_io.unwrap();
    assert_eq!((io.weight, io.leaf_weight), (Some(10), Some(20)));
    assert_eq!((io.weight_device[0].weight, io.weight_device[0].leaf_weight), (Some(30), None));
    let throttles = [
        &io.throttle_read_bps,
        &io.throttle_write_bps,
        &io.throttle_read_iops,
        &io.throttle_write_iops,
    ];
    assert_eq!(throttles.map(|list| list[0].rate), [1, 2, 3, 4]);
    assert_eq!(resources.hugepage_limits[0], HugepageLimit { page_size: "2MB", limit: 7 });
    let network = resources.network.unwrap();
    assert_eq!(network.class_id, Some(8));
    assert_eq!(network.priorities[0], InterfacePriority { name: "eth0", priority: 9 });
    assert_eq!(resources.rdma, [("mlx", Rdma { hca_handles: Some(1), hca_objects: None })]);
    assert_eq!(resources.unified, [("memory.high", "10")]);
}

#[test]
fn absent_and_null_are_the_same() {
    let text = r#"{"ociVersion":"1.0.0","root":{"path":"/r"},"mounts":null,"hooks":null,
        "process":{"cwd":"/","args":["a"],"rlimits":null,"user":null,"oomScoreAdj":null},
        "linux":{"resources":{"pids":null,"memory":null},"seccomp":null,"sysctl":null}}"#;
    let document = Document::parse(text.as_bytes(), "f").unwrap();
    let spec = take(Spec::read(&document).unwrap());
    assert_eq!(spec.hooks, Hooks::default());
    assert_eq!(spec.linux.resources, Some(Resources::default()));
    let process = spec.process.unwrap();
    assert_eq!((process.user, process.oom_score_adj), (User::default(), None));
}

#[test]
fn closed_sets_are_complete() {
    assert_eq!(NamespaceKind::ALL.len(), 8);
    for kind in NamespaceKind::ALL {
        assert!(kind.clone_flag().count_ones() == 1 && !kind.name().is_empty());
    }
    assert_eq!(NamespaceKind::Mount.proc_name(), "mnt");
    assert_eq!(NamespaceKind::Uts.name(), "uts");
    assert_eq!(capability::number("CAP_CHECKPOINT_RESTORE"), Some(sys::CAP_LAST_CAP));
    assert_eq!(capability::number("CAP_MKNOD"), Some(sys::CAP_MKNOD));
    assert_eq!(capability::number("CAP_WAKE_ALARM"), Some(sys::CAP_WAKE_ALARM));
    for wrong in ["MKNOD", "cap_mknod", "CAP_", "CAP_ALL", "CAP_MKNOD "] {
        assert_eq!(capability::number(wrong), None, "{wrong}");
    }
    assert_eq!((capability::name(5), capability::name(41)), ("KILL", ""));
}

#[test]
fn the_default_is_what_runc_writes() {
    let text = DefaultConfig { rootless: None, cgroup_namespace: true }.document();
    let start = "{\n\t\"ociVersion\": \"1.3.0\",\n\t\"process\": {\n\t\t\"terminal\": true,\n";
    assert!(text.starts_with(start));
    let document = Document::parse(text.as_bytes(), "config.json").unwrap();
    let spec = take(Spec::read(&document).unwrap());
    assert_eq!(spec.oci_version, VERSION);
    assert_eq!(spec.hostname, Some("ocinit"));
    assert_eq!(spec.root, Some(Root { path: "rootfs", readonly: true }));
    let process = spec.process.unwrap();
    assert_eq!((&process.args[..], process.cwd), (&["sh"][..], "/"));
    let set = 1 << 29 | 1 << 5 | 1 << 10;
    let capabilities = process.capabilities.unwrap();
    assert_eq!(
        [capabilities.bounding, capabilities.effective, capabilities.permitted],
        [set, set, set]
    );
    // CVE-2022-29162 and its like: a template must not give what execve keeps.
    assert_eq!([capabilities.inheritable, capabilities.ambient], [0, 0]);
    assert!(process.no_new_privileges);
    let nofile = Rlimit { resource: sys::RLIMIT_NOFILE, soft: 1024, hard: 1024 };
    assert_eq!(process.rlimits, [nofile]);
    let destinations: Vec<_> = spec.mounts.iter().map(|mount| mount.destination).collect();
    assert_eq!(
        destinations,
        ["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup"]
    );
    assert!(spec.mounts[2].options.contains(&"gid=5"));
    assert_eq!(kinds(&spec.linux), "pid network ipc uts mount cgroup");
    assert_eq!(spec.linux.masked_paths.len(), 10);
    assert_eq!(spec.linux.readonly_paths.len(), 5);
    assert_eq!(spec.linux.resources.unwrap().devices.len(), 1);
}

#[test]
fn the_rootless_default() {
    let text = DefaultConfig { rootless: Some((1000, 1001)), cgroup_namespace: false }.document();
    let document = Document::parse(text.as_bytes(), "config.json").unwrap();
    let spec = take(Spec::read(&document).unwrap());
    assert_eq!(kinds(&spec.linux), "pid ipc uts mount user");
    let id = |host_id| [IdMapping { container_id: 0, host_id, size: 1 }];
    assert_eq!(spec.linux.uid_mappings, id(1000));
    assert_eq!(spec.linux.gid_mappings, id(1001));
    assert_eq!(spec.linux.resources, None);
    assert!(!spec.mounts[2].options.contains(&"gid=5"));
    let sys = &spec.mounts[5];
    assert_eq!((sys.source, sys.options[0]), (Some("/sys"), "rbind"));
}

fn kinds(linux: &Linux<'_>) -> alloc::string::String {
    let names: Vec<_> = linux.namespaces.iter().map(|namespace| namespace.kind.name()).collect();
    names.join(" ")
}
