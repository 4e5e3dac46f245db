//! Flags that no other file is about: each does what its help says.

use ocinit_tests::oci::Running;
use ocinit_tests::terminal::Socket;
use ocinit_tests::{Lab, Value, eventually, json, spec};
use std::fs;
use std::os::fd::AsRawFd;

ocinit_tests::isolate!();

#[test]
fn a_configuration_beside_the_bundles() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/guest", "exit", "7"]);
    bundle.save();
    let other = lab.dir().join("other.json");
    fs::rename(bundle.dir().join("config.json"), &other).unwrap();
    let bundle = bundle.dir().to_str().unwrap();
    let other = other.to_str().unwrap();
    for flag in ["--config", "-f"] {
        lab.oci(["run", "--bundle", bundle, flag, other, &lab.id()]).fails(7).quiet();
    }
    let id = lab.id();
    lab.oci(["create", "--config", other, "--bundle", bundle, &id]).ok().quiet();
    lab.oci(["delete", "--force", &id]).ok();
    lab.assert_clean();
}

/// Engines and scripts give some flags in any case.
#[test]
fn a_text_that_is_empty_is_not_given() {
    let lab = Lab::new();
    let mut bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    c.run_waiting();
    for flag in [
        "--cwd=",
        "--user=",
        "--process=",
        "--pid-file=",
        "--console-socket=",
        "--pidfd-socket=",
        "--process-label=",
        "--apparmor=",
    ] {
        assert_eq!(c.exec(&[flag], &["echo", "hi"]).ok().quiet().stdout, "hi\n", "{flag}");
    }
    for flag in ["--preserve-fds=", "--tty="] {
        assert_ne!(c.exec(&[flag], &["true"]).run().code, 0, "{flag}");
    }
    c.kill("");
    c.wait_for("stopped");
    bundle.args(&["true"]).save();
    for flag in ["--bundle", "--config", "--pid-file", "--console-socket", "--pidfd-socket"] {
        lab.oci(["run", flag, "", &lab.id()]).cwd(bundle.dir()).ok().quiet();
        let id = lab.id();
        lab.oci(["create", flag, "", &id]).cwd(bundle.dir()).ok().quiet();
        lab.oci(["delete", "--force", &id]).ok();
    }
    let new = lab.dir().join("new");
    fs::create_dir(&new).unwrap();
    lab.oci(["spec", "--bundle", ""]).cwd(&new).ok().quiet();
    c.delete();
    lab.assert_clean();
}

#[test]
fn no_subreaper_leaves_orphans_to_the_caller() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("(sleep 1000 & echo $!); exec sleep 1000");
    spec::drop_namespace(&mut bundle.config, "pid");
    for (flags, adopts) in [(&[][..], true), (&["--no-subreaper"], false)] {
        let c = lab.container(&bundle);
        let run = c.on_bundle("run", flags).spawn();
        eventually("the orphan's number", || run.stdout().ends_with('\n'));
        let orphan = run.stdout().trim().to_string();
        let parent = || {
            let status = fs::read_to_string(format!("/proc/{orphan}/status")).unwrap();
            let line = status.lines().find_map(|l| l.strip_prefix("PPid:")).unwrap().trim();
            line.parse::<i32>().unwrap()
        };
        eventually("it has lost its parent", || parent() != c.pid() && is_reaper(parent(), &run));
        assert_eq!(parent() == run.pid(), adopts, "{flags:?}");
        c.kill("KILL");
        run.wait().code_is(137);
    }
    lab.assert_clean();
}

/// Whether the process is the runtime, or above the tests.
fn is_reaper(pid: i32, run: &Running) -> bool {
    pid == run.pid() || pid == nix::unistd::getppid().as_raw()
}

#[test]
fn the_log_level_is_a_threshold() {
    let lab = Lab::new();
    let log = lab.dir().join("log");
    let lines = |level: &str, format: &str| -> String {
        let _ = fs::remove_file(&log);
        let call = lab.bare().arg("--root").arg(lab.state_root()).arg("--log").arg(&log);
        let call = call.args(["--log-format", format, "--log-level", level, "state", "nobody"]);
        call.fails(1).says("does not exist");
        fs::read_to_string(&log).unwrap()
    };
    for level in ["error", "warning", "info"] {
        let text = lines(level, "json");
        let all: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert!(all.iter().all(|l| l["level"] == "error"), "{level}: {text}");
        assert!(!all.is_empty(), "{level}");
    }
    assert!(lines("debug", "json").contains("\"debug\""));
    lab.bare().args(["--log-level", "loud", "list"]).fails(1).one_line().says("log-level");
}

#[test]
fn exec_sends_a_pidfd() {
    let lab = Lab::new();
    let c = lab.waiting();
    let socket = Socket::listen(&lab.dir().join("p.sock"));
    let file = lab.dir().join("pid");
    let flags = ["--detach", "--pidfd-socket", socket.path(), "--pid-file", file.to_str().unwrap()];
    c.exec(&flags, &["sleep", "60"]).ok().quiet();
    let (_, fd) = socket.receive();
    let pid = fs::read_to_string(file).unwrap();
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).unwrap();
    assert!(info.contains(&format!("Pid:\t{pid}\n")), "{pid}: {info}");
}

#[test]
fn spec_writes_under_another_name() {
    let lab = Lab::new();
    let dir = lab.dir().join("new");
    fs::create_dir(&dir).unwrap();
    for flag in ["--file", "-f"] {
        let name = format!("as{flag}.json");
        lab.oci(["spec", flag, &name]).arg("--bundle").arg(&dir).ok().quiet();
        let text = fs::read_to_string(dir.join(&name)).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["process"]["args"], json!(["sh"]));
    }
    assert!(!dir.join("config.json").exists());
}

#[test]
fn plan_and_check_take_the_flags_of_create() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    bundle.save();
    let other = lab.dir().join("other.json");
    fs::rename(bundle.dir().join("config.json"), &other).unwrap();
    let look = |command: &str, flags: &[&str]| {
        let call = lab.oci([command, "--json", "--bundle"]).arg(bundle.dir());
        call.arg("--config").arg(&other).args(flags).run()
    };
    let plain = look("plan", &[]).code_is(0).json().to_string();
    assert!(plain.contains("pivot_root") && plain.contains("keyring"), "{plain}");
    let less = look("plan", &["--no-pivot", "--no-new-keyring", "--preserve-fds", "0"]);
    let less = less.code_is(0).json().to_string();
    assert!(!less.contains("pivot_root") && !less.contains("keyring"), "{less}");
    for flags in [&[][..], &["--no-pivot"]] {
        assert!(look("check", flags).json().is_object(), "{flags:?}");
    }
}
