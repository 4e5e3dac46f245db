//! Prints what the binary costs: its size, its peak memory, its system calls and
//! its instructions.
//!
//! `footprint BINARY` runs busybox's `true` on the default document and prints
//! one `name value unit` a line, for CI to show. The peak is that of the
//! runtime's own process, read at its end.

use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use ocinit_tests::{Bundle, images, instructions, spec};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let Some(binary) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: footprint BINARY");
        std::process::exit(1);
    };
    let binary = std::fs::canonicalize(&binary).unwrap_or_else(|e| {
        eprintln!("footprint: {}: {e}", binary.display());
        std::process::exit(1);
    });
    // The same place each time, so that a failed run leaves nothing for long.
    let dir = images::target_dir().join("guest/footprint");
    let _ = std::fs::remove_dir_all(&dir);
    let mut bundle = Bundle::new(&dir, images::busybox());
    bundle.args(&["/bin/true"]).save();
    let size = std::fs::metadata(&binary).expect("the binary's size").len();
    println!("binary_size {size} bytes");
    println!("run_peak_rss {} KiB", peak(&mut run(&binary, &dir, None)));
    println!("run_system_calls {} calls", system_calls(&binary, &dir));
    instructions(&binary, &dir);
    std::fs::remove_dir_all(&dir).expect("remove the bundle");
}

/// What the commands that make no process compute: `plan` is all that `run` does
/// before it acts.
fn instructions(binary: &Path, dir: &Path) {
    let state = dir.join("instructions");
    // Without cgroups, which are other ones on each machine.
    let mut planned = Bundle::around(&dir.join("plan"), &dir.join("rootfs"));
    planned.config["linux"]["resources"] = serde_json::json!({});
    spec::drop_mount(&mut planned.config, "/sys/fs/cgroup");
    planned.save();
    let bundle = planned.dir().to_str().expect("a path of ours is text");
    let empty = dir.join("empty");
    std::fs::create_dir_all(&state).expect("make a directory");
    std::fs::create_dir(&empty).expect("make a directory");
    let empty = empty.to_str().expect("a path of ours is text");
    for (name, words) in [
        ("plan", &["plan", "--bundle", bundle][..]),
        ("spec", &["spec", "--bundle", empty]),
        ("features", &["features"]),
        ("list", &["list"]),
    ] {
        let count = instructions::count(binary, &state, words);
        println!("{name}_instructions {count} instructions");
    }
}

/// The command that runs the container, under another program when asked.
fn run(binary: &Path, dir: &Path, under: Option<&[&str]>) -> Command {
    let mut command = match under {
        None => Command::new(binary),
        Some(words) => {
            let mut command = Command::new(words[0]);
            command.args(&words[1..]).arg(binary);
            command
        }
    };
    command.arg("--root").arg(dir.join("state")).args(["run", "--bundle"]).arg(dir);
    command.arg(format!("footprint-{}", std::process::id()));
    command
}

/// The largest resident set of the process, in KiB.
fn peak(command: &mut Command) -> u64 {
    // SAFETY: PTRACE_TRACEME is a plain system call, fit for the time between fork and exec.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(|| Ok(ptrace::traceme()?));
    }
    // Reaped below through waitpid, which tells of ptrace's stops as well.
    #[allow(clippy::zombie_processes)]
    let child = command.spawn().expect("start the binary");
    let pid = Pid::from_raw(child.id() as i32);
    let mut peak = None;
    let mut first = true;
    loop {
        match waitpid(pid, None).expect("wait for the binary") {
            WaitStatus::Stopped(_, signal) => {
                // A SIGTRAP is ptrace's own: the first stop is that of the first exec.
                let pass = Some(signal).filter(|s| *s != Signal::SIGTRAP);
                if first {
                    ptrace::setoptions(pid, ptrace::Options::PTRACE_O_TRACEEXIT)
                        .expect("ask for the end");
                    first = false;
                }
                ptrace::cont(pid, pass).expect("go on");
            }
            WaitStatus::PtraceEvent(..) => {
                let status =
                    std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
                peak = status
                    .lines()
                    .find_map(|l| l.strip_prefix("VmHWM:"))
                    .and_then(|l| l.split_whitespace().next()?.parse().ok());
                ptrace::cont(pid, None).expect("go on");
            }
            WaitStatus::Exited(_, 0) => return peak.expect("the peak was read at the end"),
            other => panic!("the run ended with {other:?}"),
        }
    }
}

/// How many system calls the run makes, in all its processes up to the program's.
fn system_calls(binary: &Path, dir: &Path) -> u64 {
    let table = dir.join("calls");
    let strace = ["strace", "-f", "-c", "-o", table.to_str().expect("a path of ours is text")];
    let status = run(binary, dir, Some(&strace)).status().expect("start strace");
    assert!(status.success(), "the run under strace: {status}");
    let text = std::fs::read_to_string(&table).expect("strace's table");
    let total =
        text.lines().find(|l| l.trim_end().ends_with(" total")).expect("a line with the total");
    // Columns: %time, seconds, usecs/call, calls, [errors,] total.
    total.split_whitespace().nth(3).and_then(|n| n.parse().ok()).expect("the number of calls")
}
