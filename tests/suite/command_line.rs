//! The command line itself: version, help, usage errors, logs, spec, features.

use ocinit_tests::{Lab, json, oci};
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

ocinit_tests::isolate!();

/// The binary under another name.
fn called(lab: &Lab, name: &str) -> PathBuf {
    let link = lab.dir().join(name);
    symlink(oci::find_binary().unwrap(), &link).unwrap();
    link
}

#[test]
fn called_as_runc_it_has_runcs_version_shape() {
    let lab = Lab::new();
    let runc = called(&lab, "runc");
    for flag in ["--version", "-v"] {
        let out = lab.program(&runc).arg(flag).ok().quiet().stdout;
        let lines: Vec<&str> = out.lines().collect();
        assert!(lines[0].starts_with("runc version 1."), "{out}");
        assert!(lines[1].starts_with("commit: "), "{out}");
        assert!(lines[2].starts_with("spec: 1."), "{out}");
        assert!(lines[3].starts_with("go: "), "{out}");
    }
}

#[test]
fn under_its_own_name_it_says_so() {
    if !oci::is_ocinit() {
        ocinit_tests::skip!("the binary under test is not ocinit");
    }
    let lab = Lab::new();
    let out = lab.bare().arg("--version").ok().quiet().stdout;
    assert!(out.starts_with("ocinit version "), "{out}");
    assert!(out.lines().any(|l| l.starts_with("spec: 1.")), "{out}");
}

#[test]
fn every_command_has_help() {
    let lab = Lab::new();
    let commands =
        ["create", "start", "state", "list", "kill", "delete", "run", "exec", "spec", "features"];
    for flag in ["--help", "-h", "help"] {
        let out = lab.bare().arg(flag).ok().quiet().stdout;
        for command in commands {
            assert!(out.contains(command), "{flag} tells of {command}: {out}");
        }
    }
    for command in commands {
        let out = lab.bare().args([command, "--help"]).ok().quiet().stdout;
        assert!(out.contains(command) && out.to_lowercase().contains("usage"), "{command}: {out}");
    }
}

#[test]
fn unknown_commands_and_flags_are_usage_errors() {
    let lab = Lab::new();
    lab.oci(["nosuch"]).fails(3).one_line().says("nosuch");
    lab.oci(["--nosuch", "list"]).fails(1).one_line().says("nosuch");
    lab.oci(["run", "--nosuch", "x"]).fails(1).one_line().says("nosuch");
    lab.oci(["state"]).fails(1).one_line();
    lab.oci(["state", "a", "b"]).fails(1).one_line();
    lab.oci(["run", "--preserve-fds", "many", "x"]).fails(1).one_line();
    lab.oci(["kill", "x", "TERM", "more"]).fails(1).one_line();
    lab.bare().args(["--log-format", "xml", "list"]).fails(1).one_line();
    lab.assert_clean();
}

#[test]
fn the_root_of_the_file_system_is_no_state_root() {
    let lab = Lab::new();
    lab.bare().args(["--root", "/", "list"]).fails(1).one_line();
    lab.bare().args(["--root", "/", "delete", "--force", "etc"]).fails(1).one_line();
    assert!(fs::exists("/etc/passwd").unwrap());
}

#[test]
fn a_usage_error_shows_the_usage_on_stdout() {
    let lab = Lab::new();
    let out = lab.oci(["state"]).fails(1).one_line().stdout;
    assert!(out.contains("state") && out.to_lowercase().contains("usage"), "{out}");
}

#[test]
fn errors_go_to_the_log_in_json_and_to_stderr() {
    let lab = Lab::new();
    fs::create_dir(lab.state_root()).unwrap();
    let log = lab.dir().join("log.json");
    let out = lab
        .oci(["--log"])
        .arg(&log)
        .args(["--log-format", "json", "state", "nobody"])
        .fails(1)
        .one_line()
        .says("does not exist");
    let text = fs::read_to_string(&log).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    let entry: ocinit_tests::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(entry["level"], "error");
    let message = entry["msg"].as_str().unwrap();
    assert!(message.contains("does not exist"));
    assert!(out.stderr.contains(message), "the same on stderr: {}", out.stderr);
    let time = entry["time"].as_str().unwrap();
    assert!(is_rfc3339(time), "{time}");
}

fn is_rfc3339(time: &str) -> bool {
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let (date, zone) = shape.split_at(19.min(shape.len()));
    date == "0000-00-00T00:00:00"
        && (zone == "Z" || zone.ends_with('Z') || zone == "+00:00" || zone == "-00:00")
}

#[test]
fn errors_go_to_the_log_in_text() {
    let lab = Lab::new();
    fs::create_dir(lab.state_root()).unwrap();
    let log = lab.dir().join("log");
    for format in [&[][..], &["--log-format=text"]] {
        let call = lab.oci(["--log"]).arg(&log).args(format).args(["state", "nobody"]);
        call.fails(1).one_line().says("does not exist");
    }
    let text = fs::read_to_string(&log).unwrap();
    assert_eq!(text.lines().count(), 2, "appended: {text}");
    for line in text.lines() {
        assert!(line.starts_with("time=\"") && line.contains(" level=error msg=\""), "{line}");
    }
}

/// As with crun: the prefix says where to.
#[test]
fn errors_go_to_the_journal_and_to_syslog() {
    let lab = Lab::new();
    let path = lab.dir().join("socket");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let receive = || {
        let mut buffer = [0; 4096];
        let length = socket.recv(&mut buffer).expect("a record");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    // The sockets of the system, and no other program's.
    const SCRIPT: &str = "mount -t tmpfs t \"$DIR\" && mkdir -p \"${AT%/*}\" && : > \"$AT\" && \
        mount --bind \"$SOCKET\" \"$AT\" && exec \"$OCINIT\" --root /proc --log \"$LOG\" state nobody";
    for (dir, at, log) in
        [("/dev", "/dev/log", "syslog:me"), ("/run", "/run/systemd/journal/socket", "journald:me")]
    {
        let call = lab.program("/usr/bin/unshare".as_ref()).args(["--mount", "sh", "-c", SCRIPT]);
        let call = call.env("DIR", dir).env("AT", at).env("SOCKET", &path).env("LOG", log);
        let out = call.env("OCINIT", oci::find_binary().unwrap()).fails(1).one_line();
        out.says("does not exist");
        let record = receive();
        if dir == "/dev" {
            assert!(record.starts_with("<11>me: container does not exist"), "{record}");
        } else {
            let start = "PRIORITY=3\nSYSLOG_IDENTIFIER=me\nMESSAGE=container does not exist";
            assert!(record.starts_with(start) && record.ends_with('\n'), "{record}");
        }
    }
    let out = lab.oci(["--log", "syslog:me", "state", "nobody"]).run();
    if !fs::exists("/dev/log").unwrap() {
        out.code_is(1).one_line().says("open log socket");
    }
}

#[test]
fn text_that_breaks_json_is_escaped_in_the_log() {
    let lab = Lab::new();
    fs::create_dir(lab.state_root()).unwrap();
    let log = lab.dir().join("log.json");
    let mut bundle = lab.bundle();
    bundle.args(&["no\"such\\program\n\u{1}é"]);
    let c = lab.container(&bundle);
    lab.oci(["--log"])
        .arg(&log)
        .args(["--log-format", "json", "create", "--bundle"])
        .arg(bundle.dir())
        .arg(c.id())
        .fails(1);
    let text = fs::read_to_string(&log).unwrap();
    let last = text.lines().last().expect("a line");
    let entry: ocinit_tests::Value =
        serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {text}"));
    assert_eq!(entry["level"], "error");
}

#[test]
fn a_log_that_cannot_be_opened_is_an_error() {
    let lab = Lab::new();
    lab.oci(["--log", "/no/such/dir/log", "list"]).fails(1).one_line().says("/no/such/dir/log");
}

#[test]
fn debug_adds_lines_and_changes_nothing_else() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/echo", "hello"]);
    let c = lab.container(&bundle);
    let log = lab.dir().join("log.json");
    let out = lab
        .oci(["--debug", "--log"])
        .arg(&log)
        .args(["--log-format=json", "run", "-b"])
        .arg(bundle.dir())
        .arg(c.id())
        .ok();
    assert_eq!(out.stdout, "hello\n");
    let text = fs::read_to_string(&log).unwrap();
    assert!(!text.is_empty());
    for line in text.lines() {
        let entry: ocinit_tests::Value = serde_json::from_str(line).unwrap();
        assert!(entry["level"].is_string() && entry["msg"].is_string(), "{line}");
    }
}

#[test]
fn nothing_is_said_on_success() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/true"]);
    let log = lab.dir().join("log.json");
    let c = lab.container(&bundle);
    let out = lab
        .oci(["--log"])
        .arg(&log)
        .args(["--log-format", "json", "run", "--bundle"])
        .arg(bundle.dir())
        .arg(c.id())
        .ok()
        .quiet();
    assert_eq!(out.stdout, "");
    assert_eq!(fs::read_to_string(&log).unwrap_or_default(), "");
}

#[test]
fn spec_writes_runcs_default() {
    let lab = Lab::new();
    lab.bare().arg("spec").cwd(lab.dir()).ok().quiet();
    let text = fs::read_to_string(lab.dir().join("config.json")).unwrap();
    let config: ocinit_tests::Value = serde_json::from_str(&text).unwrap();
    let default = ocinit_tests::spec::default();
    assert!(config["ociVersion"].as_str().unwrap().starts_with("1."));
    assert_eq!(config["process"]["terminal"], true);
    assert_eq!(config["process"]["args"], json!(["sh"]));
    for key in ["user", "env", "cwd", "rlimits", "noNewPrivileges"] {
        assert_eq!(config["process"][key], default["process"][key], "process.{key}");
    }
    for set in ["bounding", "effective", "permitted"] {
        let sets =
            (&config["process"]["capabilities"][set], &default["process"]["capabilities"][set]);
        assert_eq!(sets.0, sets.1, "{set}");
    }
    assert!(config["process"]["capabilities"].get("inheritable").is_none(), "CVE-2022-24769");
    assert_eq!(config["root"], json!({"path": "rootfs", "readonly": true}));
    assert_eq!(config["mounts"], default["mounts"]);
    assert_eq!(config["linux"]["resources"], default["linux"]["resources"]);
    for list in ["maskedPaths", "readonlyPaths"] {
        for path in default["linux"][list].as_array().unwrap() {
            assert!(config["linux"][list].as_array().unwrap().contains(path), "{list}: {path}");
        }
    }
    let kinds = |c: &ocinit_tests::Value| -> Vec<String> {
        let all = c["linux"]["namespaces"].as_array().unwrap().iter();
        all.map(|n| n["type"].as_str().unwrap().to_string()).filter(|k| k != "cgroup").collect()
    };
    assert_eq!(kinds(&config), kinds(&default));
}

#[test]
fn spec_does_not_overwrite() {
    let lab = Lab::new();
    fs::write(lab.dir().join("config.json"), "mine").unwrap();
    lab.bare().arg("spec").cwd(lab.dir()).fails(1).one_line().says("config.json");
    assert_eq!(fs::read_to_string(lab.dir().join("config.json")).unwrap(), "mine");
}

#[test]
fn spec_takes_a_bundle() {
    let lab = Lab::new();
    let dir = lab.dir().join("b");
    fs::create_dir(&dir).unwrap();
    lab.bare().args(["spec", "--bundle"]).arg(&dir).ok().quiet();
    assert!(dir.join("config.json").is_file());
    lab.bare().args(["spec", "-b", "/no/such"]).fails(1).one_line().says("/no/such");
}

#[test]
fn spec_rootless_maps_the_callers_ids() {
    let lab = Lab::new();
    lab.bare().args(["spec", "--rootless"]).cwd(lab.dir()).ok().quiet();
    let text = fs::read_to_string(lab.dir().join("config.json")).unwrap();
    let config: ocinit_tests::Value = serde_json::from_str(&text).unwrap();
    let map = json!([{"containerID": 0, "hostID": 0, "size": 1}]);
    assert_eq!(config["linux"]["uidMappings"], map);
    assert_eq!(config["linux"]["gidMappings"], map);
    let kinds = config["linux"]["namespaces"].to_string();
    assert!(kinds.contains("\"user\"") && !kinds.contains("\"network\""), "{kinds}");
    assert!(config["linux"].get("resources").is_none_or(|r| r.is_null()), "no limits");
    let sys =
        config["mounts"].as_array().unwrap().iter().find(|m| m["destination"] == "/sys").unwrap();
    assert_eq!(sys["type"], "none");
    assert_eq!(sys["source"], "/sys");
}

#[test]
fn features_tell_what_engines_look_for() {
    let lab = Lab::new();
    let out = lab.bare().arg("features").ok().quiet().json();
    assert!(out["ociVersionMin"].as_str().unwrap().starts_with("1."));
    assert!(out["ociVersionMax"].as_str().unwrap().starts_with("1."));
    let options = out["mountOptions"].as_array().unwrap();
    for option in ["rro", "ro", "bind", "rprivate", "nosuid"] {
        assert!(options.contains(&json!(option)), "{option}");
    }
    let hooks = out["hooks"].as_array().unwrap();
    for hook in
        ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
    {
        assert!(hooks.contains(&json!(hook)), "{hook}");
    }
    let namespaces = out["linux"]["namespaces"].as_array().unwrap();
    for kind in ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"] {
        assert!(namespaces.contains(&json!(kind)), "{kind}");
    }
    assert!(out["linux"]["capabilities"].as_array().unwrap().contains(&json!("CAP_CHOWN")));
    assert!(out["linux"]["cgroup"].is_object());
}

#[test]
fn the_root_directory_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let lab = Lab::new();
    let c = lab.created();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(lab.state_root()) & 0o066, 0, "{:o}", mode(lab.state_root()));
    let dir = lab.state_root().join(c.id());
    assert_eq!(mode(&dir) & 0o066, 0, "{:o}", mode(&dir));
}
