//! Containers as they are on disk: their directories, locks, state and status.

mod id;

pub use id::ContainerId;
