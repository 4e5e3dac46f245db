//! Kill -9 of the runtime at many points: `delete --force` cleans up after each.
//!
//! strace kills the process as it enters a system call. About thirty points (a
//! dozen on a slow machine),
//! spread over all the calls that a first run makes, are tried for each
//! command; `OCINIT_CRASH_ALL=1` tries every one.

use ocinit_tests::wait::patiently;
use ocinit_tests::{Call, Container, Lab, oci, packages};
use std::fs;
use std::time::Duration;

ocinit_tests::isolate!();

/// The call of `args` under strace with these options.
fn traced(lab: &Lab, strace: &[&str], args: &[&str]) -> Call {
    // A container's init that is traced and waits would keep strace for ever.
    lab.program("/usr/bin/timeout".as_ref())
        .args(["-s", "KILL"])
        .arg(patiently(Duration::from_secs(2)).as_secs().to_string())
        .arg("/usr/bin/strace")
        .args(strace)
        .arg(oci::find_binary().unwrap())
        .arg("--root")
        .arg(lab.state_root())
        .args(args)
}

/// Tries a command with a death at each point. `before` makes the container
/// ready for it; `args` gives its arguments.
fn crash(
    program: &[&str],
    strace: &[&str],
    before: impl Fn(&Container),
    args: impl Fn(&Container) -> Vec<String>,
) {
    packages::install_missing().unwrap();
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(program);
    let trace = lab.dir().join("trace");
    let run = |c: &Container, options: &[&str]| {
        let args = args(c);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        traced(&lab, &[strace, options].concat(), &args).run()
    };

    let c = lab.container(&bundle);
    before(&c);
    run(&c, &["-o", trace.to_str().unwrap()]);
    c.delete_force();
    lab.assert_clean();
    let points = points(&fs::read_to_string(&trace).unwrap());
    assert!(points.len() > 10, "strace saw the system calls");

    let all = std::env::var_os("OCINIT_CRASH_ALL").is_some();
    // Fewer where everything is slow.
    let wanted = if patiently(Duration::from_secs(1)).as_secs() > 1 { 12 } else { 30 };
    let step = if all { 1 } else { (points.len() / wanted).max(1) };
    let (mut tried, mut killed) = (0, 0);
    // The first is the execve of the binary itself.
    for point in points.iter().skip(1).step_by(step) {
        let c = lab.container(&bundle);
        before(&c);
        tried += 1;
        killed += usize::from(run(&c, &["-o", "/dev/null", "-e", point]).code == 137);
        let delete = c.call("delete", &["--force"]).run();
        assert_eq!(delete.code, 0, "delete after {point}: {}", delete.stderr);
        let left = lab.left();
        assert!(left.is_empty(), "after {point}: {}", left.join("\n"));
    }
    // How often it waits differs from run to run, and strace ends as its first process does.
    let least = if strace.is_empty() { tried * 3 / 4 } else { tried / 3 };
    assert!(killed >= least, "only {killed} of {tried} deaths happened");
}

/// The injections that kill at each system call of a trace: strace counts the
/// calls of one name in one process.
fn points(trace: &str) -> Vec<String> {
    let mut counts = std::collections::HashMap::new();
    let mut points = Vec::new();
    for line in trace.lines() {
        let (process, call) = match line.split_once(' ') {
            Some((pid, rest)) if pid.parse::<i32>().is_ok() => (pid, rest.trim_start()),
            _ => ("", line),
        };
        let Some((name, _)) = call.split_once('(') else { continue };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) || name.starts_with("exit") {
            continue;
        }
        let count = counts.entry((process, name)).or_insert(0);
        *count += 1;
        points.push(format!("inject={name}:signal=KILL:when={count}"));
    }
    points
}

const WAIT: [&str; 2] = ["/bin/guest", "wait"];

fn on_bundle(c: &Container, command: &[&str]) -> Vec<String> {
    let mut args: Vec<String> = command.iter().map(|s| s.to_string()).collect();
    args.extend(["--bundle".into(), c.bundle().display().to_string(), c.id().into()]);
    args
}

#[test]
fn during_create() {
    crash(&WAIT, &[], |_| (), |c| on_bundle(c, &["create"]));
}

#[test]
fn during_run() {
    crash(&WAIT, &[], |_| (), |c| on_bundle(c, &["run", "--detach"]));
}

#[test]
fn of_any_process_during_run() {
    // Each process has a count of its own, so this reaches into the container's init too.
    crash(&["/bin/true"], &["-f"], |_| (), |c| on_bundle(c, &["run"]));
}

#[test]
fn during_start() {
    crash(&WAIT, &[], |c| drop(c.create()), |c| vec!["start".into(), c.id().into()]);
}

#[test]
fn during_exec() {
    let args = |c: &Container| vec!["exec".into(), c.id().into(), "/bin/true".into()];
    crash(&WAIT, &[], |c| drop(c.run_waiting()), args);
}

#[test]
fn during_delete() {
    let args = |c: &Container| vec!["delete".into(), "--force".into(), c.id().into()];
    crash(&WAIT, &[], |c| drop(c.run_waiting()), args);
}

#[test]
fn an_id_is_free_again_after_a_crash_and_a_delete() {
    packages::install_missing().unwrap();
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/echo", "alive"]);
    let c = lab.container(&bundle);
    let args = on_bundle(&c, &["create"]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    for call in ["mount", "symlinkat", "unlinkat", "write", "close"] {
        let inject = format!("inject={call}:signal=KILL:when=2");
        traced(&lab, &["-o", "/dev/null", "-e", &inject], &args).run();
        c.delete_force();
    }
    assert_eq!(c.run().stdout, "alive\n");
}
