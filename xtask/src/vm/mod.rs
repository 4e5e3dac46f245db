//! `cargo xtask vm`: the project's own test machine.
//!
//! A QEMU guest under software emulation with Debian's kernel, systemd, cgroup
//! v2 with all its controllers and AppArmor: what machines that run tests often
//! lack. Its parts are made once and kept in the cache directory.

pub mod cache;
pub mod cpio;
mod disk;
pub mod kernel;
mod payload;
mod qemu;
mod root;
pub mod selinux;

pub use payload::Payload;
pub use qemu::Machine;

use crate::error::Result;
use crate::process::{is_root, step};
use crate::{build, debian};
use kernel::Kernel;
use std::time::Duration;

/// What makes the machine and runs it: a file of each package.
const PACKAGES: [(&str, &str); 6] = [
    ("busybox-static", "/bin/busybox"),
    ("e2fsprogs", "/sbin/mkfs.ext4"),
    ("kmod", "/sbin/depmod"),
    ("mmdebstrap", "/usr/bin/mmdebstrap"),
    ("qemu-system-x86", "/usr/bin/qemu-system-x86_64"),
    ("util-linux", "/usr/bin/setpriv"),
];

/// A command of a user: not a test, which has its own limit.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// The command.
pub fn command(mut parser: lexopt::Parser) -> Result<bool> {
    use lexopt::prelude::*;
    let (mut shell, mut user, mut words) = (false, false, Vec::new());
    while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
        match argument {
            Long("shell") => shell = true,
            Long("user") => user = true,
            Value(word) => {
                words.push(word);
                words.extend(parser.raw_args().map_err(|e| e.to_string())?);
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    if shell != words.is_empty() {
        return Err("vm takes a command, after `--`, or --shell".into());
    }
    let words: Vec<String> = words.iter().map(|w| quoted(&w.to_string_lossy())).collect();
    let payload = Payload::new("command", &build::release()?.path)?;
    payload.text("command", &script(user, &words.join(" ")))?;
    let machine = machine(&payload)?;
    if shell {
        step("a shell in the test machine: `exit` ends it, and so does Ctrl-a x");
        return machine.shell().map(|()| true);
    }
    step("booting the test machine");
    let status = machine.run(LIMIT, |line| println!("{line}"))?;
    step(format_args!("the command ended with status {status}"));
    Ok(status == 0)
}

/// The machine with this payload; makes what of it is missing.
pub fn machine(payload: &Payload) -> Result<Machine> {
    possible()?;
    let kernel = kernel::get()?;
    let root = root::get(&kernel)?;
    let disks = payload.disks()?;
    let Kernel { image, initramfs, .. } = kernel;
    Ok(Machine { kernel: image, initramfs, root, disks, kernel_line: "", patient: false })
}

/// An error where it cannot be made, and the packages for it where it can.
pub fn possible() -> Result {
    if !cfg!(target_arch = "x86_64") {
        return Err("the test machine is made on x86-64 only".into());
    }
    if !is_root() {
        return Err("the test machine is made as root: run it again as root".into());
    }
    debian::install_missing(&PACKAGES)
}

/// The command as root, or as the user mary from that user's systemd.
fn script(user: bool, command: &str) -> String {
    if !user {
        return format!("{command}\n");
    }
    let become_mary = "setpriv --reuid mary --regid mary --init-groups env HOME=/home/mary \
        XDG_RUNTIME_DIR=/run/user/1000";
    let run = "systemd-run --user --quiet --wait --pipe --property=Delegate=yes \
        --setenv=PATH --working-directory=/home/mary";
    format!(
        "loginctl enable-linger mary && systemctl start user@1000\n{become_mary} {run} -- {command}\n"
    )
}

/// A word as the shell takes it for one.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_stay_words() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
