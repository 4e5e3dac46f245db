//! Running other programs, and saying so.

use crate::error::{Context, Result};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

/// Announces a step, with the time since the first one.
pub fn step(what: impl std::fmt::Display) {
    static START: OnceLock<Instant> = OnceLock::new();
    let seconds = START.get_or_init(Instant::now).elapsed().as_secs();
    println!("==> {}:{:02} {what}", seconds / 60, seconds % 60);
}

/// Runs the command with our own output; an error unless it succeeds.
pub fn run(command: &mut Command) -> Result {
    let shown = shown(command);
    let status = command.status().context(&shown)?;
    if status.success() { Ok(()) } else { Err(format!("{shown}: {status}")) }
}

/// Runs the command and returns its standard output, without the last newline.
pub fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let out = command.stderr(Stdio::inherit()).output().context(&shown)?;
    if !out.status.success() {
        return Err(format!("{shown}: {}", out.status));
    }
    Ok(String::from_utf8_lossy(&out.stdout).trim_end().to_string())
}

/// Runs the command, prints what it says on standard output and standard error
/// as it comes, in order, and hands each line to `line`; whether it succeeded.
pub fn watch(command: &mut Command, mut line: impl FnMut(&str)) -> Result<bool> {
    let shown = shown(command);
    let (reader, writer) = std::io::pipe().context("pipe")?;
    command.stderr(writer.try_clone().context("pipe")?).stdout(writer);
    let mut child = command.spawn().context(&shown)?;
    // The command holds the writing ends, which must be closed here to see the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    for text in BufReader::new(reader).split(b'\n') {
        let text = text.context(&shown)?;
        let text = String::from_utf8_lossy(&text);
        println!("{text}");
        line(&text);
    }
    Ok(child.wait().context(&shown)?.success())
}

/// Whether we are root: user id 0 by the kernel's word.
pub fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("Uid:")).unwrap_or_default();
    line.split_whitespace().nth(1) == Some("0")
}

fn shown(command: &Command) -> String {
    let name = std::path::Path::new(command.get_program());
    let mut text = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args().take(6) {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
