//! Rules about `mounts`.

use super::Rules;
use super::linux::id_mappings;
use crate::spec::{NamespaceKind, Spec};

pub(super) fn check(rules: &mut Rules, spec: &Spec<'_>) {
    let has_user = spec.linux.namespace(NamespaceKind::User).is_some();
    for (index, mount) in spec.mounts.iter().enumerate() {
        let options = mount.explained();
        let own_mappings = !mount.uid_mappings.is_empty();
        rules.require(
            own_mappings != mount.gid_mappings.is_empty(),
            format_args!("mounts[{index}]"),
            "needs both uidMappings and gidMappings or none of them",
        );
        rules.require(
            options.idmap.is_none() || own_mappings || has_user,
            format_args!("mounts[{index}].options"),
            "idmap needs uidMappings and gidMappings, or a user namespace to take them from",
        );
        id_mappings(rules, &mount.uid_mappings, format_args!("mounts[{index}].uidMappings"));
        id_mappings(rules, &mount.gid_mappings, format_args!("mounts[{index}].gidMappings"));
        if options.bind.is_none() {
            rules.require(
                mount.kind.is_some() || options.remount || !options.propagation.is_empty(),
                format_args!("mounts[{index}].type"),
                "required property is missing: only bind mounts have no file system type",
            );
            continue;
        }
        rules.require(
            mount.source.is_some() || options.remount,
            format_args!("mounts[{index}].source"),
            "required property is missing: a bind mount needs its source",
        );
        for option in &options.data {
            let place = mount.options.iter().position(|other| other == option).unwrap_or(0);
            rules.require(
                false,
                format_args!("mounts[{index}].options[{place}]"),
                "unknown option; bind mounts cannot have options of a file system",
            );
        }
    }
}
