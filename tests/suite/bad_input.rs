//! Bad input: one clear line, the same in the log, the right status, nothing left.

use ocinit_tests::{Bundle, Lab, json, spec, user};
use std::fs;

ocinit_tests::isolate!();

/// `create` of the bundle as it is on disk must fail: one line that has all
/// the texts, the same in the log in both formats, and nothing left behind.
#[track_caller]
fn refused(lab: &Lab, bundle: &Bundle, texts: &[&str]) {
    for format in ["json", "text"] {
        let log = lab.dir().join(format!("log.{format}"));
        let _ = fs::remove_file(&log);
        let out = lab
            .oci(["--log"])
            .arg(&log)
            .args(["--log-format", format, "create", "--bundle"])
            .arg(bundle.dir())
            .arg(lab.id())
            .fails(1)
            .one_line();
        let said = out.stderr.to_lowercase();
        for text in texts {
            assert!(said.contains(&text.to_lowercase()), "{text:?} is missing in: {}", out.stderr);
        }
        let text = fs::read_to_string(&log).unwrap();
        assert_eq!(text.lines().count(), 1, "podman reads the log as one object: {text}");
        let last = text.lines().last().expect("a line in the log");
        match format {
            "json" => {
                let entry: ocinit_tests::Value = serde_json::from_str(last).expect(last);
                assert_eq!(entry["level"], "error", "{last}");
                let message = entry["msg"].as_str().expect("a message");
                assert!(out.stderr.contains(message), "{message:?} is not in {}", out.stderr);
                assert!(entry["time"].is_string());
            }
            _ => {
                assert!(last.contains("level=error msg="), "{last}");
                let plain = last.replace("\\\"", "\"").to_lowercase();
                for text in texts {
                    assert!(plain.contains(&text.to_lowercase()), "{text:?} is missing in: {last}");
                }
            }
        }
        lab.assert_clean();
    }
}

#[track_caller]
fn document_refused(change: impl FnOnce(&mut ocinit_tests::Value), texts: &[&str]) {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    change(&mut bundle.config);
    bundle.save();
    refused(&lab, &bundle, texts);
}

#[test]
fn no_document() {
    let lab = Lab::new();
    refused(&lab, &lab.bundle(), &["config.json"]);
}

#[test]
fn no_bundle() {
    let lab = Lab::new();
    lab.oci(["create", "--bundle", "/no/such/bundle", &lab.id()])
        .fails(1)
        .one_line()
        .says("/no/such/bundle");
    lab.assert_clean();
}

#[test]
fn a_directory_as_document() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    fs::create_dir(bundle.dir().join("config.json")).unwrap();
    refused(&lab, &bundle, &["config.json", "directory"]);
}

#[test]
fn a_document_that_ends_too_early() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    bundle.save();
    let path = bundle.dir().join("config.json");
    let text = fs::read_to_string(&path).unwrap();
    // In the middle of a line far down.
    let cut = text.match_indices("\"destination\"").nth(2).unwrap().0 + 5;
    fs::write(&path, &text[..cut]).unwrap();
    let line = text[..cut].lines().count();
    let column = text[..cut].lines().last().unwrap().len();
    let lab_line = format!("{line}");
    refused(&lab, &bundle, &["config.json", &lab_line]);
    let out = lab.oci(["create", "--bundle"]).arg(bundle.dir()).arg(lab.id()).fails(1);
    let near = (column..=column + 1).any(|c| out.stderr.contains(&c.to_string()));
    assert!(near, "line {line} and column {column} in: {}", out.stderr);
}

#[test]
fn an_empty_document_and_other_junk() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    let deep = "[".repeat(100_000);
    for text in [
        "",
        " \n",
        "null",
        "[]",
        "\"x\"",
        "{} {}",
        "{\"a\":}",
        "\u{feff}{}",
        "{\"a\":\"\\ud800\"}",
        &deep,
    ] {
        bundle.write_config(text);
        refused(&lab, &bundle, &["config.json"]);
    }
    fs::write(bundle.dir().join("config.json"), b"{\"ociVersion\": \"\xff\xfe\"}").unwrap();
    refused(&lab, &bundle, &[]);
}

#[test]
fn a_wrong_type_deep_inside_is_named_with_its_place() {
    type Case = (&'static str, fn(&mut ocinit_tests::Value));
    let cases: [Case; 9] = [
        ("process.user.uid", |c| c["process"]["user"]["uid"] = json!("zero")),
        ("process.user.gid", |c| c["process"]["user"]["gid"] = json!(-1)),
        ("process.args[1]", |c| c["process"]["args"] = json!(["x", 5])),
        ("mounts[1].options[0]", |c| c["mounts"][1]["options"][0] = json!({})),
        ("linux.resources.memory.limit", |c| {
            c["linux"]["resources"]["memory"] = json!({"limit": "much"})
        }),
        ("hooks.createRuntime[0].args", |c| {
            c["hooks"] = json!({"createRuntime": [{"path": "/bin/true", "args": "x"}]})
        }),
        ("linux.namespaces[0].type", |c| c["linux"]["namespaces"][0]["type"] = json!(null)),
        ("root.readonly", |c| c["root"]["readonly"] = json!("yes")),
        ("process.rlimits[0].soft", |c| c["process"]["rlimits"][0]["soft"] = json!(1.5)),
    ];
    for (path, change) in cases {
        let lab = Lab::new();
        let mut bundle = lab.bundle();
        change(&mut bundle.config);
        bundle.save();
        refused(&lab, &bundle, &[path]);
    }
}

#[test]
fn the_place_of_a_wrong_type_is_its_line() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["cwd"] = json!(4711);
    bundle.save();
    let text = fs::read_to_string(bundle.dir().join("config.json")).unwrap();
    let line = text.lines().position(|l| l.contains("4711")).unwrap() + 1;
    refused(&lab, &bundle, &["process.cwd", &line.to_string()]);
}

#[test]
fn an_unknown_version() {
    for version in ["abc", "2.0.0", "1.99.0", "0.9.0", "", "1", "1.2.3.4"] {
        document_refused(|c| c["ociVersion"] = json!(version), &["ociVersion"]);
    }
    document_refused(|c| c["ociVersion"] = json!(1.2), &["ociVersion"]);
    document_refused(|c| drop(c.as_object_mut().unwrap().remove("ociVersion")), &["ociVersion"]);
}

#[test]
fn versions_of_the_past_are_fine() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/true"]);
    for version in ["1.0.0", "1.0.2", "1.0.2-dev", "1.1.0", "1.2.0", "1.2.1", "1.3.0", "1.0.0-rc5"]
    {
        bundle.config["ociVersion"] = json!(version);
        lab.container(&bundle).run();
    }
}

#[test]
fn bad_ids() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    bundle.save();
    let format = "invalid container ID format";
    let ids = ["../x", "a/b", ".", "..", "a b", "ü", "a\nb", "a:b", "a\\b", "~", "*"];
    for command in ["create", "run"] {
        for id in ids {
            let call = lab.oci([command, "--bundle"]).arg(bundle.dir()).arg(id);
            call.fails(1).one_line().says(format);
        }
        let call = lab.oci([command, "--bundle"]).arg(bundle.dir()).arg("");
        call.fails(1).one_line().says("container id cannot be empty");
        let long = "x".repeat(2000);
        lab.oci([command, "--bundle"]).arg(bundle.dir()).arg(long).fails(1).one_line();
        lab.assert_clean();
    }
    for command in ["state", "start", "kill", "delete"] {
        lab.oci([command, "../x"]).fails(1).one_line();
        lab.oci([command, &"x".repeat(2000)]).fails(1).one_line();
        lab.oci([command, ""]).fails(1).one_line();
    }
}

#[test]
fn a_missing_root_file_system() {
    document_refused(|c| c["root"]["path"] = json!("nowhere"), &["nowhere"]);
    document_refused(|c| c["root"]["path"] = json!("config.json"), &["config.json"]);
    document_refused(|c| drop(c.as_object_mut().unwrap().remove("root")), &["root"]);
}

#[test]
fn no_program() {
    document_refused(|c| c["process"]["args"] = json!([]), &["args"]);
    document_refused(|c| drop(c["process"].as_object_mut().unwrap().remove("args")), &["args"]);
}

#[test]
fn a_program_that_is_not_there() {
    let prefix = "unable to start container process: ";
    let text = "exec: \"nosuch\": executable file not found in $PATH";
    document_refused(|c| c["process"]["args"] = json!(["nosuch"]), &[prefix, text]);
    let texts = ["/no/such", "no such file or directory"];
    document_refused(|c| c["process"]["args"] = json!(["/no/such"]), &texts);
}

#[test]
fn exec_refuses_in_the_log_too() {
    let lab = Lab::new();
    let c = lab.waiting();
    let log = lab.dir().join("log.json");
    let call =
        lab.oci(["--log"]).arg(&log).args(["--log-format", "json", "exec", c.id(), "nosuch"]);
    let out = call.fails(255).one_line();
    let entry: ocinit_tests::Value =
        serde_json::from_str(&fs::read_to_string(&log).unwrap()).unwrap();
    let message = entry["msg"].as_str().unwrap();
    assert!(message.starts_with("exec failed: "), "{message}");
    assert!(message.contains("exec: \"nosuch\": executable file not found in $PATH"), "{message}");
    assert!(out.stderr.contains("executable file not found in $PATH"), "{}", out.stderr);
}

#[test]
fn a_program_that_cannot_be_executed() {
    let texts = ["exec: \"/etc/passwd\": permission denied"];
    document_refused(|c| c["process"]["args"] = json!(["/etc/passwd"]), &texts);
    document_refused(|c| c["process"]["args"] = json!(["/etc"]), &["/etc"]);
}

#[test]
fn run_refuses_as_create_does() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["nosuch"]);
    for flags in [&[][..], &["--detach"], &["--keep"]] {
        let out = lab.container(&bundle).on_bundle("run", flags).fails(1).one_line();
        assert!(out.stderr.contains("executable file not found in $PATH"), "{}", out.stderr);
        lab.assert_clean();
    }
}

#[test]
fn a_file_that_is_no_program() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.program("/bin/junk", b"\x01junk");
    bundle.args(&["/bin/junk"]);
    // Only execve itself can tell.
    let out = lab.container(&bundle).on_bundle("run", &[]).run().one_line();
    assert_ne!(out.code, 0);
    assert!(out.stderr.contains("exec format error"), "{}", out.stderr);
    lab.assert_clean();
}

#[test]
fn a_mount_source_that_is_not_there() {
    let mount = json!({"destination": "/x", "type": "bind", "source": "/no/such/source", "options": ["bind"]});
    document_refused(
        |c| spec::add_mount(c, mount),
        &["/no/such/source", "no such file or directory"],
    );
}

#[test]
fn a_mount_that_the_kernel_refuses_is_named() {
    let mount = json!({"destination": "/x", "type": "nosuchfs", "source": "none"});
    document_refused(|c| spec::add_mount(c, mount), &["/x", "no such device"]);
    let mount =
        json!({"destination": "/x", "type": "tmpfs", "source": "t", "options": ["size=junk"]});
    document_refused(|c| spec::add_mount(c, mount), &["/x", "invalid argument"]);
}

#[test]
fn a_state_root_that_cannot_be_written() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    bundle.save();
    let sealed = lab.dir().join("sealed");
    lab.tmpfs(&sealed, "ro");
    for root in [sealed.join("state"), "/proc/nosuch".into(), bundle.dir().join("config.json")] {
        let out = lab
            .bare()
            .arg("--root")
            .arg(&root)
            .args(["create", "--bundle"])
            .arg(bundle.dir())
            .arg(lab.id())
            .fails(1)
            .one_line();
        assert!(out.stderr.contains(root.to_str().unwrap()), "{}", out.stderr);
        lab.assert_clean();
    }
}

#[test]
fn a_full_disk() {
    for options in ["size=16k", "nr_inodes=2", "nr_inodes=3"] {
        let lab = Lab::new();
        let bundle = lab.bundle();
        bundle.save();
        lab.tmpfs(lab.state_root(), options);
        if options.starts_with("size") {
            let fill = lab.state_root().join(".fill");
            fs::write(fill, vec![1; 1 << 20]).expect_err("the disk is full");
        }
        let out =
            lab.oci(["create", "--bundle"]).arg(bundle.dir()).arg(lab.id()).fails(1).one_line();
        let said = out.stderr.to_lowercase();
        assert!(said.contains("no space left on device"), "{options}: {said}");
        lab.assert_clean();
    }
}

#[test]
fn without_root_and_without_a_user_namespace() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    bundle.save();
    let user = user::bare();
    let root = lab.dir().join("users");
    fs::create_dir(&root).unwrap();
    std::os::unix::fs::chown(&root, Some(user.uid), Some(user.gid)).unwrap();
    let out = lab
        .bare()
        .arg("--root")
        .arg(&root)
        .args(["create", "--bundle"])
        .arg(bundle.dir())
        .arg(lab.id())
        .user(&user)
        .fails(1)
        .one_line();
    let said = out.stderr.to_lowercase();
    assert!(said.contains("user namespace") || said.contains("not permitted"), "{said}");
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
    lab.assert_clean();
}

#[test]
fn a_state_that_is_broken_is_told() {
    let lab = Lab::new();
    let id = lab.id();
    let dir = lab.state_root().join(&id);
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("state.json"), "{\"id\": ").unwrap();
    lab.oci(["state", &id]).fails(1).one_line();
    lab.oci(["delete", "--force", &id]).ok();
    lab.assert_clean();
}

#[test]
fn a_pid_file_that_cannot_be_written() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let flags = ["--pid-file", "/no/such/dir/pid", "--detach"];
    for (command, flags) in [("create", &flags[..2]), ("run", &flags[..])] {
        c.on_bundle(command, flags).fails(1).one_line().says("/no/such/dir");
        lab.assert_clean();
    }
}
