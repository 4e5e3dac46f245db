//! The published attacks on container runtimes, tried on this one.
//!
//! Each class of holes has its test here or in the file of its subject;
//! SECURITY.md names them all, and the last test looks that it names none that
//! is not there. How often an attack was tried is printed.

use ocinit_tests::exchange::while_exchanged;
use ocinit_tests::skip::say;
use ocinit_tests::terminal::Socket;
use ocinit_tests::{Lab, Value, json, mountinfo, oci, spec};
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

ocinit_tests::isolate!();

fn entries(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path()).collect()
}

/// CVE-2021-30465, CVE-2024-45310.
#[test]
fn a_link_exchanged_during_the_mounts_does_not_lead_out() {
    const RUNS: usize = 60;
    let lab = Lab::new();
    let outside = lab.dir().join("outside");
    let volume = lab.dir().join("volume");
    // Something to find there, for who looks, and room for what is made.
    fs::create_dir_all(outside.join("below/tmpfs")).unwrap();
    fs::write(outside.join("file"), "").unwrap();
    fs::create_dir_all(volume.join("place")).unwrap();
    symlink(&outside, volume.join("trap")).unwrap();
    let mut bundle = lab.bundle();
    let mounts = [
        json!({"destination": "/tmp", "type": "bind", "source": volume, "options": ["rbind"]}),
        json!({"destination": "/tmp/place/below/tmpfs", "type": "tmpfs", "source": "tmpfs"}),
        json!({"destination": "/tmp/place/new/tmpfs", "type": "tmpfs", "source": "tmpfs"}),
        json!({"destination": "/tmp/place/file", "type": "bind", "source": "/etc/passwd",
               "options": ["bind", "ro"]}),
    ];
    for mount in mounts {
        spec::add_mount(&mut bundle.config, mount);
    }
    // Else the way to the host's path inside the root could not be made.
    bundle.config["root"]["readonly"] = json!(false);
    let mut succeeded = 0;
    let exchanged = while_exchanged(&volume.join("place"), &volume.join("trap"), || {
        for _ in 0..RUNS {
            let out = lab.container(&bundle).on_bundle("run", &[]).run();
            let there = entries(&outside);
            assert_eq!(there.len(), 2, "made outside: {there:?} with {}", out.stderr);
            if out.code != 0 {
                out.one_line();
                continue;
            }
            succeeded += 1;
            // What was mounted outside of the root does not show inside.
            let at: Vec<String> = mountinfo::of(&out.json()).into_iter().map(|m| m.at).collect();
            for end in ["/below/tmpfs", "/new/tmpfs", "/file"] {
                assert!(at.iter().any(|at| at.ends_with(end)), "{end} is nowhere inside: {at:?}");
            }
        }
    });
    say(&format!(
        "{RUNS} runs, {succeeded} succeeded, while a link came and went {exchanged} times"
    ));
    assert!(exchanged > RUNS, "the attack was at work");
}

/// CVE-2019-5736.
#[test]
fn the_program_of_the_runtime_cannot_be_overwritten() {
    const ENTRIES: usize = 40;
    let lab = Lab::new();
    // The binary under test itself, should the attack succeed, is another's.
    let binary = lab.dir().join("ocinit");
    oci::write_program(|| fs::copy(oci::find_binary().unwrap(), &binary)).unwrap();
    let before = fs::read(&binary).unwrap();
    let mut bundle = lab.bundle();
    bundle.program("/bin/entry", b"#!/proc/self/exe\n");
    // With everything that root can have, as the attack was published.
    bundle.config["process"]["noNewPrivileges"] = json!(false);
    let all = json!([
        "CAP_DAC_OVERRIDE",
        "CAP_DAC_READ_SEARCH",
        "CAP_SYS_PTRACE",
        "CAP_KILL",
        "CAP_SYS_ADMIN"
    ]);
    for set in ["bounding", "effective", "permitted"] {
        bundle.config["process"]["capabilities"][set] = all.clone();
    }
    bundle.args(&["/bin/guest", "overwrite"]);
    let c = lab.container(&bundle);
    let out = c.run_waiting();
    let call = |command: &[&str]| {
        let program = lab.program(&binary).arg("--root").arg(lab.state_root()).arg("exec");
        program.arg(c.id()).args(command).run()
    };
    for number in 0..ENTRIES {
        // The entry point executes the runtime, inside; the other is itself.
        let command: &[&str] =
            if number % 2 == 0 { &["/bin/entry", "--version"] } else { &["/bin/true"] };
        call(command);
    }
    ocinit_tests::eventually("the attack ends", || out.stdout_now().contains("written"));
    let said = out.stdout_now();
    let attack: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    say(&format!("{ENTRIES} entries under attack: {attack}"));
    assert_eq!(attack["written"], json!([]), "what was written to");
    assert_eq!(attack["unwrapped"], json!([]), "what was done to the program's mount");
    assert!(attack["seen"].as_u64() > Some(0), "it saw the runtime's processes");
    assert!(fs::read(&binary).unwrap() == before, "the runtime's program is as it was");
    c.delete_force();
}

/// CVE-2024-21626, with a directory that the caller itself left open.
#[test]
fn a_leaked_directory_is_no_way_out() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let mut attempts = 0;
    for number in 3..20 {
        bundle.config["process"]["cwd"] = json!(format!("/proc/self/fd/{number}"));
        bundle.args(&["ls", "../../../../../../var/lib/dpkg"]);
        let c = lab.container(&bundle);
        let run = c.on_bundle("run", &[]);
        let out = run.fd(File::open("/").unwrap(), 7).fd(File::open("/sys").unwrap(), 12).run();
        assert_ne!(out.code, 0, "{number}: {}", out.stdout);
        assert_eq!(out.stdout, "", "{number}");
        attempts += 1;
    }
    say(&format!("{attempts} working directories through descriptors"));
    lab.assert_clean();
}

/// A way through the working directory's parent: it is moved out while the
/// container waits for its start.
#[test]
fn a_directory_moved_out_before_the_start_is_noticed() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["root"]["readonly"] = json!(false);
    fs::create_dir_all(bundle.rootfs("/work/inner")).unwrap();
    bundle.config["process"]["cwd"] = json!("/work/inner");
    bundle.args(&["/bin/ls", "../.."]);
    let c = lab.container(&bundle);
    c.create();
    fs::rename(bundle.rootfs("/work/inner"), lab.dir().join("inner")).unwrap();
    c.call("start", &[]).fails(1).one_line().says("outside of the container");
    c.delete_force();
}

/// Masks of the image's own making (CVE-2025-31133, CVE-2025-62161): what covers
/// is the host's null device, whatever the image has in its place.
#[test]
fn a_false_null_device_in_the_image_covers_nothing() {
    let lab = Lab::new();
    for false_null in ["/proc/sys/kernel/core_pattern", "/etc/passwd", "/no/such"] {
        let mut bundle = lab.bundle();
        for at in ["/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"] {
            spec::drop_mount(&mut bundle.config, at);
        }
        bundle.config["root"]["readonly"] = json!(false);
        symlink(false_null, bundle.rootfs("/dev/null")).unwrap();
        let passwd = fs::read_to_string(bundle.rootfs("/etc/passwd")).unwrap();
        fs::write(bundle.rootfs("/etc/secret"), "secret").unwrap();
        bundle.config["linux"]["maskedPaths"] = json!(["/proc/keys", "/etc/secret"]);
        bundle.args(&["/bin/guest", "report", "read:/proc/keys", "read:/etc/secret"]);
        let out = lab.container(&bundle).on_bundle("run", &[]).run();
        let kept = fs::read_to_string(bundle.rootfs("/etc/passwd")).unwrap();
        assert_eq!(kept, passwd, "{false_null}");
        if out.code != 0 {
            // A link where a device belongs may be refused.
            out.one_line().says("/dev/null");
            continue;
        }
        let report = out.json();
        for path in ["/proc/keys", "/etc/secret"] {
            let covered = mountinfo::at(&report, path);
            assert_eq!(covered.root, "/null", "{path}: {covered:?}");
            assert_eq!(report["probes"][format!("read:{path}")], "");
        }
    }
}

/// A host whose null device is none: nothing is masked with it.
#[test]
fn a_false_null_device_of_the_host_is_refused() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/true"]);
    let c = lab.container(&bundle);
    let fake = lab.dir().join("fake");
    for (kind, make) in [
        ("a file", format!("touch {0}; mount --bind {0} /dev/null", fake.display())),
        ("another device", "mount --bind /dev/zero /dev/null".to_string()),
    ] {
        let run = format!(
            "{make}; exec {} --root {} run --bundle {} {}",
            oci::find_binary().unwrap().display(),
            lab.state_root().display(),
            c.bundle().display(),
            c.id()
        );
        let shell = lab.program("/usr/bin/unshare".as_ref()).args(["-m", "sh", "-c", &run]);
        let out = shell.fails(1).one_line().says("null");
        assert!(out.stdout.is_empty(), "{kind}: {}", out.stdout);
        lab.assert_clean();
    }
}

/// CVE-2025-52565: the console is the terminal, and not what a link says.
#[test]
fn a_console_exchanged_for_a_link_is_still_the_terminal() {
    const RUNS: usize = 30;
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    // On a directory that others share, and not on a tmpfs of the container's own.
    let dev = lab.dir().join("dev");
    fs::create_dir_all(dev.join("pts")).unwrap();
    fs::write(dev.join("console"), "").unwrap();
    let outside = lab.dir().join("outside");
    fs::write(&outside, "outside").unwrap();
    symlink(&outside, dev.join("trap")).unwrap();
    for at in ["/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"] {
        spec::drop_mount(&mut bundle.config, at);
    }
    fs::remove_dir(bundle.rootfs("/dev")).unwrap();
    fs::rename(&dev, bundle.rootfs("/dev")).unwrap();
    let pts = json!({"destination": "/dev/pts", "type": "devpts", "source": "devpts",
        "options": ["newinstance", "ptmxmode=0666"]});
    spec::add_mount(&mut bundle.config, pts);
    bundle.config["root"]["readonly"] = json!(false);
    bundle.config["process"]["terminal"] = json!(true);
    bundle.waits();
    let (one, other) = (bundle.rootfs("/dev/console"), bundle.rootfs("/dev/trap"));
    let mut succeeded = 0;
    let exchanged = while_exchanged(&one, &other, || {
        for number in 0..RUNS {
            let socket = Socket::listen(&lab.dir().join(format!("c{number}.sock")));
            let c = lab.container(&bundle);
            let path = socket.path().to_string();
            let out = c.on_bundle("create", &["--console-socket", &path]).run();
            assert_eq!(fs::read_to_string(&outside).unwrap(), "outside");
            if out.code != 0 {
                out.one_line();
                continue;
            }
            succeeded += 1;
            let text = fs::read_to_string(format!("/proc/{}/mountinfo", c.pid())).unwrap();
            let consoles = mountinfo::parse(&text);
            let consoles: Vec<_> = consoles.iter().filter(|m| m.at != "/dev/pts").collect();
            assert!(consoles.iter().any(|m| m.kind == "devpts"), "{consoles:?}");
            c.delete_force();
        }
    });
    say(&format!("{RUNS} terminals, {succeeded} made, while a link came {exchanged} times"));
    assert!(exchanged > RUNS, "the attack was at work");
}

/// CVE-2019-16884, CVE-2025-52881: nothing but a procfs on the way to the files
/// by which a process gets its labels and settings.
#[test]
fn a_false_proc_is_refused() {
    let lab = Lab::new();
    let fake = lab.dir().join("fake");
    fs::create_dir_all(fake.join("self/attr")).unwrap();
    fs::create_dir_all(fake.join("sys/net/ipv4")).unwrap();
    let file = fake.join("sys/net/ipv4/ip_forward");
    fs::write(&file, "untouched").unwrap();
    let bind = |at: &str, source: &Path| {
        json!({"destination": at, "type": "bind",
        "source": source, "options": ["rbind"]})
    };
    let attacks = [
        bind("/proc", &fake),
        bind("/proc/self", &fake.join("self")),
        bind("/proc/self/attr", &fake.join("self/attr")),
        bind("/proc/sys", &fake.join("sys")),
        bind("/proc/sys/net/ipv4/ip_forward", &file),
        bind("/proc/../proc/sys/net", &fake.join("sys/net")),
        bind("//proc/./sys", &fake.join("sys")),
        bind("/link/sys", &fake.join("sys")),
        json!({"destination": "/proc", "type": "tmpfs", "source": "tmpfs"}),
        json!({"destination": "/proc/self/attr", "type": "tmpfs", "source": "tmpfs"}),
        json!({"destination": "/proc/sys", "type": "overlay", "source": "overlay",
            "options": [format!("lowerdir={}:{}", fake.display(), lab.dir().display())]}),
    ];
    for attack in &attacks {
        let mut bundle = lab.bundle();
        symlink("proc", bundle.rootfs("/link")).unwrap();
        spec::add_mount(&mut bundle.config, attack.clone());
        bundle.config["linux"]["sysctl"] = json!({"net.ipv4.ip_forward": "1"});
        let out = lab.container(&bundle).on_bundle("run", &[]).run();
        assert_eq!(fs::read_to_string(&file).unwrap(), "untouched", "{attack}");
        assert_ne!(out.code, 0, "{attack}");
        out.one_line().says("/proc");
    }
    say(&format!("{} false procs", attacks.len()));
    lab.assert_clean();
}

/// CVE-2025-24965: nothing of the runtime's is written through a link.
#[test]
fn nothing_is_written_through_links_in_the_image() {
    let lab = Lab::new();
    let outside = lab.dir().join("outside");
    fs::create_dir(&outside).unwrap();
    let mut bundle = lab.bundle();
    bundle.config["root"]["readonly"] = json!(false);
    for name in ["run", "tmp", "etc", "sys", "home"] {
        let _ = fs::remove_dir_all(bundle.rootfs(name));
        symlink(&outside, bundle.rootfs(name)).unwrap();
    }
    spec::drop_mount(&mut bundle.config, "/sys");
    spec::drop_mount(&mut bundle.config, "/sys/fs/cgroup");
    bundle.config["process"]["cwd"] = json!("/home/new");
    bundle.config["linux"]["devices"] =
        json!([{"type": "c", "path": "/tmp/null", "major": 1, "minor": 3}]);
    let notify = Socket::listen(&lab.dir().join("notify.sock"));
    let c = lab.container(&bundle);
    let path = notify.path().to_string();
    c.on_bundle("run", &[]).env("NOTIFY_SOCKET", path).run();
    assert_eq!(entries(&outside), Vec::<PathBuf>::new());
    lab.assert_clean();
}

/// SECURITY.md names tests that are there: `file::test`, or that of a unit.
#[test]
fn the_tests_that_security_md_names_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let Ok(text) = fs::read_to_string(root.join("SECURITY.md")) else {
        ocinit_tests::skip!("the checkout is not on this machine");
    };
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.contains("CVE"));
    let mut named = 0;
    for row in rows {
        let tests = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let tests: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test: {row}");
        for test in tests {
            named += 1;
            let (file, name) = test.rsplit_once("::").unwrap();
            let suite = root.join(format!("tests/suite/{file}.rs"));
            let unit = root.join(format!("src/{}.rs", file.replace("::", "/")));
            let text = [suite, unit].iter().find_map(|path| fs::read_to_string(path).ok());
            let there = text.unwrap_or_default().contains(&format!("fn {name}("));
            assert!(there, "{test} is not there");
        }
    }
    say(&format!("{named} tests are named in SECURITY.md"));
}
