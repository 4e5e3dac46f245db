//! `state`: one container as JSON; and the document, which `list` shares.

use alloc::vec::Vec;

use crate::command::output::print;
use crate::command::{Command, Invocation};
use crate::container::{ContainerId, Glance, Root, State, Status, glance};
use crate::error::Result;
use crate::json::{Writer, indent};
use crate::spec;

/// The declaration.
pub static COMMAND: Command = Command {
    text: "state <container-id>\n\
        show the state of a container",
    flags: &[],
    min: 1,
    max: 1,
    verbatim: false,
    failure: 1,
    run,
};

fn run(invocation: &Invocation) -> Result<u8> {
    let id = invocation.id()?;
    let root = invocation.root()?;
    let entry = Entry::read(&root, &id)?;
    if entry.status == Status::Stopped {
        // Without a state there is nothing to show.
        root.container(&id)?.state()?;
    }
    let mut out = Writer::new();
    entry.write(&mut out, "");
    print(&indent(&out.finish(), "  "))?;
    Ok(0)
}

/// What can be told about a container.
pub struct Entry {
    /// Its id.
    pub id: ContainerId,
    /// Its status.
    pub status: Status,
    /// The user id of the directory's owner.
    pub owner: u32,
    state: Option<&'static mut State>,
}

impl Entry {
    /// Reads state and status.
    ///
    /// # Errors
    /// The container does not exist or cannot be read.
    pub fn read(root: &Root, id: &ContainerId) -> Result<Entry> {
        let directory = root.container(id)?;
        let state = directory.load()?;
        let status = directory.status(state.as_deref())?;
        Ok(Entry { id: *id, status, owner: directory.owner()?, state })
    }

    /// As [`Entry::read`], cheaper for most of many.
    ///
    /// # Errors
    /// As [`Entry::read`].
    pub fn glance(root: &Root, id: &ContainerId) -> Result<Entry> {
        match glance(root, id) {
            Some(Glance { state, status, owner }) => {
                Ok(Entry { id: *id, status, owner, state: Some(state) })
            }
            None => Entry::read(root, id),
        }
    }

    /// The process id of its init; 0 when it has none, or none any more.
    pub fn pid(&self) -> i32 {
        match (&self.state, self.status) {
            (None, _) | (_, Status::Stopped) => 0,
            (Some(state), _) => state.pid,
        }
    }

    /// The bundle's directory; empty when it was not saved yet.
    pub fn bundle(&self) -> &str {
        self.state.as_deref().map_or("", |state| state.bundle)
    }

    /// When it was created; when that was not saved yet, the zero time of Go,
    /// whose programs parse it.
    pub fn created(&self) -> &str {
        self.state.as_deref().map_or("0001-01-01T00:00:00Z", |state| state.created)
    }

    /// Writes it as an object, in runc's order.
    pub fn write(&self, out: &mut Writer, owner: &str) {
        let state = self.state.as_deref();
        let annotations: Vec<(&str, &str)> =
            state.map(|state| state.annotations().collect()).unwrap_or_default();
        let document = spec::State {
            id: self.id.as_str(),
            status: self.status,
            pid: self.pid() as u32,
            bundle: self.bundle(),
            annotations: &annotations,
        };
        let rootfs = state.map_or("", |state| state.rootfs);
        document.write(&spec::Details { rootfs, created: self.created(), owner }, out);
    }

    /// An entry without a saved state.
    #[cfg(test)]
    pub fn sample(id: &str, state: Option<State>, status: Status) -> Entry {
        let state = state.map(|state| alloc::boxed::Box::leak(alloc::boxed::Box::new(state)));
        Entry { id: ContainerId::new(id).unwrap(), status, owner: 0, state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::sample_state;

    fn check(entry: &Entry, expect: &str) {
        let mut out = Writer::new();
        entry.write(&mut out, "");
        assert_eq!(indent(&out.finish(), "  "), expect);
    }

    #[test]
    fn documents() {
        check(
            &Entry::sample("web", Some(sample_state()), Status::Running),
            r#"{
  "ociVersion": "1.3.0",
  "id": "web",
  "pid": 4711,
  "status": "running",
  "bundle": "/b",
  "rootfs": "/b/rootfs",
  "created": "2024-02-29T12:00:00.5Z",
  "annotations": {
    "a.b": "\"c\""
  },
  "owner": ""
}"#,
        );
        check(
            &Entry::sample("new", None, Status::Creating),
            r#"{
  "ociVersion": "1.3.0",
  "id": "new",
  "pid": 0,
  "status": "creating",
  "bundle": "",
  "rootfs": "",
  "created": "0001-01-01T00:00:00Z",
  "owner": ""
}"#,
        );
    }

    #[test]
    fn a_stopped_container_has_no_process() {
        assert_eq!(Entry::sample("a", Some(sample_state()), Status::Stopped).pid(), 0);
        assert_eq!(Entry::sample("a", Some(sample_state()), Status::Paused).pid(), 4711);
    }
}
