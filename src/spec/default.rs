//! The `config.json` that `spec` writes: that of `runc spec`, without ambient
//! capabilities (which newer releases of runc left out for good reason).

use alloc::string::String;

use crate::json::indent;
use crate::text;

/// What `spec` has to know of the host and the command line.
#[derive(Debug, Clone, Copy, Default)]
pub struct DefaultConfig {
    /// For a user without privileges: the user and group id to map to root.
    pub rootless: Option<(u32, u32)>,
    /// Whether to ask for a cgroup namespace; runc does on cgroup v2.
    pub cgroup_namespace: bool,
}

impl DefaultConfig {
    /// The document, indented by tabs as runc's.
    pub fn document(&self) -> String {
        let [gid, sys] = match self.rootless {
            Some(_) => ["", SYS_ROOTLESS],
            None => [GID, SYS],
        };
        let [ids, network, user] = match self.rootless {
            Some((uid, gid)) => [
                text!(
                    "\"uidMappings\":[{{\"containerID\":0,\"hostID\":{uid},\"size\":1}}],\
                     \"gidMappings\":[{{\"containerID\":0,\"hostID\":{gid},\"size\":1}}]"
                ),
                "",
                r#",{"type":"user"}"#,
            ],
            None => [RESOURCES, r#",{"type":"network"}"#, ""],
        };
        let cgroup = if self.cgroup_namespace { r#",{"type":"cgroup"}"# } else { "" };
        let parts = [
            HEAD,
            gid,
            MIDDLE,
            sys,
            CGROUP,
            ids,
            NAMESPACES,
            network,
            MORE_NAMESPACES,
            cgroup,
            user,
            TAIL,
        ];
        indent(&text::joined(&parts, ""), "\t")
    }
}

const HEAD: &str = concat!(
    r#"{"ociVersion":"1.3.0","#,
    r#""process":{"terminal":true,"user":{"uid":0,"gid":0},"args":["sh"],"#,
    r#""env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","TERM=xterm"],"#,
    r#""cwd":"/","capabilities":{"#,
    r#""bounding":["CAP_AUDIT_WRITE","CAP_KILL","CAP_NET_BIND_SERVICE"],"#,
    r#""effective":["CAP_AUDIT_WRITE","CAP_KILL","CAP_NET_BIND_SERVICE"],"#,
    r#""permitted":["CAP_AUDIT_WRITE","CAP_KILL","CAP_NET_BIND_SERVICE"]},"#,
    r#""rlimits":[{"type":"RLIMIT_NOFILE","hard":1024,"soft":1024}],"noNewPrivileges":true},"#,
    r#""root":{"path":"rootfs","readonly":true},"hostname":"ocinit","mounts":["#,
    r#"{"destination":"/proc","type":"proc","source":"proc"},"#,
    r#"{"destination":"/dev","type":"tmpfs","source":"tmpfs","#,
    r#""options":["nosuid","strictatime","mode=755","size=65536k"]},"#,
    r#"{"destination":"/dev/pts","type":"devpts","source":"devpts","#,
    r#""options":["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620""#,
);

/// Where the group of terminals is mapped.
const GID: &str = r#","gid=5""#;

const MIDDLE: &str = concat!(
    r#"]},{"destination":"/dev/shm","type":"tmpfs","source":"shm","#,
    r#""options":["nosuid","noexec","nodev","mode=1777","size=65536k"]},"#,
    r#"{"destination":"/dev/mqueue","type":"mqueue","source":"mqueue","#,
    r#""options":["nosuid","noexec","nodev"]},{"destination":"/sys","type":"#,
);

const SYS: &str = r#""sysfs","source":"sysfs","options":["nosuid","noexec","nodev","ro"]}"#;

/// Only the owner of a network namespace may mount sysfs.
const SYS_ROOTLESS: &str =
    r#""none","source":"/sys","options":["rbind","nosuid","noexec","nodev","ro"]}"#;

const CGROUP: &str = concat!(
    r#",{"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","#,
    r#""options":["nosuid","noexec","nodev","relatime","ro"]}],"linux":{"#,
);

const RESOURCES: &str = r#""resources":{"devices":[{"allow":false,"access":"rwm"}]}"#;

const NAMESPACES: &str = r#","namespaces":[{"type":"pid"}"#;

const MORE_NAMESPACES: &str = r#",{"type":"ipc"},{"type":"uts"},{"type":"mount"}"#;

const TAIL: &str = concat!(
    r#"],"maskedPaths":["/proc/acpi","/proc/asound","/proc/kcore","/proc/keys","#,
    r#""/proc/latency_stats","/proc/timer_list","/proc/timer_stats","/proc/sched_debug","#,
    r#""/sys/firmware","/proc/scsi"],"#,
    r#""readonlyPaths":["/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"]}}"#,
);
