//! Booting a board in its emulator and reading its console.

use super::Board;
use super::machine::{Life, Listener};
use crate::error::{Context, Result};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// One boot.
pub struct Boot<'a> {
    pub board: &'a Board,
    pub kernel: &'a Path,
    pub initramfs: &'a Path,
    /// More parameters of the kernel.
    pub parameters: &'a str,
    /// The machine's memory, as QEMU takes it; what `start` says otherwise.
    pub memory: Option<&'a str>,
    /// More arguments of QEMU's.
    pub arguments: &'a [String],
    /// The machine is ended after it.
    pub limit: Duration,
}

/// How a boot ended. QEMU's own status says nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The machine went off.
    Off,
    /// It was reset, by its own program.
    Reset,
    /// Its watchdog has reset it.
    Bitten,
    /// The emulator ended, and did not say how the machine had.
    Unknown,
    /// The kernel panicked.
    Panic,
    /// It took too long.
    Late,
}

impl Ending {
    /// That of a machine that has ended.
    fn of(life: &Life) -> Ending {
        match life.end.as_deref() {
            Some("guest-shutdown") => Ending::Off,
            Some("guest-reset") if life.bitten => Ending::Bitten,
            Some("guest-reset") => Ending::Reset,
            _ => Ending::Unknown,
        }
    }
}

/// What the console said.
pub struct Said {
    pub lines: Vec<String>,
    pub ending: Ending,
    pub time: Duration,
}

impl Said {
    /// What follows the text in the first line that contains it.
    pub fn after(&self, text: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| Some(line.split_once(text)?.1))
    }
}

impl Boot<'_> {
    /// Boots the machine to its end.
    pub fn run(&self, mut line: impl FnMut(&str)) -> Result<Said> {
        let begun = Instant::now();
        let listener = Listener::new()?;
        let mut command = self.command();
        command
            .args(listener.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut qemu = Running(command.spawn().context("the board's start")?);
        let console = qemu.0.stdout.take().ok_or("the emulator has no console")?;
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for text in BufReader::new(console).split(b'\n').map_while(|l| l.ok()) {
                if sender.send(String::from_utf8_lossy(&text).replace('\r', "")).is_err() {
                    break;
                }
            }
        });
        let mut lines = Vec::new();
        let deadline = begun + self.limit;
        let ending = loop {
            match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(text) => {
                    line(&text);
                    let panic = text.contains("Kernel panic");
                    lines.push(text);
                    if panic {
                        break Ending::Panic;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break Ending::of(&listener.life()),
                Err(RecvTimeoutError::Timeout) => break Ending::Late,
            }
        };
        Ok(Said { lines, ending, time: begun.elapsed() })
    }

    /// Boots it with its console on our terminal.
    pub fn attend(&self) -> Result<bool> {
        let mut qemu = Running(self.command().spawn().context("the board's start")?);
        Ok(qemu.0.wait().context("the emulator")?.success())
    }

    fn command(&self) -> Command {
        // The emulator must not outlive us, however we end.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(self.board.start());
        command.arg(self.kernel).arg(self.initramfs).arg(self.parameters).args(self.arguments);
        if let Some(memory) = self.memory {
            command.env("MEMORY", memory);
        }
        command
    }
}

/// The emulator, ended when it goes out of scope: `start` becomes it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
