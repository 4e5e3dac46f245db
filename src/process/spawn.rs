//! Running a program of the host (a hook, newuidmap) and waiting for it, without
//! allocation in the new process.

use crate::cut;
use crate::error::{Context, Error, Result};
use crate::sys::exec::{Strings, execve};
use crate::sys::fd::AsFd;
use crate::sys::lend::{Memory, clone_for};
use crate::sys::{descriptor, signal};
use crate::text;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::ffi::CStr;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};

/// A program, its arguments, and what its descriptors 0, 1 and 2 are to be
/// (`None`: as ours).
pub struct Program<'a> {
    /// Where it is.
    pub path: &'a CStr,
    /// Its arguments, the name first.
    pub arguments: &'a Strings,
    /// Its environment.
    pub environment: &'a Strings,
    /// Where it starts, if that can be entered; `None`: where we are.
    pub directory: Option<&'a CStr>,
    /// Descriptors 0, 1 and 2.
    pub stdio: [Option<BorrowedFd<'a>>; 3],
}

/// What a program that could not be executed exits with, as a shell's.
const NOT_EXECUTED: u8 = 127;

impl Program<'_> {
    /// Starts it. All signals are as the kernel's defaults and none is blocked.
    pub fn start(&self) -> rustix::io::Result<Pid> {
        clone_for(Memory::Lent, 0, None, &mut || self.become_it())
    }

    /// In the new process.
    fn become_it(&self) -> Infallible {
        for (number, fd) in (0..).zip(self.stdio) {
            if let Some(fd) = fd
                && descriptor::become_stdio(fd, number).is_err()
            {
                crate::sys::exit(NOT_EXECUTED);
            }
        }
        if let Some(directory) = self.directory {
            // A bundle may be gone when its container is deleted.
            let _ = rustix::process::chdir(directory);
        }
        let _ = descriptor::close_on_exec_from(3, None);
        signal::set_mask(signal::Set::NONE);
        let _ = execve(self.path, self.arguments, self.environment);
        crate::sys::exit(NOT_EXECUTED)
    }
}

/// waitpid(2) of this child, to its end.
pub fn reap(pid: Pid) -> rustix::io::Result<WaitStatus> {
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Err(Errno::INTR) | Ok(None) => {}
            Ok(Some((_, status))) => return Ok(status),
            Err(errno) => return Err(errno),
        }
    }
}

/// The exit status as a shell gives it: the program's, or 128 and the signal's
/// number.
pub fn shell_status(status: WaitStatus) -> u8 {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code as u8,
        (None, Some(signal)) => 128u8.wrapping_add(signal as u8),
        (None, None) => 255,
    }
}

/// Runs a program found in the PATH of `environment`; its exit status, and what
/// it wrote to its standard output and error.
///
/// # Errors
/// The program is not in the PATH, or could not be started.
pub fn run_and_read(
    name: &str,
    arguments: &Strings,
    environment: &Strings,
) -> Result<(u8, &'static str)> {
    let path = find(name, environment)?;
    let (read_end, write_end) = pipe_with(PipeFlags::CLOEXEC).context(|| "pipe")?;
    let output = Some(write_end.as_fd());
    let stdio = [None, output, output];
    let program = Program { path, arguments, environment, directory: None, stdio };
    let pid = program.start().context(|| text::about_quoted("run {}", name))?;
    drop(write_end);
    let said = read_all(&read_end);
    let status = reap(pid).context(|| text::about_quoted("wait for {}", name))?;
    Ok((shell_status(status), text::lossy(said.leak())))
}

/// Everything up to the end of file, or to an error.
pub fn read_all(fd: &OwnedFd) -> Vec<u8> {
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match rustix::io::read(fd, &mut buffer[..]) {
            Err(Errno::INTR) => {}
            Ok(length) if length > 0 => said.extend_from_slice(cut::first(&buffer, length)),
            _ => return said,
        }
    }
}

/// Where programs usually are, as a variable.
pub const PATH_VARIABLE: &CStr =
    c"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The same, its value alone.
pub const USUAL_PATH: &str = match PATH_VARIABLE.to_str() {
    Ok(variable) => variable.split_at(5).1,
    Err(_) => "",
};

/// The program's path, from the PATH of `environment` (or a usual one).
pub fn find(name: &str, environment: &Strings) -> Result<&'static CStr> {
    use rustix::fs::{Access, access};
    let variable = environment
        .as_slice()
        .iter()
        .find_map(|entry| entry.to_str().ok()?.strip_prefix("PATH="))
        .unwrap_or(USUAL_PATH);
    for directory in variable.split(':') {
        if let Some(path) = text::c_string(text::about_both("{}/{}", directory, name))
            && access(path, Access::EXEC_OK).is_ok()
        {
            return Ok(path);
        }
    }
    Err(Error::about_quoted("{}: executable file not found in $PATH", name))
}
