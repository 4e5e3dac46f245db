//! Mounts whose files have other owners than on the host (mount_setattr(2),
//! `MOUNT_ATTR_IDMAP`).

use super::tree::Recursion;
use crate::namespace::idmap::IdMaps;

/// How a mount's owners are mapped.
#[derive(Debug)]
pub struct IdMap {
    /// The map; none is that of the user namespace which the container joins.
    pub maps: Option<IdMaps>,
    /// Of the mounts below it, too.
    pub recursion: Recursion,
}
