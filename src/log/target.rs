//! Where records go besides stderr: a file, the journal, or syslog. The prefixes
//! of `--log` for the latter two are those of crun.

use core::fmt::Arguments;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with,
};

use super::{Level, write};
use crate::error::{Context, Result};
use crate::text;

/// The journal's socket (systemd-journald.service(8), "Native Journal Protocol").
const JOURNAL: &str = "/run/systemd/journal/socket";

/// The socket of syslog(3).
const SYSLOG: &str = "/dev/log";

/// `LOG_USER` of syslog(3), as it is added to a priority.
const USER: u8 = 1 << 3;

/// An open target.
#[derive(Debug)]
pub enum Target {
    /// A file, in one of the two forms.
    File(OwnedFd),
    /// The journal, under this name.
    Journal(OwnedFd, &'static str),
    /// The system's logger, under this name.
    Syslog(OwnedFd, &'static str),
}

impl Target {
    /// Opens a value of `--log`: `journald:NAME`, `syslog:NAME`, or a file, with
    /// `file:` or without.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(value: &'static str) -> Result<Target> {
        if let Some(name) = value.strip_prefix("journald:") {
            return Ok(Target::Journal(socket(JOURNAL)?, name));
        }
        if let Some(name) = value.strip_prefix("syslog:") {
            return Ok(Target::Syslog(socket(SYSLOG)?, name));
        }
        let path = value.strip_prefix("file:").unwrap_or(value);
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC;
        rustix::fs::openat(rustix::fs::CWD, path, flags, Mode::from_raw_mode(0o644))
            .context(|| text::about("open log file \"{}\"", path))
            .map(Target::File)
    }

    /// Writes a record; `line` is it in the form for files.
    pub fn put(
        &self,
        level: Level,
        message: Arguments<'_>,
        line: &dyn Fn() -> alloc::string::String,
    ) {
        let priority = level.priority();
        let (to, text) = match self {
            Target::File(file) => return write(file, &line()),
            Target::Journal(to, name) => {
                // A value in this form ends with its line.
                let message = text::replaced(&alloc::fmt::format(message), b'\n', " ");
                let text = alloc::format!(
                    "PRIORITY={priority}\nSYSLOG_IDENTIFIER={name}\nMESSAGE={message}\n"
                );
                (to, text)
            }
            Target::Syslog(to, name) => {
                (to, alloc::format!("<{}>{name}: {message}", USER | priority))
            }
        };
        // What cannot be sent is lost, since there is nobody to tell.
        let _ = send(to, text.as_bytes(), SendFlags::NOSIGNAL);
    }
}

fn socket(path: &str) -> Result<OwnedFd> {
    let open = || {
        let (family, kind) = (AddressFamily::UNIX, SocketType::DGRAM);
        let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
        connect(&socket, &SocketAddrUnix::new(path)?)?;
        Ok(socket)
    };
    open().context(|| text::about("open log socket \"{}\"", path))
}
