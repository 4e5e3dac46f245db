//! The state document: what hooks read on stdin, what `state` and `list` print
//! and what a seccomp listener is sent.

use alloc::string::String;

use super::VERSION;
use crate::closed_set;
use crate::json::Writer;

closed_set! {
    /// Where in its life a container is.
    pub enum Status {
        /// Being made.
        Creating = "creating",
        /// Ready, its program not started.
        Created = "created",
        /// Its program runs.
        Running = "running",
        /// Its program has ended.
        Stopped = "stopped",
        /// Frozen; a status of ours, as the specification permits.
        Paused = "paused",
    }
}

/// What the specification says of a container.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// The container's id.
    pub id: &'a str,
    /// Its status.
    pub status: Status,
    /// Its process in the reader's pid namespace; 0 for none.
    pub pid: u32,
    /// The bundle's directory, absolute.
    pub bundle: &'a str,
    /// The annotations of the configuration.
    pub annotations: &'a [(&'a str, &'a str)],
}

/// What `state` and `list` print besides.
#[derive(Debug, Clone, Copy)]
pub struct Details<'a> {
    /// The root file system, absolute.
    pub rootfs: &'a str,
    /// When it was created, RFC 3339 in UTC.
    pub created: &'a str,
    /// The user that made it; empty in `state`.
    pub owner: &'a str,
}

impl State<'_> {
    /// The document that hooks get on stdin, in one line.
    pub fn for_hook(&self) -> String {
        let mut writer = Writer::new();
        self.write_short(&mut writer);
        writer.finish()
    }

    /// The document that goes to a seccomp listener with its one fd, in one
    /// line (the specification's container process state).
    pub fn for_seccomp_listener(&self, pid: u32, metadata: Option<&str>) -> String {
        let mut writer = Writer::new();
        writer.open_object();
        writer.string_field("ociVersion", VERSION);
        writer.strings_field("fds", &mut ["seccompFd"].into_iter());
        writer.number_field("pid", pid.into());
        if let Some(metadata) = metadata {
            writer.string_field("metadata", metadata);
        }
        writer.key("state");
        self.write_short(&mut writer);
        writer.close();
        writer.finish()
    }

    fn write_short(&self, writer: &mut Writer) {
        writer.open_object();
        writer.string_field("ociVersion", VERSION);
        writer.string_field("id", self.id);
        writer.string_field("status", self.status.name());
        if self.pid != 0 {
            writer.number_field("pid", self.pid.into());
        }
        writer.string_field("bundle", self.bundle);
        self.write_annotations(writer);
        writer.close();
    }

    fn write_annotations(&self, writer: &mut Writer) {
        if !self.annotations.is_empty() {
            writer.map_field("annotations", self.annotations);
        }
    }

    /// Writes the object that `state` prints and of which `list` prints an
    /// array, in runc's order.
    pub fn write(&self, details: &Details<'_>, writer: &mut Writer) {
        writer.open_object();
        writer.string_field("ociVersion", VERSION);
        writer.string_field("id", self.id);
        writer.number_field("pid", self.pid.into());
        writer.string_field("status", self.status.name());
        writer.string_field("bundle", self.bundle);
        writer.string_field("rootfs", details.rootfs);
        writer.string_field("created", details.created);
        self.write_annotations(writer);
        writer.string_field("owner", details.owner);
        writer.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::indent;

    const STATE: State<'_> = State {
        id: "c1",
        status: Status::Running,
        pid: 42,
        bundle: "/b",
        annotations: &[("a.b", "<c>")],
    };

    #[test]
    fn hooks_get_one_line() {
        assert_eq!(
            STATE.for_hook(),
            r#"{"ociVersion":"1.3.0","id":"c1","status":"running","pid":42,"bundle":"/b","annotations":{"a.b":"<c>"}}"#
        );
        let stopped = State { status: Status::Stopped, pid: 0, annotations: &[], ..STATE };
        assert_eq!(
            stopped.for_hook(),
            r#"{"ociVersion":"1.3.0","id":"c1","status":"stopped","bundle":"/b"}"#
        );
    }

    #[test]
    fn listeners_get_the_fd_and_the_state() {
        let state = State { annotations: &[], ..STATE };
        assert_eq!(
            state.for_seccomp_listener(43, Some("m")),
            r#"{"ociVersion":"1.3.0","fds":["seccompFd"],"pid":43,"metadata":"m","state":{"ociVersion":"1.3.0","id":"c1","status":"running","pid":42,"bundle":"/b"}}"#
        );
    }

    #[test]
    fn state_is_printed_as_runc_does() {
        let mut writer = Writer::new();
        let details = Details { rootfs: "/b/rootfs", created: "2026-01-01T00:00:00.5Z", owner: "" };
        STATE.write(&details, &mut writer);
        assert_eq!(
            indent(&writer.finish(), "  "),
            r#"{
  "ociVersion": "1.3.0",
  "id": "c1",
  "pid": 42,
  "status": "running",
  "bundle": "/b",
  "rootfs": "/b/rootfs",
  "created": "2026-01-01T00:00:00.5Z",
  "annotations": {
    "a.b": "<c>"
  },
  "owner": ""
}"#
        );
    }
}
