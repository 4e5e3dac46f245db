//! A container as `create` would make it, planned and not made.

use super::bundle::{bundle_directory, check_rootfs, read_config};
use super::draft::{Draft, Placement, draft, placement};
use super::host;
use crate::cgroup::systemd::Unit;
use crate::error::{Error, Result};
use crate::hook::Hooks;
use crate::json::{Document, indent, outline};
use crate::plan::container::{hooks, rootfs};
use crate::plan::document::{Shown, ShownUnit};
use crate::plan::{Host, Plan};
use crate::request::{Caller, CreateOptions};
use crate::spec::Spec;
use crate::text;
use crate::{cgroup, rdt};
use alloc::string::String;
use alloc::vec::Vec;

/// What is known of a container that is not made.
pub struct Preview {
    /// The bundle's directory.
    pub bundle: &'static str,
    /// The root file system's directory.
    pub rootfs: &'static str,
    /// Why that cannot be used.
    pub no_rootfs: Option<Error>,
    /// The plan.
    pub plan: &'static mut Plan,
    /// Cgroups that may not be made are done without.
    pub rootless: bool,
    /// The cgroups.
    pub cgroups: cgroup::Plan,
    /// The host as the plan saw it.
    pub host: Host,
    unit: Option<(Unit, Vec<&'static str>)>,
    rdt: rdt::Group,
    later_hooks: [Hooks; 2],
}

/// Reads a bundle and plans its container.
///
/// # Errors
/// Those of reading and of planning. A root file system that is not there is
/// none.
pub fn preview(caller: &Caller, options: &CreateOptions) -> Result<Preview> {
    let bundle = bundle_directory(options.bundle)?;
    let file = match options.config {
        Some(config) => config,
        None => text!("{bundle}/config.json"),
    };
    let text = read_config(file)?;
    let document = Document::parse(text, options.config.unwrap_or("config.json"))?;
    let spec = Spec::read(&document)?;
    let (rootfs, no_rootfs) = match check_rootfs(spec, bundle) {
        Ok(path) => (path, None),
        Err(error) => (rootfs(spec, bundle).unwrap_or_default(), Some(error)),
    };
    let Placement { layout, driver, rootless, cgroups } =
        placement(caller, spec, options.id.as_str())?;
    let unit = driver.map(|driver| {
        let lines = driver.lines(&cgroups);
        (driver.unit, lines)
    });
    let host = host::gather(spec.process.as_ref(), spec.linux.mount_label)?;
    let Draft { plan, environment, .. } =
        draft(caller, options, spec, [bundle, rootfs], &layout, &cgroups.cgroups, host)?;
    let rdt = match &spec.linux.intel_rdt {
        Some(rdt) => rdt::Group::plan(rdt::ROOT, rdt, options.id.as_str())?,
        None => rdt::Group::default(),
    };
    if let Some(error) = &no_rootfs {
        plan.warnings.push(text!("{error}"));
    }
    let later = |kind, list| hooks(kind, list, environment.as_slice());
    let later_hooks =
        [later("poststart", &spec.hooks.poststart)?, later("poststop", &spec.hooks.poststop)?];
    Ok(Preview { bundle, rootfs, no_rootfs, plan, rootless, cgroups, host, unit, rdt, later_hooks })
}

impl Preview {
    /// The plan for people, or as JSON.
    pub fn text(&self, id: &str, json: bool) -> String {
        let shown = Shown {
            id,
            bundle: self.bundle,
            rootfs: self.rootfs,
            plan: self.plan,
            cgroups: &self.cgroups,
            unit: self.unit.as_ref().map(|(unit, properties)| ShownUnit {
                name: unit.name,
                user: unit.user,
                properties,
            }),
            rdt: &self.rdt,
            later_hooks: &self.later_hooks,
        };
        readable(&shown.document(), json)
    }
}

/// A document as a command prints it.
pub fn readable(document: &str, json: bool) -> String {
    if !json {
        return outline(document);
    }
    let mut text = indent(document, "  ");
    text.push('\n');
    text
}
