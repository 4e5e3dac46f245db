//! What a set-up process says to the command that waits for it.
//!
//! One message a packet, of a fixed form that needs no allocation to write:
//!
//! | bytes | what |
//! |---|---|
//! | 0 | kind |
//! | 1 | 0 |
//! | 2..4 | length of the text |
//! | 4..8 | errno, 0: none |
//! | 8..12 | a process id, 0: none |
//! | 12.. | the text, then the hint |

use crate::errno;
use crate::error::Error;
use crate::fault::Fault;
use crate::text;
use crate::text::keep;
use core::fmt::{self, Write};

/// The longest message.
pub const MAX: usize = 2048;

const HEADER: usize = 12;

/// What a message is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// The set-up failed: the error follows.
    Failed = 1,
    /// The user namespace exists: its id maps are wanted.
    WantIdMaps = 2,
    /// The container's first process exists; its id follows.
    Born = 3,
    /// The namespaces are set up: the hooks of the runtime's side are wanted.
    WantHooks = 4,
    /// The system call filter is loaded; its notify descriptor comes along.
    Listener = 6,
    /// All but the process itself is ready, or that too where it waits for `start`;
    /// a terminal's master may come along.
    Ready = 5,
    /// The network namespace exists: the network devices are wanted.
    WantDevices = 7,
    /// Nothing is left but to execute the program: if that works, nothing more is
    /// said.
    Executing = 8,
}

/// A message being written.
pub struct Report {
    bytes: heapless::Vec<u8, MAX>,
}

impl Report {
    /// A message without text.
    pub fn new(kind: Kind, pid: i32) -> Report {
        let mut bytes = heapless::Vec::new();
        let mut header = [0; HEADER];
        header[0] = kind as u8;
        header[8..12].copy_from_slice(&pid.to_ne_bytes());
        let _ = bytes.extend_from_slice(&header);
        Report { bytes }
    }

    /// The failure of an operation.
    pub fn failed(operation: &dyn fmt::Display, fault: &Fault) -> Report {
        let mut report = Report::new(Kind::Failed, 0);
        if !fault.alone {
            let _ = write!(report, "{operation}");
        }
        let detail = fault.text();
        if !detail.is_empty() {
            if !fault.alone {
                let _ = report.write_str(": ");
            }
            let _ = report.append(detail.as_bytes());
        }
        let length = (report.bytes.len() - HEADER) as u16;
        let errno = fault.errno.map_or(0, |errno| errno.raw_os_error());
        report.bytes[2..4].copy_from_slice(&length.to_ne_bytes());
        report.bytes[4..8].copy_from_slice(&errno.to_ne_bytes());
        let _ = report.write_str(fault.remedy());
        report
    }

    /// The packet.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn append(&mut self, text: &[u8]) -> fmt::Result {
        let room = (MAX - self.bytes.len()).min(text.len());
        let _ = self.bytes.extend_from_slice(&text[..room]);
        Ok(())
    }
}

impl Write for Report {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text.as_bytes())
    }
}

/// The kind of a message and the process id it carries; `None` for what is no
/// message of ours.
pub fn kind(packet: &[u8]) -> Option<(Kind, i32)> {
    let header: &[u8; HEADER] = packet.first_chunk()?;
    let kind = match header[0] {
        1 => Kind::Failed,
        2 => Kind::WantIdMaps,
        3 => Kind::Born,
        4 => Kind::WantHooks,
        5 => Kind::Ready,
        6 => Kind::Listener,
        7 => Kind::WantDevices,
        8 => Kind::Executing,
        _ => return None,
    };
    Some((kind, i32::from_ne_bytes([header[8], header[9], header[10], header[11]])))
}

/// The error that a [`Kind::Failed`] message carries.
pub fn decode(packet: &[u8]) -> Error {
    let Some((header, rest)) = packet.split_first_chunk::<HEADER>() else {
        return Error::new("the container's first process sent a broken report");
    };
    let length = usize::from(u16::from_ne_bytes([header[2], header[3]])).min(rest.len());
    let (text, hint) = rest.split_at(length);
    let errno = i32::from_ne_bytes([header[4], header[5], header[6], header[7]]);
    let owned = |bytes| keep(text::lossy(bytes));
    let (text, hint) = (owned(text), owned(hint));
    let mut error = match errno::of(errno) {
        None => Error::new(text),
        Some(errno) => Error::os(text, errno),
    };
    if !hint.is_empty() {
        error = error.hint(hint);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Detail;
    use alloc::string::{String, ToString};
    use rustix::io::Errno;

    fn round(operation: &str, fault: &Fault) -> String {
        decode(Report::failed(&operation, fault).as_bytes()).to_string()
    }

    #[test]
    fn failures_come_back_whole() {
        let denied: Result<(), _> = Err(Errno::PERM);
        let fault = denied.detail("fsmount").err().unwrap().hint("do this");
        assert_eq!(
            round("mount \"a\" on \"b\"", &fault),
            "mount \"a\" on \"b\": fsmount: EPERM (operation not permitted): do this"
        );
        assert_eq!(round("x", &Errno::NOENT.into()), "x: ENOENT (no such file or directory)");
        assert_eq!(round("x", &Fault::alone("exec: \"y\"")), "exec: \"y\"");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let long = "z".repeat(MAX * 2);
        let report = Report::failed(&long, &Errno::IO.into());
        assert_eq!(report.as_bytes().len(), MAX);
        assert_eq!(decode(report.as_bytes()).errno, Some(Errno::IO));
    }

    #[test]
    fn foreign_bytes_are_no_message() {
        assert_eq!(kind(b""), None);
        assert_eq!(kind(&[9; 40]), None);
        // No errno has this number.
        assert_eq!(decode(&[255; 40]).errno, None);
        assert_eq!(decode(&[255; HEADER - 1]).errno, None);
        assert_eq!(kind(Report::new(Kind::Born, 7).as_bytes()), Some((Kind::Born, 7)));
    }
}
