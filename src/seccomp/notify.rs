//! What goes to the seccomp agent: `ContainerProcessState` of the
//! specification (config-linux.md, "The Container Process State").

use alloc::string::String;

use crate::json::Writer;
use crate::spec;

/// The name that the document gives to the descriptor that goes with it
/// (`SeccompFdName` of specs-go).
pub const FD_NAME: &str = "seccompFd";

/// What the agent is told.
#[derive(Debug, Clone, Copy)]
pub struct ProcessState<'a> {
    /// The process that has the filter, as seen by the runtime.
    pub pid: i32,
    /// `listenerMetadata`.
    pub metadata: Option<&'a str>,
    /// The container's id.
    pub id: &'a str,
    /// The container's status: `creating` for its init, `running` for `exec`.
    pub status: &'a str,
    /// The container's init; 0 as long as there is none.
    pub init: i32,
    /// The bundle's directory, absolute.
    pub bundle: &'a str,
    /// The configuration's annotations.
    pub annotations: &'a [(&'a str, &'a str)],
}

/// The document, on one line. It is sent over the socket `listenerPath` in one
/// message with the notify descriptor (SCM_RIGHTS, unix(7)).
pub fn state(process: &ProcessState<'_>) -> String {
    let mut out = Writer::new();
    out.open_object();
    out.string_field("ociVersion", spec::VERSION);
    out.strings_field("fds", &mut [FD_NAME].into_iter());
    out.number_field("pid", process.pid.into());
    if let Some(metadata) = process.metadata.filter(|metadata| !metadata.is_empty()) {
        out.string_field("metadata", metadata);
    }
    out.object_field("state");
    out.string_field("ociVersion", spec::VERSION);
    out.string_field("id", process.id);
    out.string_field("status", process.status);
    if process.init != 0 {
        out.number_field("pid", process.init.into());
    }
    out.string_field("bundle", process.bundle);
    if !process.annotations.is_empty() {
        out.map_field("annotations", process.annotations);
    }
    out.close();
    out.close();
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_runc_writes_it() {
        let process = ProcessState {
            pid: 42,
            metadata: Some("a \"b\""),
            id: "web",
            status: "creating",
            init: 42,
            bundle: "/b",
            annotations: &[("k", "v")],
        };
        assert_eq!(
            state(&process),
            "{\"ociVersion\":\"1.3.0\",\"fds\":[\"seccompFd\"],\"pid\":42,\
             \"metadata\":\"a \\\"b\\\"\",\"state\":{\"ociVersion\":\"1.3.0\",\"id\":\"web\",\
             \"status\":\"creating\",\"pid\":42,\"bundle\":\"/b\",\"annotations\":{\"k\":\"v\"}}}"
        );
        let bare = ProcessState { metadata: None, init: 0, annotations: &[], ..process };
        assert_eq!(
            state(&bare),
            "{\"ociVersion\":\"1.3.0\",\"fds\":[\"seccompFd\"],\"pid\":42,\
             \"state\":{\"ociVersion\":\"1.3.0\",\"id\":\"web\",\"status\":\"creating\",\
             \"bundle\":\"/b\"}}"
        );
    }
}
