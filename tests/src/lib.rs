//! The integration tests' harness: bundles, the binary under test, its containers, and what it leaves behind.
//!
//! A test takes a [`Lab`], makes a [`Bundle`] in it, runs the binary on it by
//! [`Lab::oci`] or through a [`Container`], and looks from inside (the guest
//! program's report) and from outside (`state`, /proc, the cgroup trees). When
//! the lab goes out of scope it deletes the containers by force and fails the
//! test if a mount, cgroup, process or state directory is left.
//!
//! Environment: `OCINIT` is the binary under test (an absolute path; the
//! release build of the workspace otherwise), `OCINIT_CGROUP_VIEW` is host, v1
//! or v2, and to `OCINIT_SKIPS` is appended a line for each skipped test.

pub mod board;
pub mod bundle;
pub mod cgroups;
pub mod container;
pub mod criu;
pub mod daemons;
pub mod differential;
pub mod exchange;
pub mod images;
// Its names of system calls come from a crate that does not know this architecture.
#[cfg(not(target_arch = "sparc64"))]
pub mod injection;
pub mod instructions;
pub mod isolate;
pub mod lab;
pub mod leaks;
pub mod machine;
pub mod mountinfo;
pub mod oci;
pub mod packages;
pub mod peer;
pub mod skip;
pub mod spec;
pub mod terminal;
pub mod user;
pub mod wait;

pub use bundle::Bundle;
pub use container::Container;
pub use lab::Lab;
pub use oci::{Call, Outcome};
pub use serde_json::{Value, json};
pub use wait::eventually;
