//! Containers as they are on disk: their directories, locks, state and status,
//! and the steps of their life that need nothing else.
//!
//! A container is the directory `ROOT/ID`. Making it is what claims the id. An
//! exclusive lock on it is held by whoever changes the container: `create`,
//! `start`, `delete`. All access is relative to the directory's descriptor, so
//! nothing here depends on what happens to the path. A process killed at any
//! point leaves a directory that [`delete()`] can clean.

mod delete;
mod directory;
mod id;
mod lock;
pub mod process;
mod root;
mod start;
mod state;
mod status;

pub use crate::cgroup::Cgroups;
pub use delete::{delete, destroy};
pub use directory::Directory;
pub use id::ContainerId;
pub use lock::Lock;
pub use root::Root;
pub use start::{START_SOCKET, start};
pub use state::State;
pub use status::Status;
