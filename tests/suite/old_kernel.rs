//! Older kernels: the same container without the system calls that they lack.
//!
//! strace answers those calls with ENOSYS, as such a kernel would. What the
//! container is like inside must not differ.

use ocinit_tests::{Lab, Value, json, mountinfo, oci, packages};

ocinit_tests::isolate!();

/// What came between Linux 4.19 and today.
const SINCE_4_19: &str = "clone3,close_range,faccessat2,fsconfig,fsmount,fsopen,mount_setattr,\
    move_mount,open_tree,openat2,pidfd_open,pidfd_send_signal";
/// What came between Linux 5.4 and today: the mount calls were there already.
const SINCE_5_4: &str = "close_range,faccessat2,mount_setattr,openat2";

/// Without close_range each number up to the limit is tried, under strace slowly.
const FEW: &str = "--nofile=1024:4096";

/// Runs the report under strace, which refuses these calls.
fn report_without(lab: &Lab, calls: &str) -> Value {
    packages::install_missing().unwrap();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/guest", "report"]);
    let c = lab.container(&bundle);
    let out = c
        .run_by(
            "/usr/bin/prlimit",
            &[
                FEW,
                "/usr/bin/strace",
                "-f",
                "-o",
                "/dev/null",
                "-e",
                &format!("inject={calls}:error=ENOSYS"),
            ],
        )
        .ok();
    serde_json::from_str(&out.stdout).unwrap()
}

/// What is mounted where, and whether it can be written.
fn mounts(report: &Value) -> Vec<(String, String, bool)> {
    let mounts = mountinfo::of(report).into_iter();
    let mut mounts: Vec<_> = mounts.map(|m| (m.at.clone(), m.kind.clone(), m.has("ro"))).collect();
    mounts.sort();
    mounts
}

/// The descriptors that are open.
fn descriptors(report: &Value) -> Vec<&str> {
    report["fds"].as_object().unwrap().keys().map(String::as_str).collect()
}

fn the_same_without(calls: &str) {
    let lab = Lab::new();
    let now = lab.report(&lab.bundle());
    let then = report_without(&lab, calls);
    assert_eq!(mounts(&then), mounts(&now));
    assert_eq!(descriptors(&then), ["0", "1", "2"]);
    for field in ["capabilities", "dev", "no_new_privs", "pid", "uid", "cwd", "umask"] {
        assert_eq!(then[field], now[field], "{field}");
    }
    lab.assert_clean();
}

#[test]
fn a_container_is_the_same_on_linux_4_19() {
    the_same_without(SINCE_4_19);
}

/// `check` says what such a kernel lacks, and that nothing fails for want of it.
#[test]
fn check_sees_what_linux_4_19_lacks() {
    packages::install_missing().unwrap();
    let lab = Lab::new();
    let strace = lab.program("/usr/bin/strace".as_ref()).args(["-f", "-o", "/dev/null", "-e"]);
    let out = strace
        .arg(format!("inject={SINCE_4_19}:error=ENOSYS"))
        .arg(oci::find_binary().unwrap())
        .args(["check", "--json"])
        .ok();
    let found: Value = serde_json::from_str(&out.stdout).unwrap();
    let answer = |name: &str| {
        let rows = found["machine"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}"))["answer"]
            .clone()
    };
    for name in ["clone3", "CLONE_INTO_CGROUP", "openat2", "mount API", "mount_setattr"] {
        assert_eq!(answer(name), "no", "{name}");
    }
    for name in ["id-mapped mounts", "pidfd_open", "close_range"] {
        assert_eq!(answer(name), "no", "{name}");
    }
    assert_eq!(answer("mnt"), "yes");
}

#[test]
fn a_container_is_the_same_on_linux_5_4() {
    the_same_without(SINCE_5_4);
}

/// As on sparc64, whose kernel lists the actions of filters that it has not.
#[test]
fn a_kernel_without_filters_is_named() {
    packages::install_missing().unwrap();
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["getpriority"], "action": "SCMP_ACT_ERRNO"}]});
    let c = lab.container(&bundle);
    // The first call would load the filter, the second asks whether there are any.
    let strace = lab.program("/usr/bin/strace".as_ref()).args(["-f", "-o", "/dev/null", "-e"]);
    let out = strace
        .arg("inject=seccomp:error=EINVAL")
        .arg(oci::find_binary().unwrap())
        .arg("--root")
        .arg(lab.state_root())
        .args(["run", "--bundle"])
        .arg(c.bundle())
        .arg(c.id())
        .fails(1)
        .one_line();
    out.says("EINVAL").says("the kernel needs CONFIG_SECCOMP_FILTER");
    lab.assert_clean();
}

#[test]
fn exec_works_on_linux_4_19() {
    let lab = Lab::new();
    let c = lab.waiting();
    let out = lab
        .program("/usr/bin/prlimit".as_ref())
        .args([FEW, "/usr/bin/strace", "-f", "-o", "/dev/null", "-e"])
        .arg(format!("inject={SINCE_4_19}:error=ENOSYS"))
        .arg(oci::find_binary().unwrap())
        .arg("--root")
        .arg(lab.state_root())
        .args(["exec", c.id(), "/bin/guest", "report"])
        .ok();
    let report: Value = serde_json::from_str(&out.stdout).unwrap();
    assert_eq!(descriptors(&report), ["0", "1", "2"]);
    c.delete_force();
    lab.assert_clean();
}
