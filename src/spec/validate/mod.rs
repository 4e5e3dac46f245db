//! What one property of a configuration demands of another.
//!
//! These are the errors that the specification demands and that can be decided
//! without looking at the host, the rules that runc adds and users know, and
//! values that no kernel takes and about which it would only say EINVAL. Where
//! runtimes commonly break a demand of the specification, it is kept here.
//!
//! The first broken rule is reported.

mod linux;
mod mounts;
mod process;
mod resources;

pub use linux::sysctl_owner;

#[cfg(test)]
mod tests;

use alloc::string::String;
use alloc::vec::Vec;

use super::{Hooks, Mount, NamespaceKind, Process, Resources, Spec, annotations};
use crate::json::{Invalid, words};
use crate::text;

/// Collects the first broken rule.
///
/// A rule is one string, `PATH: DEMAND`. In the path and its prefix `@` stands
/// for the outer index, `#` for the inner one and `*` for a name. That makes a
/// rule that holds a test and a call, and nothing is formatted.
struct Rules {
    /// What the paths begin with.
    prefix: &'static str,
    /// The outer index.
    outer: usize,
    broken: Option<Invalid>,
}

impl Rules {
    fn new(prefix: &'static str) -> Self {
        Rules { prefix, outer: 0, broken: None }
    }

    /// A rule about one property.
    fn require(&mut self, holds: bool, rule: &'static str) {
        self.require_of(holds, "", 0, rule);
    }

    /// A rule about an element.
    fn require_at(&mut self, holds: bool, index: usize, rule: &'static str) {
        self.require_of(holds, "", index, rule);
    }

    /// A rule about a property or element of several that share it.
    #[inline(never)]
    fn require_of(&mut self, holds: bool, name: &str, index: usize, rule: &'static str) {
        if holds || self.broken.is_some() {
            return;
        }
        let (template, demand) = rule.split_once(':').unwrap_or((rule, ""));
        let mut path = String::new();
        for character in self.prefix.chars().chain(template.chars()) {
            match character {
                '@' => path.push_str(text!("{}", self.outer)),
                '#' => path.push_str(text!("{index}")),
                '*' => path.push_str(name),
                _ => path.push(character),
            }
        }
        self.broken = Some(Invalid { path: path.leak(), what: demand.trim_ascii_start() });
    }

    fn finish(self) -> Result<(), Invalid> {
        self.broken.map_or(Ok(()), Err)
    }
}

/// Checks a whole configuration.
///
/// # Errors
/// The first broken rule.
#[inline(never)]
pub fn spec(spec: &Spec<'_>) -> Result<(), Invalid> {
    let mut rules = Rules::new("");
    rules.require(
        supported(spec.oci_version),
        "ociVersion: not a supported version of the specification; supported are 1.0.0 to 1.3.x",
    );
    rules.require(spec.root.is_some(), "root: required property is missing");
    let has_uts = spec.linux.namespace(NamespaceKind::Uts).is_some();
    for (name, value) in [("hostname", spec.hostname), ("domainname", spec.domainname)] {
        let length = value.map_or(0, str::len);
        rules.require_of(
            has_uts || length == 0,
            name,
            0,
            "*: needs a uts namespace, or it would rename the host",
        );
        rules.require_of(length <= 64, name, 0, "*: longer than 64 bytes");
    }
    hook_lists(&mut rules, &spec.hooks);
    rules.prefix = "mounts[@]";
    let has_user = spec.linux.namespace(NamespaceKind::User).is_some();
    mounts::check(&mut rules, &spec.mounts, has_user);
    rules.prefix = "linux.";
    linux::check(&mut rules, &spec.linux);
    if let Some(resources) = &spec.linux.resources {
        rules.prefix = "linux.resources.";
        resources::check(&mut rules, resources);
    }
    if let Some(process) = &spec.process {
        rules.prefix = "process.";
        process::check(&mut rules, process);
    }
    rules.finish()
}

/// Checks the document of `exec --process`.
///
/// # Errors
/// The first broken rule.
pub fn process(process: &Process<'_>) -> Result<(), Invalid> {
    let mut rules = Rules::new("");
    process::check(&mut rules, process);
    rules.finish()
}

/// Checks the document of `update --resources`.
///
/// # Errors
/// The first broken rule.
pub fn resources(resources: &Resources<'_>) -> Result<(), Invalid> {
    let mut rules = Rules::new("");
    resources::check(&mut rules, resources);
    rules.finish()
}

/// Checks a list of mounts for a container with or without a user namespace;
/// `path` is that of an element, with `@` for its index.
///
/// # Errors
/// The first broken rule.
pub fn mounts(list: &[Mount<'_>], has_user: bool, path: &'static str) -> Result<(), Invalid> {
    let mut rules = Rules::new(path);
    mounts::check(&mut rules, list, has_user);
    rules.finish()
}

/// What deserves a warning but must not stop anything.
pub fn warnings(spec: &Spec<'_>) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if let Some(process) = &spec.process
        && let Some(capabilities) = &process.capabilities
    {
        for name in &capabilities.unknown {
            warnings.push(text!("process.capabilities: ignoring unknown capability \"{name}\""));
        }
    }
    for &(name, value) in &spec.annotations {
        let foreign = name.starts_with(annotations::CRUN) && !value.is_empty();
        if foreign && words::index(annotations::NAMES, name).is_none() {
            warnings.push(text!("annotations: ignoring \"{name}\", which only crun knows"));
        }
    }
    for (index, mount) in spec.mounts.iter().enumerate() {
        if !mount.destination.starts_with('/') {
            warnings.push(text!(
                "mounts[{index}].destination: relative paths are deprecated, taken from /"
            ));
        }
    }
    warnings
}

/// Whether a version is SemVer 2.0 and one we implement: 1.x up to ours.
/// Releases that only fix (the last number) change nothing for us.
fn supported(version: &str) -> bool {
    let [b'1', b'.', b'0'..=b'3', b'.', rest @ ..] = version.as_bytes() else {
        return false;
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (patch, rest) = rest.split_at(digits);
    if digits == 0 || digits > 1 && patch.starts_with(b"0") {
        return false;
    }
    // `-pre.release` and `+build`, either of which may be absent.
    let build = rest.iter().position(|&byte| byte == b'+').unwrap_or(rest.len());
    let (pre, build) = rest.split_at(build);
    let identifiers = |text: &[u8], mark: u8| match text {
        [] => true,
        [first, rest @ ..] => {
            *first == mark
                && rest.split(|&byte| byte == b'.').all(|part| {
                    !part.is_empty()
                        && part.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
                })
        }
    };
    identifiers(pre, b'-') && identifiers(build, b'+')
}

fn hook_lists(rules: &mut Rules, hooks: &Hooks<'_>) {
    for (name, list) in hooks.lists() {
        for (index, hook) in list.iter().enumerate() {
            rules.require_of(
                hook.path.starts_with('/'),
                name,
                index,
                "hooks.*[#].path: must be an absolute path",
            );
            rules.require_of(
                hook.timeout.is_none_or(|seconds| seconds > 0),
                name,
                index,
                "hooks.*[#].timeout: must be more than 0 seconds",
            );
        }
    }
}
