//! What is written down of a container before there is anything of it.

use crate::checkpoint::stdio;
use crate::container::{Cgroups, State, limits};
use crate::error::Result;
use crate::json::{Document, Value, Writer};
use crate::log::time::Timestamp;
use crate::plan::Plan;
use crate::rdt;
use crate::request::CreateOptions;
use crate::spec::{self, Spec};
use crate::text;
use crate::text::keep;
use alloc::boxed::Box;

/// What is remembered of a container when there is nothing of it yet.
/// `directories` are those of the bundle and of its root file system.
///
/// # Errors
/// `linux.intelRdt` cannot be carried out.
pub fn first_state(
    options: &CreateOptions,
    document: &Document<'_>,
    spec: &Spec<'_>,
    plan: &Plan,
    directories: [&'static str; 2],
    rootless: bool,
) -> Result<&'static mut State> {
    let [bundle, rootfs] = directories;
    Ok(Box::leak(Box::new(State {
        oci_version: keep(spec.oci_version),
        id: options.id,
        pid: 0,
        start_time: 0,
        bundle,
        rootfs,
        created: text!("{}", Timestamp::now().with_fraction()),
        annotations: spec.annotations.iter().map(|(key, value)| (keep(key), keep(value))).collect(),
        cgroups: Cgroups::default(),
        rdt: match &spec.linux.intel_rdt {
            Some(rdt) => rdt::Group::plan(rdt::ROOT, rdt, options.id.as_str())?,
            None => rdt::Group::default(),
        },
        rootless,
        systemd: None,
        listener_path: of_filter(spec, |filter| filter.listener_path),
        listener_metadata: of_filter(spec, |filter| filter.listener_metadata),
        unfiltered: false,
        own_keyring: !options.no_new_keyring,
        new_namespaces: plan.namespaces.new,
        descriptors: match &spec.process {
            Some(process) if process.terminal => Default::default(),
            _ => stdio::pipes(),
        },
        hooks: hooks_text(document, spec),
        limits: limits::of_config(document),
    })))
}

/// A text of `linux.seccomp`, empty where there is none.
fn of_filter<'a>(
    spec: &Spec<'a>,
    pick: impl Fn(&spec::Seccomp<'a>) -> Option<&'a str>,
) -> &'static str {
    keep(spec.linux.seccomp.as_ref().and_then(pick).unwrap_or_default())
}

/// The hooks that later commands run, as they are in the configuration now.
fn hooks_text(document: &Document<'_>, spec: &Spec<'_>) -> &'static str {
    if spec.hooks.poststart.is_empty() && spec.hooks.poststop.is_empty() {
        return "";
    }
    let Value::Object(top) = document.value() else { return "" };
    let Some(hooks) = top.get("hooks") else { return "" };
    let mut writer = Writer::new();
    writer.value(hooks);
    writer.finish().leak()
}
