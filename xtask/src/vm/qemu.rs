//! Booting the machine, showing its console and learning how it ended.

use crate::error::{Context, Result};
use crate::process::step;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// The line by which the guest tells that it has booted.
const BEGIN: &str = "OCINIT-VM-BEGIN";
/// The line by which the guest tells the status of its command.
const END: &str = "OCINIT-VM-END ";

/// A boot takes 15 s, or some minutes where others compute too.
const BOOT: Duration = Duration::from_secs(600);

/// How many boots are tried.
const BOOTS: usize = 2;

/// A machine that can be booted: nothing that the guest writes is kept.
pub struct Machine {
    pub kernel: PathBuf,
    pub initramfs: PathBuf,
    pub root: PathBuf,
    /// More disks, read-only, in the order in which the guest sees them.
    pub disks: Vec<PathBuf>,
    /// More words for the kernel, with a space in front.
    pub kernel_line: &'static str,
    /// Whether others go first on the processors of this machine.
    pub patient: bool,
}

impl Machine {
    /// Boots it and hands each line of the console to `line`; the status of the
    /// guest's command. The machine is ended when that takes too long.
    pub fn run(&self, limit: Duration, mut line: impl FnMut(&str)) -> Result<i32> {
        for _ in 1..BOOTS {
            match self.boot(limit, &mut line)? {
                Some(status) => return Ok(status),
                None => step("the guest did not come up: booting it once more"),
            }
        }
        self.boot(limit, &mut line)?.ok_or("the guest does not come up".into())
    }

    /// One boot; none when the guest's command has not begun.
    fn boot(&self, limit: Duration, line: &mut impl FnMut(&str)) -> Result<Option<i32>> {
        let mut command = self.command("");
        let mut qemu = Running(command.stdout(Stdio::piped()).spawn().context("qemu")?);
        let console = qemu.0.stdout.take().ok_or("QEMU has no console")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for text in BufReader::new(console).split(b'\n').map_while(|l| l.ok()) {
                let text = String::from_utf8_lossy(&text).replace('\r', "");
                if sender.send(text).is_err() {
                    break;
                }
            }
        });
        let mut deadline = Instant::now() + BOOT;
        let (mut begun, mut status) = (false, None);
        loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(text) if text.contains(BEGIN) => {
                    begun = true;
                    deadline = Instant::now() + limit;
                }
                // A line may begin with what a terminal would take for colours.
                Ok(text) => match text.split_once(END) {
                    Some((_, number)) => status = number.trim().parse().ok(),
                    None => line(&text),
                },
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) if !begun => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("the guest took longer than {} s", limit.as_secs()));
                }
            }
        }
        match status {
            None if begun => Err("the guest ended without saying how its command did".into()),
            status => Ok(status),
        }
    }

    /// Boots it with the console on our terminal, and a shell on that.
    pub fn shell(&self) -> Result {
        let mut qemu = Running(self.command(" ocinit.shell").spawn().context("qemu")?);
        qemu.0.wait().context("qemu")?;
        Ok(())
    }

    fn command(&self, append: &str) -> Command {
        // The emulator must not outlive us, however we end.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]);
        if self.patient {
            command.args(["nice", "-n", "5"]);
        }
        command.arg("qemu-system-x86_64");
        // One processor, whose clock counts instructions, two nanoseconds each:
        // nothing in the guest takes too long because others compute here, and
        // two machines on two processors do more than one with both. With several
        // processors QEMU also shows one of them, in one boot of twenty, an
        // instruction that the kernel is just about to replace.
        command.args(["-accel", "tcg", "-icount", "shift=1,sleep=on", "-smp", "1"]);
        command.args(["-M", "q35", "-cpu", "max,-la57", "-m", "3G", "-nodefaults", "-no-reboot"]);
        command.args(["-display", "none"]);
        let ours = append.is_empty();
        command.args(["-serial", if ours { "stdio" } else { "mon:stdio" }]);
        if ours {
            command.stdin(Stdio::null());
        }
        command.arg("-kernel").arg(&self.kernel).arg("-initrd").arg(&self.initramfs);
        disk(&mut command, 0, &self.root, "snapshot=on,cache=unsafe");
        for (n, path) in self.disks.iter().enumerate() {
            disk(&mut command, n + 1, path, "readonly=on");
        }
        let line = "console=ttyS0 panic=-1 quiet mitigations=off init_on_alloc=0 \
            systemd.show_status=0 systemd.log_level=warning systemd.unified_cgroup_hierarchy=1";
        let more = self.kernel_line;
        command.arg("-append").arg(format!("{line}{more}{append}"));
        command
    }
}

fn disk(command: &mut Command, n: usize, path: &Path, options: &str) {
    let drive = format!("file={},format=raw,if=none,id=d{n},{options}", path.display());
    command.args(["-drive", &drive, "-device", &format!("virtio-blk-pci,drive=d{n}")]);
}

/// The emulator, ended when it goes out of scope.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
