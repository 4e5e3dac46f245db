//! A small machine with systemd: Debian as a container of the binary under
//! test, on a cgroup2 tree, with the binary and a bundle inside.
//!
//! systemd is not the init where the tests run, so this is how units and
//! `--systemd-cgroup` are tried: nested, and quicker than a virtual machine.

use crate::bundle::{Bundle, copy_tree};
use crate::lab::Lab;
use crate::oci::{self, Call, Outcome};
use crate::{images, spec};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The machine while it runs; inside, the binary is /usr/local/sbin/ocinit and
/// /mycontainer a bundle whose program waits.
pub struct Machine<'a> {
    lab: &'a Lab,
    id: String,
    /// The commands that give it its cgroups.
    view: &'static str,
}

/// Only a cgroup2 tree, which systemd knows how to use as a container's.
/// Mounting one that is there would take its options from everybody's.
const V2: &str = "{ [ $(stat -f -c %T /sys/fs/cgroup) = cgroup2fs ] || \
    { umount -l -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup; }; }";

/// Those of the host: where it has v1 hierarchies, they have all the controllers.
const HOST: &str = ":";

impl<'a> Machine<'a> {
    /// Starts it, after `prepare` has had its root file system, and waits for
    /// systemd.
    #[track_caller]
    pub fn boot(lab: &'a Lab, prepare: impl FnOnce(&Path)) -> Machine<'a> {
        Machine::boot_on(V2, lab, prepare)
    }

    /// The same with the hierarchies of the host.
    #[track_caller]
    pub fn boot_on_host_view(lab: &'a Lab, prepare: impl FnOnce(&Path)) -> Machine<'a> {
        Machine::boot_on(HOST, lab, prepare)
    }

    #[track_caller]
    fn boot_on(view: &'static str, lab: &'a Lab, prepare: impl FnOnce(&Path)) -> Machine<'a> {
        let root = lab.overlay(images::debian());
        prepare(&root);
        let mut bundle = Bundle::around(&lab.dir().join("machine"), &root);
        describe(lab, &mut bundle.config);
        bundle.save();
        let machine = Machine { lab, id: lab.id(), view };
        let dir = bundle.dir().to_str().expect("a path of the tests is text");
        on(view, lab, &["run", "--detach", "--bundle", dir, &machine.id]).ok();
        crate::eventually("systemd is up", || {
            let state = machine.sh("systemctl is-system-running").stdout;
            ["running\n", "degraded\n"].contains(&state.as_str())
        });
        machine
    }

    /// Runs a line of shell inside.
    pub fn sh(&self, line: &str) -> Outcome {
        on(self.view, self.lab, &["exec", &self.id, "sh", "-c", line]).run()
    }

    /// Changes the document of the bundle inside.
    pub fn edit(&self, change: impl FnOnce(&mut Value)) {
        edit(&self.lab.dir().join("inner/config.json"), change);
    }

    /// Ends it.
    #[track_caller]
    pub fn power_off(self) {}
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        let out = on(self.view, self.lab, &["delete", "--force", &self.id]).run();
        assert!(out.code == 0 || std::thread::panicking(), "{}", out.stderr);
    }
}

/// Calls of the binary in a mount namespace with these cgroups.
fn on(view: &str, lab: &Lab, args: &[&str]) -> Call {
    let script = format!(r#"{view} && exec "$@""#);
    lab.program("/usr/bin/unshare".as_ref())
        .args(["--mount", "--propagation", "private", "sh", "-c", &script, "sh"])
        .arg(oci::find_binary().unwrap())
        .arg("--root")
        .arg(lab.state_root())
        .args(args)
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let text = fs::read_to_string(path).expect("read config.json");
    let mut document = serde_json::from_str(&text).expect("JSON");
    change(&mut document);
    fs::write(path, document.to_string()).expect("write config.json");
}

/// The document: everything that systemd needs as init of a container.
fn describe(lab: &Lab, c: &mut Value) {
    c["root"]["readonly"] = json!(false);
    c["process"]["args"] = json!(["/lib/systemd/systemd"]);
    c["process"]["env"] = json!([
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "container=oci"
    ]);
    c["process"]["noNewPrivileges"] = json!(false);
    c["process"]["rlimits"] = json!([]);
    let all = json!(own_capabilities());
    c["process"]["capabilities"] = json!({"bounding": all, "permitted": all, "effective": all});
    c["linux"]["resources"] = json!({"devices": [{"allow": true, "access": "rwm"}]});
    c["linux"]["maskedPaths"] = json!([]);
    c["linux"]["readonlyPaths"] = json!([]);
    spec::drop_mount(c, "/sys/fs/cgroup");
    let cgroup = json!({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
        "options": ["nosuid", "noexec", "nodev"]});
    spec::add_mount(c, cgroup);
    for at in ["/run", "/tmp"] {
        spec::add_mount(
            c,
            json!({"destination": at, "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]}),
        );
    }
    let binary = oci::find_binary().unwrap();
    let bind = |at: &str, source: &Path| json!({"destination": at, "type": "bind", "source": source, "options": ["rbind"]});
    spec::add_mount(c, bind("/usr/local/sbin/ocinit", &fs::canonicalize(binary).unwrap()));

    let inner = lab.dir().join("inner");
    fs::create_dir(&inner).unwrap();
    copy_tree(images::busybox(), &inner.join("rootfs"));
    lab.bare().args(["spec", "--bundle"]).arg(&inner).ok();
    let path = inner.join("config.json");
    edit(&path, |document| {
        document["process"]["terminal"] = json!(false);
        document["process"]["args"] = json!(["/bin/guest", "wait"]);
        // In one, on a machine that has only cgroup2, all paths would be "/".
        spec::drop_namespace(document, "cgroup");
    });
    spec::add_mount(c, bind("/mycontainer", &inner));
}

/// The capabilities of the test process, by name.
fn own_capabilities() -> Vec<&'static str> {
    const NAMES: [&str; 41] = [
        "CAP_CHOWN",
        "CAP_DAC_OVERRIDE",
        "CAP_DAC_READ_SEARCH",
        "CAP_FOWNER",
        "CAP_FSETID",
        "CAP_KILL",
        "CAP_SETGID",
        "CAP_SETUID",
        "CAP_SETPCAP",
        "CAP_LINUX_IMMUTABLE",
        "CAP_NET_BIND_SERVICE",
        "CAP_NET_BROADCAST",
        "CAP_NET_ADMIN",
        "CAP_NET_RAW",
        "CAP_IPC_LOCK",
        "CAP_IPC_OWNER",
        "CAP_SYS_MODULE",
        "CAP_SYS_RAWIO",
        "CAP_SYS_CHROOT",
        "CAP_SYS_PTRACE",
        "CAP_SYS_PACCT",
        "CAP_SYS_ADMIN",
        "CAP_SYS_BOOT",
        "CAP_SYS_NICE",
        "CAP_SYS_RESOURCE",
        "CAP_SYS_TIME",
        "CAP_SYS_TTY_CONFIG",
        "CAP_MKNOD",
        "CAP_LEASE",
        "CAP_AUDIT_WRITE",
        "CAP_AUDIT_CONTROL",
        "CAP_SETFCAP",
        "CAP_MAC_OVERRIDE",
        "CAP_MAC_ADMIN",
        "CAP_SYSLOG",
        "CAP_WAKE_ALARM",
        "CAP_BLOCK_SUSPEND",
        "CAP_AUDIT_READ",
        "CAP_PERFMON",
        "CAP_BPF",
        "CAP_CHECKPOINT_RESTORE",
    ];
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|l| l.strip_prefix("CapBnd:\t")).unwrap();
    let mask = u64::from_str_radix(mask, 16).unwrap();
    NAMES.iter().enumerate().filter(|(n, _)| mask & (1 << n) != 0).map(|(_, name)| *name).collect()
}
