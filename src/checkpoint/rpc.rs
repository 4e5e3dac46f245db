//! CRIU's remote procedure calls: the messages of its images/rpc.proto, with the
//! numbers of release 3.17.1. A number once given keeps its meaning, so newer
//! releases know them all, and older ones ignore what they do not know.

use super::protobuf::{Message, Value, read};
use crate::text;
use crate::text::keep;

/// `criu_req_type`: what is asked for, and what an answer is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Save the processes.
    Dump = 1,
    /// Bring them back.
    Restore = 2,
    /// Save their memory and let them run.
    PreDump = 4,
    /// CRIU tells how far it is, and waits.
    Notify = 6,
}

/// Fields of `criu_req`.
mod request {
    pub const TYPE: u32 = 1;
    pub const OPTS: u32 = 2;
    pub const NOTIFY_SUCCESS: u32 = 3;
}

/// Fields of `criu_opts`, the options.
pub mod opts {
    #![allow(missing_docs, reason = "the names are CRIU's, see criu(8)")]
    pub const IMAGES_DIR_FD: u32 = 1;
    pub const PID: u32 = 2;
    pub const LEAVE_RUNNING: u32 = 3;
    pub const EXT_UNIX_SK: u32 = 4;
    pub const TCP_ESTABLISHED: u32 = 5;
    pub const EVASIVE_DEVICES: u32 = 6;
    pub const SHELL_JOB: u32 = 7;
    pub const FILE_LOCKS: u32 = 8;
    pub const LOG_LEVEL: u32 = 9;
    pub const LOG_FILE: u32 = 10;
    pub const PS: u32 = 11;
    pub const NOTIFY_SCRIPTS: u32 = 12;
    pub const ROOT: u32 = 13;
    pub const PARENT_IMG: u32 = 14;
    pub const TRACK_MEM: u32 = 15;
    pub const AUTO_DEDUP: u32 = 16;
    pub const WORK_DIR_FD: u32 = 17;
    pub const LINK_REMAP: u32 = 18;
    pub const EXT_MNT: u32 = 23;
    pub const CG_ROOT: u32 = 25;
    pub const RST_SIBLING: u32 = 26;
    pub const INHERIT_FD: u32 = 27;
    pub const MANAGE_CGROUPS_MODE: u32 = 34;
    pub const EXTERNAL: u32 = 37;
    pub const EMPTY_NS: u32 = 38;
    pub const JOIN_NS: u32 = 39;
    pub const FREEZE_CGROUP: u32 = 44;
    pub const TCP_SKIP_IN_FLIGHT: u32 = 46;
    pub const LAZY_PAGES: u32 = 48;
    pub const ORPHAN_PTS_MASTER: u32 = 50;
    pub const CONFIG_FILE: u32 = 51;
    pub const TCP_CLOSE: u32 = 52;
    pub const LSM_PROFILE: u32 = 53;
    pub const LSM_MOUNT_CONTEXT: u32 = 63;
    pub const NETWORK_LOCK: u32 = 64;
}

/// A request of this kind with these options.
pub fn request(kind: Kind, opts: &Message) -> Message {
    let mut message = Message::default();
    message.number(request::TYPE, kind as i64);
    message.message(request::OPTS, opts);
    message
}

/// The answer to a notification: CRIU goes on, or gives up.
pub fn answer(go_on: bool) -> Message {
    let mut message = Message::default();
    message.number(request::TYPE, Kind::Notify as i64);
    message.number(request::NOTIFY_SUCCESS, go_on.into());
    message
}

/// A message of two texts: `ext_mount_map`, `join_namespace`, `cgroup_root`.
pub fn pair(first: &[u8], second: &[u8]) -> Message {
    let mut message = Message::default();
    message.bytes(1, first);
    message.bytes(2, second);
    message
}

/// `inherit_fd`: the resource `key` is the descriptor `fd` of criu.
pub fn inherit(key: &[u8], fd: i32) -> Message {
    let mut message = Message::default();
    message.bytes(1, key);
    message.number(2, fd.into());
    message
}

/// `criu_page_server_info`.
pub fn page_server(address: &str, port: u16) -> Message {
    let mut message = Message::default();
    message.bytes(1, address.as_bytes());
    message.number(2, port.into());
    message
}

/// `criu_resp`, as much as is looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// `criu_req_type`.
    pub kind: u64,
    /// It worked.
    pub success: bool,
    /// The step of a notification.
    pub script: &'static str,
    /// The process of a notification or of a restore, 0 where none is said.
    pub pid: i32,
    /// The errno of a failure, 0 where none is said.
    pub errno: i32,
    /// The first error that CRIU met.
    pub message: &'static str,
}

impl Response {
    /// Reads one; `None` where the bytes are none.
    pub fn read(bytes: &[u8]) -> Option<Response> {
        let mut response = Response::default();
        let text = |bytes| keep(text::lossy(bytes).trim_ascii());
        let mut valid = true;
        read(bytes, &mut |field, value| match (field, value) {
            (1, Value::Number(kind)) => response.kind = kind,
            (2, Value::Number(success)) => response.success = success != 0,
            // criu_restore_resp { pid = 1 }
            (4, Value::Bytes(bytes)) => {
                valid &= read(bytes, &mut |field, value| {
                    if let (1, Value::Number(pid)) = (field, value) {
                        response.pid = pid as i32;
                    }
                })
                .is_some();
            }
            // criu_notify { script = 1, pid = 2 }
            (5, Value::Bytes(bytes)) => {
                valid &= read(bytes, &mut |field, value| match (field, value) {
                    (1, Value::Bytes(script)) => response.script = text(script),
                    (2, Value::Number(pid)) => response.pid = pid as i32,
                    _ => {}
                })
                .is_some();
            }
            (7, Value::Number(errno)) => response.errno = errno as i32,
            (9, Value::Bytes(message)) => response.message = text(message),
            _ => {}
        })
        .filter(|()| valid)?;
        Some(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        let mut options = Message::default();
        options.number(opts::PID, 7);
        assert_eq!(request(Kind::Dump, &options).as_bytes(), b"\x08\x01\x12\x02\x10\x07");
        assert_eq!(answer(true).as_bytes(), b"\x08\x06\x18\x01");
        assert_eq!(answer(false).as_bytes(), b"\x08\x06\x18\x00");
        assert_eq!(pair(b"a", b"").as_bytes(), b"\x0a\x01a\x12\x00");
        assert_eq!(inherit(b"k", 2).as_bytes(), b"\x0a\x01k\x10\x02");
        assert_eq!(page_server("::1", 80).as_bytes(), b"\x0a\x03::1\x10\x50");
    }

    #[test]
    fn responses() {
        let read = |bytes: &[u8]| Response::read(bytes).unwrap();
        let restored = read(b"\x08\x02\x10\x01\x22\x02\x08\x2a");
        assert_eq!((restored.kind, restored.success, restored.pid), (2, true, 42));
        let notified = read(b"\x08\x06\x10\x01\x2a\x10\x0a\x0cpost-restore\x10\x2a");
        assert_eq!((notified.script, notified.pid), ("post-restore", 42));
        let failed = read(b"\x08\x01\x10\x00\x38\x11\x4a\x03no\n");
        assert_eq!((failed.success, failed.errno, failed.message), (false, 17, "no"));
        // A message inside that is none, and a field of another type.
        assert!(Response::read(b"\x08\x06\x2a\x02\x0a\x05").is_none());
        assert_eq!(read(b"\x0a\x00"), Response::default());
    }
}
