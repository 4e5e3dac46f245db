//! What a container is like inside, without what differs between two of them.

use crate::mountinfo::{self, Mount};
use crate::{Container, container};
use serde_json::{Value, json};

/// The guest's report in `text`, to be compared with that of another container.
/// Anything that is no report stays as it is.
pub fn report(text: &str, c: &Container) -> String {
    let Ok(mut report) = serde_json::from_str::<Value>(text) else { return text.to_string() };
    let mounts: Vec<String> = mountinfo::of(&report).into_iter().map(mount).collect();
    report["mountinfo"] = json!(mounts);
    let fds = report["fds"].as_object().expect("descriptors");
    report["fds"] = json!(fds.keys().collect::<Vec<_>>());
    let namespaces = report["namespaces"].as_object().expect("namespaces").clone();
    for (kind, link) in namespaces {
        let own = container::own_namespace(&kind) == link;
        report["namespaces"][kind] = json!(if own { "the host's" } else { "its own" });
    }
    if report["namespaces"]["user"] == "its own" {
        // The devices are the host's, whose owners others may change.
        for list in ["/dev", "/probes/devices:~1dev"] {
            let devices = report.pointer_mut(list).and_then(Value::as_object_mut);
            for device in devices.into_iter().flat_map(|devices| devices.values_mut()) {
                device["uid"] = Value::Null;
                device["gid"] = Value::Null;
            }
        }
    }
    report["session_keyring"] = json!(report["session_keyring"].is_number());
    let text = serde_json::to_string_pretty(&report).expect("JSON");
    text.replace(c.id(), "ID").replace(&c.bundle().display().to_string(), "BUNDLE")
}

/// Without the numbers that a process has of its own in a running container.
pub fn without_ids(report: &str) -> String {
    let of_process = ["\"pid\"", "\"pgid\"", "\"sid\"", "\"ppid\""];
    let is_kept = |line: &&str| !of_process.iter().any(|name| line.trim_start().starts_with(name));
    report.lines().filter(is_kept).collect::<Vec<_>>().join("\n")
}

fn mount(m: Mount) -> String {
    let Mount { root, at, mut options, kind, mut super_options, .. } = m;
    options.sort();
    super_options.sort();
    format!("{kind} {root} at {at}: {} {}", options.join(","), super_options.join(","))
}

/// The first lines in which two descriptions differ.
pub fn difference(got: &str, wanted: &str) -> String {
    let missing = wanted.lines().filter(|line| !got.lines().any(|other| other == *line));
    let new = got.lines().filter(|line| !wanted.lines().any(|other| other == *line));
    let lines = missing.map(|l| format!("-{l}")).chain(new.map(|l| format!("+{l}")));
    lines.take(6).collect::<Vec<_>>().join(" ")
}
