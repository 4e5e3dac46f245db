//! Root directories that cannot be trusted: one that another container changes meanwhile, and the runtime's own when it
//! is not that of its mount namespace.

use nix::mount::{MsFlags, mount};
use ocinit_tests::exchange::while_exchanged;
use ocinit_tests::skip::say;
use ocinit_tests::{Lab, oci};
use std::fs;
use std::path::Path;

ocinit_tests::isolate!();

/// How many mounts of a process cover something of its procfs, and of its sysfs: the parents
/// say so, whatever the names have become. The control groups cover nothing.
fn mounts_within(pid: i32) -> [usize; 2] {
    let text = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    let kind =
        |line: &[&str]| line[line.iter().position(|word| *word == "-").unwrap() + 1].to_string();
    ["proc", "sysfs"].map(|wanted| {
        let first = lines.iter().find(|line| kind(line) == wanted);
        let id = first.unwrap_or_else(|| panic!("no {wanted} in {text}"))[0];
        let covers = |line: &&Vec<&str>| line[1] == id && !line[4].ends_with("/cgroup");
        lines.iter().filter(covers).count()
    })
}

/// Another container on the same writable root takes /proc and /sys away while the paths in them are to be masked.
#[test]
fn what_is_masked_stays_masked_when_proc_and_sys_are_exchanged() {
    const RUNS: usize = 60;
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let c = lab.container(bundle.waits());
    c.run_waiting();
    let wanted = mounts_within(c.pid());
    assert!(wanted[0] >= 4 && wanted[1] >= 1, "{wanted:?}");
    let root = bundle.rootfs("");
    for name in ["proc", "sys"] {
        let mut failed = 0;
        let trap = root.join("trap");
        fs::create_dir_all(&trap).unwrap();
        let exchanged = while_exchanged(&root.join(name), &trap, || {
            for _ in 0..RUNS {
                let c = lab.container(&bundle);
                let out = c.on_bundle("run", &["--detach"]).run();
                if out.code != 0 {
                    out.one_line();
                    failed += 1;
                    continue;
                }
                assert_eq!(mounts_within(c.pid()), wanted, "/{name} was exchanged");
                c.delete_force();
            }
        });
        say(&format!("/{name} was exchanged {exchanged} times in {RUNS} runs, {failed} failed"));
        assert!(exchanged > RUNS && failed < RUNS / 2, "the attack was at work");
    }
}

/// Who has CAP_SYS_CHROOT can leave a chroot, and whoever enters a mount namespace begins at its root.
#[test]
fn a_container_made_in_a_chroot_has_no_root_above_its_own() {
    let lab = Lab::new();
    let jail = lab.dir().join("jail");
    fs::create_dir(&jail).unwrap();
    let none = None::<&str>;
    mount(Some("/"), &jail, none, MsFlags::MS_BIND | MsFlags::MS_REC, none).unwrap();
    let mut bundle = lab.bundle();
    bundle.waits();
    for flags in [&[][..], &["--no-pivot"]] {
        let c = lab.container(&bundle);
        let call = lab.program("/usr/sbin/chroot".as_ref()).arg(&jail);
        let call = call.arg(oci::find_binary().unwrap()).arg("--root").arg(lab.state_root());
        let call = call.args(["run", "--detach"]).args(flags).arg("--bundle").arg(c.bundle());
        call.arg(c.id()).ok().quiet();
        let root = fs::metadata(bundle.rootfs("/")).unwrap();
        let words = ["/bin/busybox", "stat", "-c", "%i", "/"];
        let found = c.exec(&[], &words).run();
        let number = std::os::unix::fs::MetadataExt::ino(&root).to_string();
        assert_eq!((found.stdout.trim(), &*found.stderr), (&*number, ""), "{flags:?}");
        let first = fs::read_to_string(format!("/proc/{}/mountinfo", c.pid())).unwrap();
        assert!(!first.contains(jail.to_str().unwrap()), "{first}");
        c.delete_force();
    }
    nix::mount::umount2(Path::new(&jail), nix::mount::MntFlags::MNT_DETACH).unwrap();
}
