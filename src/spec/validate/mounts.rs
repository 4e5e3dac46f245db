//! Rules about `mounts`.

use super::Rules;
use super::linux::id_mappings;
use crate::spec::Mount;

pub(super) fn check(rules: &mut Rules, mounts: &[Mount<'_>], has_user: bool) {
    for (index, mount) in mounts.iter().enumerate() {
        rules.outer = index;
        let options = mount.explained();
        let own_mappings = !mount.uid_mappings.is_empty();
        rules.require(
            own_mappings != mount.gid_mappings.is_empty(),
            ": needs both uidMappings and gidMappings or none of them",
        );
        rules.require(
            options.idmap.is_none() || own_mappings || has_user,
            ".options: idmap needs uidMappings and gidMappings, or a user namespace that has them",
        );
        id_mappings(rules, &mount.uid_mappings, ".uidMappings");
        id_mappings(rules, &mount.gid_mappings, ".gidMappings");
        if options.bind.is_none() {
            // No file system has this name; runc and crun refuse it too.
            rules.require(
                !matches!(mount.kind, Some("bind" | "rbind")),
                ".type: this is no file system: what makes a bind mount is bind or rbind in options",
            );
            rules.require(
                mount.kind.is_some() || options.remount || !options.propagation.is_empty(),
                ".type: required property is missing: only bind mounts have no file system type",
            );
            continue;
        }
        rules.require(
            mount.source.is_some() || options.remount,
            ".source: required property is missing: a bind mount needs its source",
        );
        if let Some(unknown) = options.data.first() {
            let place = mount.options.iter().position(|option| option == unknown).unwrap_or(0);
            rules.require_at(
                false,
                place,
                ".options[#]: unknown option; bind mounts cannot have options of a file system",
            );
        }
    }
}
