//! Terminals: pairs, console sockets, and a session at a terminal.

use crate::oci::{self, Call, Outcome, Running};
use crate::wait::patiently;
use nix::cmsg_space;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use std::fs::File;
use std::io::{IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The master of a terminal, with what has been read from it.
pub struct Master {
    file: File,
    seen: String,
}

impl Master {
    /// Wraps the descriptor that a runtime sent.
    pub fn new(fd: OwnedFd) -> Master {
        Master { file: File::from(fd), seen: String::new() }
    }

    /// Everything read so far.
    pub fn seen(&self) -> &str {
        &self.seen
    }

    /// Types the text.
    pub fn type_in(&mut self, text: &str) {
        self.file.write_all(text.as_bytes()).expect("type at the terminal");
    }

    /// Reads until the text turns up; panics after ten seconds.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + patiently(Duration::from_secs(10));
        while !self.seen.contains(text) {
            let open = self.read_some(deadline);
            assert!(
                self.seen.contains(text) || (open && Instant::now() < deadline),
                "waited for {text:?} at the terminal, which shows: {}",
                self.seen
            );
        }
    }

    /// Forgets what has been read.
    pub fn forget(&mut self) {
        self.seen.clear();
    }

    /// Reads what there is until the other side closes or the time is over.
    fn read_some(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now()).as_millis().min(1000) as u16;
        let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, PollTimeout::from(left)).unwrap_or(0) == 0 {
            return true;
        }
        let mut bytes = [0; 4096];
        // EIO: the slave has been closed everywhere.
        let got = self.file.read(&mut bytes).unwrap_or(0);
        self.seen.push_str(&String::from_utf8_lossy(&bytes[..got]));
        got > 0
    }

    /// Reads all until the slave is closed.
    pub fn drain(&mut self) {
        let deadline = Instant::now() + patiently(Duration::from_secs(10));
        while self.read_some(deadline) && Instant::now() < deadline {}
    }

    /// Sets rows and columns.
    pub fn resize(&self, rows: u16, cols: u16) {
        let size = Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the descriptor is an open terminal and the structure a live local.
        #[allow(unsafe_code)]
        let rc = unsafe { libc::ioctl(self.file.as_raw_fd(), libc::TIOCSWINSZ, &size) };
        assert_eq!(rc, 0, "set the window size");
    }

    /// Rows and columns.
    pub fn size(&self) -> (u16, u16) {
        let mut size = Winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the descriptor is an open terminal and the structure a live local.
        #[allow(unsafe_code)]
        let rc = unsafe { libc::ioctl(self.file.as_raw_fd(), libc::TIOCGWINSZ, &mut size) };
        assert_eq!(rc, 0, "get the window size");
        (size.ws_row, size.ws_col)
    }
}

/// The binary at a terminal of its own, which is its controlling one.
pub struct Session {
    /// What the user types and sees.
    pub terminal: Master,
    running: Running,
    slave: PathBuf,
}

impl Session {
    /// Starts the call at a terminal of this size.
    pub fn start(call: Call, rows: u16, cols: u16) -> Session {
        let pair = openpty(None, None).expect("a terminal pair");
        nix::fcntl::fcntl(
            &pair.master,
            nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC),
        )
        .expect("keep the master to ourselves");
        let terminal = Master::new(pair.master);
        terminal.resize(rows, cols);
        let name = format!("/proc/self/fd/{}", pair.slave.as_raw_fd());
        let slave = std::fs::read_link(name).expect("the terminal's name");
        Session { terminal, running: call.tty(pair.slave).spawn(), slave }
    }

    /// The process id of the binary.
    pub fn pid(&self) -> i32 {
        self.running.pid()
    }

    /// The terminal's settings (`stty -g`), to be compared before and after.
    pub fn settings(&self) -> String {
        let mut stty = Command::new("stty");
        let child = oci::start(stty.arg("-g").arg("-F").arg(&self.slave).stdout(Stdio::piped()));
        let out = child.and_then(Child::wait_with_output).expect("run stty");
        String::from_utf8(out.stdout).expect("text")
    }

    /// Closes the terminal under the binary, as a lost connection does, and
    /// waits for its end.
    #[track_caller]
    pub fn hang_up(self) -> Outcome {
        drop(self.terminal);
        self.running.wait()
    }

    /// Waits for the end of the binary.
    #[track_caller]
    pub fn wait(mut self) -> (Outcome, String) {
        self.terminal.drain();
        let out = self.running.wait();
        (out, self.terminal.seen)
    }
}

/// A socket on which a runtime sends one descriptor.
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Listens at the path, which must be shorter than 108 bytes.
    pub fn listen(path: &Path) -> Socket {
        let listener = UnixListener::bind(path).expect("listen on a socket");
        listener.set_nonblocking(true).expect("do not hang");
        Socket { listener, path: path.to_path_buf() }
    }

    /// Where it listens.
    pub fn path(&self) -> &str {
        self.path.to_str().expect("a path of the tests is text")
    }

    /// The one message that has been sent: its text and its descriptor.
    #[track_caller]
    pub fn receive(&self) -> (String, OwnedFd) {
        let stream =
            crate::wait::found("a connection on the socket", || self.listener.accept().ok()).0;
        stream.set_nonblocking(false).expect("block");
        stream.set_read_timeout(Some(patiently(Duration::from_secs(10)))).expect("do not hang");
        let mut text = [0; 4096];
        let mut buffers = [IoSliceMut::new(&mut text)];
        let mut space = cmsg_space!([RawFd; 4]);
        let message = recvmsg::<()>(
            stream.as_raw_fd(),
            &mut buffers,
            Some(&mut space),
            MsgFlags::MSG_CMSG_CLOEXEC,
        )
        .expect("receive from the runtime");
        let length = message.bytes;
        let fds: Vec<RawFd> = message
            .cmsgs()
            .expect("control messages")
            .flat_map(|c| match c {
                ControlMessageOwned::ScmRights(fds) => fds,
                other => panic!("an unexpected control message {other:?}"),
            })
            .collect();
        assert_eq!(fds.len(), 1, "exactly one descriptor comes with the message");
        // SAFETY: recvmsg has just put this descriptor into our table and nobody else knows it.
        #[allow(unsafe_code)]
        let fd = unsafe { OwnedFd::from_raw_fd(fds[0]) };
        assert!(length > 0, "the message has a text");
        (String::from_utf8_lossy(&text[..length]).into_owned(), fd)
    }
}
