//! Whole documents, and the ways in which a program ends.

use super::Case;
use crate::spec;
use serde_json::{Value, json};
use std::path::Path;

/// Documents as tools write them.
pub fn defaults() -> Vec<Case> {
    let case = |name| Case::new("defaults", name);
    vec![
        case("runc-spec"),
        case("observed").observed(),
        case("docker").with(docker).observed(),
        case("podman").with(podman),
        case("user-namespace").with(spec::add_user_namespace),
        case("minimal").with(minimal),
        case("no-linux").with(|c| drop(c.as_object_mut().expect("object").remove("linux"))),
        case("read-write").with(|c| c["root"]["readonly"] = json!(false)).probes(&[
            "create:/new",
            "write:/etc/passwd",
            "mkdir:/dev/x",
            "create:/dev/shm/x",
        ]),
        case("read-only").probes(&[
            "create:/new",
            "write:/etc/passwd",
            "mkdir:/dev/x",
            "create:/dev/shm/x",
            "write:/proc/sys/kernel/hostname",
            "read:/proc/kcore",
            "list:/sys/firmware",
        ]),
        case("root-absolute").with(|c| c["root"]["path"] = json!("@BUNDLE@/rootfs")),
        case("root-with-dots").with(|c| c["root"]["path"] = json!("./data/../rootfs/")),
        case("empty-lists").with(|c| {
            for key in ["maskedPaths", "readonlyPaths", "devices", "uidMappings", "gidMappings"] {
                c["linux"][key] = json!([]);
            }
            c["linux"]["sysctl"] = json!({});
            c["hooks"] = json!({});
            c["annotations"] = json!({});
            c["process"]["rlimits"] = json!([]);
        }),
        case("unknown-properties").with(|c| {
            c["unknown"] = json!({"a": [1]});
            c["linux"]["unknown"] = json!("x");
            c["process"]["unknown"] = json!(5);
        }),
        case("annotations").with(|c| {
            c["annotations"] = json!({"org.example.key": "value", "empty": "", "a/b.c": "d=e"})
        }),
    ]
}

/// What Docker gives to a container without flags.
fn docker(c: &mut Value) {
    let caps = json!([
        "CAP_CHOWN",
        "CAP_DAC_OVERRIDE",
        "CAP_FSETID",
        "CAP_FOWNER",
        "CAP_MKNOD",
        "CAP_NET_RAW",
        "CAP_SETGID",
        "CAP_SETUID",
        "CAP_SETFCAP",
        "CAP_SETPCAP",
        "CAP_NET_BIND_SERVICE",
        "CAP_SYS_CHROOT",
        "CAP_KILL",
        "CAP_AUDIT_WRITE"
    ]);
    c["process"]["capabilities"] =
        json!({"bounding": caps.clone(), "effective": caps.clone(), "permitted": caps});
    c["process"]["noNewPrivileges"] = json!(false);
    c["process"]["oomScoreAdj"] = json!(0);
    c["process"]["env"] = json!([
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOSTNAME=box"
    ]);
    c["root"]["readonly"] = json!(false);
    c["hostname"] = json!("box");
    c["linux"]["cgroupsPath"] = json!("/dock@ID@/@ID@");
    c["linux"]["resources"] = json!({
        "devices": [
            {"allow": false, "access": "rwm"},
            {"allow": true, "type": "c", "major": 1, "minor": 5, "access": "rwm"},
            {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"},
            {"allow": true, "type": "c", "major": 1, "minor": 9, "access": "rwm"},
            {"allow": true, "type": "c", "major": 1, "minor": 8, "access": "rwm"},
            {"allow": true, "type": "c", "major": 5, "minor": 0, "access": "rwm"},
            {"allow": true, "type": "c", "major": 5, "minor": 1, "access": "rwm"},
            {"allow": false, "type": "c", "major": 10, "minor": 229, "access": "rwm"}
        ],
        "memory": {}, "cpu": {"shares": 0}, "pids": {"limit": 0},
        "blockIO": {"weight": 0}
    });
    c["linux"]["maskedPaths"] = json!([
        "/proc/asound",
        "/proc/acpi",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/timer_list",
        "/proc/timer_stats",
        "/proc/sched_debug",
        "/proc/scsi",
        "/sys/firmware",
        "/sys/devices/virtual/powercap"
    ]);
    for (source, destination) in
        [("file", "/etc/hosts"), ("file", "/etc/hostname"), ("file", "/etc/resolv.conf")]
    {
        spec::add_mount(
            c,
            json!({
                "destination": destination, "type": "bind",
                "source": format!("@BUNDLE@/data/{source}"), "options": ["rbind", "rprivate"]
            }),
        );
    }
}

/// What podman gives, as far as it differs.
fn podman(c: &mut Value) {
    c["annotations"] = json!({
        "io.container.manager": "libpod", "org.opencontainers.image.stopSignal": "15",
        "io.podman.annotations.init": "FALSE"
    });
    c["process"]["env"] =
        json!(["PATH=/bin:/usr/bin", "container=oci", "HOME=/root", "TERM=xterm"]);
    c["process"]["user"] = json!({"uid": 0, "gid": 0, "umask": 18, "additionalGids": [1, 2, 3]});
    c["process"]["rlimits"] = json!([
        {"type": "RLIMIT_NOFILE", "hard": 4096, "soft": 1024},
        {"type": "RLIMIT_NPROC", "hard": 8192, "soft": 4096}
    ]);
    c["linux"]["sysctl"] = json!({"net.ipv4.ping_group_range": "0 0"});
    spec::add_mount(
        c,
        json!({
            "destination": "/run/.containerenv", "type": "bind",
            "source": "@BUNDLE@/data/file",
            "options": ["bind", "rprivate", "nosuid", "noexec", "nodev"]
        }),
    );
}

/// As little as the specification allows, with /proc for the report.
fn minimal(c: &mut Value) {
    *c = json!({
        "ociVersion": "1.0.2",
        "root": {"path": "rootfs"},
        "process": {"cwd": "/", "args": ["/bin/guest", "report"], "user": {"uid": 0, "gid": 0}},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": [{"type": "mount"}]}
    });
}

/// Exit statuses, and programs that cannot be started.
pub fn exits() -> Vec<Case> {
    let case = |name: &str, args: &[&str]| Case::new("exit", name).args(args);
    let mut all: Vec<Case> = [0, 1, 2, 42, 126, 127, 128, 137, 255]
        .iter()
        .map(|n| case(&format!("status-{n}"), &["/bin/guest", "exit", &n.to_string()]))
        .collect();
    all.extend([
        case("output", &["sh", "-c", "echo out; exit 3"]),
        case("looked-up", &["guest", "exit", "5"]),
        case("missing", &["/bin/nosuch"]),
        case("missing-in-path", &["nosuch"]),
        case("not-executable", &["/etc/passwd"]),
        case("directory", &["/etc"]),
        case("empty-word", &[""]),
        case("no-args", &[]),
        case("script-without-interpreter", &["/bin/script"])
            .setup(|root| script(root, "#!/no/such\n")),
        case("script-without-line", &["/bin/script"]).setup(|root| script(root, "exit 4\n")),
        case("relative-to-cwd", &["./guest", "exit", "6"]).process("cwd", json!("/bin")),
        case("relative-in-path", &["guest", "exit", "6"])
            .process("cwd", json!("/"))
            .process("env", json!(["PATH=bin"])),
        case("no-path", &["guest", "exit", "6"]).process("env", json!([])),
    ]);
    for (name, signal) in [("hup", 1), ("abrt", 6), ("kill", 9), ("segv", 11), ("term", 15)] {
        let line = format!("/bin/guest die {signal}; exit $?");
        all.push(case(&format!("child-dies-of-{name}"), &["sh", "-c", &line]));
        all.push(
            case(&format!("dies-of-{name}"), &["/bin/guest", "die", &signal.to_string()])
                .with(|c| spec::drop_namespace(c, "pid")),
        );
    }
    all
}

fn script(root: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = root.join("bin/script");
    crate::oci::write_program(|| std::fs::write(&path, text)).expect("write a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("chmod");
}
