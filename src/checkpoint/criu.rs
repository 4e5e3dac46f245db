//! criu at work for us: `criu swrk FD`, which serves one request over a socket
//! and tells how far it is (criu.org, "RPC"; "Swrk").

use super::protobuf::Message;
use super::rpc::{Kind, Response, answer};
use crate::act::channel::{self, Channel};
use crate::act::report::{self, Report};
use crate::cut;
use crate::errno;
use crate::error;
use crate::error::{Context, Error, Result};
use crate::fault::{Act, Detail, Quoted};
use crate::named;
use crate::process::spawn::{find, reap, shell_status};
use crate::request::{Caller, in_user_namespace};
use crate::sys::clone::{Side, clone};
use crate::sys::descriptor::{become_stdio, close_on_exec_from};
use crate::sys::exec::{Strings, execve};
use crate::sys::fd::AsFd;
use crate::sys::signal;
use crate::text;
use alloc::vec::Vec;
use core::ffi::CStr;
use linux_raw_sys::general::CLONE_NEWNS;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{Access, CWD, Mode, OFlags, access, mkdirat, openat};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::{SendFlags, send};
use rustix::process::Pid;

/// How much criu writes down: what its errors refer to.
pub const LOG_LEVEL: i64 = 4;

/// What a program that could not be executed exits with, as a shell's.
const NOT_EXECUTED: u8 = 127;

/// The longest answer, in bytes.
const ANSWER_MAX: usize = 16 << 10;

/// criu, running. When it goes out of scope, criu hears that nobody is there any
/// more, ends, and is reaped.
pub struct Criu {
    channel: Option<Channel>,
    /// Its process.
    pub pid: Pid,
}

/// What a notification brings: the step, its process or 0, a descriptor.
pub type Notified<'a> = dyn FnMut(&str, i32, Option<OwnedFd>) -> Result<()> + 'a;

/// Makes sure that we may do what CRIU needs.
///
/// # Errors
/// We are not root of the host.
pub fn needs_root(what: &str) -> Result<()> {
    if rustix::process::geteuid().is_root() && !in_user_namespace() {
        return Ok(());
    }
    Err(Error::about("{}: CRIU needs root outside of any user namespace", what)
        .hint("rootless containers can be neither saved nor restored"))
}

/// Where criu is: as `--criu` says, else in the PATH.
///
/// # Errors
/// There is none that could be executed.
pub fn program(caller: &Caller, environment: &Strings) -> Result<&'static CStr> {
    let name = caller.globals.criu.unwrap_or("criu");
    let found = if name.as_bytes().contains(&b'/') {
        access(name, Access::EXEC_OK).context(|| text::about_quoted("execute {}", name)).and_then(
            |()| {
                text::c_string(name)
                    .ok_or_else(|| Error::about_quoted("{} has a null byte in it", name))
            },
        )
    } else {
        find(name, environment)
    };
    found.map_err(|error| error.hint("install the package criu, or name it with --criu FILE"))
}

/// Opens a directory, made with its parents where it is missing.
///
/// # Errors
/// Those of mkdir(2) and open(2).
pub fn make_directory(path: &str) -> Result<OwnedFd> {
    let what = || text::about_quoted("make directory {}", path);
    let ends = path.match_indices('/').map(|(index, _)| index).filter(|index| *index > 0);
    for end in ends.chain([path.len()]) {
        match mkdirat(CWD, cut::before(path, end), Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(Error::os(what(), errno)),
        }
    }
    open_directory(path)
}

/// Opens a directory.
///
/// # Errors
/// Those of open(2).
pub fn open_directory(path: &str) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    named::open(path, flags).context(|| text::about_quoted("open directory {}", path))
}

/// Where and how criu works.
pub struct Start<'a> {
    /// The program.
    pub program: &'static CStr,
    /// Its environment.
    pub environment: &'a Strings,
    /// The place of its own that it gets, or else it has ours.
    pub apart: Option<Apart<'a>>,
}

/// A mount namespace of criu's own, so that nothing of what is mounted in it is
/// seen outside, or left.
pub struct Apart<'a> {
    /// Descriptors that criu inherits, under their numbers; 0, 1 and 2 in any case.
    pub inherited: &'a [OwnedFd],
    /// Makes it ready; allocates nothing.
    pub prepare: &'a dyn Fn() -> Act,
    /// Directories that we get, as they are there. criu mounts in the one that it
    /// works in, which it could not do in ours.
    pub directories: &'a [&'static CStr],
}

impl Criu {
    /// Starts it; the value is the directories too.
    ///
    /// # Errors
    /// No process, or what is not ready in the place of its own.
    pub fn start(start: &Start<'_>) -> Result<(Criu, Vec<OwnedFd>)> {
        let Start { program, environment, apart } = start;
        let what = || text!("run {}", Quoted(program));
        let (ours, theirs) = channel::pair().context(what)?;
        let number = text::c_string(text!("{}", theirs.as_fd().as_raw_fd())).unwrap_or_default();
        let arguments = Strings::new(Vec::from([*program, c"swrk", number]).leak());
        let flags = if apart.is_some() { CLONE_NEWNS } else { 0 };
        let pid = match clone(flags, None).context(what)? {
            Side::Parent(pid) => pid,
            Side::Child => {
                let ready = match apart {
                    Some(apart) => apart.make(&theirs),
                    None => silence(),
                };
                if let Err(fault) = ready {
                    let _ = theirs.send(&Report::failed(&"prepare for criu", &fault));
                    crate::sys::exit(1)
                }
                let inherited = apart.as_ref().map_or(&[][..], |apart| apart.inherited);
                if become_criu(&theirs, inherited).is_ok() {
                    let _ = execve(program, &arguments, environment);
                }
                crate::sys::exit(NOT_EXECUTED)
            }
        };
        drop(theirs);
        let criu = Criu { channel: Some(ours), pid };
        let mut directories = Vec::new();
        let mut packet = [0; report::MAX];
        loop {
            let (length, fd) = criu.receive(&mut packet)?;
            match (report::kind(cut::first(&packet, length)), fd) {
                (Some((report::Kind::Ready, _)), Some(fd)) => directories.push(fd),
                (Some((report::Kind::Executing, _)), _) => return Ok((criu, directories)),
                (Some((report::Kind::Failed, _)), _) => {
                    return Err(report::decode(cut::first(&packet, length)));
                }
                _ => return Err(criu.ended()),
            }
        }
    }

    fn channel(&self) -> Result<&Channel> {
        self.channel.as_ref().ok_or_else(|| Error::new("criu has been let go"))
    }

    fn receive(&self, packet: &mut [u8]) -> Result<(usize, Option<OwnedFd>)> {
        self.channel()?.receive(packet).context(|| "wait for criu")
    }

    fn send(&self, message: &Message) -> Result<()> {
        let channel = self.channel()?;
        match send(channel.as_fd(), message.as_bytes(), SendFlags::NOSIGNAL) {
            // Why it is gone is read next.
            Ok(_) | Err(Errno::PIPE) => Ok(()),
            Err(errno) => Err(Error::os("ask criu", errno)),
        }
    }

    /// Has a request carried out; the value is the process that it tells of, or
    /// 0. `notified` is called at each step, and criu gives up where that fails.
    ///
    /// # Errors
    /// Those of `notified`; what criu says went wrong.
    pub fn ask(mut self, request: &Message, notified: &mut Notified<'_>) -> Result<i32> {
        self.send(request)?;
        let mut refused = Ok(());
        let mut packet = alloc::vec![0; ANSWER_MAX];
        loop {
            let (length, fd) = self.receive(&mut packet)?;
            if length == 0 {
                return refused.and_then(|()| Err(self.ended()));
            }
            let Some(response) = Response::read(cut::first(&packet, length)) else {
                return Err(Error::new("criu sent a broken answer"));
            };
            if response.kind == Kind::Notify as u64 && response.success {
                if refused.is_ok() {
                    refused = notified(response.script, response.pid, fd);
                }
                self.send(&answer(refused.is_ok()))?;
                continue;
            }
            refused?;
            if !response.success {
                return Err(failure(&response));
            }
            self.let_go();
            return Ok(response.pid);
        }
    }

    /// Says that there is nothing more to do, and waits for its end.
    fn let_go(&mut self) -> u8 {
        let open = self.channel.take().is_some();
        if open { reap(self.pid).map_or(255, shell_status) } else { 0 }
    }

    /// It ended without an answer.
    fn ended(mut self) -> Error {
        let status = self.let_go();
        let error = error!("criu ended without an answer, with status {status}");
        if status == NOT_EXECUTED { error.hint("the program cannot be executed") } else { error }
    }
}

impl Drop for Criu {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl Apart<'_> {
    /// In the process that becomes criu.
    fn make(&self, channel: &Channel) -> Act {
        (self.prepare)()?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        for path in self.directories {
            let directory = openat(CWD, &**path, flags, Mode::empty()).detail(Quoted(path))?;
            channel
                .send_with(Report::new(report::Kind::Ready, 0).as_bytes(), &[directory.as_fd()])?;
        }
        Ok(())
    }
}

/// What criu has to say is in its log.
fn silence() -> Act {
    let null = openat(CWD, c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .detail("open \"/dev/null\"")?;
    for number in 0..3 {
        become_stdio(null.as_fd(), number)?;
    }
    Ok(())
}

/// The last steps of the process that becomes criu.
fn become_criu(channel: &Channel, inherited: &[OwnedFd]) -> rustix::io::Result<()> {
    close_on_exec_from(3, None)?;
    for fd in inherited.iter().map(AsFd::as_fd).chain([channel.as_fd()]) {
        fcntl_setfd(fd, FdFlags::empty())?;
    }
    signal::set_mask(signal::Set::NONE);
    channel.send(&Report::new(report::Kind::Executing, 0))
}

/// What criu said of a failure.
fn failure(response: &Response) -> Error {
    let why = match response.message {
        "" => "it does not say why",
        message => message,
    };
    let what = text::about("criu failed: {}", why);
    match errno::of(response.errno) {
        Some(errno) => Error::os(what, errno),
        None => Error::new(what),
    }
}
