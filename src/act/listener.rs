//! Handing the notify descriptor of a system call filter to the agent at
//! `linux.seccomp.listenerPath` (runtime-spec, config-linux.md "seccomp").

use super::channel::send_fd;
use super::handover::connect_to;
use crate::container::State;
use crate::error::{Context, Result};
use crate::quote::quoted;
use crate::seccomp::notify::{self, ProcessState};
use crate::sys::fd::AsFd;
use crate::text;
use alloc::vec::Vec;
use rustix::fd::OwnedFd;

/// Who gets the descriptor, and for which process.
pub struct Listener<'a> {
    /// `listenerPath`; empty where the filter has no listener.
    pub path: &'a str,
    /// `listenerMetadata`.
    pub metadata: &'a str,
    /// The process that has the filter.
    pub pid: i32,
    /// The container's status: `creating` for its init, `running` for `exec`.
    pub status: &'a str,
    /// The container.
    pub state: &'a State,
}

impl Listener<'_> {
    /// Connects, sends the descriptor with the container's state in one message,
    /// and closes the connection.
    ///
    /// # Errors
    /// There is no agent. The process's calls would wait for ever: it must end.
    pub fn hand_over(&self, descriptor: &OwnedFd) -> Result<()> {
        let annotations: Vec<(&str, &str)> = self.state.annotations().collect();
        let document = notify::state(&ProcessState {
            pid: self.pid,
            metadata: Some(self.metadata),
            id: self.state.id.as_str(),
            status: self.status,
            init: self.state.pid,
            bundle: self.state.bundle,
            annotations: &annotations,
        });
        let socket =
            connect_to(self.path).map_err(|error| error.within("linux.seccomp.listenerPath"))?;
        send_fd(socket.as_fd(), document.as_bytes(), descriptor.as_fd())
            .context(|| text!("send the notify descriptor to {}", quoted(self.path)))
    }
}
