//! The cgroups of a container: none, for now.

use alloc::vec::Vec;
use rustix::process::Signal;

use crate::error::Result;
use crate::json::{Node, Writer};

/// A container's cgroups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cgroups {}

impl Cgroups {
    /// Writes them as a value of the state.
    pub fn to_json(&self, writer: &mut Writer) {
        writer.open_object();
        writer.close();
    }

    /// Reads what [`Cgroups::to_json`] wrote.
    pub fn from_json(_node: &Node<'_, '_>) -> Option<Cgroups> {
        Some(Cgroups {})
    }

    /// All processes in them and below.
    ///
    /// # Errors
    /// A cgroup exists but cannot be read.
    pub fn pids(&self) -> Result<Vec<i32>> {
        Ok(Vec::new())
    }

    /// Sends a signal to all processes.
    ///
    /// # Errors
    /// A process could not be signalled.
    pub fn kill_all(&self, _signal: Signal) -> Result<()> {
        Ok(())
    }

    /// Freezes or thaws all processes, and waits until they are.
    ///
    /// # Errors
    /// There is no freezer, or it did not obey.
    pub fn freeze(&self, _frozen: bool) -> Result<()> {
        Ok(())
    }

    /// Whether the processes are frozen.
    pub fn is_frozen(&self) -> bool {
        false
    }

    /// Removes them; those that do not exist are fine.
    ///
    /// # Errors
    /// One stays busy.
    pub fn remove(&self) -> Result<()> {
        Ok(())
    }
}
