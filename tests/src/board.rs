//! A board without a board: the binary as the first process of new namespaces,
//! with a tmpfs for its initramfs. reboot(2) there ends it by a signal that tells
//! which command it was (reboot(2), "Behavior inside PID namespaces").

use crate::bundle::{Bundle, copy_tree};
use crate::lab::Lab;
use crate::oci::{self, Call, Outcome, Running};
use crate::wait;
use serde_json::{Value, json};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The status of a board without power, or halted: SIGINT.
pub const POWERED_OFF: i32 = 128 + 2;
/// The status of a board that starts anew: SIGHUP.
pub const REBOOTED: i32 = 128 + 1;

/// An initramfs, and what is in it.
pub struct Board<'a> {
    lab: &'a Lab,
    root: PathBuf,
    /// `/bundle`; written down when the board is switched on.
    pub bundle: Bundle,
    /// `/etc/ocinit.json`; written down when the board is switched on.
    pub settings: Value,
}

impl<'a> Board<'a> {
    /// With busybox, and a bundle of busybox.
    pub fn new(lab: &'a Lab) -> Board<'a> {
        let root = lab.dir().join(format!("board-{}", crate::lab::unique()));
        lab.tmpfs(&root, "mode=755,size=64m");
        for dir in ["bin", "etc"] {
            fs::create_dir(root.join(dir)).expect("make a directory");
        }
        let binary = oci::find_binary().expect("checked when the tests began");
        oci::write_program(|| fs::copy(binary, root.join("init"))).expect("copy the binary");
        symlink("/init", root.join("bin/ocinit")).expect("link the binary");
        copy_tree(&crate::images::busybox().join("bin"), &root.join("shell"));
        let bundle = Bundle::new(&root.join("bundle"), crate::images::busybox());
        let settings = json!({"id": format!("t{}b", lab.tag())});
        Board { lab, root, bundle, settings }
    }

    /// A path of the initramfs.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Adds settings.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        self.settings[name] = value.into();
        self
    }

    /// The container's id.
    pub fn id(&self) -> &str {
        self.settings["id"].as_str().expect("an id")
    }

    fn write(&self) {
        if self.bundle.dir().is_dir() && !self.bundle.dir().join("config.json").exists() {
            self.bundle.save();
        }
        let file = self.root.join("etc/ocinit.json");
        if !file.exists() {
            fs::write(file, self.settings.to_string()).expect("write the settings");
        }
    }

    /// The call that switches it on: `arguments` are those of the first process.
    pub fn call(&self, arguments: &[&str]) -> Call {
        self.write();
        // As on a board, the initramfs is at the bottom of the mounts, and no more
        // than a change of root would leave: commands in the container join its
        // mount namespace, and with it what is at the bottom of that.
        let script =
            "cd \"$1\" && shift && pivot_root . . && /shell/busybox umount -l . && exec \"$@\"";
        self.lab
            .program(Path::new("/usr/bin/unshare"))
            .args(["--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--fork"])
            .args(["--kill-child", "/bin/sh", "-c", script, "sh"])
            .arg(&self.root)
            .args(arguments)
    }

    /// Switches it on, and waits for its end; wants this status.
    #[track_caller]
    pub fn boot(&self, code: i32) -> Console {
        Console(self.call(&["/init"]).fails(code))
    }

    /// Switches it on.
    pub fn on(&self) -> Powered<'_> {
        Powered { board: self, running: self.call(&["/init"]).spawn() }
    }

    /// Switches it on with a terminal for a console.
    pub fn on_terminal(&self, terminal: OwnedFd) -> Powered<'_> {
        Powered { board: self, running: self.call(&["/init"]).tty(terminal).spawn() }
    }
}

/// A board that runs.
pub struct Powered<'a> {
    board: &'a Board<'a>,
    running: Running,
}

impl Powered<'_> {
    /// The process id of its first process, seen from here.
    #[track_caller]
    pub fn pid(&self) -> i32 {
        let unshare = self.running.pid();
        let path = format!("/proc/{unshare}/task/{unshare}/children");
        wait::found("the first process", || {
            let pid: i32 = fs::read_to_string(&path).ok()?.trim().parse().ok()?;
            let executed = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
            executed.starts_with("/init").then_some(pid)
        })
    }

    /// Waits for a line on the console that has this text.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        wait::eventually(&format!("{text:?} on the console"), || self.console().contains(text));
    }

    /// What the console shows by now.
    pub fn console(&self) -> String {
        self.running.stdout() + &self.running.stderr()
    }

    /// Sends a signal to its first process.
    pub fn signal(&self, number: i32) {
        let pid = nix::unistd::Pid::from_raw(self.pid());
        // SAFETY: takes two numbers; real-time signals have no name in nix.
        #[allow(unsafe_code)]
        let result = unsafe { libc::kill(pid.as_raw(), number) };
        assert_eq!(result, 0, "signal {number}");
    }

    /// A command from a shell on the board.
    pub fn shell(&self, arguments: &[&str]) -> Call {
        let target = self.pid().to_string();
        self.board
            .lab
            .program(Path::new("/usr/bin/nsenter"))
            .args(["--target", &target, "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup"])
            .args(["--root", "--wd=/", "--"])
            .args(arguments)
    }

    /// Waits for its end; wants this status.
    #[track_caller]
    pub fn ends(self, code: i32) -> Console {
        Console(self.running.wait().code_is(code))
    }
}

/// What a board has said.
pub struct Console(pub Outcome);

impl Console {
    /// Our own lines, in their order, with numbers of processes and of
    /// milliseconds taken out.
    pub fn lines(&self) -> Vec<String> {
        let own = self.0.stderr.lines().filter_map(|line| line.strip_prefix("ocinit: "));
        own.map(|line| {
            let words = line.split(' ').map(|word| {
                let digits = word.trim_start_matches('(').trim_end_matches(')');
                let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
                if is_number && !line.contains("status") {
                    word.replace(digits, "N")
                } else {
                    word.into()
                }
            });
            words.collect::<Vec<String>>().join(" ")
        })
        .collect()
    }

    /// Wants a line with this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Console {
        Console(self.0.says(text))
    }

    /// How many lines have this text.
    pub fn count(&self, text: &str) -> usize {
        self.0.stderr.lines().filter(|line| line.contains(text)).count()
    }
}
