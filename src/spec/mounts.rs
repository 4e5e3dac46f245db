//! `mounts`: what is mounted where, in order.

use alloc::vec::Vec;

use super::{IdMapping, MountOptions};
use crate::json::Node;

/// One entry of `mounts`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mount<'a> {
    /// Where, seen from the container's root. A relative path counts from `/`
    /// (deprecated by the specification).
    pub destination: &'a str,
    /// What: a device or a name for a file system; for a bind mount a path,
    /// absolute or relative to the bundle.
    pub source: Option<&'a str>,
    /// `type`: the file system; ignored for a bind mount.
    pub kind: Option<&'a str>,
    /// Options as in fstab(5); [`super::MountOptions`] explains them.
    pub options: Vec<&'a str>,
    /// User ids of an id-mapped mount; empty for none.
    pub uid_mappings: Vec<IdMapping>,
    /// Group ids of an id-mapped mount; empty for none.
    pub gid_mappings: Vec<IdMapping>,
}

impl<'a> Mount<'a> {
    /// Reads one entry.
    pub fn parse(node: &Node<'a, '_>) -> Self {
        let mut mount = Mount::default();
        mount.destination = node.required_text("destination");
        mount.source = node.text("source");
        mount.kind = node.text("type");
        node.strings("options", &mut mount.options);
        node.list("uidMappings", &mut mount.uid_mappings, IdMapping::parse);
        node.list("gidMappings", &mut mount.gid_mappings, IdMapping::parse);
        mount
    }

    /// The options explained. The type `bind` alone makes a bind mount too.
    pub fn explained(&self) -> MountOptions<'a> {
        let mut options = MountOptions::parse(&self.options);
        if options.bind.is_none() && self.kind == Some("bind") {
            options.bind = Some(false);
        }
        options
    }
}
