//! `run` and `exec` in the foreground: signals and the terminal are passed on
//! until the program ends.

use super::handover::send_terminal;
use crate::container::notify::Notify;
use crate::error::{Context, Error, Result};
use crate::process::spawn::shell_status;
use crate::process::terminal::{Size, set_size};
use crate::sys::fd::AsFd;
use crate::sys::signal::{self, RECORD};
use crate::sys::terminal::{Settings, When};
use core::cell::Cell;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, wait};
use rustix::termios::{isatty, tcgetwinsize};

/// What `Foreground::step` waits for.
type Awaited<'a> = heapless::Vec<PollFd<'a>, 5>;

/// What stands between the program and who called us.
pub struct Foreground {
    master: Option<OwnedFd>,
    /// The caller's terminal, with the settings to put back.
    outer: Option<(BorrowedFd<'static>, Settings)>,
    /// The container's words to the service manager.
    pub notify: Option<Notify>,
    /// The container has said that it is ready.
    ready: Cell<bool>,
}

/// Bytes on their way, in a fixed buffer.
struct Pipe {
    buffer: [u8; 4096],
    start: usize,
    end: usize,
    open: bool,
}

impl Foreground {
    /// `master` is the program's terminal, if it has one that is ours to serve:
    /// the caller's becomes raw then.
    pub fn new(master: Option<OwnedFd>) -> Foreground {
        let outer = master.as_ref().and_then(|master| {
            // Where output goes to a file or a pipe, lines end there as the program wrote
            // them; the caller's terminal does the rest, as runc has it.
            if let Ok(inner) = Settings::of(master.as_fd()) {
                let _ = inner.plain_lines().set(master.as_fd(), When::Now);
            }
            raw_terminal()
        });
        let foreground = Foreground { master, outer, notify: None, ready: Cell::new(false) };
        foreground.copy_size();
        foreground
    }

    /// Hands the program's terminal to the console socket, or serves it here.
    ///
    /// # Errors
    /// The receiver is gone.
    pub fn serve(console: Option<&OwnedFd>, master: Option<OwnedFd>) -> Result<Foreground> {
        match (console, master) {
            (Some(socket), Some(master)) => {
                send_terminal(socket, master.as_fd())?;
                Ok(Foreground::new(None))
            }
            (_, master) => Ok(Foreground::new(master)),
        }
    }

    /// Waits for the program's end; its exit status as a shell gives it.
    ///
    /// All signals must be blocked.
    ///
    /// # Errors
    /// The kernel refuses to let us wait.
    pub fn wait(&mut self, program: Pid) -> Result<u8> {
        let signals = signal::signalfd(signal::Set::ALL).context(|| "signalfd")?;
        if let Some(master) = &self.master {
            // What nobody reads must not keep what somebody waits for.
            let _ = rustix::io::ioctl_fionbio(master, true);
        }
        let mut input = Pipe::new(self.master.is_some());
        let mut output = Pipe::new(self.master.is_some());
        loop {
            if let Some(status) = reap_until(program)? {
                self.relay();
                output.drain(self.master.as_ref());
                return Ok(shell_status(status));
            }
            if let Err(errno) = self.step(&signals, program, &mut input, &mut output) {
                self.hang_up(program, errno);
            }
        }
    }

    /// Sleeps until something happens, and passes it on. An error: nobody takes the output
    /// any more.
    fn step(
        &self,
        signals: &OwnedFd,
        pid: Pid,
        input: &mut Pipe,
        output: &mut Pipe,
    ) -> rustix::io::Result<()> {
        let mut fds = Awaited::new();
        let _ = fds.push(PollFd::new(signals, PollFlags::IN));
        let Some(master) = &self.master else {
            self.sleep(&mut fds);
            self.pass_signals(signals, pid);
            return Ok(());
        };
        // In place of a descriptor of no interest, whose end poll(2) would tell.
        let nothing = PollFd::new(signals, PollFlags::empty());
        let slot = |fd: BorrowedFd<'static>, flags, wanted| match wanted {
            true => PollFd::from_borrowed_fd(fd, flags),
            false => nothing.clone(),
        };
        // A write that would sleep waits here too: signals and keys are passed on.
        let _ = fds.push(slot(standard(0), PollFlags::IN, input.is_hungry()));
        let _ = fds.push(slot(standard(1), PollFlags::OUT, !output.is_empty()));
        let mut wanted = PollFlags::empty();
        wanted.set(PollFlags::IN, output.is_hungry());
        wanted.set(PollFlags::OUT, !input.is_empty());
        let _ = fds.push(match wanted.is_empty() {
            true => nothing.clone(),
            false => PollFd::new(master, wanted),
        });
        self.sleep(&mut fds);
        let ready = |number: usize| fds.get(number).map_or(PollFlags::empty(), PollFd::revents);
        let (on_signals, on_stdin, on_stdout, on_master) = (ready(0), ready(1), ready(2), ready(3));
        if !on_signals.is_empty() {
            self.pass_signals(signals, pid);
        }
        let mut written = Ok(());
        if !on_stdout.is_empty() {
            written = output.flush(standard(1));
        } else if output.is_hungry() && !on_master.difference(PollFlags::OUT).is_empty() {
            output.fill(master.as_fd());
        }
        if !on_stdin.is_empty() {
            input.fill(standard(0));
        }
        if !input.is_empty() && input.flush(master.as_fd()).is_err() {
            // No slave is open: nobody is there to read it.
            input.start = input.end;
        }
        written
    }

    /// Takes the terminal away from the program, as nobody sees it any more: it gets
    /// SIGHUP, and then the SIGPIPE that was for its output, as from runc.
    fn hang_up(&mut self, pid: Pid, errno: Errno) {
        self.master = None;
        if errno == Errno::PIPE {
            let _ = signal::send(pid, Signal::PIPE.as_raw());
        }
    }

    /// Sleeps until one of `fds` is ready; meanwhile the container may say so.
    fn sleep<'s>(&'s self, fds: &mut Awaited<'s>) {
        if let Some(notify) = self.notify.as_ref().filter(|_| !self.ready.get()) {
            let _ = fds.push(PollFd::from_borrowed_fd(notify.as_fd(), PollFlags::IN));
        }
        let _ = poll(fds, None);
        self.relay();
    }

    fn relay(&self) {
        if let Some(notify) = self.notify.as_ref().filter(|_| !self.ready.get()) {
            // As long as we are here, we are the service. It is ready once: the rest
            // is nothing that we pass on, and could come without end.
            self.ready.set(notify.relay(getpid().as_raw_pid()));
        }
    }

    /// Hands on what came, but for what concerns us alone.
    fn pass_signals(&self, signals: &OwnedFd, pid: Pid) {
        let mut records = [0; 8 * RECORD];
        let Ok(length) = rustix::io::read(signals, &mut records[..]) else { return };
        for record in records[..length].as_chunks().0 {
            let number = signal::number(record);
            match Signal::from_named_raw(number) {
                Some(Signal::CHILD | Signal::URG | Signal::PIPE | Signal::XFSZ) => {}
                Some(Signal::WINCH) if self.master.is_some() => self.copy_size(),
                _ => {
                    let _ = signal::send(pid, number);
                }
            }
        }
    }

    fn copy_size(&self) {
        let (Some(master), Some((outer, _))) = (&self.master, &self.outer) else { return };
        if let Ok(size) = tcgetwinsize(outer)
            && (size.ws_row, size.ws_col) != (0, 0)
        {
            let size = Size { rows: size.ws_row, columns: size.ws_col };
            let _ = set_size(master.as_fd(), size);
        }
    }
}

/// Makes sure that a terminal and what is to become of it go together: detached,
/// it goes to a console socket; in the foreground, the caller has one. `asked`
/// says who wants it.
///
/// # Errors
/// They do not; in runc's words, which engines know.
pub fn check_terminal(terminal: bool, detached: bool, socket: bool, asked: &str) -> Result<()> {
    if detached && terminal && !socket {
        return Err(Error::new(
            "cannot allocate tty if runc will detach without setting console socket",
        ));
    }
    if (!detached || !terminal) && socket {
        return Err(Error::new(
            "cannot use console socket if runc will not detach or allocate tty",
        ));
    }
    if terminal && !detached && !(0..3).map(standard).any(isatty) {
        return Err(crate::error!(
            "{asked}: a terminal is asked for, but none of stdin, stdout and stderr is one"
        )
        .hint("ask for none, or detach and give a --console-socket"));
    }
    Ok(())
}

impl Drop for Foreground {
    fn drop(&mut self) {
        if let Some((terminal, settings)) = &self.outer {
            let _ = settings.set(*terminal, When::Drained);
        }
    }
}

impl Pipe {
    fn new(open: bool) -> Pipe {
        Pipe { buffer: [0; 4096], start: 0, end: 0, open }
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn is_hungry(&self) -> bool {
        self.open && self.is_empty()
    }

    fn fill(&mut self, from: BorrowedFd<'_>) {
        match rustix::io::read(from, &mut self.buffer[..]) {
            Ok(length) if length > 0 => (self.start, self.end) = (0, length),
            Err(Errno::INTR | Errno::AGAIN) => {}
            // The end, or EIO: every slave is closed.
            _ => self.open = false,
        }
    }

    /// Writes what `to` takes now. An error: nobody listens any more.
    fn flush(&mut self, to: BorrowedFd<'_>) -> rustix::io::Result<()> {
        match rustix::io::write(to, &self.buffer[self.start..self.end]) {
            Ok(length) => self.start += length,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(errno) => return Err(errno),
        }
        Ok(())
    }

    /// Passes on what the program wrote before it ended, however long that takes.
    fn drain(&mut self, master: Option<&OwnedFd>) {
        let Some(master) = master else { return };
        loop {
            if self.is_empty() {
                self.fill(master.as_fd());
            }
            if self.is_empty() {
                return;
            }
            let _ = poll(&mut [PollFd::from_borrowed_fd(standard(1), PollFlags::OUT)], None);
            if self.flush(standard(1)).is_err() {
                return;
            }
        }
    }
}

/// Reaps what has ended; the status when it was `pid`.
fn reap_until(pid: Pid) -> Result<Option<WaitStatus>> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((ended, status))) if ended == pid => return Ok(Some(status)),
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return Ok(None),
            Err(errno) => return Err(Error::os("wait for the program", errno)),
        }
    }
}

/// The caller's terminal (whichever of 0, 1 and 2 is one), made raw.
fn raw_terminal() -> Option<(BorrowedFd<'static>, Settings)> {
    let terminal = (0..3).map(standard).find(|fd| isatty(fd))?;
    let settings = Settings::of(terminal).ok()?;
    settings.raw().set(terminal, When::Now).ok()?;
    Some((terminal, settings))
}

fn standard(number: i32) -> BorrowedFd<'static> {
    crate::sys::descriptor::standard(number)
}
