//! `mounts`: what is mounted where, in order.

use alloc::vec::Vec;

use super::{IdMapping, MountOptions, validate};
use crate::error::Result;
use crate::json::{Document, Node, Value};

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

    /// Reads the document of the command `mounts`: the list, or an object that
    /// has it as `mounts`. Only the destinations matter where `has_user`, whether
    /// the container has a user namespace, is not asked.
    ///
    /// # Errors
    /// The first thing wrong, as with a configuration.
    pub fn read_list(document: &'a Document<'_>, has_user: Option<bool>) -> Result<Vec<Self>> {
        let bare = matches!(document.value(), Value::Array(_));
        let mut mounts = Vec::new();
        document.read(|node| {
            let mut add = |node: &Node<'a, '_>| mounts.push(Mount::parse(node));
            if bare { node.each(&mut add) } else { node.each_item("mounts", &mut add) }
        })?;
        match has_user {
            None => {
                mounts.iter_mut().for_each(|mount| {
                    *mount = Mount { destination: mount.destination, ..Mount::default() };
                });
            }
            Some(has_user) => {
                let path = if bare { "[@]" } else { "mounts[@]" };
                validate::mounts(&mounts, has_user, path)
                    .map_err(|invalid| document.error(&invalid))?;
            }
        }
        Ok(mounts)
    }

    /// The options explained.
    pub fn explained(&self) -> MountOptions<'a> {
        MountOptions::parse(&self.options)
    }
}
