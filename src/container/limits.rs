//! The limits that were asked for, as they are kept in the state: the object
//! `linux.resources` of the configuration, with every update's on top.
//!
//! An update often says half of what the kernel needs (a limit of memory, where
//! there is one of memory and swap too): the other half is what was asked before.

use alloc::string::String;

use crate::json::{self, Document, Value, Writer};

/// Rules for devices are neither updated nor remembered.
const DEVICES: &str = "devices";

/// The limits of a configuration; empty where it has none.
pub fn of_config(config: &Document<'_>) -> String {
    let linux = part(config.value(), "linux");
    let resources = linux.and_then(|linux| part(linux, "resources"));
    resources.map_or(String::new(), |resources| merge("", resources))
}

fn part<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Object(object) => object.get(name),
        _ => None,
    }
}

/// `saved` with what `asked` sets on top, in one line. Both are objects of
/// objects; what is no object there replaces what was.
pub fn merge(saved: &str, asked: &Value) -> String {
    let mut merged = json::parse(saved.as_bytes()).unwrap_or(Value::Null);
    if !matches!(merged, Value::Object(_)) {
        merged = Value::Object(json::Object::new());
    }
    if let (Value::Object(all), Value::Object(asked)) = (&mut merged, asked) {
        for (name, value) in asked.iter().filter(|(name, _)| *name != DEVICES) {
            match (all.get_mut(name), value) {
                (_, Value::Null) => {}
                (Some(Value::Object(old)), Value::Object(new)) => {
                    for (name, value) in new.iter().filter(|(_, new)| !matches!(new, Value::Null)) {
                        old.insert(name.clone(), value.clone());
                    }
                }
                _ => {
                    all.insert(name.clone(), value.clone());
                }
            }
        }
    }
    let mut out = Writer::new();
    out.value(&merged);
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging() {
        for (saved, asked, expect) in [
            ("", "{}", "{}"),
            ("", "null", "{}"),
            ("[]", r#"{"pids":{"limit":1}}"#, r#"{"pids":{"limit":1}}"#),
            (
                r#"{"memory":{"limit":1,"swap":2}}"#,
                r#"{"memory":{"limit":3,"swap":null},"cpu":{"shares":4}}"#,
                r#"{"cpu":{"shares":4},"memory":{"limit":3,"swap":2}}"#,
            ),
            (r#"{"cpu":{"shares":4}}"#, r#"{"cpu":null}"#, r#"{"cpu":{"shares":4}}"#),
            (
                r#"{"hugepageLimits":[{"pageSize":"2MB","limit":1}]}"#,
                r#"{"hugepageLimits":[],"devices":[{"allow":true}]}"#,
                r#"{"hugepageLimits":[]}"#,
            ),
        ] {
            let asked = json::parse(asked.as_bytes()).unwrap();
            assert_eq!(merge(saved, &asked), expect, "{saved}");
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
