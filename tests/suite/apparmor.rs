//! AppArmor: the profile of the document, that of `exec --apparmor`, and one that nobody loaded.

use ocinit_tests::{Bundle, Lab, json};
use std::fs;
use std::path::PathBuf;

ocinit_tests::isolate!();

/// A loaded profile that allows everything but reading one file.
struct Profile<'a> {
    lab: &'a Lab,
    name: String,
    file: PathBuf,
}

impl Profile<'_> {
    fn load<'a>(lab: &'a Lab, kind: &str, denied: &str) -> Profile<'a> {
        let name = format!("ocinit-{kind}-{}", lab.tag());
        let file = lab.dir().join(&name);
        let rules = "file, capability, network, mount, umount, pivot_root, signal, ptrace, unix,";
        let flags = "attach_disconnected,mediate_deleted";
        let text = format!("profile {name} flags=({flags}) {{ {rules} deny {denied} r, }}\n");
        fs::write(&file, text).unwrap();
        let profile = Profile { lab, name, file };
        profile.parser("--replace").code_is(0);
        profile
    }

    fn parser(&self, action: &str) -> ocinit_tests::Outcome {
        let parser = self.lab.program("/sbin/apparmor_parser".as_ref());
        parser.args([action, "--skip-cache"]).arg(&self.file).run()
    }
}

impl Drop for Profile<'_> {
    fn drop(&mut self) {
        self.parser("--remove");
    }
}

/// Why profiles cannot be tried here.
fn missing() -> Option<&'static str> {
    let enabled = fs::read_to_string("/sys/module/apparmor/parameters/enabled");
    if enabled.unwrap_or_default().trim() != "Y" {
        return Some("AppArmor is not enabled here");
    }
    (!fs::exists("/sbin/apparmor_parser").unwrap()).then_some("there is no apparmor_parser")
}

const LOOK: &str = "cat /proc/self/attr/apparmor/current; cat /etc/passwd >/dev/null || echo no passwd; \
    cat /etc/group >/dev/null || echo no group";

fn looking(lab: &Lab) -> Bundle {
    let mut bundle = lab.bundle();
    bundle.shell(LOOK);
    bundle
}

#[test]
fn the_profile_of_the_document_is_enforced() {
    if let Some(why) = missing() {
        ocinit_tests::skip!("{why}");
    }
    let lab = Lab::new();
    let profile = Profile::load(&lab, "run", "/etc/passwd");
    let mut bundle = looking(&lab);
    let confined = format!("{} (enforce)\nno passwd\n", profile.name);
    for no_new_privileges in [true, false] {
        bundle.config["process"]["noNewPrivileges"] = json!(no_new_privileges);
        bundle.config["process"]["apparmorProfile"] = json!(profile.name);
        assert_eq!(lab.container(&bundle).run().stdout, confined);
        for none in [json!(""), json!(null)] {
            bundle.config["process"]["apparmorProfile"] = none;
            assert_eq!(lab.container(&bundle).run().quiet().stdout, "unconfined\n");
        }
        lab.assert_clean();
    }
}

#[test]
fn exec_has_the_containers_profile_or_that_of_its_flag() {
    if let Some(why) = missing() {
        ocinit_tests::skip!("{why}");
    }
    let lab = Lab::new();
    let profile = Profile::load(&lab, "run", "/etc/passwd");
    let other = Profile::load(&lab, "exec", "/etc/group");
    let mut bundle = lab.bundle();
    bundle.config["process"]["apparmorProfile"] = json!(profile.name);
    bundle.waits();
    let c = lab.container(&bundle);
    c.run_waiting();
    let look = ["sh", "-c", LOOK];
    let confined = format!("{} (enforce)\nno passwd\n", profile.name);
    assert_eq!(c.exec(&[], &look).ok().stdout, confined);
    let confined = format!("{} (enforce)\nno group\n", other.name);
    assert_eq!(c.exec(&["--apparmor", &other.name], &look).ok().stdout, confined);
}

/// What a process under both profiles says: the kernel may turn them round.
#[track_caller]
fn check_both(said: &str, profiles: [&Profile; 2]) {
    let [one, other] = profiles.map(|profile| profile.name.as_str());
    let denied = "no passwd\nno group\n";
    let names = [format!("{one}//&{other}"), format!("{other}//&{one}")];
    let both = names.map(|name| format!("{name} (enforce)\n{denied}"));
    assert!(both.iter().any(|both| both == said), "{said:?} is none of {both:?}");
}

#[test]
fn stacked_profiles_are_enforced_together() {
    if let Some(why) = missing() {
        ocinit_tests::skip!("{why}");
    }
    let lab = Lab::new();
    let one = Profile::load(&lab, "one", "/etc/passwd");
    let other = Profile::load(&lab, "other", "/etc/group");
    let both = format!("{}//&{}", one.name, other.name);
    let mut bundle = looking(&lab);
    bundle.config["process"]["apparmorProfile"] = json!(both);
    for no_new_privileges in [true, false] {
        bundle.config["process"]["noNewPrivileges"] = json!(no_new_privileges);
        check_both(&lab.container(&bundle).run().stdout, [&one, &other]);
    }
    // One of them is not loaded.
    let half = format!("{}//&nobody-loaded-it", one.name);
    bundle.config["process"]["apparmorProfile"] = json!(half);
    let out = lab.container(&bundle).on_bundle("create", &[]).fails(1).one_line();
    out.says("apparmor").says(&half);

    // In a container with one of them, by flag and by document.
    bundle.config["process"]["apparmorProfile"] = json!(one.name);
    let c = lab.container(bundle.waits());
    c.run_waiting();
    check_both(&c.exec(&["--apparmor", &both], &["sh", "-c", LOOK]).ok().stdout, [&one, &other]);
    let mut process = bundle.config["process"].clone();
    process["args"] = json!(["sh", "-c", LOOK]);
    process["apparmorProfile"] = json!(both);
    let file = lab.dir().join("process.json");
    fs::write(&file, process.to_string()).unwrap();
    let exec = || c.call("exec", &["--process", file.to_str().unwrap()]);
    check_both(&exec().ok().stdout, [&one, &other]);
    process["apparmorProfile"] = json!(half);
    fs::write(&file, process.to_string()).unwrap();
    exec().fails(255).one_line().says("apparmor").says(&half);
}

#[test]
fn unconfined_is_a_profile_too() {
    if let Some(why) = missing() {
        ocinit_tests::skip!("{why}");
    }
    let lab = Lab::new();
    let profile = Profile::load(&lab, "run", "/etc/passwd");
    let mut bundle = looking(&lab);
    bundle.config["process"]["apparmorProfile"] = json!("unconfined");
    assert_eq!(lab.container(&bundle).run().quiet().stdout, "unconfined\n");
    bundle.config["process"]["apparmorProfile"] = json!(profile.name);
    let c = lab.container(bundle.waits());
    c.run_waiting();
    let look = ["sh", "-c", LOOK];
    assert_eq!(c.exec(&["--apparmor", "unconfined"], &look).ok().stdout, "unconfined\n");
}

#[test]
fn a_profile_that_is_not_loaded_is_named() {
    if let Some(why) = missing() {
        ocinit_tests::skip!("{why}");
    }
    let lab = Lab::new();
    let mut bundle = looking(&lab);
    bundle.config["process"]["apparmorProfile"] = json!("nobody-loaded-it");
    let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
    out.says("apparmor").says("nobody-loaded-it");
    lab.assert_clean();
    // Not only when it is started.
    let out = lab.container(&bundle).on_bundle("create", &[]).fails(1).one_line();
    out.says("apparmor").says("nobody-loaded-it");
    lab.assert_clean();
    bundle.config["process"].as_object_mut().unwrap().remove("apparmorProfile");
    let c = lab.container(bundle.waits());
    c.run_waiting();
    let out = c.exec(&["--apparmor", "nobody-loaded-it"], &["true"]).fails(255).one_line();
    out.says("apparmor").says("nobody-loaded-it");
}
