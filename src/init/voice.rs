//! What the first process says: whole lines, without allocation, on the console
//! or in the kernel's log. Tests and people read them: docs/init.md lists them.

use crate::cut;
use crate::fault::Text;
use crate::sys::descriptor::write_all;
use crate::sys::fd::AsFd;
use crate::sys::scratch;
use core::fmt::{self, Write};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, open};

/// How much a line matters: the kernel's levels (include/linux/kern_levels.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something does not work.
    Error = 3,
    /// Something works otherwise than it was asked for.
    Warning = 4,
    /// The life of the board.
    Notice = 5,
    /// For those who look into the kernel's log later; the console does not
    /// show it unless it is asked for all.
    Debug = 7,
}

impl Level {
    /// What stands before the line's text.
    pub fn word(self) -> &'static str {
        match self {
            Level::Error => "error: ",
            Level::Warning => "warning: ",
            Level::Notice | Level::Debug => "",
        }
    }
}

/// `<N>` before a record.
const LEVEL: usize = 3;

/// A record: the level, the text, the end of the line.
type Line = heapless::Vec<u8, { scratch::SIZE + LEVEL + 1 }>;

/// Where lines go.
#[derive(Debug)]
pub struct Voice {
    kmsg: Option<OwnedFd>,
    /// The kernel's log is the place, and not the console.
    to_kmsg: bool,
}

impl Voice {
    /// On the console; in the kernel's log too, when there is one.
    pub fn open() -> Voice {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
        Voice { kmsg: open(c"/dev/kmsg", flags, Mode::empty()).ok(), to_kmsg: false }
    }

    /// From now on in the kernel's log, if there is one.
    pub fn use_kmsg(&mut self) {
        self.to_kmsg = self.kmsg.is_some();
    }

    /// The kernel's log, when lines go there.
    pub fn target(&self) -> Option<&OwnedFd> {
        self.kmsg.as_ref().filter(|_| self.to_kmsg)
    }

    /// The kernel's log.
    pub fn kmsg(&self) -> Option<&OwnedFd> {
        self.kmsg.as_ref()
    }

    /// One line.
    pub fn say(&self, level: Level, text: fmt::Arguments<'_>) {
        let mut words = Text::EMPTY;
        let _ = write!(words, "ocinit: {}{text}", level.word());
        // What the console shows is only kept in the kernel's log.
        let kept = if self.to_kmsg { level } else { Level::Debug };
        let mut line = Line::new();
        let _ = line.extend_from_slice(&[b'<', b'0' + kept as u8, b'>']);
        let _ = line.extend_from_slice(words.as_bytes());
        let _ = line.push(b'\n');
        if !self.to_kmsg {
            let _ = write_all(crate::sys::stderr(), cut::rest(&line, LEVEL));
        }
        if let Some(kmsg) = &self.kmsg {
            // One write is one record.
            let _ = rustix::io::write(kmsg.as_fd(), &line);
        }
    }

    /// The life of the board.
    pub fn notice(&self, text: fmt::Arguments<'_>) {
        self.say(Level::Notice, text);
    }

    /// Something works otherwise than it was asked for.
    pub fn warning(&self, text: fmt::Arguments<'_>) {
        self.say(Level::Warning, text);
    }

    /// Something does not work.
    pub fn error(&self, text: fmt::Arguments<'_>) {
        self.say(Level::Error, text);
    }
}
