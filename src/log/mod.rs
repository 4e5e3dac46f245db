//! What the program says beside its output: errors, warnings, debug lines.
//!
//! Engines read the file behind `--log` and search stderr, so the two forms
//! are those of runc: a line of logfmt, or one JSON object a line. Errors go to
//! stderr too when there is a file.

mod line;
mod target;
pub mod time;

use core::fmt;
use rustix::fd::{AsFd, OwnedFd};

use crate::error::{Error, Result};
use crate::sys;
use crate::text;
use target::Target;

/// How much a record matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The command failed.
    Error,
    /// The command goes on, but not quite as asked.
    Warning,
    /// Worth knowing.
    Info,
    /// For those who look for the reason of something.
    Debug,
}

impl Level {
    /// The name in records, as logrus writes it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }

    /// The priority of syslog(3).
    fn priority(self) -> u8 {
        match self {
            Level::Error => 3,
            Level::Warning => 4,
            Level::Info => 6,
            Level::Debug => 7,
        }
    }
}

/// How a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A line of logfmt.
    Text,
    /// A JSON object a line.
    Json,
    /// A line for the people before a board's console.
    Board,
}

/// Where records go, and which.
#[derive(Debug)]
pub struct Log {
    target: Option<Target>,
    form: Form,
    level: Level,
}

impl Log {
    /// Lines of text on stderr, debug lines left out: what holds until the
    /// flags are parsed.
    pub const fn stderr() -> Log {
        Log { target: None, form: Form::Text, level: Level::Info }
    }

    /// That of the first process of a board: lines for people, on stderr, or as
    /// records in the kernel's log when it is given.
    pub fn board(kmsg: Option<OwnedFd>, debug: bool) -> Log {
        let level = if debug { Level::Debug } else { Level::Info };
        Log { target: kmsg.map(Target::File), form: Form::Board, level }
    }

    /// As the flags before the command say, of which `value` gives the values and
    /// `debug` the switch: `--log`, `--log-format`,
    /// `--log-level` and `--debug`. A file is made with mode 0644 (less the umask)
    /// and written to at its end.
    ///
    /// # Errors
    /// The target cannot be opened; or a value is not one of the known ones.
    pub fn open(value: &dyn Fn(&str) -> Option<&'static str>, debug: bool) -> Result<Log> {
        let mut log = Log::stderr();
        log.form = match value("log-format") {
            None | Some("text" | "") => Form::Text,
            Some("json") => Form::Json,
            Some(other) => return Err(Error::about("invalid log-format: {}", other)),
        };
        log.level = match value("log-level") {
            _ if debug => Level::Debug,
            Some("error") => Level::Error,
            Some("warning") => Level::Warning,
            None | Some("info") => Level::Info,
            Some("debug") => Level::Debug,
            Some(other) => return Err(Error::about("invalid log-level: {}", other)),
        };
        log.target =
            value("log").filter(|value| !value.is_empty()).map(Target::open).transpose()?;
        Ok(log)
    }

    /// The command's failure: a record, and its plain text on stderr when the
    /// record went elsewhere.
    pub fn error(&self, error: &Error) {
        self.record(Level::Error, format_args!("{error}"));
        if self.target.is_some() && self.form != Form::Board {
            write(sys::stderr(), text!("{error}\n"));
        }
    }

    /// A warning.
    pub fn warning(&self, message: fmt::Arguments<'_>) {
        self.record(Level::Warning, message);
    }

    /// A debug line.
    pub fn debug(&self, message: fmt::Arguments<'_>) {
        self.record(Level::Debug, message);
    }

    fn record(&self, level: Level, message: fmt::Arguments<'_>) {
        if level > self.level {
            return;
        }
        let line = || {
            let (now, message) = (time::Timestamp::now(), alloc::fmt::format(message));
            match self.form {
                Form::Text => line::text(now, level.name(), &message),
                Form::Json => line::json(now, level.name(), &message),
                Form::Board => line::board(level, &message, self.target.is_some()),
            }
        };
        match &self.target {
            Some(target) => target.put(level, message, &line),
            None => write(sys::stderr(), &line()),
        }
    }
}

/// Writes all of `text`; what cannot be written is lost, since there is nobody
/// to tell.
fn write(to: impl AsFd, text: &str) {
    let _ = crate::sys::descriptor::write_all(to.as_fd(), text.as_bytes());
}
