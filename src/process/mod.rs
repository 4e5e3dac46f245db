//! The container's process: who it is, what it may do, which program it becomes.

pub mod identity;
pub mod placement;
pub mod program;
pub mod rlimit;
pub mod schedule;
pub mod spawn;
pub mod terminal;
