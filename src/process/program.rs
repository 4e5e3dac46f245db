//! The program that the container runs: where it is, and becoming it.

use crate::cut;
use crate::fault::{Act, Detail, Fault};
use crate::number;
use crate::process::spawn::USUAL_PATH;
use crate::quote::quoted;
use crate::sys::exec::{Strings, execve};
use crate::text;
use crate::text::c_string;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt::Write;
use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, accessat, open, stat};
use rustix::io::Errno;

/// The longest line of /etc/passwd that is read.
const LINE: usize = 1024;

/// A program with its arguments and environment, all memory in place.
pub struct Program {
    /// `process.args`.
    pub arguments: Strings,
    /// `process.env`, with room for HOME where that is not given.
    pub environment: Strings,
    /// The paths to try, in order: the name itself where it has a slash.
    pub candidates: Vec<&'static CStr>,
    /// HOME is to be looked up in the container's /etc/passwd.
    pub needs_home: bool,
}

impl Program {
    /// Builds the vectors. Of variables given twice the last wins, as in runc.
    ///
    /// # Errors
    /// `None` when an argument or variable has a null byte in it, or there are
    /// no arguments.
    pub fn new(arguments: &[&str], environment: &[&str]) -> Option<Program> {
        let name = *arguments.first()?;
        let variables = last_of_each(environment);
        let value = |key: &str| {
            variables
                .iter()
                .filter_map(|entry| entry.split_once('='))
                .find(|entry| entry.0 == key)
                .map(|entry| entry.1)
        };
        let candidates = if name.as_bytes().contains(&b'/') {
            Vec::from([c_string(name)?])
        } else {
            // execvpe(3): an empty entry is the current directory.
            let path = value("PATH").unwrap_or(USUAL_PATH);
            path.split(':')
                .map(|directory| if directory.is_empty() { "." } else { directory })
                .map(|directory| c_string(text::about_both("{}/{}", directory, name)))
                .collect::<Option<_>>()?
        };
        let needs_home = value("HOME").is_none_or(str::is_empty);
        let own = |texts: &[&str]| -> Option<&'static [&'static CStr]> {
            Some(texts.iter().map(|text| c_string(text)).collect::<Option<Vec<_>>>()?.leak())
        };
        let kept: Vec<&str> = variables
            .into_iter()
            .filter(|entry| !(needs_home && entry.starts_with("HOME=")))
            .collect();
        Some(Program {
            arguments: Strings::new(own(arguments)?),
            environment: Strings::with_room(own(&kept)?, LINE),
            candidates,
            needs_home,
        })
    }

    /// The path of the program, as seen from here, now.
    ///
    /// # Errors
    /// The texts that engines know: `executable file not found in $PATH`,
    /// `permission denied`, `no such file or directory`.
    pub fn find(&self) -> Result<&CStr, Fault> {
        let name =
            self.arguments.as_slice().first().map_or("", |name| name.to_str().unwrap_or("?"));
        let mut denied = false;
        for path in &self.candidates {
            match executable(path) {
                Ok(()) => return Ok(path),
                // No name is in any directory: it is the directory itself.
                Err(Errno::ACCESS) => denied = !name.is_empty(),
                Err(errno) if name.as_bytes().contains(&b'/') => {
                    return Err(Fault::alone(format_args!(
                        "exec: {}: stat {name}: {}",
                        quoted(name),
                        crate::errno::meaning(errno)
                    )));
                }
                Err(_) => {}
            }
        }
        Err(if denied {
            Fault::alone(format_args!("exec: {}: permission denied", quoted(name)))
        } else {
            Fault::alone(format_args!("exec: {}: executable file not found in $PATH", quoted(name)))
        })
    }

    /// Fills HOME in from /etc/passwd of the container: the home directory of
    /// `uid`, or `/`.
    ///
    /// # Errors
    /// The file is there but cannot be read.
    pub fn set_home(&mut self, uid: u32) -> Act {
        if !self.needs_home {
            return Ok(());
        }
        let mut variable = heapless::Vec::<u8, LINE>::new();
        let _ = variable.extend_from_slice(b"HOME=");
        let found = match home_of(uid, &mut variable) {
            // The image may have anything, or nothing, in its place.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::ISDIR | Errno::LOOP) => false,
            Err(Errno::ACCESS | Errno::NXIO | Errno::NODEV) => false,
            result => result.detail("read \"/etc/passwd\"")?,
        };
        if !found {
            let _ = variable.push(b'/');
        }
        self.environment.fill_room(&variable);
        Ok(())
    }

    /// Becomes the program; returns only on an error.
    pub fn become_it(&self, path: &CStr) -> Fault {
        let errno = execve(path, &self.arguments, &self.environment);
        let name = path.to_str().unwrap_or("?");
        let meaning = crate::errno::meaning(errno);
        let fault = Fault::alone(format_args!("exec {}: {meaning}", quoted(name)));
        match errno {
            Errno::NOEXEC => fault.hint(
                "it is neither a program of this architecture nor a \
                script with an interpreter line",
            ),
            Errno::NOENT => fault.hint("its interpreter or loader is missing in the container"),
            _ => fault,
        }
    }
}

/// Ends as a program that ended by itself: a container that was started has a status
/// and its words where engines look for them, in its own output, as with runc.
pub fn leave(fault: &Fault) -> ! {
    let mut text = fault.text();
    let _ = match fault.remedy() {
        "" => text.write_str("\n"),
        remedy => writeln!(text, ": {remedy}"),
    };
    let _ = rustix::io::write(crate::sys::stderr(), text.as_bytes());
    crate::sys::exit(1)
}

/// The variables in order, of those given twice only the last.
fn last_of_each<'a>(environment: &[&'a str]) -> Vec<&'a str> {
    let key = |entry: &'a str| entry.split_once('=').map_or(entry, |entry| entry.0);
    let mut kept: Vec<&str> = Vec::with_capacity(environment.len() + 1);
    for entry in environment {
        match kept.iter_mut().find(|other| key(other) == key(entry)) {
            Some(other) => *other = entry,
            None => kept.push(entry),
        }
    }
    kept
}

/// Whether we may execute the file; a directory may not be.
fn executable(path: &CStr) -> Result<(), Errno> {
    let found = stat(path)?;
    if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
        return Err(Errno::ACCESS);
    }
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).or_else(|errno| match errno {
        // faccessat2 is Linux 5.8; our real and effective ids are the same.
        Errno::NOSYS => accessat(CWD, path, Access::EXEC_OK, AtFlags::empty()),
        errno => Err(errno),
    })
}

/// How often /etc/passwd is read from: more than any has pieces.
const READS: u32 = 4096;

/// Appends the home directory of `uid` from /etc/passwd; false when there is
/// none. passwd(5): `name:password:uid:gid:comment:home:shell`.
fn home_of(uid: u32, variable: &mut heapless::Vec<u8, LINE>) -> rustix::io::Result<bool> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = open(c"/etc/passwd", flags, Mode::empty())?;
    // The image may have a device there that never ends, or a file as large as it likes.
    if FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) != FileType::RegularFile {
        return Ok(false);
    }
    let mut buffer = [0; 4 * LINE];
    let mut filled = 0;
    for _ in 0..READS {
        let length = rustix::io::read(&file, &mut buffer[filled..])?;
        filled += length;
        let mut start = 0;
        while let Some(end) = line_end(cut::rest(cut::first(&buffer, filled), start), length == 0) {
            if let Some(home) = home_in_line(cut::first(cut::rest(&buffer, start), end), uid) {
                return Ok(!home.is_empty() && variable.extend_from_slice(home).is_ok());
            }
            start = (start + end + 1).min(filled);
        }
        // Keep the unfinished line; one that is too long is skipped in pieces.
        if start == 0 && filled == buffer.len() {
            start = filled;
        }
        buffer.copy_within(start..filled, 0);
        filled -= start;
        if length == 0 {
            break;
        }
    }
    Ok(false)
}

fn line_end(text: &[u8], last: bool) -> Option<usize> {
    match text.iter().position(|&byte| byte == b'\n') {
        None if last && !text.is_empty() => Some(text.len()),
        found => found,
    }
}

fn home_in_line(line: &[u8], uid: u32) -> Option<&[u8]> {
    let mut fields = line.split(|&byte| byte == b':');
    let id: u32 = number::unsigned(core::str::from_utf8(fields.nth(2)?).ok()?)?;
    (id == uid).then(|| fields.nth(2)).flatten()
}

/// Changes to the working directory, and makes sure that it is inside the
/// container (CVE-2024-21626).
///
/// # Errors
/// It cannot be entered, or it is outside of the root.
pub fn change_directory(cwd: &CStr) -> Act {
    rustix::process::chdir(cwd).detail(format_args!("chdir to {}", crate::fault::Quoted(cwd)))?;
    check_directory()
}

/// Checks that the working directory is inside the root: the kernel reports one
/// that is not as `(unreachable)…`.
pub fn check_directory() -> Act {
    let mut buffer = [0; 4096];
    match crate::sys::current_directory(&mut buffer) {
        Ok(path) if path.first() == Some(&b'/') => Ok(()),
        Ok(_) | Err(Errno::NOENT) => {
            Err(Fault::new("the current working directory is outside of the container"))
        }
        // Longer than any buffer: it has a path, so it is inside.
        Err(Errno::RANGE) => Ok(()),
        Err(errno) => Err(errno).detail("getcwd"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_found_by_uid() {
        let line = b"daemon:x:1:1:daemon:/usr/sbin:/bin/sh";
        assert_eq!(home_in_line(line, 1), Some(&b"/usr/sbin"[..]));
        assert_eq!(home_in_line(line, 2), None);
        assert_eq!(home_in_line(b"broken", 0), None);
        assert_eq!(home_in_line(b"a:b:0", 0), None);
    }

    #[test]
    fn the_last_of_two_variables_wins() {
        assert_eq!(last_of_each(&["A=1", "B=2", "A=3"]), ["A=3", "B=2"]);
        let program = Program::new(&["sh"], &["PATH=/a::/b", "HOME="]).unwrap();
        let paths: Vec<_> = program.candidates.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(paths, ["/a/sh", "./sh", "/b/sh"]);
        assert!(program.needs_home);
        assert!(Program::new(&[], &[]).is_none());
        assert!(Program::new(&["a\0b"], &[]).is_none());
    }
}
