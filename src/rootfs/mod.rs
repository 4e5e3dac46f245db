//! The container's file system: mounts, devices, masks, and the change of root.

pub mod copy_up;
pub mod device;
pub mod id_map;
pub mod kept;
pub mod mask;
pub mod mount;
mod over_proc;
pub mod path;
pub mod revealing;
pub mod root;
pub mod tree;
