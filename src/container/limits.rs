//! The limits that were asked for, as they are kept in the state: the object
//! `linux.resources` of the configuration, with every update's on top.
//!
//! An update often says half of what the kernel needs (a limit of memory, where
//! there is one of memory and swap too): the other half is what was asked before.

use crate::json::{Document, Value, Writer};

/// Rules for devices are neither updated nor remembered.
const DEVICES: &str = "devices";

/// The limits of a configuration; empty where it has none.
pub fn of_config(config: &Document<'_>) -> &'static str {
    let linux = part(config.value(), "linux");
    let resources = linux.and_then(|linux| part(linux, "resources"));
    resources.map_or("", |resources| merge(&Value::Null, resources))
}

/// `saved` with what `asked` sets on top, in one line. Both are objects of
/// objects; what is no object there replaces what was.
pub fn merge(saved: &Value, asked: &Value) -> &'static str {
    let mut out = Writer::new();
    overlay(&mut out, saved, asked, 2);
    out.finish().leak()
}

/// Writes `new` on top of `old`, object by object down to a depth.
fn overlay(out: &mut Writer, old: &Value, new: &Value, depth: u8) {
    let Value::Object(properties) = new else { return out.value(new) };
    if depth == 0 {
        return out.value(new);
    }
    out.open_object();
    for (name, value) in properties.sorted() {
        if !matches!(value, Value::Null) && name != DEVICES {
            out.key(name);
            overlay(out, part(old, name).unwrap_or(&Value::Null), value, depth - 1);
        }
    }
    if let Value::Object(before) = old {
        for (name, value) in before.sorted() {
            if matches!(properties.get(name), None | Some(Value::Null)) {
                out.key(name);
                out.value(value);
            }
        }
    }
    out.close();
}

fn part<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Object(object) => object.get(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging() {
        for (saved, asked, expect) in [
            ("null", "{}", "{}"),
            ("null", r#"{"pids":{"limit":1}}"#, r#"{"pids":{"limit":1}}"#),
            ("[]", r#"{"pids":{"limit":1}}"#, r#"{"pids":{"limit":1}}"#),
            (
                r#"{"memory":{"limit":1,"swap":2}}"#,
                r#"{"memory":{"limit":3,"swap":null},"cpu":{"shares":4}}"#,
                r#"{"cpu":{"shares":4},"memory":{"limit":3,"swap":2}}"#,
            ),
            (r#"{"cpu":{"shares":4}}"#, r#"{"cpu":null}"#, r#"{"cpu":{"shares":4}}"#),
            (
                r#"{"hugepageLimits":[{"pageSize":"2MB","limit":1}],"pids":{}}"#,
                r#"{"hugepageLimits":[],"devices":[{"allow":true}]}"#,
                r#"{"hugepageLimits":[],"pids":{}}"#,
            ),
            (r#"{"a":{"b":{"c":1}}}"#, r#"{"a":{"b":{"d":2}}}"#, r#"{"a":{"b":{"d":2}}}"#),
        ] {
            let parse = |text: &str| crate::json::parse(text.as_bytes()).unwrap();
            assert_eq!(merge(&parse(saved), &parse(asked)), expect, "{saved}");
        }
    }

    #[test]
    fn configurations() {
        for (config, expect) in [
            ("{}", ""),
            (r#"{"linux":{}}"#, ""),
            (r#"{"linux":{"resources":{}}}"#, "{}"),
            (
                r#"{"linux":{"resources":{"devices":[{"allow":false}],"pids":{"limit":7}}}}"#,
                r#"{"pids":{"limit":7}}"#,
            ),
        ] {
            let document = Document::parse(config.as_bytes(), "config.json").unwrap();
            assert_eq!(of_config(&document), expect);
        }
    }
}
