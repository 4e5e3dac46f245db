//! The harness itself: each kind of leak is seen, and a hanging call is ended.

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use ocinit_tests::{Lab, cgroups, leaks};
use std::fs;
use std::time::Duration;

ocinit_tests::isolate!();

/// What is left is seen, at the latest when it had the time to come up: the
/// environment of a process is empty for a moment after its exec.
#[track_caller]
fn sees(lab: &Lab, kind: &str) {
    ocinit_tests::eventually(&format!("{kind} is seen"), || {
        lab.left().iter().any(|l| l.starts_with(kind))
    });
}

/// One test of this file at a time: what one leaves behind on purpose, another
/// would see.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn a_state_directory_is_seen() {
    let _alone = alone();
    let lab = Lab::new();
    let dir = lab.state_root().join("leaked");
    fs::create_dir_all(&dir).unwrap();
    sees(&lab, "state");
    fs::remove_dir(dir).unwrap();
    lab.assert_clean();
}

#[test]
fn a_cgroup_is_seen() {
    let _alone = alone();
    let lab = Lab::new();
    let h = cgroups::hierarchies().into_iter().next().expect("a hierarchy");
    fs::create_dir(h.mount.join(format!("leaked-{}", lab.tag()))).unwrap();
    sees(&lab, "cgroup");
    cgroups::remove_named(lab.tag());
    lab.assert_clean();
}

#[test]
fn a_mount_in_the_lab_or_elsewhere_is_seen() {
    let _alone = alone();
    let lab = Lab::new();
    let elsewhere = std::path::PathBuf::from(format!("/tmp/elsewhere-{}", lab.tag()));
    for at in [lab.dir().join("m"), elsewhere] {
        fs::create_dir(&at).unwrap();
        mount(Some("t"), &at, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        sees(&lab, "mount");
        umount2(&at, MntFlags::MNT_DETACH).unwrap();
        fs::remove_dir(&at).unwrap();
        lab.assert_clean();
    }
}

#[test]
fn processes_of_the_runtime_and_of_the_container_are_seen() {
    let _alone = alone();
    let lab = Lab::new();
    let sleep = lab.program("/bin/sleep".as_ref()).arg("100").spawn();
    sees(&lab, "process");
    sleep.kill();
    lab.assert_clean();
    // One without the mark, in a mount namespace and a root of its own.
    let bundle = lab.bundle();
    let root = bundle.rootfs("");
    let script =
        "mount --bind . . && cd . && exec chroot . /bin/busybox env -i /bin/busybox sleep 100";
    let chroot = lab.program("/usr/bin/unshare".as_ref());
    let chroot = chroot.args(["--mount", "sh", "-c", script]).cwd(&root).spawn();
    ocinit_tests::eventually("it is seen", || {
        leaks::marked("no such mark", lab.dir()).iter().any(|(pid, _)| *pid == chroot.pid())
    });
    chroot.kill();
    lab.assert_clean();
}

#[test]
#[should_panic(expected = "watchdog")]
fn a_call_that_hangs_is_ended() {
    let lab = Lab::new();
    let call = lab.program("/bin/sleep".as_ref()).arg("100");
    call.timeout(Duration::from_millis(100)).run();
}

#[test]
#[should_panic(expected = "left behind")]
fn a_lab_with_a_leak_fails_its_test() {
    let lab = Lab::new();
    fs::create_dir_all(lab.state_root().join("leaked")).unwrap();
}

#[test]
fn the_test_has_mounts_of_its_own() {
    let _alone = alone();
    // The parent is the reaper, which stays outside.
    let outside = fs::read_link(format!("/proc/{}/ns/mnt", nix::unistd::getppid())).unwrap();
    assert_ne!(fs::read_link("/proc/self/ns/mnt").unwrap(), outside);
}
