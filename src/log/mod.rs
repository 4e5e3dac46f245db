//! What the program says beside its output: errors, warnings, debug lines.
//!
//! Engines read the file behind `--log` and search stderr, so the two forms
//! are those of runc: a line of logfmt, or one JSON object a line. Errors go to
//! stderr too when there is a file.

mod line;
pub mod time;

use core::fmt;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags};

use crate::error;
use crate::error::{Context, Error, Result};
use crate::sys;

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
    file: Option<OwnedFd>,
    form: Form,
    level: Level,
}

impl Log {
    /// Lines of text on stderr, debug lines left out: what holds until the
    /// flags are parsed.
    pub const fn stderr() -> Log {
        Log { file: None, form: Form::Text, level: Level::Info }
    }

    /// That of the first process of a board: lines for people, on stderr, or as
    /// records in the kernel's log when it is given.
    pub fn board(kmsg: Option<OwnedFd>, debug: bool) -> Log {
        let level = if debug { Level::Debug } else { Level::Info };
        Log { file: kmsg, form: Form::Board, level }
    }

    /// As the flags before the command say, of which `value` gives the values and
    /// `debug` the switch: `--log`, `--log-format`,
    /// `--log-level` and `--debug`. The file is made with mode 0644 (less the
    /// umask) and written to at its end.
    ///
    /// # Errors
    /// The file cannot be opened; or a value is not one of the known ones.
    pub fn open(value: &dyn Fn(&str) -> Option<&'static str>, debug: bool) -> Result<Log> {
        let mut log = Log::stderr();
        log.form = match value("log-format") {
            None | Some("text" | "") => Form::Text,
            Some("json") => Form::Json,
            Some(other) => return Err(error!("invalid log-format: {other}")),
        };
        log.level = match value("log-level") {
            _ if debug => Level::Debug,
            Some("error") => Level::Error,
            Some("warning") => Level::Warning,
            None | Some("info") => Level::Info,
            Some("debug") => Level::Debug,
            Some(other) => return Err(error!("invalid log-level: {other}")),
        };
        let path = value("log").map(|path| path.strip_prefix("file:").unwrap_or(path));
        if let Some(path) = path.filter(|path| !path.is_empty()) {
            let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC;
            let file = rustix::fs::open(path, flags, Mode::from_raw_mode(0o644))
                .context(|| alloc::format!("open log file \"{path}\""))?;
            log.file = Some(file);
        }
        Ok(log)
    }

    /// The command's failure: a record, and its plain text on stderr when the
    /// record went elsewhere.
    pub fn error(&self, error: &Error) {
        self.record(Level::Error, format_args!("{error}"));
        if self.file.is_some() && self.form != Form::Board {
            write(sys::stderr(), &alloc::format!("{error}\n"));
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
        let message = alloc::fmt::format(message);
        let now = time::Timestamp::now();
        let text = match self.form {
            Form::Text => line::text(now, level.name(), &message),
            Form::Json => line::json(now, level.name(), &message),
            Form::Board => line::board(level, &message, self.file.is_some()),
        };
        match &self.file {
            Some(file) => write(file, &text),
            None => write(sys::stderr(), &text),
        }
    }
}

/// Writes all of `text`; what cannot be written is lost, since there is nobody
/// to tell.
fn write(to: impl AsFd, text: &str) {
    let _ = crate::sys::descriptor::write_all(to.as_fd(), text.as_bytes());
}
