//! System call filters, as far as the life cycle needs them.

use ocinit_tests::terminal::Socket;
use ocinit_tests::{Lab, Value, json};

ocinit_tests::isolate!();

fn profile(config: &mut Value, rules: Value) {
    config["linux"]["seccomp"] = json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64"],
        "syscalls": rules,
    });
}

#[test]
fn a_refused_call_has_its_errno() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    profile(
        &mut bundle.config,
        json!([
            {"names": ["sethostname"], "action": "SCMP_ACT_ERRNO"},
            {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13},
        ]),
    );
    bundle.args(&["/bin/guest", "probe", "sethostname:x", "mkdir:/tmp/x", "read:/etc/group"]);
    let out = lab.container(&bundle).run().json();
    assert_eq!(out["sethostname:x"], json!({"error": "EPERM"}));
    assert_eq!(out["mkdir:/tmp/x"], json!({"error": "EACCES"}));
    assert!(out["read:/etc/group"].is_string());
}

#[test]
fn init_and_later_programs_are_filtered() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    profile(&mut bundle.config, json!([{"names": ["kill"], "action": "SCMP_ACT_ERRNO"}]));
    for no_new_privs in [true, false] {
        bundle.config["process"]["noNewPrivileges"] = json!(no_new_privs);
        bundle.args(&["/bin/guest", "report"]);
        assert_eq!(lab.report(&bundle)["seccomp"], "2");
        bundle.waits();
        let c = lab.container(&bundle);
        c.run_waiting();
        let out = c.exec(&[], &["/bin/guest", "probe", "kill:1"]).ok().json();
        assert_eq!(out["kill:1"], json!({"error": "EPERM"}));
        assert_eq!(c.exec_report(&[])["seccomp"], "2");
    }
}

#[test]
fn an_argument_decides() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let condition = json!([{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]);
    profile(
        &mut bundle.config,
        json!([
            {"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5, "args": condition},
        ]),
    );
    bundle.shell("sleep 100 & exec /bin/guest probe kill:1 kill:$!");
    let out = lab.container(&bundle).run().json();
    for (word, result) in out.as_object().unwrap() {
        let expected = if word == "kill:1" { json!({"error": "EIO"}) } else { json!(true) };
        assert_eq!(*result, expected, "{word}");
    }
}

#[test]
fn a_killing_rule_kills() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    profile(
        &mut bundle.config,
        json!([{"names": ["sethostname"], "action": "SCMP_ACT_KILL_PROCESS"}]),
    );
    bundle.args(&["/bin/guest", "probe", "sethostname:x"]);
    lab.container(&bundle).on_bundle("run", &[]).fails(128 + libc::SIGSYS);
    lab.assert_clean();
}

#[test]
fn a_listener_gets_the_state_and_the_descriptor() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    profile(&mut bundle.config, json!([{"names": ["sethostname"], "action": "SCMP_ACT_NOTIFY"}]));
    let socket = Socket::listen(&lab.dir().join("l.sock"));
    let filter = &mut bundle.config["linux"]["seccomp"];
    filter["listenerPath"] = json!(socket.path());
    filter["listenerMetadata"] = json!("for the agent");
    bundle.args(&["/bin/guest", "probe", "sethostname:x"]);
    let c = lab.container(&bundle);
    let run = c.on_bundle("run", &[]).spawn();
    let (text, descriptor) = socket.receive();
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["fds"], json!(["seccompFd"]));
    assert_eq!(told["metadata"], "for the agent");
    assert_eq!((&told["state"]["id"], &told["state"]["pid"]), (&json!(c.id()), &told["pid"]));
    // An agent that is gone: the kernel's answer to the calls that wait for one.
    drop(descriptor);
    let out = run.wait().code_is(0).json();
    assert_eq!(out["sethostname:x"], json!({"error": "ENOSYS"}));
}

#[test]
fn a_listener_that_is_not_there_is_an_error() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let rules = json!([{"names": ["sethostname"], "action": "SCMP_ACT_NOTIFY"}]);
    profile(&mut bundle.config, rules);
    bundle.config["linux"]["seccomp"]["listenerPath"] = json!(lab.dir().join("no.sock"));
    lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line().says("no.sock");
    lab.assert_clean();
}
