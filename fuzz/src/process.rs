//! The process of `exec --process FILE`, and the flags of `exec` on top of one.

use crate::config::ROOT;
use ocinit::container::ContainerId;
use ocinit::json::Document;
use ocinit::plan::exec::{Request, apply_flags, plan};
use ocinit::request::ExecOptions;
use ocinit::spec::{Linux, Process};

/// Reads the bytes as a process and plans it, as it is and with flags.
pub fn check(data: &[u8]) {
    let Ok(document) = Document::parse(data, "process.json") else { return };
    let Ok(mut process) = Process::read(&document) else { return };
    planned(&process);
    let options = options();
    if apply_flags(&mut process, &options, &mut Vec::new()).is_ok() {
        planned(&process);
    }
}

fn planned(process: &Process<'_>) {
    let request = Request {
        id: "web",
        join: Vec::new(),
        linux: &Linux::default(),
        own_keyring: true,
        preserve_fds: 1,
        host: ROOT,
        setgroups_denied: true,
    };
    let _ = plan(process, request);
}

fn options() -> ExecOptions {
    ExecOptions {
        id: ContainerId::new("web").expect("an id"),
        arguments: vec![c"sh", c"-c", c"true"],
        process: None,
        console_socket: None,
        pidfd_socket: None,
        pid_file: None,
        cwd: None,
        env: vec!["A=b"],
        tty: true,
        user: Some("1:2"),
        additional_gids: vec!["3,4"],
        detach: false,
        process_label: Some("label"),
        apparmor: None,
        no_new_privs: None,
        capabilities: vec!["CAP_SYS_ADMIN", "CAP_NOPE"],
        preserve_fds: 0,
        cgroups: Vec::new(),
        ignore_paused: false,
    }
}
