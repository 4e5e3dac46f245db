//! The `config.json` that `spec` writes: that of `runc spec`, without ambient
//! capabilities (which newer releases of runc left out for good reason).

use alloc::format;
use alloc::string::String;

use crate::json::indent;

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
        let mut text = String::from(HEAD);
        text.push_str(if self.rootless.is_some() { "" } else { r#","gid=5""# });
        text.push_str(MIDDLE);
        text.push_str(match self.rootless {
            Some(_) => {
                r#""none","source":"/sys","options":["rbind","nosuid","noexec","nodev","ro"]}"#
            }
            None => r#""sysfs","source":"sysfs","options":["nosuid","noexec","nodev","ro"]}"#,
        });
        text.push_str(CGROUP);
        text.push_str(&match self.rootless {
            Some((uid, gid)) => format!(
                r#""uidMappings":[{{"containerID":0,"hostID":{uid},"size":1}}],"gidMappings":[{{"containerID":0,"hostID":{gid},"size":1}}]"#
            ),
            None => String::from(r#""resources":{"devices":[{"allow":false,"access":"rwm"}]}"#),
        });
        text.push_str(r#","namespaces":[{"type":"pid"}"#);
        let rootless = self.rootless.is_some();
        for (wanted, kind) in [
            (!rootless, "network"),
            (true, "ipc"),
            (true, "uts"),
            (true, "mount"),
            (self.cgroup_namespace, "cgroup"),
            (rootless, "user"),
        ] {
            if wanted {
                for part in [r#",{"type":""#, kind, r#""}"#] {
                    text.push_str(part);
                }
            }
        }
        text.push_str(TAIL);
        indent(&text, "\t")
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

const MIDDLE: &str = concat!(
    r#"]},{"destination":"/dev/shm","type":"tmpfs","source":"shm","#,
    r#""options":["nosuid","noexec","nodev","mode=1777","size=65536k"]},"#,
    r#"{"destination":"/dev/mqueue","type":"mqueue","source":"mqueue","#,
    r#""options":["nosuid","noexec","nodev"]},{"destination":"/sys","type":"#,
);

const CGROUP: &str = concat!(
    r#",{"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","#,
    r#""options":["nosuid","noexec","nodev","relatime","ro"]}],"linux":{"#,
);

const TAIL: &str = concat!(
    r#"],"maskedPaths":["/proc/acpi","/proc/asound","/proc/kcore","/proc/keys","#,
    r#""/proc/latency_stats","/proc/timer_list","/proc/timer_stats","/proc/sched_debug","#,
    r#""/sys/firmware","/proc/scsi"],"#,
    r#""readonlyPaths":["/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"]}}"#,
);
