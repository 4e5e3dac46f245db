//! What a new user of runc types, line for line, with the binary in runc's place.
//!
//! The first three follow runc's README; the last is its systemd unit, under a
//! systemd that is itself init of a container of the binary under test.

use nix::mount::{MsFlags, mount};
use ocinit_tests::machine::Machine;
use ocinit_tests::terminal::Session;
use ocinit_tests::{Call, Lab, eventually, images, json, oci, user};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

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

/// A directory with the binary as `ocinit`, and a bundle made as the tutorial
/// does. One at a time: they share the default root, which `list` shows.
struct Tutorial {
    lab: Lab,
    bundle: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl Tutorial {
    fn new() -> Tutorial {
        // A test that failed while it held the lock has cleaned up all the same.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        default_root();
        let lab = Lab::new();
        let bin = lab.dir().join("bin");
        fs::create_dir(&bin).unwrap();
        symlink(oci::find_binary().unwrap(), bin.join("ocinit")).unwrap();
        let bundle = lab.dir().join("mycontainer");
        fs::create_dir(&bundle).unwrap();
        let tar = lab.dir().join("exported.tar");
        lab.program("/usr/bin/tar".as_ref())
            .arg("-C")
            .arg(images::busybox())
            .arg("-cf")
            .arg(&tar)
            .arg(".")
            .ok();
        let t = Tutorial { lab, bundle, _alone: alone };
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

#[test]
fn as_a_unit_of_systemd() {
    // Not used here, but mounted by the others: before this lab looks around.
    default_root();
    let lab = Lab::new();
    let machine = Machine::boot(&lab, |root| {
        fs::write(root.join("etc/systemd/system/mycontainer.service"), UNIT).unwrap()
    });
    let mut story = Vec::new();
    let mut step = |line: &str| {
        let out = machine.sh(line);
        story.push(format!("{line}: {}\n{}{}", out.code, out.stdout, out.stderr));
        out
    };
    let start = step("systemctl start mycontainer");
    let status = step("systemctl status --no-pager mycontainer");
    let main = step("systemctl show --property=MainPID --value mycontainer");
    let file = step("cat /run/mycontainerid.pid");
    let state = step("ocinit state mycontainerid");
    let stop = step("systemctl stop mycontainer");
    let after = step("systemctl is-active mycontainer");
    let gone = step("ocinit state mycontainerid");
    let story = story.join("\n");
    machine.power_off();
    assert_eq!(start.code, 0, "{story}");
    assert!(status.stdout.contains("active (running)"), "{story}");
    assert_eq!(main.stdout.trim(), file.stdout, "{story}");
    assert_eq!(state.json()["status"], "running", "{story}");
    assert_eq!(stop.code, 0, "{story}");
    assert!(["inactive\n", "failed\n"].contains(&after.stdout.as_str()), "{story}");
    assert_ne!(gone.code, 0, "{story}");
}
