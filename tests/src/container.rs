//! A handle on one container, and the commands on it.

use crate::lab::Lab;
use crate::oci::{Call, Outcome};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A container of a [`Lab`], which deletes it at the end.
pub struct Container<'a> {
    lab: &'a Lab,
    id: String,
    bundle: PathBuf,
}

impl<'a> Container<'a> {
    pub(crate) fn new(lab: &'a Lab, id: String, bundle: &Path) -> Container<'a> {
        Container { lab, id, bundle: bundle.to_path_buf() }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its bundle's directory.
    pub fn bundle(&self) -> &Path {
        &self.bundle
    }

    /// A call of `command` with this container's bundle and id, and `flags` before them.
    pub fn on_bundle(&self, command: &str, flags: &[&str]) -> Call {
        self.lab.oci([command]).arg("--bundle").arg(&self.bundle).args(flags).arg(&self.id)
    }

    /// A call of another program with these arguments and then the command line of `run`: a
    /// shell, say, that does something and then executes it.
    pub fn run_by(&self, program: &str, args: &[&str]) -> Call {
        let call = self.lab.program(program.as_ref()).args(args);
        let call = call.arg(crate::oci::find_binary().expect("checked when the tests began"));
        let call = call.arg("--root").arg(self.lab.state_root()).arg("run");
        call.arg("--bundle").arg(&self.bundle).arg(&self.id)
    }

    /// A call of `command`, `flags`, the id.
    pub fn call(&self, command: &str, flags: &[&str]) -> Call {
        self.lab.oci([command]).args(flags).arg(&self.id)
    }

    /// A call of `list` of all containers of the lab, as JSON.
    pub fn list(&self) -> Call {
        self.lab.oci(["list", "--format", "json"])
    }

    /// `create`, which must work.
    #[track_caller]
    pub fn create(&self) -> Outcome {
        self.on_bundle("create", &[]).ok()
    }

    /// `start`, which must work.
    #[track_caller]
    pub fn start(&self) -> Outcome {
        self.call("start", &[]).ok()
    }

    /// `run` in the foreground, which must end with 0.
    #[track_caller]
    pub fn run(&self) -> Outcome {
        self.on_bundle("run", &[]).ok()
    }

    /// `run --detach`, which must work.
    #[track_caller]
    pub fn run_detached(&self) -> Outcome {
        self.on_bundle("run", &["--detach"]).ok()
    }

    /// `run --detach` of the guest's `wait`, until it says that it is ready.
    #[track_caller]
    pub fn run_waiting(&self) -> Outcome {
        let out = self.run_detached();
        crate::eventually("the guest is ready", || out.stdout_now().contains("ready"));
        out
    }

    /// `state` as JSON.
    #[track_caller]
    pub fn state(&self) -> Value {
        self.call("state", &[]).ok().json()
    }

    /// The status in `state`.
    #[track_caller]
    pub fn status(&self) -> String {
        self.state()["status"].as_str().expect("a status").to_string()
    }

    /// Waits for a status.
    #[track_caller]
    pub fn wait_for(&self, status: &str) {
        crate::eventually(&format!("status {status}"), || self.status() == status);
    }

    /// The init's process id in `state`.
    #[track_caller]
    pub fn pid(&self) -> i32 {
        self.state()["pid"].as_i64().expect("a pid") as i32
    }

    /// `kill` with this signal, which must work.
    #[track_caller]
    pub fn kill(&self, signal: &str) -> Outcome {
        self.call("kill", &[]).arg(signal).ok()
    }

    /// `delete`, which must work.
    #[track_caller]
    pub fn delete(&self) -> Outcome {
        self.call("delete", &[]).ok()
    }

    /// `delete --force`, which must work.
    #[track_caller]
    pub fn delete_force(&self) -> Outcome {
        self.call("delete", &["--force"]).ok()
    }

    /// A call of `exec FLAGS ID ARGS`.
    pub fn exec(&self, flags: &[&str], args: &[&str]) -> Call {
        self.call("exec", flags).args(args)
    }

    /// `exec` of the guest's report.
    #[track_caller]
    pub fn exec_report(&self, flags: &[&str]) -> Value {
        self.exec(flags, &["/bin/guest", "report"]).ok().quiet().json()
    }
}

/// The inode number of a namespace of a process, as /proc says it.
pub fn namespace(pid: i32, kind: &str) -> String {
    let link = fs::read_link(format!("/proc/{pid}/ns/{kind}")).expect("a namespace link");
    link.to_string_lossy().into_owned()
}

/// The inode number of a namespace of the test process.
pub fn own_namespace(kind: &str) -> String {
    namespace(std::process::id() as i32, kind)
}
