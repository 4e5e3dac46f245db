//! SELinux: the label of the program, and that of the mounts, on a kernel that enforces a policy (that of the test
//! machine, `xtask/src/vm/guest/selinux.conf`).

use ocinit_tests::{Bundle, Lab, Outcome, json, spec};
use std::fs;
use std::path::Path;

ocinit_tests::isolate!();

const PROGRAM: &str = "system_u:system_r:container_t:s0:c1,c2";
const OTHER_PROGRAM: &str = "system_u:system_r:container_t:s0:c3";
const FILES: &str = "system_u:object_r:container_file_t:s0:c1,c2";
/// What the program may not read: of another type, and of other categories.
const OTHER_FILES: &str = "system_u:object_r:other_file_t:s0";
const FILES_OF_ANOTHER: &str = "system_u:object_r:container_file_t:s0:c3";

/// Why labels cannot be tried here.
fn missing() -> Option<&'static str> {
    let enforced = fs::read_to_string("/sys/fs/selinux/enforce").unwrap_or_default();
    if enforced != "1" {
        return Some("SELinux is not enforced here");
    }
    let valid = fs::write("/sys/fs/selinux/context", PROGRAM).is_ok();
    (!valid).then_some("the policy is not that of the test machine")
}

const LOOK: [&str; 3] = ["sh", "-c", "cat /proc/self/attr/current"];

/// The label that a process says it has: the kernel ends it with a null byte.
fn said(out: &Outcome) -> &str {
    out.stdout.trim_end_matches(['\0', '\n'])
}

/// The label of a file, as its file system has it.
#[track_caller]
fn label(lab: &Lab, path: &Path) -> String {
    let stat = lab.program("/usr/bin/stat".as_ref()).args(["--printf=%C"]).arg(path);
    stat.ok().stdout
}

#[test]
fn the_program_has_the_label_of_the_document() {
    if let Some(why) = missing() {
        ocinit_tests::skip!("{why}");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&LOOK);
    let plain = lab.container(&bundle).run();
    assert_eq!(said(&plain), "system_u:system_r:host_t:s0");
    bundle.config["process"]["selinuxLabel"] = json!(PROGRAM);
    for no_new_privileges in [true, false] {
        bundle.config["process"]["noNewPrivileges"] = json!(no_new_privileges);
        assert_eq!(said(&lab.container(&bundle).run().quiet()), PROGRAM);
    }
    spec::add_user_namespace(&mut bundle.config);
    assert_eq!(said(&lab.container(&bundle).run().quiet()), PROGRAM);
}

#[test]
fn exec_has_the_containers_label_or_that_of_its_flag() {
    if let Some(why) = missing() {
        ocinit_tests::skip!("{why}");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["selinuxLabel"] = json!(PROGRAM);
    let c = lab.container(bundle.waits());
    c.run_waiting();
    assert_eq!(said(&c.exec(&[], &LOOK).ok()), PROGRAM);
    assert_eq!(said(&c.exec(&["--process-label", OTHER_PROGRAM], &LOOK).ok()), OTHER_PROGRAM);
    let mut process = bundle.config["process"].clone();
    process["args"] = json!(LOOK);
    process["selinuxLabel"] = json!(OTHER_PROGRAM);
    let file = lab.dir().join("process.json");
    fs::write(&file, process.to_string()).unwrap();
    let out = c.call("exec", &["--process", file.to_str().unwrap()]).ok();
    assert_eq!(said(&out), OTHER_PROGRAM);
}

#[test]
fn new_file_systems_have_the_mount_label() {
    if let Some(why) = missing() {
        ocinit_tests::skip!("{why}");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["selinuxLabel"] = json!(PROGRAM);
    bundle.config["linux"]["mountLabel"] = json!(FILES);
    bundle.config["linux"]["maskedPaths"] = json!(["/proc/acpi", "/sys/firmware", "/home"]);
    for options in [vec!["nosuid"], vec!["tmpcopyup"]] {
        let mount =
            json!({"destination": "/etc", "type": "tmpfs", "source": "tmpfs", "options": options});
        spec::drop_mount(&mut bundle.config, "/etc");
        spec::add_mount(&mut bundle.config, mount);
        let c = lab.container(bundle.waits());
        c.run_waiting();
        let root = Path::new("/proc").join(c.pid().to_string()).join("root");
        for place in ["dev", "dev/shm", "dev/pts", "dev/mqueue", "dev/null", "etc"] {
            assert_eq!(label(&lab, &root.join(place)), FILES, "{place} {options:?}");
        }
        // What the kernel labels itself, and what a bind shows.
        for place in ["proc", "sys", ""] {
            assert_eq!(label(&lab, &root.join(place)), "system_u:object_r:host_t:s0", "{place}");
        }
        assert_eq!(label(&lab, &root.join("sys/firmware")), FILES, "what covers a directory");
        c.delete_force();
    }
    lab.assert_clean();
}

/// Labels are not only shown: the kernel refuses what the policy does.
#[test]
fn labels_are_enforced() {
    if let Some(why) = missing() {
        ocinit_tests::skip!("{why}");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let mount = |at: &str, label: &str| {
        let options = json!(["mode=755", format!("context=\"{label}\"")]);
        json!({"destination": at, "type": "tmpfs", "source": "tmpfs", "options": options})
    };
    for (at, label) in [("/own", FILES), ("/type", OTHER_FILES), ("/level", FILES_OF_ANOTHER)] {
        spec::add_mount(&mut bundle.config, mount(at, label));
    }
    let c = lab.container(bundle.waits());
    c.run_waiting();
    let fill = "for at in own type level; do echo text >/$at/file; done";
    c.exec(&[], &["sh", "-c", fill]).ok();
    let words = ["/bin/guest", "probe", "read:/own/file", "read:/type/file", "read:/level/file"];
    let text = json!("text");
    let all = json!({words[2]: text, words[3]: text, words[4]: text});
    assert_eq!(c.exec(&[], &words).ok().json(), all);
    let denied = json!({"error": "EACCES"});
    let own = json!({words[2]: text, words[3]: denied, words[4]: denied});
    assert_eq!(c.exec(&["--process-label", PROGRAM], &words).ok().json(), own);
}

#[test]
fn a_label_that_the_policy_does_not_know_is_named() {
    if let Some(why) = missing() {
        ocinit_tests::skip!("{why}");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&LOOK);
    let unknown = "system_u:system_r:nobody_t:s0";
    bundle.config["process"]["selinuxLabel"] = json!(unknown);
    let create =
        |bundle: &Bundle| lab.container(bundle).on_bundle("create", &[]).fails(1).one_line();
    create(&bundle).says("EINVAL").says(unknown);
    lab.assert_clean();
    bundle.config["process"]["selinuxLabel"] = json!(PROGRAM);
    bundle.config["linux"]["mountLabel"] = json!(unknown);
    create(&bundle).says("EINVAL").says("context");
    lab.assert_clean();
    bundle.config["linux"].as_object_mut().unwrap().remove("mountLabel");
    let c = lab.container(bundle.waits());
    c.run_waiting();
    c.exec(&["--process-label", unknown], &LOOK).fails(255).one_line().says("EINVAL").says(unknown);
}
