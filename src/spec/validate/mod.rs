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

#[cfg(test)]
mod tests;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Hooks, NamespaceKind, Process, Resources, Spec};
use crate::json::Invalid;

/// Collects the first broken rule.
struct Rules {
    /// What the paths of this document begin with.
    prefix: &'static str,
    broken: Option<Invalid>,
}

impl Rules {
    fn new(prefix: &'static str) -> Self {
        Rules { prefix, broken: None }
    }

    /// A rule about the property at `path`: `demand` is what it demands.
    fn require(&mut self, holds: bool, path: fmt::Arguments<'_>, demand: &str) {
        if !holds {
            self.report(path, demand);
        }
    }

    #[cold]
    #[inline(never)]
    fn report(&mut self, path: fmt::Arguments<'_>, demand: &str) {
        if self.broken.is_none() {
            let path = format!("{}{path}", self.prefix);
            self.broken = Some(Invalid { path, what: String::from(demand) });
        }
    }

    fn finish(self) -> Result<(), Invalid> {
        self.broken.map_or(Ok(()), Err)
    }
}

/// Checks a whole configuration.
///
/// # Errors
/// The first broken rule.
pub fn spec(spec: &Spec<'_>) -> Result<(), Invalid> {
    let mut rules = Rules::new("");
    rules.require(
        supported(spec.oci_version),
        format_args!("ociVersion"),
        "not a supported version of the specification; supported are 1.0.0 to 1.3.x",
    );
    rules.require(spec.root.is_some(), format_args!("root"), "required property is missing");
    let has_uts = spec.linux.namespace(NamespaceKind::Uts).is_some();
    for (name, value) in [("hostname", spec.hostname), ("domainname", spec.domainname)] {
        let Some(value) = value else { continue };
        rules.require(
            has_uts,
            format_args!("{name}"),
            "needs a uts namespace, or it would rename the host",
        );
        rules.require(value.len() <= 64, format_args!("{name}"), "longer than 64 bytes");
    }
    mounts::check(&mut rules, spec);
    linux::check(&mut rules, &spec.linux);
    hook_lists(&mut rules, &spec.hooks);
    rules.finish()?;
    if let Some(resources) = &spec.linux.resources {
        let mut rules = Rules::new("linux.resources.");
        resources::check(&mut rules, resources);
        rules.finish()?;
    }
    if let Some(process) = &spec.process {
        let mut rules = Rules::new("process.");
        process::check(&mut rules, process);
        rules.finish()?;
    }
    Ok(())
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

/// What deserves a warning but must not stop anything.
pub fn warnings(spec: &Spec<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(process) = &spec.process
        && let Some(capabilities) = &process.capabilities
    {
        for name in &capabilities.unknown {
            warnings.push(format!("process.capabilities: ignoring unknown capability \"{name}\""));
        }
    }
    for (index, mount) in spec.mounts.iter().enumerate() {
        if !mount.destination.starts_with('/') {
            warnings.push(format!(
                "mounts[{index}].destination: relative paths are deprecated, taken from /"
            ));
        }
    }
    warnings
}

/// Whether a version is SemVer 2.0 and one we implement: 1.x up to ours.
/// Releases that only fix (the last number) change nothing for us.
fn supported(version: &str) -> bool {
    let number = |text: &str| -> Option<u32> {
        let leading_zero = text.len() > 1 && text.starts_with('0');
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits && !leading_zero { text.parse().ok() } else { None }
    };
    let identifiers = |text: &str| {
        text.split('.').all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
    };
    let (version, build) = version.split_once('+').unwrap_or((version, "none"));
    let (version, pre) = version.split_once('-').unwrap_or((version, "none"));
    let mut numbers = version.splitn(3, '.').map(number);
    let mut next = || numbers.next().flatten();
    matches!((next(), next(), next()), (Some(1), Some(0..=3), Some(_)))
        && identifiers(build)
        && identifiers(pre)
}

fn hook_lists(rules: &mut Rules, hooks: &Hooks<'_>) {
    for (name, list) in hooks.lists() {
        for (index, hook) in list.iter().enumerate() {
            rules.require(
                hook.path.starts_with('/'),
                format_args!("hooks.{name}[{index}].path"),
                "must be an absolute path",
            );
            rules.require(
                hook.timeout.is_none_or(|seconds| seconds > 0),
                format_args!("hooks.{name}[{index}].timeout"),
                "must be more than 0 seconds",
            );
        }
    }
}
