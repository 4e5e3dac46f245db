//! One line a rule: a property added to (or replacing one of) a good
//! configuration, and the error it must give. The last of two properties with
//! one name counts, so that appending replaces.

mod files;
mod frame;
mod namespaces;
mod process;
mod resources;
mod seccomp;

use alloc::format;
use alloc::string::{String, ToString};

use crate::json::Document;
use crate::spec::{Resources, Spec};

const ALL: &str = r#""namespaces":[{"type":"pid"},{"type":"mount"},{"type":"uts"},{"type":"ipc"},{"type":"network"}]"#;

/// A good configuration with properties appended to its parts.
fn config(top: &str, process: &str, linux: &str) -> String {
    let more = |text: &str| if text.is_empty() { String::new() } else { format!(",\n{text}") };
    format!(
        "{{\"ociVersion\":\"1.3.0\",\"root\":{{\"path\":\"rootfs\"}},\
         \"process\":{{\"cwd\":\"/\",\"args\":[\"sh\"]{}}},\"linux\":{{{ALL}{}}}{}}}",
        more(process),
        more(linux),
        more(top)
    )
}

fn error(text: &str) -> String {
    let document = Document::parse(text.as_bytes(), "config.json").unwrap();
    Spec::read(&document).err().map_or(String::new(), |error| error.to_string())
}

#[track_caller]
fn compare(text: &str, expect: &str) {
    let error = error(text);
    let fits = if expect.is_empty() { error.is_empty() } else { error.contains(expect) };
    assert!(fits, "{text}\n got: {error}\nwant: {expect}");
    assert!(error.is_empty() || error.starts_with("config.json:"), "{error}");
}

#[track_caller]
fn top(added: &str, expect: &str) {
    compare(&config(added, "", ""), expect);
}

#[track_caller]
fn process(added: &str, expect: &str) {
    compare(&config("", added, ""), expect);
}

#[track_caller]
fn linux(added: &str, expect: &str) {
    compare(&config("", "", added), expect);
}

#[track_caller]
fn resources(added: &str, expect: &str) {
    linux(&format!("\"resources\":{{{added}}}"), expect);
    let text = format!("{{{added}}}");
    let document = Document::parse(text.as_bytes(), "-").unwrap();
    let error = Resources::read(&document).err().map_or(String::new(), |error| error.to_string());
    assert_eq!(error.is_empty(), expect.is_empty(), "{error}");
    assert!(!error.contains("linux"), "{error}");
}

#[test]
fn the_base_is_good() {
    top("", "");
    top(r#""unknown":{"a":[1]},"vm":{"hypervisor":1},"windows":7"#, "");
    linux(r#""unknown":1"#, "");
}
