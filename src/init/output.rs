//! The container's output in the kernel's log: a pipe, read by the first
//! process, and a record for each line.

use crate::cut;
use crate::error::{Context, Result};
use crate::sys::fd::AsFd;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::pipe::{PipeFlags, pipe_with};

/// The longest record; the kernel takes a little more
/// (`LOG_LINE_MAX` of kernel/printk/printk.c).
const RECORD: usize = 900;

/// `LOG_USER | LOG_INFO` of syslog(3): the records are not the kernel's own.
const PREFIX: &[u8] = b"<14>";

/// Lines being put together.
#[derive(Debug)]
struct Lines {
    record: heapless::Vec<u8, RECORD>,
    start: usize,
}

impl Lines {
    fn new(id: &str) -> Lines {
        let mut record = heapless::Vec::new();
        for part in [PREFIX, &id.as_bytes()[..id.len().min(64)], b": "] {
            let _ = record.extend_from_slice(part);
        }
        Lines { start: record.len(), record }
    }

    /// Takes bytes, and hands out each record that is complete. What is longer
    /// than a record becomes several.
    fn take(&mut self, bytes: &[u8], emit: &mut dyn FnMut(&[u8])) {
        for byte in bytes {
            if *byte != b'\n' && self.record.push(*byte).is_ok() {
                continue;
            }
            self.flush(emit);
            if *byte != b'\n' {
                let _ = self.record.push(*byte);
            }
        }
    }

    fn flush(&mut self, emit: &mut dyn FnMut(&[u8])) {
        if self.record.len() > self.start {
            emit(&self.record);
            self.record.truncate(self.start);
        }
    }
}

/// The pipe and its reader.
#[derive(Debug)]
pub struct Output {
    read: OwnedFd,
    write: OwnedFd,
    kmsg: OwnedFd,
    lines: Lines,
}

impl Output {
    /// Makes the pipe.
    ///
    /// # Errors
    /// Those of pipe2(2) and of the copy.
    pub fn new(id: &str, kmsg: BorrowedFd<'_>) -> Result<Output> {
        let what = || "make a pipe for the container's output";
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).context(what)?;
        rustix::io::ioctl_fionbio(&read, true).context(what)?;
        let kmsg = kmsg.try_clone_to_owned().context(what)?;
        Ok(Output { read, write, kmsg, lines: Lines::new(id) })
    }

    /// What becomes readable.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }

    /// Where the container writes.
    pub fn write_end(&self) -> BorrowedFd<'_> {
        self.write.as_fd()
    }

    /// Passes on what there is. With `all` also a line without end.
    pub fn relay(&mut self, all: bool) {
        let mut buffer = [0; 1024];
        let kmsg = &self.kmsg;
        let mut emit = |record: &[u8]| {
            let _ = rustix::io::write(kmsg, record);
        };
        // As much as a pipe holds: who writes without end must not keep us.
        for _ in 0..64 {
            match rustix::io::read(&self.read, &mut buffer[..]) {
                Ok(length) if length > 0 => self.lines.take(cut::first(&buffer, length), &mut emit),
                _ => break,
            }
        }
        if all {
            self.lines.flush(&mut emit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;

    #[test]
    fn lines() {
        let mut lines = Lines::new("main");
        let mut records: Vec<String> = Vec::new();
        let mut emit = |record: &[u8]| records.push(String::from_utf8_lossy(record).into_owned());
        lines.take(b"a", &mut emit);
        lines.take(b"b\n\nc\nd", &mut emit);
        lines.take(b"\r\n", &mut emit);
        lines.flush(&mut emit);
        let long = "x".repeat(RECORD);
        lines.take(long.as_bytes(), &mut emit);
        lines.flush(&mut emit);
        lines.flush(&mut emit);
        let start = "<14>main: ";
        let first = RECORD - start.len();
        let expect = ["ab", "c", "d\r", &long[..first], &long[first..]];
        let expect: Vec<String> = expect.iter().map(|line| String::from(start) + line).collect();
        assert_eq!(records, expect);
    }
}
