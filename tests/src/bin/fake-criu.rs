//! A peer for `checkpoint` and `restore` that speaks CRIU's calls and saves nothing: `fake-criu swrk FD`.
//!
//! What it was asked goes as JSON to the file that `FAKE_CRIU_SAID` names: the fields of the request by their numbers,
//! and what it saw around itself. `FAKE_CRIU` says how it behaves:
//!
//! | value | |
//! |---|---|
//! | (nothing) | it kills what it was to save, or starts `FAKE_CRIU_RUN` by a shell in place of what it was to restore |
//! | `terminal` | the same, and what it starts gets a terminal, whose master it sends |
//! | `fail` | it writes a log and says that it failed |
//! | `garbage` | it answers with what is no message |
//! | `die` | it ends without an answer |
//! | `late` | it fails after what it was to restore has begun to run |

use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{ControlMessage, MsgFlags, recv, send, sendmsg};
use nix::unistd::Pid;
use serde_json::{Map, Value, json};
use std::fs;
use std::io::{IoSlice, PipeReader, PipeWriter, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Fields of the options that are messages themselves.
const MESSAGES: [u64; 5] = [11, 23, 25, 27, 39];

const DUMP: u64 = 1;
const RESTORE: u64 = 2;
const PRE_DUMP: u64 = 4;
const NOTIFY: u64 = 6;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    assert_eq!(args[1], "swrk", "{args:?}");
    let socket: RawFd = args[2].parse().expect("a descriptor");
    let how = std::env::var("FAKE_CRIU").unwrap_or_default();
    let mut buffer = vec![0; 1 << 16];
    let length = recv(socket, &mut buffer, MsgFlags::empty()).expect("a request");
    let request = fields(&buffer[..length], &[2]);
    let kind = request["1"][0].as_u64().expect("its kind");
    let opts = &request["2"][0];
    let number = |field: &str| opts[field][0].as_u64();
    let on = |field: &str| number(field) == Some(1);
    said(&request, opts);
    match how.as_str() {
        "fail" => {
            let work = number("17").or(number("1")).expect("a directory");
            let log = opts["10"][0].as_str().expect("a log");
            // SAFETY: a plain system call.
            #[allow(unsafe_code)]
            let parent = unsafe { libc::getppid() };
            let text = "(00.000001) all is well\n(00.000002) Error (criu/x.c:7): it cannot be\n";
            fs::write(format!("/proc/{parent}/fd/{work}/{log}"), text).expect("write the log");
            return answer(socket, kind, false, b"\x38\x11\x4a\x0cit cannot be");
        }
        "garbage" => {
            send(socket, b"\xff\xff", MsgFlags::empty()).expect("send");
            return;
        }
        "die" => std::process::exit(3),
        _ => {}
    }
    match kind {
        DUMP | PRE_DUMP => {
            for script in ["network-lock", "status-ready", "post-dump"] {
                notify(socket, script, 0, None);
            }
            if kind == DUMP && !on("3") {
                let pid = Pid::from_raw(number("2").expect("a process") as i32);
                kill(pid, Signal::SIGKILL).expect("kill what is saved");
            }
            answer(socket, kind, true, b"");
        }
        RESTORE => {
            assert!(on("26"), "it is not to be a sibling");
            let pty = (how == "terminal").then(|| nix::pty::openpty(None, None).expect("a pty"));
            let (waits, go) = std::io::pipe().expect("a pipe");
            let child = start(waits, &go, pty.as_ref().map(|pty| pty.slave.as_raw_fd()));
            notify(socket, "setup-namespaces", child, None);
            if let Some(pty) = pty {
                notify(socket, "orphan-pts-master", 0, Some(pty.master.as_raw_fd()));
            }
            notify(socket, "post-restore", child, None);
            drop(go);
            if how == "late" {
                return answer(socket, kind, false, b"\x4a\x03too");
            }
            let mut restored = vec![0x22, 0, 0x08];
            varint(&mut restored, child as u64);
            restored[1] = restored.len() as u8 - 2;
            answer(socket, kind, true, &restored);
        }
        other => panic!("request {other}"),
    }
}

/// Writes down what was asked, and what is here.
fn said(request: &Value, opts: &Value) {
    let Some(file) = std::env::var_os("FAKE_CRIU_SAID") else { return };
    let root = opts["13"][0].as_str().unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    let mounted = mounts.lines().any(|line| line.split(' ').nth(4) == Some(root));
    let inherited: Vec<i32> = (3..64)
        .filter(|fd| nix::fcntl::fcntl(raw(*fd), nix::fcntl::FcntlArg::F_GETFD).is_ok())
        .collect();
    let all = json!({
        "request": request,
        "mounted": mounted,
        "shell": fs::exists(format!("{root}/bin/sh")).unwrap_or(false),
        "cgroup": fs::read_to_string("/proc/self/cgroup").unwrap_or_default(),
        "namespace": fs::read_link("/proc/self/ns/mnt").expect("a namespace"),
        "descriptors": inherited,
    });
    fs::write(file, all.to_string()).expect("write what was said");
}

#[allow(unsafe_code)]
fn raw(fd: RawFd) -> std::os::fd::BorrowedFd<'static> {
    // SAFETY: it is only asked whether it is open.
    unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) }
}

/// The fields of a message: for each number the values; those numbered in `messages` are read as messages.
fn fields(mut bytes: &[u8], messages: &[u64]) -> Value {
    let mut all = Map::new();
    while !bytes.is_empty() {
        let key = take(&mut bytes);
        let value = match key & 7 {
            0 => json!(take(&mut bytes)),
            2 => {
                let length = take(&mut bytes) as usize;
                let (inside, rest) = bytes.split_at(length);
                bytes = rest;
                match messages.contains(&(key >> 3)) {
                    true if messages == [2] => fields(inside, &MESSAGES),
                    true => fields(inside, &[]),
                    false => json!(String::from_utf8_lossy(inside)),
                }
            }
            other => panic!("wire type {other}"),
        };
        let list = all.entry((key >> 3).to_string()).or_insert_with(|| json!([]));
        list.as_array_mut().expect("a list").push(value);
    }
    Value::Object(all)
}

fn take(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (&byte, rest) = bytes.split_first().expect("a number");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return value;
        }
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn answer(socket: RawFd, kind: u64, success: bool, rest: &[u8]) {
    let mut message = vec![0x08, kind as u8, 0x10, success.into()];
    message.extend_from_slice(rest);
    send(socket, &message, MsgFlags::empty()).expect("answer");
    // Wait until the other side has nothing more to say.
    let mut rest = [0; 16];
    let _ = recv(socket, &mut rest, MsgFlags::empty());
}

/// Tells of a step, and gives up where the other side does.
fn notify(socket: RawFd, script: &str, pid: i32, fd: Option<RawFd>) {
    let mut inside = vec![0x0a, script.len() as u8];
    inside.extend_from_slice(script.as_bytes());
    if pid != 0 {
        inside.push(0x10);
        varint(&mut inside, pid as u64);
    }
    let mut message = vec![0x08, NOTIFY as u8, 0x10, 1, 0x2a, inside.len() as u8];
    message.extend_from_slice(&inside);
    let fds: Vec<RawFd> = fd.into_iter().collect();
    let control = [ControlMessage::ScmRights(&fds)];
    let control = if fds.is_empty() { &[][..] } else { &control };
    let parts = [IoSlice::new(&message)];
    sendmsg::<()>(socket, &parts, control, MsgFlags::empty(), None).expect("notify");
    let mut buffer = [0; 64];
    let length = recv(socket, &mut buffer, MsgFlags::empty()).expect("a word");
    let word = fields(&buffer[..length], &[]);
    assert_eq!(word["1"][0], NOTIFY);
    if word["3"][0] != 1 {
        if pid != 0 {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        answer(socket, RESTORE, false, b"");
        std::process::exit(1);
    }
}

/// A process in place of the restored one: a child of who called us. It begins when `go` is closed.
fn start(mut waits: PipeReader, go: &PipeWriter, terminal: Option<RawFd>) -> i32 {
    let flags = libc::CLONE_PARENT | libc::SIGCHLD;
    // SAFETY: as fork(2), in a process of one thread.
    #[allow(unsafe_code)]
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } as i32;
    if pid != 0 {
        assert!(pid > 0, "clone");
        return pid;
    }
    // SAFETY: the owner is in the other process.
    #[allow(unsafe_code)]
    unsafe {
        libc::close(go.as_raw_fd());
    }
    let _ = waits.read(&mut [0]);
    if let Some(slave) = terminal {
        // SAFETY: plain system calls.
        #[allow(unsafe_code)]
        unsafe {
            libc::setsid();
            for fd in 0..3 {
                libc::dup2(slave, fd);
            }
            libc::ioctl(0, libc::TIOCSCTTY, 0);
        }
    }
    let script = std::env::var("FAKE_CRIU_RUN").unwrap_or("exec sleep 1000".into());
    panic!("{}", Command::new("/bin/sh").args(["-c", &script]).exec());
}
