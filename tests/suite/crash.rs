//! Kill -9 of the runtime at many points: `delete --force` cleans up after each.
//!
//! strace kills the process as it enters its Nth system call. About thirty
//! points are tried for each command; `OCINIT_CRASH_ALL=1` tries every one.

use ocinit_tests::{Call, Container, Lab, oci, packages};
use std::fs;

ocinit_tests::isolate!();

/// The call of `args` under strace with these options.
fn traced(lab: &Lab, strace: &[&str], args: &[&str]) -> Call {
    // A container's init that is traced and waits would keep strace for ever.
    lab.program("/usr/bin/timeout".as_ref())
        .args(["-s", "KILL", "2", "/usr/bin/strace"])
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
    let calls = fs::read_to_string(&trace).unwrap().lines().count();
    assert!(calls > 10, "strace saw the system calls");

    let all = std::env::var_os("OCINIT_CRASH_ALL").is_some();
    let step = if all { 1 } else { (calls / 30).max(1) };
    for point in (2..=calls).step_by(step) {
        let c = lab.container(&bundle);
        before(&c);
        let inject = format!("inject=all:signal=KILL:when={point}");
        run(&c, &["-o", "/dev/null", "-e", &inject]);
        let delete = c.call("delete", &["--force"]).run();
        let at = format!("death at call {point} of {calls}");
        assert_eq!(delete.code, 0, "delete after a {at}: {}", delete.stderr);
        let left = lab.left();
        assert!(left.is_empty(), "after a {at}: {}", left.join("\n"));
    }
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
    for point in [20, 50, 80] {
        let inject = format!("inject=all:signal=KILL:when={point}");
        traced(&lab, &["-o", "/dev/null", "-e", &inject], &args).run();
        c.delete_force();
    }
    assert_eq!(c.run().stdout, "alive\n");
}
