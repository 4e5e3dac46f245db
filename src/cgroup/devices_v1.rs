//! Device rules as lines for `devices.deny` and `devices.allow`
//! (cgroup-v1/devices.rst).
//!
//! The kernel keeps a default and a list of exceptions from it, and takes an
//! exception back only by exactly its own numbers. So the rules are applied here
//! first, and what comes out is written: the default, then the exceptions.

use alloc::string::String;
use alloc::vec::Vec;

use crate::cut;
use crate::error::{Error, Result};
use crate::spec::{DeviceAccess, DeviceRule, DeviceRuleKind};
use crate::text;

/// The lines, in order; `true` for `devices.allow`.
///
/// # Errors
/// A rule takes a part out of an earlier one with a wildcard.
pub fn lines(rules: &[DeviceRule]) -> Result<Vec<(bool, &'static str)>> {
    let mut allowed = false;
    let mut exceptions: Vec<DeviceRule> = Vec::new();
    for rule in rules {
        if rule.kind == DeviceRuleKind::All
            && rule.access == DeviceAccess::ALL
            && rule.major.or(rule.minor).is_none()
        {
            allowed = rule.allow;
            exceptions.clear();
            continue;
        }
        // The kernel takes `a` for everything, whatever follows it.
        let kinds: &[DeviceRuleKind] = match rule.kind {
            DeviceRuleKind::All => &[DeviceRuleKind::Char, DeviceRuleKind::Block],
            DeviceRuleKind::Char => &[DeviceRuleKind::Char],
            DeviceRuleKind::Block => &[DeviceRuleKind::Block],
        };
        for &kind in kinds {
            let rule = DeviceRule { kind, ..*rule };
            if rule.allow == allowed {
                take_back(&mut exceptions, &rule)?;
            } else {
                add(&mut exceptions, rule);
            }
        }
    }
    let mut lines = Vec::with_capacity(exceptions.len() + 1);
    lines.push((allowed, "a"));
    lines.extend(exceptions.iter().map(|rule| (!allowed, line(rule))));
    Ok(lines)
}

/// What makes of the rules in `devices.list` those of `lines`. Where both deny
/// what is not listed, nothing that stays allowed is denied meanwhile; else the
/// list begins anew.
pub fn changes(list: &str, lines: Vec<(bool, &'static str)>) -> Vec<(bool, &'static str)> {
    let [(false, _), wanted @ ..] = &lines[..] else { return lines };
    if list.starts_with('a') {
        return lines;
    }
    let mut changes = wanted.to_vec();
    for old in list.lines() {
        let Some((device, access)) = cut::at_last(old, b' ') else { continue };
        let kept = wanted.iter().find_map(|(_, new)| new.strip_prefix(device)?.strip_prefix(' '));
        let kept = kept.unwrap_or_default().as_bytes();
        let lost = access.bytes().filter(|kind| !kept.contains(kind));
        let lost: String = lost.map(char::from).collect();
        if !lost.is_empty() {
            changes.push((false, text::about_both("{} {}", device, &lost)));
        }
    }
    changes
}

fn add(exceptions: &mut Vec<DeviceRule>, rule: DeviceRule) {
    let same = |old: &&mut DeviceRule| {
        (old.kind, old.major, old.minor) == (rule.kind, rule.major, rule.minor)
    };
    match exceptions.iter_mut().find(same) {
        Some(old) => {
            old.access.read |= rule.access.read;
            old.access.write |= rule.access.write;
            old.access.mknod |= rule.access.mknod;
        }
        None => exceptions.push(rule),
    }
}

fn take_back(exceptions: &mut Vec<DeviceRule>, rule: &DeviceRule) -> Result<()> {
    let covers = |rule: Option<u32>, old: Option<u32>| rule.is_none() || rule == old;
    let meets = |rule: Option<u32>, old: Option<u32>| covers(rule, old) || old.is_none();
    for old in exceptions.iter_mut() {
        let common = old.access.read && rule.access.read
            || old.access.write && rule.access.write
            || old.access.mknod && rule.access.mknod;
        if old.kind != rule.kind
            || !common
            || !meets(rule.major, old.major)
            || !meets(rule.minor, old.minor)
        {
            continue;
        }
        if !covers(rule.major, old.major) || !covers(rule.minor, old.minor) {
            return Err(Error::about_both(
                "linux.resources.devices: \"{}\" takes a part out of \"{}\"",
                line(rule),
                line(old),
            )
            .hint("cgroup v1 cannot do that: list what is wanted instead"));
        }
        old.access.read &= !rule.access.read;
        old.access.write &= !rule.access.write;
        old.access.mknod &= !rule.access.mknod;
    }
    exceptions.retain(|old| old.access.read || old.access.write || old.access.mknod);
    Ok(())
}

/// `TYPE MAJOR:MINOR ACCESS`.
fn line(rule: &DeviceRule) -> &'static str {
    let kind = if rule.kind == DeviceRuleKind::Block { "b" } else { "c" };
    let number = |number: Option<u32>| number.map_or("*", |number| text!("{number}"));
    let letter = |set: bool, letter| if set { letter } else { "" };
    text!(
        "{kind} {}:{} {}{}{}",
        number(rule.major),
        number(rule.minor),
        letter(rule.access.read, "r"),
        letter(rule.access.write, "w"),
        letter(rule.access.mknod, "m")
    )
}
