//! Hooks: their order, what they are told, and what their failures do.

use super::Case;
use serde_json::{Value, json};

const KINDS: [&str; 6] =
    ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

/// A hook that notes its name and what `line` prints.
fn noting(name: &str, line: &str) -> Value {
    // Inside, the log is where it has been bound to.
    let log = if name.starts_with("startContainer") { "/log" } else { "@BUNDLE@/log" };
    let script = format!("echo {name}: $({line}) >> {log}");
    json!({"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/usr/bin:/bin"]})
}

fn status() -> &'static str {
    "sed -n 's/.*\"status\": *\"\\([a-z]*\\)\".*/\\1/p'"
}

/// All of them.
pub fn all() -> Vec<Case> {
    let case = |name: &str| {
        Case::new("hooks", name).mount("/log", "bind", "@BUNDLE@/log", &["bind"]).setup(|root| {
            let log = root.parent().expect("the bundle").join("log");
            std::fs::write(log, "").expect("make the log");
        })
    };
    let noted = |name: &str, line: &str| {
        case(name).with(|c| {
            let one = |kind: &str| (kind.to_string(), json!([noting(kind, line)]));
            c["hooks"] = Value::Object(KINDS.iter().map(|k| one(k)).collect());
        })
    };
    let mut all = vec![
        noted("order", "echo").args(&["sh", "-c", "echo the program >> /log"]),
        noted("status", status()),
        noted("id", "sed -n 's/.*\"id\": *\"\\([^\"]*\\)\".*/\\1/p'"),
        noted("bundle", "sed -n 's/.*\"bundle\": *\"\\([^\"]*\\)\".*/\\1/p'"),
        noted("directory", "pwd"),
        noted("environment", "env | sed 's/=.*//' | grep -v -e SHLVL -e '^_$' -e PWD | sort"),
        noted("host-name", "uname -n | sed \"s/^$(cat /proc/sys/kernel/hostname)$/same/\""),
        noted("descriptors", "ls /proc/$$/fd | grep -c '^[012]$'"),
        case("two-of-a-kind").with(|c| {
            c["hooks"] = json!({"createRuntime": [noting("one", "echo"), noting("two", "echo")],
                "poststop": [noting("three", "echo"), noting("four", "echo")]});
        }),
        case("no-environment").with(|c| {
            let mut hook = noting("createRuntime", "env | grep -c OCINIT_TEST_TAG");
            hook.as_object_mut().expect("object").remove("env");
            hook["args"][0] = json!("/bin/sh");
            c["hooks"] = json!({"createRuntime": [hook]});
        }),
        case("arguments").with(|c| {
            let script = "echo $0 $1 $2 >> @BUNDLE@/log";
            c["hooks"] = json!({"createRuntime": [
                {"path": "/bin/sh", "args": ["name", "-c", script, "zero", "one", "two"],
                 "env": ["PATH=/bin:/usr/bin"]}]});
        }),
        case("time-out").with(|c| {
            c["hooks"] = json!({"createRuntime": [
                {"path": "/bin/sleep", "args": ["sleep", "20"], "timeout": 1}]});
        }),
        case("unknown-kind").with(|c| c["hooks"] = json!({"nosuch": [noting("nosuch", "echo")]})),
        case("missing-program")
            .with(|c| c["hooks"] = json!({"createRuntime": [{"path": "/no/such"}]})),
        case("relative-path")
            .with(|c| c["hooks"] = json!({"createRuntime": [{"path": "bin/true"}]})),
    ];
    for kind in KINDS {
        // The hooks that come after it note whether they were still run.
        all.push(noted(&format!("{kind}-fails"), "echo").with(|c| {
            let failing = json!({"path": "/bin/sh", "args": ["sh", "-c", "exit 3"]});
            c["hooks"][kind].as_array_mut().expect("list").push(failing);
        }));
    }
    all
}
