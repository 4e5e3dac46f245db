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
mod glance;
pub mod hooks;
mod id;
mod kill;
pub mod limits;
mod lock;
pub mod notify;
pub mod process;
mod root;
mod start;
mod state;
mod status;
mod written;

pub use crate::cgroup::Cgroups;
pub use delete::{delete, destroy, end};
pub use directory::Directory;
pub use glance::{Glance, glance};
pub use id::ContainerId;
pub use kill::kill;
pub use lock::Lock;
pub use root::Root;
pub use start::{START_SOCKET, start};
#[cfg(test)]
pub use state::tests::sample as sample_state;
pub use state::{State, three};
pub use status::Status;

#[cfg(test)]
mod tests;
