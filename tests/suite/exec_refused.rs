//! `exec` that must not be: of what, and in which container.

use ocinit_tests::{Bundle, Container, Lab, cgroups, json};
use std::fs;

ocinit_tests::isolate!();

fn waiting<'a>(lab: &'a Lab, bundle: &mut Bundle) -> Container<'a> {
    bundle.waits();
    let c = lab.container(bundle);
    c.run_waiting();
    c
}

#[test]
fn a_user_that_is_no_number_is_refused() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    for bad in ["mary", "1:", "1:x", ":1", "-1", "1:2:3", "4294967296"] {
        let out = c.exec(&["--user", bad], &["true"]).run();
        assert!(out.code == 255 || out.code == 1, "{bad:?} gave {}: {}", out.code, out.stderr);
        out.one_line();
    }
}

#[test]
fn a_variable_without_a_name_or_a_value_is_refused() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    for bad in ["", "A", "=B"] {
        let out = c.exec(&["-e", "C=D", "-e", bad], &["true"]).fails(255).one_line();
        out.says(&format!("--env: invalid environment variable: \\\"{bad}\\\""));
    }
    c.exec(&["-e", "A="], &["true"]).ok().quiet();
}

#[test]
fn a_bad_process_file_names_what_is_wrong() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let file = lab.dir().join("process.json");
    let call = || c.call("exec", &["--process", file.to_str().unwrap()]).run().one_line();
    assert_ne!(call().code, 0, "no such file");
    fs::write(&file, "{\"args\": [\"true\"").unwrap();
    assert_ne!(call().code, 0, "cut off");
    fs::write(&file, json!({"args": [], "cwd": "/", "user": {"uid": 0, "gid": 0}}).to_string())
        .unwrap();
    assert_ne!(call().code, 0, "no program");
}

#[test]
fn a_missing_program_is_255_with_the_known_texts() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    c.exec(&[], &["nosuch"])
        .fails(255)
        .one_line()
        .says("exec failed: unable to start container process: ")
        .says("executable file not found in $PATH");
    c.exec(&[], &[""]).fails(255).one_line().says("\\\"\\\": executable file not found in $PATH");
    c.exec(&[], &["/no/such"]).fails(255).one_line().says("no such file or directory");
    c.exec(&[], &["/etc/passwd"]).fails(255).one_line().says("permission denied");
    c.exec(&[], &["/etc"]).fails(255).one_line();
    assert_eq!(c.status(), "running");
}

#[test]
fn a_program_is_wanted() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let out = c.call("exec", &[]).run();
    assert_ne!(out.code, 0);
    assert!(out.stderr.contains("args") || out.stderr.contains("argument"), "{}", out.stderr);
}

#[test]
fn a_missing_cwd_is_refused() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    c.exec(&["--cwd", "/no/such"], &["true"]).fails(255).one_line();
    c.exec(&["--cwd", "relative"], &["true"]).fails(255).one_line();
}

#[test]
fn a_cwd_through_a_descriptor_does_not_lead_out() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    for number in 3..12 {
        let cwd = format!("/proc/self/fd/{number}");
        let out = c.exec(&["--cwd", &cwd], &["ls", "../../../../../../../var/lib/dpkg"]).run();
        assert_ne!(out.code, 0, "{number}: {}", out.stdout);
    }
}

#[test]
fn labels_of_absent_security_modules_are_refused() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    // On a machine that has AppArmor there is no such profile either.
    c.exec(&["--apparmor", "no-such-profile"], &["true"]).fails(255).one_line().says("apparmor");
    if std::path::Path::new("/sys/fs/selinux/enforce").exists() {
        ocinit_tests::skip!("SELinux is on: any label may be fine");
    }
    let label = "system_u:system_r:container_t:s0";
    c.exec(&["--process-label", label], &["true"]).fails(255).one_line().says("selinux");
}

#[test]
fn a_stopped_container_is_refused() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/true"]);
    let c = lab.container(&bundle);
    c.run_detached();
    c.wait_for("stopped");
    c.exec(&[], &["true"]).fails(255).one_line().says("cannot exec in a stopped container");
}

#[test]
fn a_paused_container_is_refused_unless_told() {
    let lab = Lab::new();
    let c = waiting(&lab, &mut lab.bundle());
    let frozen = cgroups::freeze(c.pid());
    c.wait_for("paused");
    c.exec(&[], &["true"]).fails(255).one_line().says("cannot exec in a paused container");
    let run = c.exec(&["--ignore-paused"], &["echo", "thawed"]).spawn();
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(run.stdout(), "", "it waits with the container");
    drop(frozen);
    assert_eq!(run.wait().code_is(0).stdout, "thawed\n");
}
