//! What an emulated machine says of itself: QEMU's own protocol for machines
//! (QMP), in which it tells of watchdogs that ran out and how the machine ended.
//! A console can say that a board powers off; whether it did, the machine knows.

use crate::error::{Context, Result};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// The emulator is gone before its last words are read, but not by long.
const PATIENCE: Duration = Duration::from_secs(10);

/// What happened to a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Why it ended, in QEMU's words: `guest-shutdown`, `guest-reset`. None where
    /// the emulator said nothing of it.
    pub end: Option<String>,
    /// The emulated watchdog ran out.
    pub bitten: bool,
}

/// The place where an emulator is listened to.
pub struct Listener {
    path: PathBuf,
    life: Receiver<Life>,
}

impl Listener {
    /// Begins to listen: before the emulator is started.
    pub fn new() -> Result<Listener> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // Not beside the checkout: the path of a socket has at most 107 bytes.
        let name = format!("ocinit-{}-{number}.qmp", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_file(&path);
        let socket = UnixListener::bind(&path).context(path.display())?;
        let (sender, life) = mpsc::channel();
        std::thread::spawn(move || {
            // Nobody comes where the emulator does not start; the thread ends with
            // the program then.
            let Ok((mut stream, _)) = socket.accept() else { return };
            if stream.write_all(b"{\"execute\":\"qmp_capabilities\"}\n").is_err() {
                return;
            }
            let lines = BufReader::new(stream).lines().map_while(|line| line.ok());
            let _ = sender.send(read(lines));
        });
        Ok(Listener { path, life })
    }

    /// What the emulator is told.
    pub fn arguments(&self) -> [String; 2] {
        ["-qmp".into(), format!("unix:{}", self.path.display())]
    }

    /// What was heard; after the emulator's end.
    pub fn life(&self) -> Life {
        self.life.recv_timeout(PATIENCE).unwrap_or_default()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Reads the protocol: a JSON object a line.
fn read(lines: impl Iterator<Item = String>) -> Life {
    let mut life = Life::default();
    for line in lines {
        let message: Value = serde_json::from_str(&line).unwrap_or_default();
        match message["event"].as_str() {
            Some("SHUTDOWN") => life.end = message["data"]["reason"].as_str().map(String::from),
            Some("WATCHDOG") => life.bitten = true,
            _ => {}
        }
    }
    life
}

#[cfg(test)]
mod tests {
    use super::{Life, read};

    #[test]
    fn lives_are_read() {
        let greeting = r#"{"QMP": {"version": {}, "capabilities": []}}"#;
        let shutdown = |reason: &str| {
            format!(r#"{{"event": "SHUTDOWN", "data": {{"guest": true, "reason": "{reason}"}}}}"#)
        };
        let watchdog = r#"{"event": "WATCHDOG", "data": {"action": "reset"}}"#;
        let heard = |lines: &[&str]| read(lines.iter().map(|line| line.to_string()));
        assert_eq!(heard(&[greeting, "{\"return\": {}}", "what"]), Life::default());
        let off = Life { end: Some("guest-shutdown".into()), bitten: false };
        assert_eq!(heard(&[greeting, &shutdown("guest-shutdown")]), off);
        let reset = Life { end: Some("guest-reset".into()), bitten: true };
        assert_eq!(heard(&[greeting, watchdog, &shutdown("guest-reset")]), reset);
    }
}
