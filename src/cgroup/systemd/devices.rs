//! Device rules as `DevicePolicy` and `DeviceAllow` (systemd.resource-control(5)),
//! so that what systemd enforces when it is reloaded is what we enforce.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::super::{devices, devices_v1};
use super::property::property;
use crate::dbus::Value;
use crate::spec::DeviceRule;
use crate::text;

/// The first systemd that takes numbers instead of looking for a device.
const SINCE: u32 = 240;

/// Whether a systemd of this version takes rules: that of a user enforces none.
pub fn takes(user: bool, version: u32) -> bool {
    !user && version >= SINCE
}

/// The properties. systemd has no list of what is denied: it denies everything
/// then, as with runc, until our own rules take the place of its.
pub fn properties(asked: &[DeviceRule]) -> [Value; 2] {
    let lines = devices_v1::lines(&devices::with_default(asked)).unwrap_or_default();
    let (mut policy, mut allowed) = ("strict", Vec::new());
    match &lines[..] {
        [(true, _)] => policy = "auto",
        [(false, _), exceptions @ ..] => {
            allowed = exceptions.iter().filter_map(|(_, line)| entry(line)).collect();
        }
        _ => {}
    }
    [
        property("DevicePolicy", Value::text(policy)),
        property("DeviceAllow", Value::array("(ss)", allowed)),
    ]
}

/// The properties of a unit that has some: a list is added to the one of before,
/// unless it is empty.
pub fn renewal(asked: &[DeviceRule]) -> Vec<Value> {
    let [policy, allowed] = properties(asked);
    vec![policy, property("DeviceAllow", Value::Array("(ss)", &[])), allowed]
}

/// A line of `devices.allow`: `c 1:3 rwm`.
fn entry(line: &str) -> Option<Value> {
    let mut words = line.split(' ');
    let kind = if words.next()? == "b" { "block" } else { "char" };
    let device = match words.next()?.split_once(':')? {
        ("*", "*") => text::about("{}-*", kind),
        // Every major number with this minor one: it cannot be said.
        ("*", _) => return None,
        (major, "*") => text::about_both("{}-{}", kind, major),
        (major, minor) => text!("/dev/{kind}/{major}:{minor}"),
    };
    let access: String = words.collect();
    Some(Value::pair(Value::text(device), Value::text(&access)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{DeviceAccess, DeviceRuleKind};

    fn check(asked: &[DeviceRule], policy: &str, first: &[(&str, &str)], count: usize) {
        let entry =
            |(path, access): &(&str, &str)| Value::pair(Value::text(path), Value::text(access));
        let [found, allow] = properties(asked);
        assert_eq!(found, property("DevicePolicy", Value::text(policy)));
        let Value::Struct(fields) = allow else { panic!() };
        let Value::Variant(list) = &fields[1] else { panic!() };
        let Value::Array("(ss)", list) = list else { panic!() };
        assert_eq!(list.len(), count);
        for (entry, found) in first.iter().map(entry).zip(*list) {
            assert_eq!(*found, entry);
        }
    }

    #[test]
    fn lists() {
        let rule = |allow, major, minor| DeviceRule {
            allow,
            kind: if major == Some(8) { DeviceRuleKind::Block } else { DeviceRuleKind::Char },
            major,
            minor,
            access: DeviceAccess { read: true, write: false, mknod: false },
        };
        let all = |allow| DeviceRule {
            allow,
            kind: DeviceRuleKind::All,
            major: None,
            minor: None,
            access: DeviceAccess::ALL,
        };
        let default = [("char-*", "m"), ("block-*", "m"), ("/dev/char/1:3", "rwm")];
        check(&[], "strict", &default, 10);
        let own = [("/dev/char/10:200", "r"), ("block-8", "r"), ("char-*", "m")];
        let rules = [all(false), rule(true, Some(10), Some(200)), rule(true, Some(8), None)];
        check(&rules, "strict", &own, 12);
        check(&[all(true)], "auto", &[], 0);
        check(&[all(true), rule(false, Some(10), Some(200))], "strict", &[], 0);
        check(&[rule(true, None, Some(1))], "strict", &default, 10);
    }
}
