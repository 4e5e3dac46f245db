//! What a new user of runc types, line for line, with the binary in runc's place.
//!
//! The first three follow runc's README; the last is its systemd unit, under a
//! systemd that is itself init of a container of the binary under test.

use nix::mount::{MsFlags, mount};
use ocinit_tests::terminal::Session;
use ocinit_tests::{Bundle, Call, Lab, eventually, images, json, oci, spec, user};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

ocinit_tests::isolate!();

/// The default `--root`, as an empty place of this process's own.
fn default_root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let root = PathBuf::from(if oci::is_ocinit() { "/run/ocinit" } else { "/run/runc" });
        fs::create_dir_all(&root).unwrap();
        mount(Some("tmpfs"), &root, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        root
    })
}

/// A directory with the binary as `ocinit`, and a bundle made as the tutorial does.
struct Tutorial {
    lab: Lab,
    bundle: PathBuf,
}

impl Tutorial {
    fn new() -> Tutorial {
        default_root();
        let lab = Lab::new();
        let bin = lab.dir().join("bin");
        fs::create_dir(&bin).unwrap();
        symlink(oci::find_binary().unwrap(), bin.join("ocinit")).unwrap();
        let bundle = lab.dir().join("mycontainer");
        fs::create_dir(&bundle).unwrap();
        let tar = lab.dir().join("exported.tar");
        let made = Command::new("tar")
            .arg("-C")
            .arg(images::busybox())
            .arg("-cf")
            .arg(&tar)
            .arg(".")
            .status();
        assert!(made.unwrap().success());
        let t = Tutorial { lab, bundle };
        // $ cd /mycontainer
        // $ mkdir rootfs
        // $ docker export $(docker create busybox) | tar -C rootfs -xvf -
        t.sh(&format!("mkdir rootfs; cat {} | tar -C rootfs -xf -", tar.display())).ok();
        t
    }

    /// A line typed in the bundle's directory.
    fn sh(&self, line: &str) -> Call {
        let path = format!("{}/bin:/usr/sbin:/usr/bin:/sbin:/bin", self.lab.dir().display());
        self.lab.program("/bin/sh".as_ref()).args(["-c", line]).cwd(&self.bundle).env("PATH", path)
    }

    fn edit(&self, change: impl FnOnce(&mut ocinit_tests::Value)) {
        let path = self.bundle.join("config.json");
        let mut config = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        change(&mut config);
        fs::write(&path, serde_json::to_string_pretty(&config).unwrap()).unwrap();
    }
}

#[test]
fn run_gives_a_shell() {
    let t = Tutorial::new();
    let id = t.lab.id();
    t.sh("ocinit spec").ok().quiet();
    let mut s = Session::start(t.sh(&format!("exec ocinit run {id}")), 24, 80);
    s.terminal.expect("/ # ");
    s.terminal.type_in("ps; hostname; touch /x\n");
    s.terminal.expect("1 root");
    s.terminal.expect("Read-only file system");
    s.terminal.type_in("exit\n");
    s.wait();
    assert!(!default_root().join(&id).exists());
    t.lab.assert_clean();
}

#[test]
fn the_life_cycle_by_hand() {
    let t = Tutorial::new();
    let id = t.lab.id();
    t.sh("ocinit spec").ok().quiet();
    t.edit(|c| {
        c["process"]["terminal"] = json!(false);
        c["process"]["args"] = json!(["sleep", "5"]);
    });
    t.sh(&format!("ocinit create {id}")).ok().quiet();
    // view the container is created and in the "created" state
    let row = |status: &str| {
        let list = t.sh("ocinit list").ok().quiet().stdout;
        let row = list
            .lines()
            .find(|l| l.starts_with(&id))
            .unwrap_or_else(|| panic!("{list}"))
            .to_string();
        row.split_whitespace().nth(2) == Some(status)
    };
    assert!(row("created"));
    // start the process inside the container
    t.sh(&format!("ocinit start {id}")).ok().quiet();
    // after 5 seconds view that the container has exited and is now in the stopped state
    assert!(row("running"));
    eventually("stopped after 5 seconds", || row("stopped"));
    // now delete the container
    t.sh(&format!("ocinit delete {id}")).ok().quiet();
    assert!(!t.sh("ocinit list").ok().stdout.contains(&id));
    t.lab.assert_clean();
}

#[test]
fn as_an_ordinary_user() {
    let t = Tutorial::new();
    let user = user::bare();
    let id = t.lab.id();
    let root = t.lab.dir().join("x");
    user.directory(&root);
    user.take(&t.bundle);
    t.sh("ocinit spec --rootless").user(&user).ok().quiet();
    let line = format!("exec ocinit --root {} run {id}", root.display());
    let mut s = Session::start(t.sh(&line).user(&user), 24, 80);
    s.terminal.expect("/ # ");
    s.terminal.type_in("id -u; exit 3\n");
    s.terminal.expect("\n0\r\n");
    s.wait().0.code_is(3);
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
    t.lab.assert_clean();
}

const UNIT: &str = "[Unit]
Description=Start My Container

[Service]
Type=forking
ExecStart=/usr/local/sbin/ocinit run -d --pid-file /run/mycontainerid.pid mycontainerid
ExecStopPost=/usr/local/sbin/ocinit delete mycontainerid
WorkingDirectory=/mycontainer
PIDFile=/run/mycontainerid.pid

[Install]
WantedBy=multi-user.target
";

/// Calls of the binary in a mount namespace that has only a cgroup2 tree, which
/// systemd knows how to use as a container's.
fn on_v2(lab: &Lab, args: &[&str]) -> Call {
    let script =
        r#"umount -l -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@""#;
    lab.program("/usr/bin/unshare".as_ref())
        .args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"])
        .arg(oci::find_binary().unwrap())
        .arg("--root")
        .arg(lab.state_root())
        .args(args)
}

fn systemd_bundle(lab: &Lab) -> Bundle {
    let root = lab.overlay(images::debian());
    let mut bundle = Bundle::around(&lab.dir().join("systemd"), &root);
    fs::write(root.join("etc/systemd/system/mycontainer.service"), UNIT).unwrap();
    let c = &mut bundle.config;
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
    c["linux"]["resources"] = json!({});
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
    ocinit_tests::bundle::copy_tree(images::busybox(), &inner.join("rootfs"));
    lab.bare().args(["spec", "--bundle"]).arg(&inner).ok();
    let path = inner.join("config.json");
    let mut document: ocinit_tests::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    document["process"]["terminal"] = json!(false);
    document["process"]["args"] = json!(["/bin/guest", "wait"]);
    fs::write(&path, document.to_string()).unwrap();
    spec::add_mount(c, bind("/mycontainer", &inner));
    bundle
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

#[test]
fn as_a_unit_of_systemd() {
    default_root();
    let lab = Lab::new();
    let bundle = systemd_bundle(&lab);
    bundle.save();
    let id = lab.id();
    let out =
        on_v2(&lab, &["run", "--detach", "--bundle", bundle.dir().to_str().unwrap(), &id]).run();
    let finish = || on_v2(&lab, &["delete", "--force", &id]).run();
    if out.code != 0 {
        finish();
        out.code_is(0);
        return;
    }
    let inside = |args: &[&str]| on_v2(&lab, &["exec", &id]).args(args).run();
    eventually("systemd is up", || {
        let state = inside(&["systemctl", "is-system-running"]).stdout;
        ["running\n", "degraded\n"].contains(&state.as_str())
    });
    let mut story = Vec::new();
    let mut step = |args: &[&str]| {
        let out = inside(args);
        story.push(format!("{args:?}: {}\n{}{}", out.code, out.stdout, out.stderr));
        out
    };
    let start = step(&["systemctl", "start", "mycontainer"]);
    let status = step(&["systemctl", "status", "--no-pager", "mycontainer"]);
    let main = step(&["systemctl", "show", "--property=MainPID", "--value", "mycontainer"]);
    let file = step(&["cat", "/run/mycontainerid.pid"]);
    let state = step(&["/usr/local/sbin/ocinit", "state", "mycontainerid"]);
    let stop = step(&["systemctl", "stop", "mycontainer"]);
    let after = step(&["systemctl", "is-active", "mycontainer"]);
    let gone = step(&["/usr/local/sbin/ocinit", "state", "mycontainerid"]);
    let story = story.join("\n");
    finish().code_is(0);
    assert_eq!(start.code, 0, "{story}");
    assert!(status.stdout.contains("active (running)"), "{story}");
    assert_eq!(main.stdout.trim(), file.stdout, "{story}");
    assert_eq!(state.json()["status"], "running", "{story}");
    assert_eq!(stop.code, 0, "{story}");
    assert!(["inactive\n", "failed\n"].contains(&after.stdout.as_str()), "{story}");
    assert_ne!(gone.code, 0, "{story}");
}
